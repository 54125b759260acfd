package crm

import (
	"net/http"
	"strconv"
	"time"
)

// limits are what was used of the platform's and the portal's limits.
type limits struct {
	minute []time.Time // requests of the last 60 seconds
	second []time.Time // requests that reached the portal in the last second

	failed       int // requests in a row
	blockedUntil time.Time
	refused      int // requests since the key was blocked
}

const (
	blockTime  = time.Minute // of a key that repeats failing calls
	probeEvery = 10          // one request of so many is let through while a key is blocked
)

// admit keeps the platform's limits: it returns nil when the request may go on. It
// writes the headers that tell what is left.
func (p *Portal) admit(h http.Header) *answer {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	p.stats.Requests++
	h.Set("X-Request-Id", "req-"+strconv.Itoa(p.stats.Requests))
	if a := p.blocked(now); a != nil {
		return a
	}
	if p.config.PerMinute == 0 {
		return nil
	}
	l := &p.limits
	l.minute = since(l.minute, now.Add(-time.Minute))
	full := len(l.minute) >= p.config.PerMinute
	if !full {
		l.minute = append(l.minute, now)
	}
	reset := time.Until(l.minute[0].Add(time.Minute))
	h.Set("X-RateLimit-Limit", strconv.Itoa(p.config.PerMinute))
	h.Set("X-RateLimit-Remaining", strconv.Itoa(p.config.PerMinute-len(l.minute)))
	h.Set("X-RateLimit-Reset", strconv.Itoa(seconds(reset)))
	if !full {
		return nil
	}
	p.stats.Throttled++
	a := failure(http.StatusTooManyRequests, "RATE_LIMITED", "too many requests")
	a.retryAfter = reset
	return &a
}

// blocked returns the answer to a key that repeated a failing call, nil to all others.
// The caller holds mu.
func (p *Portal) blocked(now time.Time) *answer {
	l := &p.limits
	if !now.Before(l.blockedUntil) {
		return nil
	}
	if l.refused++; l.refused%probeEvery == 0 {
		return nil
	}
	p.stats.Blocked++
	a := failure(http.StatusTooManyRequests, "ERROR_LOOP_DETECTED", "the same failing call was repeated too often")
	a.retryAfter = l.blockedUntil.Sub(now)
	return &a
}

// judge counts failures in a row, and passes the answer on.
func (p *Portal) judge(a answer) answer {
	p.mu.Lock()
	defer p.mu.Unlock()
	l := &p.limits
	if a.status < http.StatusBadRequest {
		l.failed, l.blockedUntil = 0, time.Time{}
		return a
	}
	if l.failed++; p.config.ErrorLoop > 0 && l.failed >= p.config.ErrorLoop {
		l.failed, l.refused, l.blockedUntil = 0, 0, time.Now().Add(blockTime)
	}
	return a
}

// enterSecond keeps the portal's own limit; it returns nil when n requests may go on.
func (p *Portal) enterSecond(n int) *answer {
	if p.config.PerSecond == 0 {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	l := &p.limits
	l.second = since(l.second, now.Add(-time.Second))
	if len(l.second)+n > max(n, p.config.PerSecond) { // what is larger than the limit passes alone
		p.stats.Over++
		return new(failure(http.StatusBadGateway, "BITRIX_UNAVAILABLE", "the portal's request limit was hit"))
	}
	for range n {
		l.second = append(l.second, now)
	}
	return nil
}

// enterSlot waits for a place among those that run, and reports whether there was one in
// time.
func (p *Portal) enterSlot() bool {
	if p.slots == nil {
		return true
	}
	limit := time.NewTimer(p.config.QueueWait)
	defer limit.Stop()
	select {
	case p.slots <- struct{}{}:
		return true
	case <-limit.C:
		return false
	}
}

func (p *Portal) leaveSlot() {
	if p.slots != nil {
		<-p.slots
	}
}

// since drops what is not after a time.
func since(times []time.Time, t time.Time) []time.Time {
	for len(times) > 0 && !times[0].After(t) {
		times = times[1:]
	}
	return times
}

// seconds rounds up, as a client that waits shorter comes too early.
func seconds(d time.Duration) int { return int((d + time.Second - 1) / time.Second) }
