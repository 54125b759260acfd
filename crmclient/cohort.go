package crmclient

import (
	"sync"
	"time"
)

// cohort is the steps of one batch that are in doubt. The portal runs a batch item by item, and may go on after it has
// answered: when the object of one step appears, those of others may follow. So a step is absent only if the others are
// found or absent as well, or the batch can no longer be running. Safe for concurrent use.
type cohort struct {
	mu        sync.Mutex
	absent    map[*step]time.Time // the members, each with the time when the last look-up that did not find it was sent; zero: none yet
	lastFound time.Time           // when the last look-up that found a member was answered
	over      time.Time           // from this time on the batch cannot be running
}

func newCohort(over time.Time) *cohort {
	return &cohort{absent: map[*step]time.Time{}, over: over}
}

// join adds a member. Steps join when their callers take the answer, not when the batch ends: a step whose caller had gone
// would never leave, and the others would wait for it permanently.
func (h *cohort) join(s *step) {
	if h == nil {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.absent[s] = time.Time{}
}

// leave removes a step whose doubt has ended. A nil cohort has no members.
func (h *cohort) leave(s *step) {
	if h == nil {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.absent, s)
}

// noteFound notes that a member's object was found. It may have been created as late as now.
func (h *cohort) noteFound(now time.Time) {
	if h == nil {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.lastFound = now
}

// notFound notes a look-up that did not find a member. A step that has left meanwhile is not added again: nobody would look
// it up, and the others would wait for it permanently.
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

// agrees returns whether the members confirm the absence of one of them, whose first look-up was answered at since and whose
// second was asked at asked. They do if each member was found absent a settle time after since. Once the batch can no
// longer be running, two absences from after that time are enough without the other members.
func (h *cohort) agrees(since, asked time.Time, settle time.Duration) agreement {
	if h == nil {
		return agreed
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if !since.After(h.lastFound) {
		return contested
	}
	if since.After(h.over) {
		return agreed
	}
	for _, other := range h.absent {
		switch {
		case other.Sub(since) >= settle:
		case asked.After(h.over):
			return contested
		default:
			return unknown
		}
	}
	return agreed
}

// lastFoundAt returns when the last look-up that found a member was answered.
func (h *cohort) lastFoundAt() time.Time {
	if h == nil {
		return time.Time{}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.lastFound
}
