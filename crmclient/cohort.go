package crmclient

import (
	"sync"
	"time"
)

// cohort is the steps of one batch that are in doubt. The portal runs a batch item by item, and may go on after it has
// answered: when the object of one step appears, those of others may follow. So a step is absent only if the others are
// found or absent as well, or the batch cannot run any longer. Safe for concurrent use.
type cohort struct {
	mu     sync.Mutex
	absent map[*step]time.Time // the members, and when the look-up was sent that did not find them last; zero: there was none
	moved  time.Time           // when the last look-up that found one was answered
	dead   time.Time           // from then on the batch runs no longer, whatever became of it
}

func newCohort(dead time.Time) *cohort {
	return &cohort{absent: map[*step]time.Time{}, dead: dead}
}

// join adds a member. Each joins by itself when it takes its answer, and is first looked up a settle time later: one
// whose caller had gone would never leave, and the others would wait for it permanently.
func (h *cohort) join(s *step) {
	if h == nil {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.absent[s] = time.Time{}
}

// leave takes out an event whose doubt has ended. A nil cohort has no members.
func (h *cohort) leave(s *step) {
	if h == nil {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.absent, s)
}

// foundOne notes that a member's contact showed up, which may have been as late as now.
func (h *cohort) foundOne(now time.Time) {
	if h == nil {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.moved = now
}

// notFound notes a look-up that did not find a member. One that has left meanwhile stays out: nobody looks it up again, and
// the others would wait for it permanently.
func (h *cohort) notFound(s *step, asked time.Time) {
	if h == nil {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if _, member := h.absent[s]; member {
		h.absent[s] = asked
	}
}

// agrees returns what the members say to an absence that was first answered at since, and asked for again at asked: all of
// them have to be absent a settle time later. Once the batch cannot run any longer nobody waits for the others: two
// absences from after that are enough.
func (h *cohort) agrees(since, asked time.Time, settle time.Duration) agreement {
	if h == nil {
		return agreed
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if !since.After(h.moved) {
		return contested
	}
	if since.After(h.dead) {
		return agreed
	}
	for _, other := range h.absent {
		switch {
		case other.Sub(since) >= settle:
		case asked.After(h.dead):
			return contested
		default:
			return unknown
		}
	}
	return agreed
}

// movedAt is when the last member was found.
func (h *cohort) movedAt() time.Time {
	if h == nil {
		return time.Time{}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.moved
}
