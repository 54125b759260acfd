package consumer

import (
	"sync"
	"time"
)

// pace lets something happen at most once in an interval.
type pace struct {
	mu   sync.Mutex
	next time.Time
}

// allow reports whether it may happen now, and returns when it may happen next.
func (p *pace) allow(now time.Time, interval time.Duration) (time.Time, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if now.Before(p.next) {
		return p.next, false
	}
	p.next = now.Add(interval)
	return p.next, true
}
