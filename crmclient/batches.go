package crmclient

import (
	"slices"
	"time"

	"github.com/leadbridge/leadbridge/crmclient/internal/limit"
	"github.com/leadbridge/leadbridge/crmclient/internal/queue"
	"github.com/leadbridge/leadbridge/crmclient/internal/vibe"
)

// createBatch makes what several events become by one request.
func (c *Creator) createBatch(r *request, p *portal, waiters []*queue.Waiter, bodies []vibe.Object, atSend map[vibe.Entity]moment) {
	o := c.do(r.job.Context(), r, vibe.CreateBatch(bodies, leaseOfAll(waiters)))
	if r.job.Context().Err() != nil && o.Class != vibe.Done {
		return // broken off: nobody waits
	}
	var answers map[*queue.Waiter]any
	if o.Items != nil {
		answers = c.judgeItems(r, p, waiters, o, atSend)
	} else {
		answers = c.judgeWhole(r, waiters, o, atSend)
	}
	r.job.Answer(answers)
}

// leaseOfAll holds as long as every one does.
func leaseOfAll(waiters []*queue.Waiter) func() error {
	return func() error {
		for _, w := range waiters {
			if err := w.Payload.(*attempt).delivery.lease(); err != nil {
				return err
			}
		}
		return nil
	}
}

// judgeItems draws what an answered batch says of each event. A failure of one item says nothing
// about all; that all of a kind failed does.
func (c *Creator) judgeItems(r *request, p *portal, waiters []*queue.Waiter, whole vibe.Outcome, atSend map[vibe.Entity]moment) map[*queue.Waiter]any {
	now := time.Now()
	fresh := r.fresh()
	together := c.newCohort(whole, len(waiters))
	answers := make(map[*queue.Waiter]any, len(waiters))
	kinds := map[vibe.Entity]*itemsOfKind{}
	for i, w := range waiters {
		s := w.Payload.(*attempt).step
		o, id, marks := whole.Items[i].Created(p.kinds[s.entity].idField)
		got := &answer{trigger: triggerOf(o), outcome: o, id: id, atSend: atSend[s.entity], items: len(waiters), batch: true}
		k := kinds[s.entity]
		if k == nil {
			k = &itemsOfKind{}
			kinds[s.entity] = k
		}
		if got.trigger == onRefusal && !confirmed(s, o) {
			got.trigger, got.confirm = onFailure, true
			if !precise(o) || s.extra != nil { // batches may not know comments
				got.maxBatch = 1 // alone it gets the precise reason
			}
		}
		switch got.trigger {
		case onCreated:
			k.looked = true
			got.first = c.created(p, w.Payload.(*attempt), id, marks, now)
		case onRefusal:
			k.looked = true
			c.governor.turnedDown(s.entity, now)
		case onDoubt, onFailure:
			if got.trigger == onDoubt {
				got.cohort = together
			}
			if got.confirm {
				k.looked = true
				break
			}
			if k.failed == nil {
				k.failed = &o
			}
			k.tried = append(k.tried, got)
			c.log.Debug().Str("operation", string(vibe.OpBatch)).Str("code", o.Code).Stringer("class", o.Class).
				Str("request_id", o.RequestID).Msg("CRM batch item failed")
		}
		answers[w] = got
	}
	c.governor.batchAnswered(entityOf(waiters), len(waiters), now)
	for entity, k := range kinds {
		if k.failed != nil && !k.looked {
			f := faultOf(*k.failed)
			f.Proven = false // a word about one item
			c.governor.createFailed([]vibe.Entity{entity}, f, fresh, r.leaving.at, now)
		}
		c.countFailures(entity, k.tried, fresh, k.looked)
	}
	return answers
}

// itemsOfKind is what came of a batch's items of one kind.
type itemsOfKind struct {
	failed *vibe.Outcome // the first that failed
	looked bool          // the CRM looked at one and created or refused it
	tried  []*answer     // of those that failed
}

// countFailures notes failed first tries among the evidence: as one when all of a request failed,
// since they say no more than one of them does.
func (c *Creator) countFailures(entity vibe.Entity, failed []*answer, fresh, apart bool) {
	var together uint64
	for _, a := range failed {
		if apart || together == 0 {
			together = c.firstTry(entity, fresh, false)
		}
		a.first = together
	}
}

// confirmed reports whether an item's refusal is final: an item of a batch is sent once more, by
// another request, as a portal under load may fail an item with any code. That
// costs no call for each: what is to be confirmed goes together.
func confirmed(s *step, o vibe.Outcome) bool {
	return s.refusedAt != nil && s.last.Code == o.Code && precise(o)
}

