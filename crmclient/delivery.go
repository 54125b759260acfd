package crmclient

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/leadbridge/leadbridge/crmclient/internal/queue"
	"github.com/leadbridge/leadbridge/crmclient/internal/vibe"
)

// delivery is one event on its way into the CRM. It belongs to the call of Create for the event, and between two calls to
// nobody.
type delivery struct {
	req   Request
	steps []*step // what is to be made for it, in order; each is done before the next begins
	match match   // the result of the look-up for its person; the zero value until there is one

	personSince time.Time // when it first asked whether another event of its person is at work; zero: it has not
}

// Create blocks until what the event becomes exists, the CRM will never accept it (*Rejection), the event has
// to wait for something other than its turn (*Deferred), Request.Stop was closed (ErrStopped), the
// lease was lost (ErrLeaseLost), or ctx ended (its error). Throttling, outages, and bad credentials
// are handled inside.
//
// A create that is on its way when ctx ends is broken off and may have taken
// effect: the result beside the error says so (Unsettled).
func (c *Creator) Create(ctx context.Context, r Request) (Result, error) {
	c.callers.Add(1)
	defer c.callers.Add(-1)
	d := c.begin(r)
	if r.Resume == nil && c.cfg.Comment.timeline() { // not in begin: Find looks for no comment
		d.steps = append(d.steps, newComment(false, r.Suspect, c.cfg.LookupAlways))
	}
	for i := 0; i < len(d.steps); i++ { //nolint:intrange // commentOnGiven may append a step
		s := d.steps[i]
		if err := c.deliver(ctx, d, s); err != nil {
			return c.leave(d, s, err)
		}
		c.commentOnGiven(d, s)
		c.fillGiven(d, s)
		d.learnFrom(s)
		c.countExtra(s)
	}
	if d.req.LookUpOnly {
		return c.leave(d, d.steps[len(d.steps)-1], &Deferred{Pending: &Pending{d}, Why: WaitOrder, Sent: true})
	}
	return d.result(), nil
}

// learnFrom concludes from a step that is done what is known of the next one, if that is a suspect. An earlier owner sent the
// objects in the same order. So if the first one was certainly absent, nobody has sent the next one, and one look-up
// that does not find it is enough.
func (d *delivery) learnFrom(done *step) {
	next := d.after(done)
	if next == nil || next.state != stateSuspect || next.everInDoubt {
		return
	}
	if done.found || done.state != stateDone || done.isOptional() {
		return // it was made before, or an earlier owner may have gone on without it: so may the next have been
	}
	if next.extra != nil && !done.given {
		next.transition(onAbsent) // the card was made just now: nobody can have commented on it before
		return
	}
	// A contact that was there before was found, not made: that says nothing about the comment on it.
	next.oneAbsenceSuffices = next.extra == nil || !done.given
}

// after returns the step after another, nil for the last.
func (d *delivery) after(s *step) *step {
	if i := slices.Index(d.steps, s) + 1; i < len(d.steps) {
		return d.steps[i]
	}
	return nil
}

// Forget ends an event that was deferred and for which Create will not be called again.
func (c *Creator) Forget(p *Pending) {
	for _, s := range p.delivery.steps {
		c.endDoubt(s)
		c.endWait(s)
	}
}

// begin returns the delivery of a request: a new one, or that of the call before (Request.Resume).
func (c *Creator) begin(r Request) *delivery {
	if r.Contact == nil {
		r.Contact = &Contact{}
	}
	if r.Resume != nil {
		d := r.Resume.delivery
		d.req = r
		d.req.Resume = nil
		for _, s := range d.steps {
			s.hurried = s.hurry(c.governor.endingsOf(s.entity))
		}
		return d
	}
	if r.Suspect {
		c.meter.suspects.Inc()
	}
	d := &delivery{req: r}
	for _, entity := range cmp.Or(r.Target, c.cfg.Target).entities() {
		d.steps = append(d.steps, newStep(entity, r.Suspect, c.cfg.LookupAlways))
	}
	return d
}

// leave ends a call that did not bring the event to its end.
func (c *Creator) leave(d *delivery, s *step, err error) (Result, error) {
	r := d.result()
	// A suspect that was only looked up is not unsettled: the caller knows already that it is a suspect. Deferred.Sent, which
	// deliver sets, counts it all the same.
	r.Unsettled = s.lost || s.everInDoubt && s.state.looksUp() || d.begun()
	if _, ok := errors.AsType[*Deferred](err); ok {
		d.req = Request{}
		return r, err
	}
	c.endDoubt(s)
	c.endWait(s)
	return r, err
}

