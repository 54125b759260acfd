package consumer

import (
	"errors"
	"sync"
	"time"
)

// errLeaseLapsed says that this process can no longer know that it owns its partitions.
var errLeaseLapsed = errors.New("lease lapsed")

// A lease is how long this process can know that it still owns the partitions of its generation. The coordinator gives
// them away a session timeout after the last heartbeat that it received, at the earliest, and it cannot have received
// one before it was sent. So the lease runs from the time of sending.
type lease struct {
	length time.Duration

	mu sync.Mutex
	// until is the end by the monotonic clock, wallUntil by the wall clock. While a machine is suspended, the first may
	// stand still, but not the second.
	until     time.Time
	wallUntil time.Time
	ended     bool // it cannot be renewed any more
}

// newLease returns a lease that is not held until it is renewed.
func newLease(session time.Duration) *lease {
	return &lease{length: session - leaseMargin(session)}
}

// leaseMargin returns how much earlier than the session the lease ends. This makes up for clocks that run at different
// speeds, and for the time that a last write takes to arrive.
func leaseMargin(session time.Duration) time.Duration {
	return min(max(session/10, 500*time.Millisecond), session/2)
}

// renew extends the lease after a successful heartbeat that was sent at sent. A lease that end has ended is not revived by a
// late answer.
func (l *lease) renew(sent time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if end := sent.Add(l.length); !l.ended && end.After(l.until) {
		l.until, l.wallUntil = end, end.Round(0)
	}
}

// end makes the lease lapse permanently.
func (l *lease) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ended = true
}

// err returns nil while the lease is held, else errLeaseLapsed.
func (l *lease) err() error {
	if l.remaining() <= 0 {
		return errLeaseLapsed
	}
	return nil
}

// remaining returns how long the lease will be held unless it is renewed; 0 or less when it has lapsed.
func (l *lease) remaining() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended {
		return 0
	}
	now := time.Now()
	return min(l.until.Sub(now), l.wallUntil.Sub(now.Round(0)))
}
