package limit

import (
	"math"
	"slices"
	"time"
)

const (
	// minuteWindow and secondWindow are a little longer than the CRM's sliding windows, as requests do not
	// arrive at the pace at which they leave.
	minuteWindow = time.Minute + 500*time.Millisecond
	secondWindow = time.Second + 50*time.Millisecond
	// maxBurst is how many requests may leave at once after idleness. burstPart is the largest part, 0 to 1, of the
	// limit per second that such a burst may use, as other programs use that limit, too.
	maxBurst  = 4
	burstPart = .4
	// leastPerMinute is how many requests a minute a process may send however small its share, so that it can look up.
	leastPerMinute = 6
)

// Budget says when the next request of this process may leave. Requests are spread evenly, with a
// small burst after idleness. In any second no more requests leave than this process's limit per second,
// rounded down. Create it by [NewBudget].
type Budget struct {
	perMinute float64 // limit of the CRM's platform, for all processes together; 0: no limit
	perSecond float64 // limit of the portal, for all processes together; 0: no limit
	share     float64 // this process's part of both limits, 0 to 1

	sent    []sentRequest // requests of the last minuteWindow, oldest first
	even    time.Time     // when the next request would leave at an even pace
	blocked time.Time     // no request leaves before this time

	heard heard
	loan  loan
}

// sentRequest is a request that left, and the share that this process had at that time.
type sentRequest struct {
	at    time.Time
	share float64
}

// NewBudget returns the budget of a process that has the limits for itself: its share is 1.
// 0 means no limit.
func NewBudget(perMinute, perSecond float64) *Budget {
	return &Budget{perMinute: max(perMinute, 0), perSecond: max(perSecond, 0), share: 1}
}

// SetShare sets this process's part (0 to 1) of the limits. However small it is, the process may send 6
// requests a minute. NaN is ignored.
func (b *Budget) SetShare(share float64) {
	if !math.IsNaN(share) {
		b.share = min(max(share, 0), 1)
	}
}

// SetPerSecond sets the portal's limit of requests a second; 0: no limit.
func (b *Budget) SetPerSecond(perSecond float64) { b.perSecond = max(perSecond, 0) }

// PerMinute returns the limit of requests a minute that the budget was made with; 0: no limit.
func (b *Budget) PerMinute() float64 { return b.perMinute }

// Share returns this process's part of the limits. What it borrows of other processes' parts is not included.
func (b *Budget) Share() float64 { return b.share }

// At returns when the next request may leave. A time that is not after now means now.
func (b *Budget) At(now time.Time) time.Time {
	b.forget(now)
	perMinute, perSecond := b.rates(now)
	next := b.blocked
	if step := pace(perMinute, perSecond); step > 0 {
		next = later(next, b.even.Add(-time.Duration((burst(perSecond)-1)*float64(step))))
	}
	plenty := b.heard.plenty(now)
	next = later(next, b.room(perMinute, minuteWindow, plenty))
	return later(next, b.room(perSecond, secondWindow, plenty))
}

// room returns when a sliding window takes one more request.
//
// plenty says that the platform's window has room. Then requests that were sent while this process had a larger share
// count only in part, as they were sent for partitions that other processes own now. If they counted in full, they
// would fill the smaller share, and this process's events would wait for up to a minute until they have left the window.
func (b *Budget) room(rate float64, window time.Duration, plenty bool) time.Time {
	if rate == 0 {
		return time.Time{}
	}
	most := max(1, math.Floor(rate)) - 1 // requests that may be in the window besides the next one
	used := 0.
	for _, r := range slices.Backward(b.sent) {
		part := 1.
		if plenty && r.share > b.share {
			part = b.share / r.share
		}
		if used += part; used > most {
			return r.at.Add(window)
		}
	}
	return time.Time{}
}

// Take counts a request that leaves now.
func (b *Budget) Take(now time.Time) {
	perMinute, perSecond := b.rates(now)
	step := pace(perMinute, perSecond)
	b.loan.use(!now.After(b.even.Add(step)), b.heard.ourPart, now)
	b.even = later(b.even, now).Add(step)
	if step > 0 {
		b.sent = append(b.sent, sentRequest{now, b.share})
	}
}

// Refund takes back what [Budget.Take] counted at a time for a request that did not leave.
func (b *Budget) Refund(at time.Time) {
	if i := slices.IndexFunc(b.sent, func(r sentRequest) bool { return r.at.Equal(at) }); i >= 0 {
		b.sent = slices.Delete(b.sent, i, i+1)
		b.even = b.even.Add(-pace(b.rates(at)))
	}
}

// Throttled notes that the CRM answered 429: no request leaves for retryAfter and up to a tenth more, by
// jitter (0 to 1), but for five minutes at most. retryAfter is 0 if the answer names none; then only the
// [Hold] makes creates wait.
func (b *Budget) Throttled(retryAfter time.Duration, jitter float64, now time.Time) {
	if retryAfter <= 0 {
		return
	}
	retryAfter = min(retryAfter, longestPause) // before it is multiplied, which might overflow
	wait := time.Duration(float64(retryAfter) * (1 + jitter/10))
	b.Block(now.Add(min(wait, longestPause)))
}

// Block lets no request leave before a time. An earlier block that lasts longer stays.
func (b *Budget) Block(until time.Time) { b.blocked = later(b.blocked, until) }

// Unblock ends a block, as somebody says that the CRM takes requests again.
func (b *Budget) Unblock() { b.blocked = time.Time{} }

// rates returns the limits in force for this process, in requests a minute and a second; 0: no limit.
func (b *Budget) rates(now time.Time) (perMinute, perSecond float64) {
	share := min(1, b.share+b.borrowed(now))
	if b.perMinute > 0 {
		perMinute = max(b.heard.limitPerMinute(b.perMinute, b.share, share, now), min(leastPerMinute, b.perMinute))
	}
	if b.perSecond > 0 {
		perSecond = max(b.perSecond*share, min(leastPerMinute/60., b.perSecond))
	}
	return perMinute, perSecond
}

// burst returns how many requests may leave at once under a limit per second; 0: no limit.
func burst(perSecond float64) float64 {
	if perSecond == 0 {
		return maxBurst
	}
	return min(max(perSecond*burstPart, 1), maxBurst)
}

// pace returns the time between two requests at an even pace; 0 if both limits are 0, which stands for no limit.
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

// forget drops the requests that have left the longest window.
func (b *Budget) forget(now time.Time) {
	i := 0
	for i < len(b.sent) && now.Sub(b.sent[i].at) >= minuteWindow {
		i++
	}
	b.sent = slices.Delete(b.sent, 0, i)
}
