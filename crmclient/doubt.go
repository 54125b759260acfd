package crmclient

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/leadbridge/leadbridge/crmclient/internal/queue"
	"github.com/leadbridge/leadbridge/crmclient/internal/vibe"
	"github.com/leadbridge/leadbridge/internal/tracing"
)

// beginDoubt notes that a create of ours may have taken effect, or may do so later. The step is looked up a settle time
// from now at the earliest.
func (c *Creator) beginDoubt(s *step, a *answer) {
	s.everUncertain, s.everInDoubt, s.oneAbsenceSuffices = true, true, false
	s.cohort.leave(s)
	a.cohort.join(s)
	s.cohort, s.absence, s.lookAt = a.cohort, absence{}, time.Now().Add(c.cfg.Settle)
	if a.outcome.Answered.IsZero() {
		s.lastEffectPossible = later(s.lastEffectPossible, a.outcome.Written.Add(c.cfg.lifetime(a.items)))
	} else {
		s.lastEffectPossible = later(s.lastEffectPossible, a.outcome.Answered.Add(c.cfg.Settle))
	}
	c.meter.doubts.Inc()
	if !s.counted {
		s.counted = true
		c.meter.inDoubt.Inc()
	}
}

// endDoubt takes a step out of its cohort and out of the metric: its doubt, if any, has ended, or is the next owner's.
func (c *Creator) endDoubt(s *step) {
	s.cohort.leave(s)
	s.cohort = nil
	if s.counted {
		s.counted = false
		c.meter.inDoubt.Dec()
	}
}

// resolve looks a step up once, or defers it while it must not be looked up yet. When the object is found, or certainly
// absent, the step's state changes. Otherwise the state stays, and s.lookAt says when the step is looked up next.
func (c *Creator) resolve(ctx context.Context, d *delivery, s *step) error {
	ended := c.governor.endingsOf(s.entity) // before the look-up, see waitToLookUp
	isEarly, mayBeEarly := s.lookAt.After(time.Now()), s.unproven && s.hurried
	if isEarly && !mayBeEarly {
		return c.waitToLookUp(s, ended)
	}
	s.unproven, s.hurried = false, false
	id, at, err := c.lookUpByAll(ctx, d, s)
	failure, failed := errors.AsType[*lookUpFailure](err)
	switch {
	case failed:
		return c.lookUpAgain(s, failure, ended)
	case err != nil:
		return err
	case id > 0:
		c.noteFound(s, id)
	default:
		c.noteNotFound(d, s, at)
	}
	return nil
}

// lookUpAgain decides when a step is looked up again after a look-up whose answer does not count, and defers it until
// then. A comment that the event can do without is given up when its card has too many comments to be read.
func (c *Creator) lookUpAgain(s *step, failure *lookUpFailure, ended endings) error {
	if failure.tooManyComments && s.isOptional() {
		c.giveUp(s, string(reasonTooMany))
		return nil
	}
	s.unproven, s.lookAt = failure.unproven, failure.again
	if s.rechecks++; s.rechecks > maxRechecks {
		s.lookAt = time.Time{}
	}
	if failure.tooManyComments {
		s.lookAt = time.Now().Add(tooManyCommentsAgain)
	}
	if s.lookAt.IsZero() {
		s.lookAt = time.Now().Add(s.nextBackoff(c.cfg))
	}
	if s.lookAt = later(c.governor.lookUpsAt(s.entity), s.lookAt); s.lookAt.After(time.Now()) {
		return c.waitToLookUp(s, ended)
	}
	return nil
}

// noteFound ends a step whose object was found. If a create of ours made it, that create has worked.
func (c *Creator) noteFound(s *step, id int64) {
	s.id, s.found = id, true
	s.transition(onFound)
	c.endDoubt(s)
	if s.everInDoubt && s.extra == nil {
		c.governor.tookEffect(s.atSend.at, time.Now())
	}
}