func (d *delivery) result() Result {
	made := d.made()
	r := Result{ContactID: made.ContactID, LeadID: made.LeadID, DealID: made.DealID}
	for _, s := range d.steps {
		r.Attempts += s.written
		r.Found = r.Found || s.found
		switch s.entity {
		case vibe.Timelines:
			r.Comment, r.CommentReason = s.commentState()
		case vibe.Fills:
			r.Fill, r.FillReason = s.fillState()
		}
	}
	r.Matched, r.Candidates = d.matched(), d.match.candidates
	return r
}

// begun reports whether a part of what the event becomes exists, and not all.
func (d *delivery) begun() bool {
	return d.steps[0].state == stateDone && !d.steps[len(d.steps)-1].state.ended()
}

// lease reports, by an error, that the event's create may not leave any more.
func (d *delivery) lease() error {
	if d.req.Lease == nil {
		return nil
	}
	return d.req.Lease()
}

// deliver moves a step on until it ends. An error ends the call of Create; if it defers the step, deliver completes it.
func (c *Creator) deliver(ctx context.Context, d *delivery, s *step) error {
	for {
		err := c.advanceStep(ctx, d, s)
		if wait, ok := errors.AsType[*Deferred](err); ok {
			// A create of an earlier owner counts too, as the pending event must remain a suspect.
			wait.Pending, wait.Sent = &Pending{d}, s.state.looksUp() || d.begun() || c.madeBefore(d, s) != nil
			wait.Optional = s.isOptional()
		}
		if err != nil || s.state == stateDone || s.state == stateNotWritten {
			return err
		}
	}
}

// advanceStep makes the next move of a step, which its state decides, and waits for that as long as it takes.
func (c *Creator) advanceStep(ctx context.Context, d *delivery, s *step) error {
	if d.req.LookUpOnly && s.state != stateDone && !c.looksUpNext(d, s) {
		return &Deferred{Why: WaitOrder}
	}
	if s.extra != nil {
		if err := c.dropIfNeedless(ctx, d, s); err != nil {
			return err
		}
	}
	if !s.state.ended() && s.state != stateRefused {
		if err := c.awaitKind(ctx, d, s); err != nil {
			return err
		}
	}
	if (s.state == stateFresh || s.state == stateTried) && s.shownAbsent.outdated(c.earlierEffects(d)) {
		s.suspectAgain()
		return nil
	}
	switch s.state {
	case stateFresh:
		if next := c.madeBefore(d, s); next != nil {
			return c.lookUpBefore(ctx, d, s, next)
		}
		return c.send(ctx, d, s, s.turnOf(queue.Fresh))
	case stateTried:
		return c.sendAgain(ctx, d, s)
	case stateSuspect, stateInDoubt, stateRefusedInDoubt:
		return c.resolve(ctx, d, s)
	case stateRefused:
		return c.decideOnRefusal(d, s)
	case stateDone, stateNotWritten:
		return nil
	case stateRejected:
		s.refusal.Done = d.made()
		return s.refusal
	}
	return fmt.Errorf("a step in state %v has no next move", s.state)
}

// looksUpNext reports whether the next move of a step is the look-up of an object. Extras are looked up at their events'
// turn only, as the time for which they wait counts.
func (c *Creator) looksUpNext(d *delivery, s *step) bool {
	return s.extra == nil && (s.state.looksUp() || c.madeBefore(d, s) != nil)
}

