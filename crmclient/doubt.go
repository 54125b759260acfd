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

// beginDoubt notes that a create may have worked, or may yet.
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

// endDoubt notes that the step's doubt, if any, has ended, or that the next owner takes it over.
func (c *Creator) endDoubt(s *step) {
	s.cohort.leave(s)
	s.cohort = nil
	if s.counted {
		s.counted = false
		c.meter.inDoubt.Dec()
	}
}

// resolve looks a step up until its object is found or certainly absent.
func (c *Creator) resolve(ctx context.Context, d *delivery, s *step) error {
	why := WaitSuspect
	if s.everInDoubt {
		why = WaitDoubt
	}
	ended := c.governor.endingsOf(s.entity)
	if s.lookAt.After(time.Now()) && !(s.unproven && s.hurried) {
		return c.waitToLookUp(s, why, ended)
	}
	s.unproven, s.hurried = false, false
	id, at, err := c.lookUpByAll(ctx, d, s)
	if failure, ok := errors.AsType[*lookUpFailure](err); ok {
		if failure.beyond && s.isOptional() {
			c.giveUp(s, string(reasonTooMany))
			return nil
		}
		s.unproven, s.lookAt = failure.unproven, failure.again
		if s.rechecks++; s.rechecks > maxRechecks {
			s.lookAt = time.Time{}
		}
		if failure.beyond {
			s.lookAt = time.Now().Add(beyondAgain)
		}
		if s.lookAt.IsZero() {
			s.lookAt = time.Now().Add(s.nextBackoff(c.cfg))
		}
		if s.lookAt = later(c.governor.lookUpsAt(s.entity), s.lookAt); s.lookAt.After(time.Now()) {
			return c.waitToLookUp(s, why, ended)
		}
		return nil
	}
	if err != nil {
		return err
	}
	if id > 0 {
		s.id, s.found = id, true
		s.transition(onFound)
		c.endDoubt(s)
		if s.everInDoubt && s.extra == nil {
			c.governor.tookEffect(s.atSend.at, time.Now())
		}
		return nil
	}
	s.asked = at.asked
	lastEffect := later(s.cohort.movedAt(), c.lastEffectPossible(d, s))
	absent, next := s.absence.notFound(at, lastEffect, c.cfg.Settle, s.oneAbsenceSuffices, func(since, asked time.Time) agreement {
		return s.cohort.agrees(since, asked, c.cfg.Settle)
	})
	if !absent {
		s.lookAt = next
		return nil
	}
	s.transition(onAbsent)
	s.absence = absence{}
	c.endDoubt(s)
	return nil
}

// maxRechecks is how often a step is looked up soon again as a control may not be found yet: then it backs off.
const maxRechecks = 10

// beyondAgain is after how long the card of a comment that its event becomes is read again, when it has more comments than
// are read.
const beyondAgain = 10 * time.Minute

// waitToLookUp defers a step that is looked up. One whose look-ups have not been seen to find may be taken up early, when
// a hold ends. ended is the count from before the look-up, not the one of deferUntil, so that a hold that ended during
// the look-up still hurries the step.
func (c *Creator) waitToLookUp(s *step, why Wait, ended endings) *Deferred {
	wait := c.deferUntil(s, why, s.lookAt)
	s.endings = ended
	if s.unproven {
		wait.Ready = ended.proofs.next
	}
	return wait
}

// lastEffectPossible returns the time from which no create for the step, whoever sent it, can take effect any more.
func (c *Creator) lastEffectPossible(d *delivery, s *step) time.Time {
	last := s.lastEffectPossible
	if d.req.SentBefore != nil {
		if at := d.req.SentBefore(); !at.IsZero() {
			last = later(last, at.Add(c.cfg.lifetime(vibe.BatchLimit))) // whatever they sent
		}
	}
	return last
}

// lookUpFailure is the error of a look-up to which the CRM gave no answer that counts.
type lookUpFailure struct {
	unproven bool      // it found nothing, and has not been seen to find
	beyond   bool      // the card has more comments than are read
	again    time.Time // when to ask again; zero: after a backoff
}

func (f *lookUpFailure) Error() string {
	if f.unproven {
		return "the look-up has not been seen to find"
	}
	return "the look-up failed"
}

// awaitLookUp waits for the answer to a look-up; one of a comment has turns of its own.
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

// question is the payload of a look-up.
type question struct {
	delivery   *delivery
	step       *step
	idLocation idLocation
	asked      time.Time // of the step
	id         string    // of the event
	cohort     *cohort   // of the step, which the call may leave meanwhile
	proof      bool      // an absence counts only where look-ups have been seen to find
	sent       *sent     // the change of a fill in doubt
	call       *tracing.Call
}

// lookUpAnswer is what a look-up came to.
type lookUpAnswer struct {
	id      int64 // 0: absent
	with    owner // of what was found
	at      lookUpTime
	failure *lookUpFailure // neither found nor absent; nil: it did not fail
}

// outcome names the answer as the metric of look-ups does.
func (a lookUpAnswer) outcome() string {
	switch {
	case a.failure != nil:
		return lookUpFailed
	case a.id > 0:
		return lookUpFound
	}
	return lookUpAbsent
}

// lookUpByAll looks a step up by every field that was in force: the id is 0 when none finds it.
func (c *Creator) lookUpByAll(ctx context.Context, d *delivery, s *step) (id int64, at lookUpTime, err error) {
	if err := c.prepare(ctx, d.req.Stop); err != nil {
		return 0, lookUpTime{}, err
	}
	fields := c.formerWays(s)
	if name := d.req.SentIDField; name != "" && s.extra == nil && !slices.Contains(fields, vibe.ParseIDField(name)) {
		fields = append(fields, vibe.ParseIDField(name))
	}
	for _, field := range fields {
		if c.governor.lookUpsAt(s.entity).After(time.Now()) || s.extra != nil && c.governor.extrasHang(time.Now()) {
			return 0, lookUpTime{}, &lookUpFailure{}
		}
		by := idLocation{s.entity, field}
		call := c.cfg.Tracer.Call(ctx, "look up", string(s.entity))
		got, err := c.awaitLookUp(ctx, d, s, &queue.Waiter{Kind: queue.LookUp, Group: by, Payload: &question{
			delivery: d, step: s, idLocation: by, asked: s.asked, id: d.req.OriginID, cohort: s.cohort, proof: c.needsProof(d, s, field), sent: s.sent(), call: call,
		}})
		if err != nil {
			call.End("stopped")
			return 0, lookUpTime{}, err
		}
		a := got.(lookUpAnswer)
		call.End(a.outcome())
		switch {
		case a.failure != nil:
			return 0, lookUpTime{}, a.failure
		case a.id > 0:
			s.with = a.with
			return a.id, a.at, nil
		}
		// The earliest question and the latest answer: the interval in which the portal looked by all fields.
		if at.asked.IsZero() || a.at.asked.Before(at.asked) {
			at.asked = a.at.asked
		}
		at.answered = later(at.answered, a.at.answered)
	}
	return 0, at, nil
}
