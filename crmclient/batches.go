package crmclient

import (
	"slices"
	"time"

	"github.com/leadbridge/leadbridge/crmclient/internal/limit"
	"github.com/leadbridge/leadbridge/crmclient/internal/queue"
	"github.com/leadbridge/leadbridge/crmclient/internal/vibe"
)

// A batch is one request with several creates, its items. The CRM answers for each item, or the batch fails as a whole, which
// says nothing about a single item.

// createBatch sends several creates in one request, and answers their waiters.
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

// leaseOfAll returns the lease of a request for several waiters. It is lost when one of them has lost its lease.
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

// judgeItems turns the items of an answered batch into the answers of its waiters, and reports to the governor. A failed item
// says nothing about other items. If all items of a kind failed, their kind has failed.
func (c *Creator) judgeItems(r *request, p *portal, waiters []*queue.Waiter, whole vibe.Outcome, atSend map[vibe.Entity]moment) map[*queue.Waiter]any {
	now := time.Now()
	fresh := r.fresh()
	doubtful := c.newCohort(whole, len(waiters))
	answers := make(map[*queue.Waiter]any, len(waiters))
	kinds := map[vibe.Entity]*itemsOfKind{}
	for i, w := range waiters {
		a := w.Payload.(*attempt)
		if kinds[a.step.entity] == nil {
			kinds[a.step.entity] = &itemsOfKind{}
		}
		o, id, marks := whole.Items[i].Created(p.kinds[a.step.entity].idField)
		got := &answer{trigger: triggerOf(o), outcome: o, id: id, atSend: atSend[a.step.entity], items: len(waiters), batch: true}
		c.judgeItem(p, a, got, marks, kinds[a.step.entity], now)
		if got.trigger == onDoubt {
			got.cohort = doubtful
		}
		answers[w] = got
	}
	c.governor.batchAnswered(entityOf(waiters), len(waiters), now)
	for entity, items := range kinds {
		if items.failed != nil && !items.judged {
			f := faultOf(*items.failed)
			f.Proven = false // the answer speaks of one item only
			c.governor.createFailed([]vibe.Entity{entity}, f, fresh, r.leaving.at, now)
		}
		c.noteFailedTries(entity, items, fresh)
	}
	return answers
}

// itemsOfKind is what became of a batch's items of one kind.
type itemsOfKind struct {
	judged bool          // for at least one item the CRM made the object or refused it
	failed *vibe.Outcome // the first failure that is not a refusal; nil: there was none
	tries  []*answer     // the answers of the items that failed without being refused
}

// judgeItem completes the answer of one item, and adds it to what became of the items of its kind.
func (c *Creator) judgeItem(p *portal, a *attempt, got *answer, marks vibe.Marks, items *itemsOfKind, now time.Time) {
	if got.trigger == onRefusal && !isConfirmed(a.step, got.outcome) {
		got.trigger, got.confirm = onFailure, true
		if !isPrecise(got.outcome) || a.step.extra != nil { // batches may not know comments
			got.maxBatch = 1 // alone it gets the precise reason
		}
	}
	switch {
	case got.trigger == onCreated:
		items.judged = true
		got.first = c.created(p, a, got.id, marks, now)
	case got.trigger == onRefusal:
		items.judged = true
		c.governor.turnedDown(a.step.entity, now)
	case got.confirm:
		items.judged = true
	case got.trigger == onDoubt, got.trigger == onFailure:
		if items.failed == nil {
			items.failed = &got.outcome
		}
		items.tries = append(items.tries, got)
		c.log.Debug().Str("operation", string(vibe.OpBatch)).Str("code", got.outcome.Code).Stringer("class", got.outcome.Class).
			Str("request_id", got.outcome.RequestID).Msg("CRM batch item failed")
	}
}

// noteFailedTries adds first tries that failed to the evidence. If all items of the kind failed, they share one entry, as
// together they prove no more than one of them does.
func (c *Creator) noteFailedTries(entity vibe.Entity, items *itemsOfKind, fresh bool) {
	var entry uint64
	for _, a := range items.tries {
		if items.judged || entry == 0 {
			entry = c.firstTry(entity, fresh, false)
		}
		a.first = entry
	}
}