// noteNotFound takes a look-up that found nothing. If it shows that there is no object (see absence), the step's doubt
// ends. Otherwise the step is looked up again.
func (c *Creator) noteNotFound(d *delivery, s *step, at lookUpTime) {
	s.asked = at.asked
	lastEffect := later(s.cohort.lastFoundAt(), c.lastEffectPossible(d, s))
	absent, next := s.absence.notFound(at, lastEffect, c.cfg.Settle, s.oneAbsenceSuffices, func(since, asked time.Time) agreement {
		return s.cohort.agrees(since, asked, c.cfg.Settle)
	})
	if !absent {
		s.lookAt = next
		return
	}
	s.transition(onAbsent)
	s.shownAbsent = absenceShown{since: s.absence.first.asked, horizon: c.earlierEffects(d)}
	s.absence = absence{}
	c.endDoubt(s)
}

// absenceShown is when a step was shown to be absent, and what was known then of earlier owners. A pure value; zero: the
// step was never shown to be absent.
type absenceShown struct {
	since   time.Time // when the first of the look-ups that agreed was asked
	horizon time.Time // earlierEffects when they agreed
}

// outdated reports whether a create of an earlier owner may have taken effect after the look-ups. horizon is earlierEffects
// now: that there was an earlier owner may become known only after the look-ups, see Request.SentBefore.
func (a absenceShown) outdated(horizon time.Time) bool {
	return !a.since.IsZero() && horizon.After(a.since) && horizon.After(a.horizon)
}

// suspectAgain has a step looked up again, as its absence is outdated.
func (s *step) suspectAgain() {
	s.transition(onOutdated)
	s.shownAbsent, s.oneAbsenceSuffices, s.lookAt = absenceShown{}, false, time.Time{}
}

// maxRechecks is how many failed look-ups of a step are repeated at the time that lookUpFailure.again says. Further ones are
// repeated after a backoff.
const maxRechecks = 10

// tooManyCommentsAgain is the interval between look-ups of an essential comment on a card with more comments than are read.
const tooManyCommentsAgain = 10 * time.Minute

// waitToLookUp defers a step until s.lookAt. If its last look-up was not proven, the caller may come back earlier: as soon
// as a hold ends, or look-ups of the kind are proven. ended was noted before that look-up, so that whatever ended during the
// look-up counts.
func (c *Creator) waitToLookUp(s *step, ended endings) *Deferred {
	wait := c.deferUntil(s, s.waitsFor(), s.lookAt)
	s.endings = ended
	if s.unproven {
		wait.Ready = ended.proofs.next
	}
	return wait
}

// lastEffectPossible returns the time from which no create for the step can take effect any more, whether we or an earlier
// owner sent it.
func (c *Creator) lastEffectPossible(d *delivery, s *step) time.Time {
	return later(s.lastEffectPossible, c.earlierEffects(d))
}

// earlierEffects returns the time from which no create of an earlier owner can take effect any more; zero when there was
// none, as far as is known.
func (c *Creator) earlierEffects(d *delivery) time.Time {
	if d.req.SentBefore == nil {
		return time.Time{}
	}
	at := d.req.SentBefore()
	if at.IsZero() {
		return time.Time{}
	}
	return at.Add(c.cfg.lifetime(vibe.BatchLimit)) // the earlier owner's request may have been the largest
}

// lookUpFailure is the error of a look-up whose answer does not count, or that got none.
type lookUpFailure struct {
	unproven        bool      // it found nothing, and such look-ups are not proven to find
	tooManyComments bool      // it is for a comment, and the card has more comments than are read
	again           time.Time // when to look up again; zero: after a backoff
}

func (f *lookUpFailure) Error() string {
	if f.unproven {
		return "the look-up is not proven to find"
	}
	return "the look-up failed"
}

// awaitLookUp waits in the queue for the answer to a look-up. The look-up of an extra waits in a turn of its own, and fails
// when extras must leave the queue.
func (c *Creator) awaitLookUp(ctx context.Context, d *delivery, s *step, w *queue.Waiter) (any, error) {
	if s.extra != nil {
		w.Kind = queue.ExtraLookUp
	}
	got, err := c.await(ctx, d, s, w)
	if errors.Is(err, errExtrasHang) {
		return nil, &lookUpFailure{}
	}
	return got, err
}

