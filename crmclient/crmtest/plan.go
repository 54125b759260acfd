package crmtest

import (
	"net/http"
	"time"
)

// plan is what a call does on the portal and how it is answered. A refusal is a plan without
// items.
type plan struct {
	units  int  // portal requests; 0: the platform answers by itself
	batch  bool // items have ids and fail one by one
	items  []*item
	answer func() answer
}

// item is one step of a plan.
type item struct {
	id       string     // the id of a batch's call
	units    int        // how many portal requests it takes of its own; 0 in a batch: it shares one with others
	do       step       // nil: refused by validation
	opens    int        // in the first valid item of a batch: how many calls the batch has, for the counts
	fate     *ItemError // replaces the result; nil: nothing does
	data     any
	meta     any
	fail     *failure
	isLookup bool
}

// step is the work of an item on the portal at now. The simulator's lock is held.
type step func(now time.Time) (data, meta any, fail *failure)

// refusal returns a plan that does nothing and answers with a failure.
func refusal(f *failure) *plan {
	return &plan{answer: func() answer { return failed(f) }}
}

// single returns a plan of one step on the portal.
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

// local returns a plan that the platform carries out without the portal.
func local(do step) *plan {
	p := single(http.StatusOK, do)
	p.units = 0
	return p
}

// run applies the items one after another from a time on, with a pause before each. It returns when the
// last item was due. ok is false if the simulator was closed before.
func (p *plan) run(s *Simulator, from time.Time, pause time.Duration) (due time.Time, ok bool) {
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

// later applies the items after the answer, in the background.
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
