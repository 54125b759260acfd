package consumer

import (
	"context"
	"slices"
	"sync"

	"github.com/leadbridge/leadbridge/internal/share"
)

// leastInFlight is how many records a partition may have in flight, and how many it is granted ahead, at least.
const leastInFlight = 16

// inFlight bounds how many records of a generation are in flight: dispatched, and neither done nor parked. Records that were
// parked before do not count. After a crash all records in flight are suspects, so that there should be no more than the CRM
// client can send soon. Partitions that wait for a place get one in turn. While backlogs and others wait, the others get the
// part fresh of the places.
type inFlight struct {
	fresh float64 // FRESH_FIRST

	mu      sync.Mutex
	free    int // places
	turns   share.Turns
	others  []chan struct{} // of partitions that wait and are not backlogs; each is closed when its partition gets a place
	backlog []chan struct{} // the same of backlogs
}

// newInFlight returns nil, which bounds nothing, when the process has no bound.
func newInFlight(cfg Config, partitions int) *inFlight {
	if cfg.MaxInFlight <= 0 {
		return nil
	}
	return &inFlight{fresh: cfg.FreshFirst, free: max(cfg.MaxInFlight, leastInFlight*partitions)}
}

// enter waits for a place; the error is ctx's.
func (f *inFlight) enter(ctx context.Context, backlog bool) error {
	if f == nil {
		return nil
	}
	place := f.ask(backlog)
	select {
	case <-place:
		return nil
	case <-ctx.Done():
	}
	if !f.takeBack(place, backlog) {
		f.leave() // the place was given meanwhile
	}
	return ctx.Err()
}

// ask returns a channel that is closed when there is a place.
func (f *inFlight) ask(backlog bool) chan struct{} {
	f.mu.Lock()
	defer f.mu.Unlock()
	place := make(chan struct{})
	if f.free > 0 {
		f.free--
		close(place)
		return place
	}
	group := f.group(backlog)
	*group = append(*group, place)
	return place
}

func (f *inFlight) group(backlog bool) *[]chan struct{} {
	if backlog {
		return &f.backlog
	}
	return &f.others
}

// takeBack ends a wait for a place. It returns false if the place was given already.
func (f *inFlight) takeBack(place chan struct{}, backlog bool) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	group := f.group(backlog)
	i := slices.Index(*group, place)
	if i < 0 {
		return false
	}
	*group = slices.Delete(*group, i, i+1)
	return true
}

// leave gives a place back.
func (f *inFlight) leave() {
	if f == nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	next := &f.others
	if len(f.backlog) > 0 && (len(f.others) == 0 || !f.turns.First(f.fresh)) {
		next = &f.backlog
	}
	if len(*next) == 0 {
		f.free++
		return
	}
	close((*next)[0])
	*next = (*next)[1:]
}

// aheadOf returns how many records beyond those dispatched a commit grants to a partition.
func aheadOf(cfg Config, partitions int) int {
	if cfg.MaxInFlight <= 0 {
		return cfg.Window
	}
	return min(cfg.Window, max(cfg.MaxInFlight/max(partitions, 1), leastInFlight))
}
