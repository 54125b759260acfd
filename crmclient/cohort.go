package crmclient

import (
	"context"
	"time"
)

// cohort are the events of one batch of which it is unknown whether their contacts exist.
// The portal runs a batch item by item and goes on after it answered: one of them that
// shows up tells that the others may follow. Guarded by Creator.mu.
type cohort struct {
	absent  map[*event]time.Time // its members, and when their latest absence was asked for; zero: never
	moved   time.Time            // when the last look-up that found one was answered
	changed chan struct{}        // closed by the next change
}

func newCohort() *cohort {
	return &cohort{absent: map[*event]time.Time{}, changed: make(chan struct{})}
}

func (h *cohort) change() {
	close(h.changed)
	h.changed = make(chan struct{})
}

// leave takes out an event whose doubt has ended. A nil cohort has no members.
func (h *cohort) leave(e *event) {
	if h != nil {
		delete(h.absent, e)
		h.change()
	}
}

// tell notes a look-up of an event and gives the time before which no absence counts. What
// was found may have come as late as the answer, so that is now.
func (h *cohort) tell(e *event, found bool, asked time.Time) time.Time {
	if h == nil {
		return time.Time{}
	}
	if found {
		h.moved = time.Now()
	} else {
		h.absent[e] = asked
	}
	h.change()
	return h.moved
}

// agrees tells whether all others were absent as well a settle time after an absence that was
// answered first, or the batch still runs.
// Until either is known it gives what to wait for.
func (h *cohort) agrees(first time.Time, settle time.Duration) (agreed bool, wait <-chan struct{}) {
	if h == nil {
		return true, nil
	}
	if !first.After(h.moved) {
		return false, nil
	}
	for _, at := range h.absent {
		if at.Sub(first) < settle {
			return false, h.changed
		}
	}
	return true, nil
}

// agree waits until the event's whole batch has been looked up as late as the event, a settle
// time after its first absence, and tells whether nothing was found since.
func (c *Creator) agree(ctx context.Context, e *event, first time.Time) (bool, error) {
	for {
		c.mu.Lock()
		agreed, wait := e.cohort.agrees(first, c.cfg.Settle)
		c.mu.Unlock()
		if wait == nil {
			return agreed, nil
		}
		select {
		case <-wait:
		case <-e.req.Stop:
			return false, ErrStopped
		case <-ctx.Done():
			return false, ctx.Err()
		}
	}
}
