package crmclient

import (
	"math"
	"net/http"
	"slices"
	"strconv"
	"time"
)

const (
	// rateWindow is the platform's sliding minute and a little more, as requests
	// do not arrive in the rhythm in which they leave.
	rateWindow = time.Minute + 500*time.Millisecond
	// maxBurst is how many requests may leave at once after idleness; burstPart keeps
	// that small beside what the portal takes in a second, which others use as well.
	maxBurst  = 4
	burstPart = .4
	// leastPerMinute is left to a process whatever its share, so that it can look up.
	leastPerMinute = 6
)

// budget says when the next request of this process may leave. It spreads
// requests evenly and lets a few go at once after idleness. Guarded by Creator.mu.
type budget struct {
	perMinute float64 // of the portal; 0: no limit
	perSecond float64 // of the portal; 0: no limit
	share     float64 // our part of both

	sent    []time.Time // of the last rateWindow, oldest first
	tat     time.Time   // when the next request would leave at an even pace
	blocked time.Time   // nothing leaves before: Retry-After

	// What the portal told last: how many requests of its window are others'.
	told    float64 // its limit; 0: not told
	foreign float64
	until   time.Time // how long that counts
}

// rates are the limits in force for this process; 0: none.
func (b *budget) rates(now time.Time) (perMinute, perSecond float64) {
	least := float64(leastPerMinute)
	if b.perMinute > 0 {
		least = min(least, b.perMinute)
		perMinute = b.perMinute * b.share
		if b.told > 0 && now.Before(b.until) {
			perMinute = min(perMinute, b.told*b.share, b.told-b.foreign)
		}
		perMinute = max(perMinute, least)
	}
	if b.perSecond > 0 {
		perSecond = max(b.perSecond*b.share, least/60)
	}
	return perMinute, perSecond
}

// at tells when the next request may leave; a time that is not after now means now.
func (b *budget) at(now time.Time) time.Time {
	b.forget(now)
	perMinute, perSecond := b.rates(now)
	next := b.blocked
	if step := pace(perMinute, perSecond); step > 0 {
		next = later(next, b.tat.Add(-time.Duration((burst(perSecond)-1)*float64(step))))
	}
	if n := int(perMinute); perMinute > 0 && len(b.sent) >= max(1, n) {
		next = later(next, b.sent[len(b.sent)-max(1, n)].Add(rateWindow))
	}
	return next
}

// take counts a request that leaves now.
func (b *budget) take(now time.Time) {
	perMinute, perSecond := b.rates(now)
	b.tat = later(b.tat, now).Add(pace(perMinute, perSecond))
	if perMinute > 0 {
		b.sent = append(b.sent, now)
	}
}

// refund takes back what was counted at a time for a request that did not leave.
func (b *budget) refund(at time.Time) {
	if i := slices.Index(b.sent, at); i >= 0 {
		b.sent = slices.Delete(b.sent, i, i+1)
	}
	b.tat = b.tat.Add(-pace(b.rates(at)))
}

func burst(perSecond float64) float64 {
	if perSecond == 0 {
		return maxBurst
	}
	return min(max(perSecond*burstPart, 1), maxBurst)
}

// pace is the time between two requests at an even pace.
func pace(perMinute, perSecond float64) time.Duration {
	rate := math.Inf(1)
	if perMinute > 0 {
		rate = perMinute / 60
	}
	if perSecond > 0 {
		rate = min(rate, perSecond)
	}
	return time.Duration(float64(time.Second) / rate)
}

func (b *budget) forget(now time.Time) {
	i := 0
	for i < len(b.sent) && now.Sub(b.sent[i]) >= rateWindow {
		i++
	}
	b.sent = append(b.sent[:0], b.sent[i:]...)
}

// hear follows what an answer says about the portal's window. Requests in it that
// are not ours are somebody else's and leave us less.
func (b *budget) hear(h http.Header, now time.Time) {
	limit, ok1 := headerNumber(h, "X-RateLimit-Limit")
	remaining, ok2 := headerNumber(h, "X-RateLimit-Remaining")
	reset, ok3 := headerNumber(h, "X-RateLimit-Reset")
	if b.perMinute == 0 || !ok2 {
		return
	}
	if !ok1 || limit < 1 {
		limit = b.perMinute
	}
	b.forget(now)
	b.told = limit
	b.foreign = max(0, limit-remaining-float64(len(b.sent)))
	b.until = now.Add(rateWindow)
	if remaining == 0 && b.foreign > 0 && ok3 && float64(len(b.sent)) < limit/2 {
		// Others ate it: nothing of ours leaves the window that we could wait for.
		b.block(now.Add(seconds(min(reset, rateWindow.Seconds()))))
	}
}

// block holds all traffic back until a time.
func (b *budget) block(until time.Time) { b.blocked = later(b.blocked, until) }

func headerNumber(h http.Header, name string) (float64, bool) {
	f, err := strconv.ParseFloat(h.Get(name), 64)
	return f, err == nil && f >= 0 && !math.IsInf(f, 0)
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
