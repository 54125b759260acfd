package consumer

import "context"

// leastInFlight is how many records a partition may at least have in flight, and how many it is granted ahead.
const leastInFlight = 16

// inFlight bounds how many records of a generation are dispatched, and neither done nor parked; those that were parked
// before do not count. After a crash all of them are suspects, so that there should be no more than the CRM client can
// send soon. It has an entry for each; the partitions that wait for a place get it in turn.
type inFlight chan struct{}

// newInFlight returns nil, which bounds nothing, when the process has no bound.
func newInFlight(cfg Config, partitions int) inFlight {
	if cfg.MaxInFlight <= 0 {
		return nil
	}
	return make(inFlight, max(cfg.MaxInFlight, leastInFlight*partitions))
}

// enter waits for a place; the error is ctx's.
func (f inFlight) enter(ctx context.Context) error {
	if f == nil {
		return nil
	}
	select {
	case f <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// leave gives a place back.
func (f inFlight) leave() {
	if f != nil {
		<-f
	}
}

// aheadOf returns how many records beyond those dispatched a commit grants to a partition.
func aheadOf(cfg Config, partitions int) int {
	if cfg.MaxInFlight <= 0 {
		return cfg.Window
	}
	return min(cfg.Window, max(cfg.MaxInFlight/max(partitions, 1), leastInFlight))
}