// send sends a create when its turn comes, and takes its answer into the step.
func (c *Creator) send(ctx context.Context, d *delivery, s *step, kind queue.Kind) error {
	release, ok, err := c.claim(ctx, d, s)
	if err != nil {
		return err
	}
	if !ok {
		c.giveUp(s, reasonBusy)
		return nil
	}
	defer func() { release() }() // by what came of it
	landed, probe, err := c.admit(s)
	if errors.Is(err, errNotWorthWaiting) {
		return c.abandon(ctx, d, s)
	}
	if err != nil {
		return err
	}
	defer landed()
	call := c.cfg.Tracer.Call(ctx, "create", string(s.entity))
	defer call.End("stopped") // unless it has ended by then
	a := &attempt{delivery: d, step: s, call: call, first: s.state == stateFresh, probe: probe}
	w := &queue.Waiter{
		Kind: kind, Group: s.group(), Most: s.maxBatch, Made: d.req.RecordedAt, Later: d.req.Later, Costly: c.matches(d, s), Payload: a,
	}
	s.transition(onSend)
	s.hurried = false // that was for this create
	got, err := c.await(ctx, d, s, w)
	if err != nil {
		if s.lost = c.queue.Sent(w); !s.lost {
			s.transition(onUnsent)
		}
		if errors.Is(err, errExtrasHang) {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return c.deferUntil(s, WaitBackoff, time.Now().Add(s.nextBackoff(c.cfg)))
		}
		return err
	}
	call.End(got.(*answer).trigger.String())
	d.takeMatch(a)
	a.takeSent(got.(*answer))
	c.endWait(s)
	return c.digest(s, got.(*answer))
}

// group returns with what a step's create may share a request: fills only with fills, as they are updates.
func (s *step) group() any {
	if s.entity == vibe.Fills {
		return s.entity
	}
	return nil
}

// turnOf returns the kind of turn that a step's create waits for: extras have their own, objects the given one.
func (s *step) turnOf(kind queue.Kind) queue.Kind {
	if s.extra != nil {
		return queue.Extra
	}
	return kind
}

// sendAgain sends another create for a step whose last one failed, when its backoff is over. It refuses the step if its creates
// have failed too often while those of others passed.
func (c *Creator) sendAgain(ctx context.Context, d *delivery, s *step) error {
	now := time.Now()
	if s.sendAt.After(now) && !s.hurried {
		return c.deferUntil(s, WaitBackoff, s.sendAt)
	}
	s.hurried = false
	if c.governor.chargeAndJudge(s) {
		if s.single && c.cfg.BatchSize > 1 && !s.inBatch {
			// Single creates may fail for everybody while batches pass: the last try is by a batch.
			s.inBatch, s.weighed = true, false
			return c.send(ctx, d, s, s.turnOf(queue.Tried))
		}
		c.refuse(s)
		return nil
	}
	// While creates are held, one tried event that waits for its turn is enough: the others would
	// keep places that fresh ones have use for.
	if until, held := c.governor.held(); held && s.extra == nil && c.queue.Count(queue.Tried) > 0 {
		s.sendAt = later(until, now.Add(s.nextBackoff(c.cfg)))
		return c.deferUntil(s, WaitBackoff, s.sendAt)
	}
	c.meter.retries.Inc()
	return c.send(ctx, d, s, s.turnOf(queue.Tried))
}

// decideOnRefusal decides what becomes of a step that is refused: the refusal is handed out, or the event waits for the end of
// a flood, or it is sent again as a flood has ended meanwhile. An optional extra is given up.
func (c *Creator) decideOnRefusal(d *delivery, s *step) error {
	if s.isOptional() {
		c.giveUp(s, s.refusal.Error())
		return nil
	}
	now := time.Now()
	if s.refusal.Reason == ReasonManyMatches { // no word of the CRM's
		s.transition(onRejection)
		return nil
	}
	if s.refusal.Flood != "" {
		if s.sendAt.After(now) && !s.hurried {
			return c.waitForFlood(d, s)
		}
		s.hurried = false
		s.dropRefusal()
		return nil
	}
	switch v := c.governor.judgeRefusal(d.req.OriginID, d.req.Replayed, s, now); {
	case v.again:
		s.dropRefusal()
	case v.write:
		s.transition(onRejection)
	default:
		s.refusal.Flood, s.sendAt = v.flood, v.until
		return c.waitForFlood(d, s)
	}
	return nil
}

func (c *Creator) waitForFlood(d *delivery, s *step) error {
	err := c.deferUntil(s, WaitFlood, s.sendAt)
	s.refusal.Done = d.made()
	err.Refusal = s.refusal
	return err
}

// deferUntil returns the error that defers a step until a time. It notes what had ended by now, so that what ends later hurries
// the step.
func (c *Creator) deferUntil(s *step, why Wait, until time.Time) *Deferred {
	s.endings = c.governor.endingsOf(s.entity)
	if s.extra != nil {
		until = c.noteWait(s, why, until)
	}
	deferred := &Deferred{Why: why, Until: until}
	if why == WaitBackoff || why == WaitFlood {
		deferred.Ready = s.endings.holds.next
	}
	return deferred
}
