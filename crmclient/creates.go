package crmclient

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/leadbridge/leadbridge/crmclient/internal/limit"
	"github.com/leadbridge/leadbridge/crmclient/internal/queue"
	"github.com/leadbridge/leadbridge/crmclient/internal/vibe"
	"github.com/leadbridge/leadbridge/internal/tracing"
	"github.com/leadbridge/leadbridge/internal/wait"
)

// attempt is the payload of a create in the queue: the event and the step that it is for.
type attempt struct {
	delivery *delivery
	step     *step
	match    match       // the match of its person: set by the job, read by the caller after the answer
	first    bool        // it is the step's first create
	probe    bool        // it probes the hold of its kind
	sent     *sentUpdate // the change of a fill: set by the job, read by the caller after the answer
	call     *tracing.Call
}

// request is a job that is being worked on.
type request struct {
	job      *queue.Job
	leaving  *leaving
	replayed float64 // the part of the job's events that are replayed, 0 to 1
	calls    []*tracing.Call
}

// run works on a job of the queue.
func (c *Creator) run(j *queue.Job) {
	r := &request{job: j, leaving: j.Tag.(*leaving)}
	defer c.governor.landed(r.leaving)
	switch j.Kind {
	case queue.Prepare:
		c.runPrepare(r)
	case queue.LookUp, queue.ExtraLookUp:
		c.runLookUp(r)
	default:
		c.runCreates(r)
	}
}

// do waits until the budget allows a call, and makes it.
func (c *Creator) do(ctx context.Context, r *request, call vibe.Call) vibe.Outcome {
	if err := c.pay(ctx, r); err != nil {
		return vibe.Outcome{Class: vibe.NotApplied, Code: "CANCELED"}
	}
	r.leaving.paid = time.Time{}
	c.meter.spent(call.Operation, r.replayed)
	span := c.cfg.Tracer.Request(r.calls)
	if span != nil {
		span.To(c.client.Address(call))
	}
	o := c.client.Do(ctx, call)
	c.meter.request(string(call.Operation), o.Status, o.Took, span)
	span.Answered(o.Status, o.Class.String(), o.Code)
	c.governor.hear(o, rand.Float64(), time.Now())
	if o.Class != vibe.Done {
		c.log.Debug().Str("operation", string(call.Operation)).Int("status", o.Status).Str("code", o.Code).
			Stringer("class", o.Class).Str("request_id", o.RequestID).Msg("CRM call failed")
	}
	return o
}

