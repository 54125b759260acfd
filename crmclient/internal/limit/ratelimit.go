package limit

import (
	"math"
	"time"
)

// RateLimit is what the CRM's answer says about the platform's window of a minute, in the headers
// X-RateLimit-Limit, -Remaining and -Reset. What the answer does not tell is negative or NaN.
type RateLimit struct {
	Limit     float64 // requests in a window, of all programs that use the key
	Remaining float64 // requests that the window still takes
	Reset     float64 // seconds until it takes more
}

// heard is what the CRM told last about its window. It counts for as long as the window.
type heard struct {
	limit     float64
	remaining float64
	foreign   float64 // requests in the window that are not ours
	ourPart   float64 // of all requests in the window, 0 to 1
	until     time.Time
}

// Hear follows what an answer says about the platform's window. Requests in it that are not ours
// are other programs' or other processes' and leave us less, but never less than half of our share.
// When nothing is left and others have their part in it, nothing leaves before the window takes
// more, for at most one window.
func (b *Budget) Hear(r RateLimit, now time.Time) {
	if b.perMinute == 0 || !told(r.Remaining) {
		return
	}
	limit := r.Limit
	if !told(limit) || limit < 1 {
		limit = b.perMinute
	}
	b.forget(now)
	ours := float64(len(b.sent))
	foreign := max(0, limit-r.Remaining-ours)
	b.heard = heard{limit: limit, remaining: r.Remaining, foreign: foreign,
		ourPart: ours / max(1, ours+foreign), until: now.Add(minuteWindow)}
	// Our own requests need no block: we know when they leave the window.
	if r.Remaining < 1 && foreign > 0 && told(r.Reset) {
		wait := min(r.Reset, minuteWindow.Seconds())
		b.Block(now.Add(time.Duration(wait * float64(time.Second))))
	}
}

// plenty reports whether the CRM said lately that its window takes more than the reserve that nobody borrows of.
func (h heard) plenty(now time.Time) bool {
	return now.Before(h.until) && h.remaining > h.limit*loanReserve
}

func told(f float64) bool { return f >= 0 && !math.IsInf(f, 0) }

// leaves returns our limit a minute: share of the limit that is set or told, whichever is less,
// and no more than others leave, but at least half of our own part.
func (h heard) leaves(perMinute, own, share float64, now time.Time) float64 {
	if !now.Before(h.until) {
		return perMinute * share
	}
	limit := min(perMinute, h.limit)
	return min(limit*share, max(h.limit-h.foreign, limit*own/2))
}