// precise reports whether an item's refusal says why. INVALID_REQUEST is what the CRM says of whole
// batches, too (vendor's reference: POST /v1/batch).
func precise(o vibe.Outcome) bool { return o.Code != "INVALID_REQUEST" }

// judgeWhole draws what the failure of a batch as a whole says. No event is charged for a failure
// that took no effect, as any of them may be the cause: they go again, in smaller batches.
func (c *Creator) judgeWhole(r *request, waiters []*queue.Waiter, o vibe.Outcome, atSend map[vibe.Entity]moment) map[*queue.Waiter]any {
	now, n, entity := time.Now(), len(waiters), entityOf(waiters)
	fresh := r.fresh()
	got := answer{trigger: onUnsent, outcome: o, items: n, batch: true}
	f, kinds := faultOf(o), kindsOf(waiters)
	firsts := map[vibe.Entity]uint64{} // the entries of first tries in the evidence
	switch o.Class {
	case vibe.LeaseLost:
		return leasesLost(waiters, got)
	case vibe.Throttled, vibe.NotApplied:
		c.governor.createFailed(kinds, f, fresh, r.leaving.at, now)
	case vibe.Refused, vibe.TooLarge, vibe.Business:
		got.maxBatch = (n + 1) / 2
		c.governor.batchFailed(entity, n, false, now)
	case vibe.Credentials:
		c.batchForbidden(kinds, f, o, fresh, n, r.leaving.at, now)
		if !o.NotOffered() && !f.Proven {
			got.maxBatch = (n + 1) / 2
		}
	default: // done without results is doubt, too
		got.trigger, got.halve = onDoubt, true
		if o.Class == vibe.Done {
			got.outcome.Class, got.outcome.Code = vibe.Doubt, vibe.CodeNoResult
		}
		c.governor.batchFailed(entity, n, true, now)
		c.governor.createFailed(kinds, faultOf(got.outcome), fresh, r.leaving.at, now)
		for _, entity := range kinds {
			firsts[entity] = c.firstTry(entity, fresh, false)
		}
		got.cohort = c.newCohort(o, n)
	}
	got.outcome.Items = nil
	return toAll(waiters, got, atSend, firsts)
}

// batchForbidden decides whether a batch met a path that the CRM does not offer, or what the
// key may not do: then single creates tell.
func (c *Creator) batchForbidden(kinds []vibe.Entity, f limit.Fault, o vibe.Outcome, fresh bool, n int, left, now time.Time) {
	if o.NotOffered() {
		if c.governor.noBatches(kinds[0], now) {
			c.log.Warn().Int("status", o.Status).Str("code", o.Code).
				Msg("CRM offers no batches: contacts, leads and deals are created one by one, at a fiftieth of the throughput; asked again each minute")
		}
		return
	}
	// Whatever the answer names: when single creates pass meanwhile, it is batches that are not allowed.
	c.governor.batchFailed(kinds[0], n, false, now)
	c.governor.createFailed(kinds, f, fresh, left, now)
}

func (c *Creator) newCohort(o vibe.Outcome, items int) *cohort {
	return newCohort(o.Written.Add(c.cfg.lifetime(items)))
}

// kindsOf are the kinds of objects that the waiters' steps make.
func kindsOf(waiters []*queue.Waiter) (kinds []vibe.Entity) {
	for _, w := range waiters {
		if entity := w.Payload.(*attempt).step.entity; !slices.Contains(kinds, entity) {
			kinds = append(kinds, entity)
		}
	}
	return kinds
}

// entityOf is the kind of the first of a batch's creates: comments are never beside others.
func entityOf(waiters []*queue.Waiter) vibe.Entity { return waiters[0].Payload.(*attempt).step.entity }

// toAll gives each waiter the same answer, but for what is its kind's.
func toAll(waiters []*queue.Waiter, got answer, atSend map[vibe.Entity]moment, firsts map[vibe.Entity]uint64) map[*queue.Waiter]any {
	answers := make(map[*queue.Waiter]any, len(waiters))
	for _, w := range waiters {
		one, s := got, w.Payload.(*attempt).step
		one.atSend, one.first = atSend[s.entity], firsts[s.entity]
		answers[w] = &one
	}
	return answers
}

// leasesLost tells apart whose lease stopped a batch. The others go again, unless a
// part of the request was written.
func leasesLost(waiters []*queue.Waiter, got answer) map[*queue.Waiter]any {
	answers := make(map[*queue.Waiter]any, len(waiters))
	for _, w := range waiters {
		one := got
		if one.outcome.Lease = w.Payload.(*attempt).delivery.lease(); one.outcome.Lease == nil {
			if got.outcome.Written.IsZero() {
				continue // without an answer it goes back into the queue
			}
			one.trigger, one.outcome.Class = onDoubt, vibe.Doubt
		}
		answers[w] = &one
	}
	return answers
}
