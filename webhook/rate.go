package webhook

import (
	"sync"
	"time"
)

// limiter lets a number of requests through at once, and then as many in each while.
type limiter struct {
	every time.Duration // one more request
	burst time.Duration // in which all of them are there again

	mu   sync.Mutex
	full time.Time // guarded by mu; when the whole burst is there again
}

func newLimiter(count int, within time.Duration) *limiter {
	every := max(within/time.Duration(count), 1)
	return &limiter{every: every, burst: every * time.Duration(count)}
}

// take lets a request through, or returns how long it should wait.
func (l *limiter) take(now time.Time) (wait time.Duration, ok bool) {
	if l == nil {
		return 0, true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.full.Before(now) {
		l.full = now
	}
	if wait = l.full.Add(l.every).Sub(now) - l.burst; wait > 0 {
		return wait, false
	}
	l.full = l.full.Add(l.every)
	return 0, true
}
