package consumer

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// errLeaseLapsed says that this process can no longer know that it owns its partitions.
var errLeaseLapsed = errors.New("lease lapsed")

// A lease says how long this process may know that it still owns the
// partitions of its generation. The coordinator gives them away no sooner than
// the session timeout after the last heartbeat it took, and it took each no
// sooner than we sent it; so the lease runs from the time of sending.
type lease struct {
	length time.Duration

	mu sync.Mutex
	// until is the end by the monotonic clock, wallUntil by the other one: a
	// suspended machine may stop the first and not the second.
	until     time.Time
	wallUntil time.Time
	ended     bool
}

// newLease makes a lease that nothing has renewed yet.
func newLease(session time.Duration) *lease {
	return &lease{length: session - leaseMargin(session)}
}

// leaseMargin is kept free at the end of a lease for what is not measured:
// clocks that run at different speeds and a last write on its way.
func leaseMargin(session time.Duration) time.Duration {
	return min(max(session/10, 500*time.Millisecond), session/2)
}

// renew prolongs the lease after a good heartbeat sent at sent, unless it was
// ended: a late answer must not revive it.
func (l *lease) renew(sent time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if end := sent.Add(l.length); !l.ended && end.After(l.until) {
		l.until, l.wallUntil = end, end.Round(0)
	}
}

// end makes the lease lapse for good.
func (l *lease) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ended = true
}

// err is nil while the lease is held.
func (l *lease) err() error {
	if l.left() <= 0 {
		return errLeaseLapsed
	}
	return nil
}

// left is how long the lease will be held if nothing renews it.
func (l *lease) left() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended {
		return 0
	}
	now := time.Now()
	return min(l.until.Sub(now), l.wallUntil.Sub(now.Round(0)))
}

// heartbeats renews the lease until ctx ends, a heartbeat is refused, or the
// lease has lapsed; it tells why.
func (g *generation) heartbeats(ctx context.Context) error {
	interval := g.cfg.SessionTimeout / 10
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		sent := time.Now()
		err := g.broker.heartbeat(ctx, g.member, interval*3)
		var refused *refusedHeartbeat
		switch {
		case err == nil:
			g.lease.renew(sent)
			g.reached()
		case errors.As(err, &refused):
			g.reached()
			if !passing(refused) {
				return err
			}
		case ctx.Err() == nil:
			g.unreachable(err)
			g.broker.reset()
		}
		if lapsed := g.lease.err(); lapsed != nil {
			return fmt.Errorf("%w: %w", lapsed, errors.Join(err))
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
		}
	}
}