// isConfirmed reports whether an item's refusal is final, which it is if an earlier request of the step was refused for the
// same precise reason. A refused item is sent once more, in a batch again, because a portal under load may fail an item with any
// code.
func isConfirmed(s *step, o vibe.Outcome) bool {
	return s.refusedAt != nil && s.last.Code == o.Code && isPrecise(o)
}

// isPrecise reports whether the code of an item's refusal says why. INVALID_REQUEST does not: whole batches get it, too
// (vendor's reference: POST /v1/batch).
func isPrecise(o vibe.Outcome) bool { return o.Code != "INVALID_REQUEST" }

// judgeWhole turns the failure of a batch as a whole into the answers of its waiters, and reports to the governor. No event
// is charged, as any of them may be the cause. If the batch cannot have taken effect, its events are sent again, in smaller
// batches where one of them may be the cause. Otherwise all of them are in doubt.
func (c *Creator) judgeWhole(r *request, waiters []*queue.Waiter, o vibe.Outcome, atSend map[vibe.Entity]moment) map[*queue.Waiter]any {
	now, n, entity := time.Now(), len(waiters), entityOf(waiters)
	fresh := r.fresh()
	got := answer{trigger: onUnsent, outcome: o, items: n, batch: true}
	f, kinds := faultOf(o), kindsOf(waiters)
	firsts := map[vibe.Entity]uint64{} // by kind: the entry in the evidence, if they were first tries
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
	default: // any other failure, or an answer without items: all of them are in doubt
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

// batchForbidden tells the governor that the CRM offers no batches, or that the key may not send this one. Creates are then
// sent one by one, which shows whether the key may send those.
func (c *Creator) batchForbidden(kinds []vibe.Entity, f limit.Fault, o vibe.Outcome, fresh bool, n int, left, now time.Time) {
	if o.NotOffered() {
		if isNew := c.governor.noBatches(kinds[0], now); isNew {
			c.log.Warn().Int("status", o.Status).Str("code", o.Code).
				Msg("CRM offers no batches: contacts, leads and deals are created one by one, at a fiftieth of the throughput; asked again each minute")
		}
		return
	}
	// The batch size shrinks even if the answer names the key: if single creates pass, only batches are forbidden.
	c.governor.batchFailed(kinds[0], n, false, now)
	c.governor.createFailed(kinds, f, fresh, left, now)
}

// newCohort returns an empty cohort for the items of a batch that are in doubt.
func (c *Creator) newCohort(o vibe.Outcome, items int) *cohort {
	return newCohort(o.Written.Add(c.cfg.lifetime(items)))
}

// kindsOf returns the kinds of objects that the waiters' steps make, each once.
func kindsOf(waiters []*queue.Waiter) (kinds []vibe.Entity) {
	for _, w := range waiters {
		if entity := w.Payload.(*attempt).step.entity; !slices.Contains(kinds, entity) {
			kinds = append(kinds, entity)
		}
	}
	return kinds
}

// entityOf returns the kind of a batch's first create. It stands for the batch where the size of batches is concerned: extras
// have sizes of their own, and share batches only with their own kind.
func entityOf(waiters []*queue.Waiter) vibe.Entity { return waiters[0].Payload.(*attempt).step.entity }

// toAll returns a copy of an answer for each waiter, completed by the moment and the evidence entry of the waiter's kind.
func toAll(waiters []*queue.Waiter, got answer, atSend map[vibe.Entity]moment, firsts map[vibe.Entity]uint64) map[*queue.Waiter]any {
	answers := make(map[*queue.Waiter]any, len(waiters))
	for _, w := range waiters {
		one, s := got, w.Payload.(*attempt).step
		one.atSend, one.first = atSend[s.entity], firsts[s.entity]
		answers[w] = &one
	}
	return answers
}

// leasesLost returns the answers after a lost lease stopped a batch. Waiters that still hold their own leases get no answer,
// which puts them back into the queue. If a part of the request was written, they are in doubt instead.
func leasesLost(waiters []*queue.Waiter, got answer) map[*queue.Waiter]any {
	answers := make(map[*queue.Waiter]any, len(waiters))
	for _, w := range waiters {
		one := got
		if one.outcome.Lease = w.Payload.(*attempt).delivery.lease(); one.outcome.Lease == nil {
			if got.outcome.Written.IsZero() {
				continue
			}
			one.trigger, one.outcome.Class = onDoubt, vibe.Doubt
		}
		answers[w] = &one
	}
	return answers
}
