package limit

import (
	"math"
	"time"
)

// RateLimit is what an answer of the CRM says about the platform's window of a minute, in the headers
// X-RateLimit-Limit, -Remaining and -Reset. A value that the answer lacks is negative or NaN.
type RateLimit struct {
	Limit     float64 // requests in a window, of all programs that use the key
	Remaining float64 // requests that the window still takes
	Reset     float64 // seconds until it takes more
}

// heard is what the last answer said about the platform's window. It counts for as long as the window lasts.
type heard struct {
	limit     float64
	remaining float64
	foreign   float64 // requests in the window that are not ours
	ourPart   float64 // our part of all requests in the window, 0 to 1
	until     time.Time
}

// Hear notes what an answer says about the platform's window. Requests in it that are not ours come from
// other programs or processes and leave us less, but never less than half of our share. If the window is full
// of others' requests, too, no request leaves until it takes more, for one window at most.
func (b *Budget) Hear(r RateLimit, now time.Time) {
	if b.perMinute == 0 || !isKnown(r.Remaining) {
		return
	}
	limit := r.Limit
	if !isKnown(limit) || limit < 1 {
		limit = b.perMinute
	}
	b.forget(now)
	ours := float64(len(b.sent))
	foreign := max(0, limit-r.Remaining-ours)
	b.heard = heard{limit: limit, remaining: r.Remaining, foreign: foreign,
		ourPart: ours / max(1, ours+foreign), until: now.Add(minuteWindow)}
	// Our own requests need no block: we know when they leave the window.
	if r.Remaining < 1 && foreign > 0 && isKnown(r.Reset) {
		wait := min(r.Reset, minuteWindow.Seconds())
		b.Block(now.Add(time.Duration(wait * float64(time.Second))))
	}
}

// plenty reports whether a recent answer said that the window takes more requests than loanReserve.
func (h heard) plenty(now time.Time) bool {
	return now.Before(h.until) && h.remaining > h.limit*loanReserve
}

// isKnown reports whether an answer had a value.
func isKnown(f float64) bool { return f >= 0 && !math.IsInf(f, 0) }

// limitPerMinute returns how many requests a minute we may send: our share (with what is borrowed) of the
// smaller one of perMinute, which is set, and the limit that the CRM told. It is no more than others leave
// in the window, but at least half of our own share without loans.
func (h heard) limitPerMinute(perMinute, own, share float64, now time.Time) float64 {
	if !now.Before(h.until) {
		return perMinute * share
	}
	limit := min(perMinute, h.limit)
	return min(limit*share, max(h.limit-h.foreign, limit*own/2))
}