// pay waits until the budget allows the job's next request, and counts it there. A request that was paid for and has not
// been sent yet costs nothing more. The error is ctx's.
func (c *Creator) pay(ctx context.Context, r *request) error {
	for r.leaving.paid.IsZero() {
		now := time.Now()
		at, ok := c.governor.pay(now)
		if ok {
			r.leaving.paid = now
			break
		}
		if err := wait.For(ctx, time.Until(at)); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// runCreates makes the objects of a job's events: a single one by a request of its own, several by a batch.
func (c *Creator) runCreates(r *request) {
	p := c.portals.known()
	if p == nil {
		return // the portal must be asked anew: the creates go back into the queue
	}
	r.calls = callsOf(r.job.Waiters())
	p = c.withHonorifics(r, p)
	if entityOf(r.job.Waiters()) == vibe.Fills {
		c.runFills(r, p)
		return
	}
	if !c.matchPersons(r, p) {
		return
	}
	sent, bodies := c.encodeAll(r, p)
	atSend := c.governor.moments(time.Now())
	switch len(sent) {
	case 0:
	case 1:
		if sent[0].Payload.(*attempt).step.inBatch {
			c.createBatch(r, p, sent, bodies, atSend)
			return
		}
		c.createOne(r, p, sent[0], bodies[0].Body, atSend)
	default:
		c.createBatch(r, p, sent, bodies, atSend)
	}
}

// encodeAll encodes a job's creates, waits for the budget, and returns those that may be sent: the portal describes their
// kinds, and their owners hold their leases. The others get their answer here.
func (c *Creator) encodeAll(r *request, p *portal) (sent []*queue.Waiter, bodies []vibe.Object) {
	encoded := map[*queue.Waiter][]byte{}
	answers := map[*queue.Waiter]any{}
	var fit []*queue.Waiter
	for _, w := range r.job.Waiters() {
		if r.job.Answered(w) {
			continue
		}
		a := w.Payload.(*attempt)
		if !c.mayLeave(a, p) {
			answers[w] = &answer{trigger: onUnsent}
			continue
		}
		body, err := c.encode(a, p)
		if err != nil {
			answers[w] = &answer{trigger: onRefusal, outcome: vibe.Outcome{
				Class: vibe.Refused, Code: "UNENCODABLE", Message: "the event cannot be written as JSON"}, atSend: c.governor.moments(time.Now())[a.step.entity]}
			continue
		}
		encoded[w] = body
		fit = append(fit, w)
	}
	r.job.Answer(answers)
	sent = c.readyToLeave(r, fit)
	for _, w := range sent {
		bodies = append(bodies, vibe.Object{Entity: w.Payload.(*attempt).step.entity, Body: encoded[w]})
	}
	return sent, bodies
}

// readyToLeave waits for the budget, and returns the waiters that may be sent, marked as sent: their owners still hold their
// leases, and if they were found absent, that still counts. The others get their answer here.
func (c *Creator) readyToLeave(r *request, fit []*queue.Waiter) (sent []*queue.Waiter) {
	if len(fit) == 0 || c.pay(r.job.Context(), r) != nil {
		return nil
	}
	answers := map[*queue.Waiter]any{}
	var ready []*queue.Waiter
	for _, w := range fit {
		a := w.Payload.(*attempt)
		leaseErr := a.delivery.lease()
		switch {
		case leaseErr != nil:
			answers[w] = &answer{trigger: onUnsent, outcome: vibe.Outcome{Class: vibe.LeaseLost, Lease: leaseErr}}
		case a.step.shownAbsent.outdated(c.earlierEffects(a.delivery)):
			answers[w] = &answer{trigger: onUnsent}
		default:
			ready = append(ready, w)
		}
	}
	r.job.Answer(answers)
	sent = r.job.MarkSent(ready)
	r.replayed = replayedPart(sent)
	r.calls = callsOf(sent)
	return sent
}

// mayLeave reports whether a create that waited in the queue may still be sent. While it waited, the portal may have stopped
// describing its kind (see awaitKind), or its kind of extras may have begun to fail.
func (c *Creator) mayLeave(a *attempt, p *portal) bool {
	if a.step.extra != nil {
		return a.probe || !c.governor.kindHeld(a.step.entity)
	}
	_, described := p.kinds[a.step.entity]
	return described
}

// encode returns the JSON of a step's object, in the fields that a portal has.
func (c *Creator) encode(a *attempt, p *portal) ([]byte, error) {
	if a.step.extra != nil {
		return json.Marshal(vibe.CommentBody(a.delivery.commentOn(), c.commentText(a.delivery, p), c.cfg.Originator, a.delivery.req.OriginID))
	}
	body, k := a.delivery.body(a.step.entity, c.cfg), p.kinds[a.step.entity]
	found := a.match
	if a.step.entity == vibe.Deals {
		found = a.delivery.match
	}
	c.bind(body, a.delivery, a.step.entity, found)
	k.idField.Clean(body, c.cfg.Originator, vibe.UserFieldPrefix+ourUserField)
	if moved := k.fields.Fit(body); len(moved) > 0 {
		c.portals.report(moved)
	}
	if c.cfg.Comment == CommentOn {
		delete(body, "comments")
	}
	k.idField.Mark(body, k.fields, c.cfg.Originator, a.delivery.req.OriginID)
	return json.Marshal(body)
}

// body returns the fields of an event's object of a kind. A deal names the contact that was made or found before it.
func (d *delivery) body(entity vibe.Entity, cfg Config) vibe.Body {
	person := *d.req.Contact
	switch entity {
	case vibe.Leads:
		return cfg.cardOf(d.req.Card).Lead(person)
	case vibe.Deals:
		return cfg.cardOf(d.req.Card).Deal(person, d.made().ContactID)
	}
	return person.Body()
}

// callsOf returns the traced calls of the waiters.
func callsOf(waiters []*queue.Waiter) (calls []*tracing.Call) {
	for _, w := range waiters {
		switch payload := w.Payload.(type) {
		case *attempt:
			calls = append(calls, payload.call)
		case *question:
			calls = append(calls, payload.call)
		}
	}
	return calls
}

// replayedPart returns the part of the waiters whose events are replayed, 0 to 1.
func replayedPart(waiters []*queue.Waiter) float64 {
	n := 0
	for _, w := range waiters {
		if a, ok := w.Payload.(*attempt); ok && a.delivery.req.Replayed {
			n++
		}
		if q, ok := w.Payload.(*question); ok && q.delivery.req.Replayed {
			n++
		}
	}
	return float64(n) / float64(max(len(waiters), 1))
}

// createOne sends one create.
func (c *Creator) createOne(r *request, p *portal, w *queue.Waiter, body []byte, atSend map[vibe.Entity]moment) {
	a := w.Payload.(*attempt)
	o := c.do(r.job.Context(), r, vibe.CreateOne(a.step.entity, body, a.delivery.lease))
	if r.job.Context().Err() != nil && o.Class != vibe.Done {
		return // nobody waits any more, and it does not count as an attempt
	}
	c.judgeOne(r, p, w, o, atSend)
}

// judgeOne reports the outcome of a request for one event to the governor, and answers the event's waiter.
func (c *Creator) judgeOne(r *request, p *portal, w *queue.Waiter, o vibe.Outcome, atSend map[vibe.Entity]moment) {
	a := w.Payload.(*attempt)
	o, id, marks := o.Created(p.kinds[a.step.entity].idField)
	now := time.Now()
	fresh := r.fresh()
	kinds := []vibe.Entity{a.step.entity}
	got := &answer{trigger: triggerOf(o), outcome: o, id: id, atSend: atSend[a.step.entity], items: 1}
	switch got.trigger {
	case onCreated:
		got.first = c.created(p, a, id, marks, now)
		c.governor.batchAnswered(a.step.entity, 1, now)
		if a.step.extra != nil && a.step.refusedAt != nil { // a batch refused the same step
			c.governor.noBatches(a.step.entity, now)
		}
	case onRefusal:
		c.governor.turnedDown(a.step.entity, now)
		c.governor.batchAnswered(a.step.entity, 1, now)
	case onUnsent:
		if o.Class == vibe.Credentials { // the key is to blame, not batches
			c.governor.batchFailed(a.step.entity, 1, false, now)
		}
		if o.Class != vibe.LeaseLost {
			c.governor.createFailed(kinds, faultOf(o), fresh, r.leaving.at, now)
		}
	default:
		c.governor.batchFailed(a.step.entity, 1, true, now)
		c.governor.createFailed(kinds, faultOf(o), fresh, r.leaving.at, now)
		got.first = c.firstTry(a.step.entity, fresh, false)
	}
	r.job.Answer(map[*queue.Waiter]any{w: got})
}

// fresh reports whether a request is for creates that were never tried. Tried and fresh extras share requests, so a request
// for extras is fresh if one of them was never tried.
func (r *request) fresh() bool {
	if r.job.Kind != queue.Extra {
		return r.job.Kind == queue.Fresh
	}
	return slices.ContainsFunc(r.job.Waiters(), func(w *queue.Waiter) bool { return w.Payload.(*attempt).first })
}

// triggerOf returns what a create's outcome triggers in its step.
func triggerOf(o vibe.Outcome) trigger {
	switch o.Class {
	case vibe.Done:
		return onCreated
	case vibe.Refused, vibe.TooLarge:
		return onRefusal
	case vibe.Credentials:
		if o.BlamesKey() && !o.Item {
			return onUnsent // the key's fault, not the event's
		}
		return onFailure
	case vibe.Business:
		return onFailure
	case vibe.Throttled, vibe.NotApplied, vibe.LeaseLost:
		return onUnsent
	}
	return onDoubt
}

// firstTry adds the end of a first try to the evidence, and returns the number of the entry; 0 if the try was not a first one.
func (c *Creator) firstTry(entity vibe.Entity, fresh, passed bool) uint64 {
	if !fresh {
		return 0
	}
	return c.governor.first(entity, passed)
}

// created notes that an event's object exists, and checks whether it carries our id. An object without our id cannot be found
// again: nothing more is made until the portal was asked anew which field carries ids. It returns the number of the entry in
// the evidence; 0: there is none.
func (c *Creator) created(p *portal, a *attempt, id int64, marks vibe.Marks, now time.Time) (first uint64) {
	entity := a.step.entity
	first = c.firstTry(entity, a.first, true)
	if a.step.extra != nil {
		c.governor.passed(entity, now)
		if entity == vibe.Timelines {
			c.knowComment(a.delivery, now)
		}
		return first
	}
	field := p.kinds[entity].idField
	omitted := c.portals.knownToOmitID(entity) && marks.Missing() // this portal's answers do not show the field
	kept := field.IsTag() || field.Carries(marks, c.cfg.Originator, a.delivery.req.OriginID) || omitted
	c.governor.passed(entity, now)
	if kept {
		c.knowMade(field, a, id, now)
	} else {
		c.portals.doubt(unkept{entity, a.delivery.req.OriginID})
		c.governor.unknownPortal(limit.Fault{Cause: limit.OriginField, Status: 201, Code: "ID_NOT_KEPT"}, now)
	}
	return first
}
