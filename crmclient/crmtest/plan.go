package crmtest

import (
	"net/http"
	"time"
)

// plan is a call that was understood: what it does on the portal and how it is
// answered. A refusal is a plan without items.
type plan struct {
	units  int  // portal requests; 0: the platform answers by itself
	batch  bool // items have ids and fail one by one
	items  []*item
	answer func() answer
}

// item is one step of a plan.
type item struct {
	id       string // of a batch's call
	units    int    // portal requests of its own, beside the joined one of a batch
	do       step   // nil: refused by validation
	opens    int    // calls of the batch that begins with it
	fate     *ItemError
	data     any
	meta     any
	fail     *failure
	isLookup bool
}

// step does its work on the portal at now; the simulator's lock is held.
type step func(now time.Time) (data, meta any, fail *failure)

// refusal is a plan that does nothing.
func refusal(f *failure) *plan {
	return &plan{answer: func() answer { return failed(f) }}
}

// single is a plan of one step on the portal.
func single(status int, do step) *plan {
	return planOf(status, &item{do: do})
}

func planOf(status int, it *item) *plan {
	p := &plan{units: max(1, it.units), items: []*item{it}}
	p.answer = func() answer {
		if it.fail != nil {
			return failed(it.fail)
		}
		return answered(status, envelope{Success: true, Data: it.data, Meta: it.meta})
	}
	return p
}

// local is a plan that the platform carries out without the portal.
func local(do step) *plan {
	p := single(http.StatusOK, do)
	p.units = 0
	return p
}

// run applies the items one after another from a moment on, pause before each, and tells
// when the last was due and whether it came to the end.
func (p *plan) run(s *Simulator, from time.Time, pause time.Duration) (time.Time, bool) {
	for _, it := range p.items {
		if it.do == nil {
			continue
		}
		from = from.Add(pause)
		if pause > 0 && !s.sleepUntil(from) {
			return from, false
		}
		s.apply(it, false)
	}
	return from, true
}

// later applies the items after the answer.
func (s *Simulator) later(p *plan, a Action) {
	first, between := a.After, time.Duration(0)
	if a.effect() == Trickle {
		between = a.After
	}
	due := time.Now().Add(first)
	s.background(func() {
		for _, it := range p.items {
			if !s.sleepUntil(due) {
				return
			}
			s.apply(it, true)
			due = due.Add(between)
		}
	})
}

func (s *Simulator) apply(it *item, late bool) {
	if it.do == nil || it.fate != nil && it.fate.Skip {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if it.opens > 0 {
		s.stats.Batches++
		s.stats.BatchCalls += it.opens
	}
	before := s.stats.Created
	it.data, it.meta, it.fail = it.do(s.now())
	if late {
		s.stats.Late += s.stats.Created - before
	}
	if it.isLookup {
		s.stats.Lookups++
	}
}