// question is the payload of a look-up in the queue.
type question struct {
	delivery   *delivery
	step       *step
	idLocation idLocation
	asked      time.Time   // step.asked when the look-up entered the queue
	id         string      // the event's origin id
	cohort     *cohort     // the step's, which the step may leave meanwhile
	proof      bool        // an absence counts only if look-ups are proven to find, see needsProof
	sent       *sentUpdate // the change of a fill in doubt
	call       *tracing.Call
}

// lookUpAnswer is what a look-up found out for one waiter.
type lookUpAnswer struct {
	id      int64 // the object; 0: absent
	with    owner // the contact of a lead or a deal that was found
	at      lookUpTime
	failure *lookUpFailure // nil: id counts
}

// outcome returns the answer's value of the label "outcome" in the metric of look-ups.
func (a lookUpAnswer) outcome() string {
	switch {
	case a.failure != nil:
		return lookUpFailed
	case a.id > 0:
		return lookUpFound
	}
	return lookUpAbsent
}

// lookUpByAll looks a step up by every field that may carry its event's id, one after another, until it is found. If it is
// not, id is 0, and at lasts from the first question to the last answer. The error is a *lookUpFailure if an answer does not
// count.
func (c *Creator) lookUpByAll(ctx context.Context, d *delivery, s *step) (id int64, at lookUpTime, err error) {
	if err := c.prepare(ctx, d.req.Stop); err != nil {
		return 0, lookUpTime{}, err
	}
	for _, field := range c.fieldsToLookUpBy(d, s) {
		a, err := c.lookUpByField(ctx, d, s, field)
		switch {
		case err != nil:
			return 0, lookUpTime{}, err
		case a.failure != nil:
			return 0, lookUpTime{}, a.failure
		case a.id > 0:
			s.with = a.with
			return a.id, a.at, nil
		}
		if at.asked.IsZero() || a.at.asked.Before(at.asked) {
			at.asked = a.at.asked
		}
		at.answered = later(at.answered, a.at.answered)
	}
	return 0, at, nil
}

// lookUpByField looks a step up by one field.
func (c *Creator) lookUpByField(ctx context.Context, d *delivery, s *step, field vibe.IDField) (lookUpAnswer, error) {
	if c.governor.lookUpsAt(s.entity).After(time.Now()) || s.extra != nil && c.governor.extrasHang(time.Now()) {
		return lookUpAnswer{failure: &lookUpFailure{}}, nil
	}
	location := idLocation{s.entity, field}
	call := c.cfg.Tracer.Call(ctx, "look up", string(s.entity))
	got, err := c.awaitLookUp(ctx, d, s, &queue.Waiter{Kind: queue.LookUp, Group: location, Payload: &question{
		delivery: d, step: s, idLocation: location, asked: s.asked, id: d.req.OriginID, cohort: s.cohort, proof: c.needsProof(d, s, field), sent: s.sent(), call: call,
	}})
	if err != nil {
		call.End("stopped")
		return lookUpAnswer{}, err
	}
	a := got.(lookUpAnswer)
	call.End(a.outcome())
	return a, nil
}

// fieldsToLookUpBy returns the fields that may carry the id of a step's event: all that carried ids in this process, and the
// one that the request names, as another process may have used another field. For leads and deals also the other fields that
// the portal offers for ids, as the ledger names the field of contacts only. An extra has no such field: it is looked up by its
// mark or its card.
func (c *Creator) fieldsToLookUpBy(d *delivery, s *step) []vibe.IDField {
	if s.extra != nil {
		return []vibe.IDField{{}}
	}
	fields := c.portals.used(s.entity)
	add := func(name string) {
		if field := vibe.ParseIDField(name); name != "" && !slices.Contains(fields, field) {
			fields = append(fields, field)
		}
	}
	if s.entity != vibe.Contacts && c.cfg.OriginField != originNone {
		k := c.portals.latest().kinds[s.entity]
		add(k.fields.Spelling(vibe.NativeID))
		add(k.fields.Spelling(vibe.UserFieldPrefix + ourUserField))
	}
	add(d.req.SentIDField)
	return fields
}
