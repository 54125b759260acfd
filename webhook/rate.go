package webhook

import (
	"sync"
	"time"
)

// limiter admits so many requests in each interval, at once or spread over it. A nil limiter admits all.
type limiter struct {
	every time.Duration // after which one more request is admitted
	burst time.Duration // after which a full burst is admitted again

	mu   sync.Mutex
	full time.Time // guarded by mu; when a full burst will be admitted again
}

func newLimiter(count int, within time.Duration) *limiter {
	every := max(within/time.Duration(count), 1)
	return &limiter{every: every, burst: every * time.Duration(count)}
}

// take admits a request, or returns how long it should wait.
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
