package crmclient

import (
	"fmt"
	"time"

	"github.com/cenkalti/backoff/v4"

	"github.com/leadbridge/leadbridge/crmclient/internal/limit"
	"github.com/leadbridge/leadbridge/crmclient/internal/vibe"
)

// step is one object of the CRM that an event becomes, with all that is known of it.
type step struct {
	entity vibe.Entity
	state  state
	id     int64 // the object's id, once the step is done
	found  bool  // a look-up found the object
	given  bool  // this event did not make the object: the person's contact was there already
	with   owner // the contact of a lead or a deal that was found; in a contact's step, that of the event's deal that was found

	everUncertain bool // the step was in doubt or suspect: it is never refused without a look-up
	everInDoubt   bool // a create of ours was ever in doubt
	counted       bool // the step is counted as in doubt now
	lost          bool // the call ended while a create was in flight
	// oneAbsenceSuffices says that one look-up that finds nothing is enough, as nobody has reason to suspect the step.
	// Otherwise two are needed, see absence.
	oneAbsenceSuffices bool

	absence            absence
	shownAbsent        absenceShown
	asked              time.Time // when the last look-up that found nothing was sent; before the first, when the step was made
	lastEffectPossible time.Time // after this time no create of ours can take effect any more
	lookAt             time.Time // earliest time of the next look-up
	unproven           bool      // the last look-up found nothing, and such look-ups are not proven to find anything
	rechecks           int       // look-ups that failed or were not proven
	cohort             *cohort   // the steps of its batch that are in doubt with it; nil: it was sent alone

	sendAt   time.Time                   // earliest time of the next create
	hurried  bool                        // the step need not wait for sendAt: a hold or a flood has ended since
	endings  endings                     // what had ended when the event was deferred
	backoff  *backoff.ExponentialBackOff // nil until it is needed
	maxBatch int                         // how many creates its request may have at most; 0: no bound of its own

	written   int    // creates whose request was written, in whole or in part
	atSend    moment // when its last judged create left
	first     uint64 // the entry of its first try in the evidence; 0: none yet
	weighed   bool   // it is settled whether the last judged create is charged
	uncharged int    // creates judged since the last one that was charged
	single    bool   // no judged create was sent in a batch
	inBatch   bool   // its next create leaves in a batch, even if the batch has only this one
	charges   limit.Charges
	last      judgement  // of its last judged create
	refusal   *Rejection // why it is refused; nil: it is not
	refusedAt *moment    // when its first refused create left; nil: none was refused

	extra *extra // nil: the step makes an object; else it is a comment or a fill
}

func newStep(entity vibe.Entity, suspect, lookUpFirst bool) *step {
	s := &step{entity: entity, asked: time.Now(), everUncertain: suspect, oneAbsenceSuffices: !suspect, single: true}
	if suspect || lookUpFirst {
		s.state = stateSuspect
	}
	return s
}

// transition changes the state by a trigger. It panics if there is no such transition.
func (s *step) transition(t trigger) {
	next, ok := s.state.after(t)
	if !ok {
		panic(fmt.Sprintf("crmclient: no transition from %v on %v", s.state, t))
	}
	s.state = next
}

// judgement is what a step keeps of the outcome of a create, which may hold the whole answer to a batch.
type judgement struct {
	Class         vibe.Class
	Status        int
	Code, Message string
}

// moment is how much had happened in the process when a create was sent. What happened later is the difference to now.
type moment struct {
	at       time.Time
	evidence uint64 // number of first tries that had ended
	passes   uint64 // number of creates that had passed
	floods   int    // number of floods that had ended
}

// answer is what the request for a create means for its step.
type answer struct {
	trigger  trigger // onUnsent, onCreated, onMatched, onDoubt, onFailure or onRefusal
	outcome  vibe.Outcome
	id       int64 // the object's id, with onCreated and onMatched
	atSend   moment
	first    uint64  // the entry that a first try made in the evidence; 0: none
	items    int     // creates in the request
	batch    bool    // the request was a batch
	maxBatch int     // how many creates the step's next request may have; 0: no bound
	cohort   *cohort // the steps of the request that are in doubt; nil: the step was alone
	halve    bool    // with onDoubt: the batch failed as a whole
	confirm  bool    // with onFailure: the item was refused, which another request must confirm
}

// digest updates a step by the answer to its create. An error ends the call of Create.
func (c *Creator) digest(s *step, a *answer) error {
	if !a.outcome.Written.IsZero() {
		s.written++
	}
	s.maxBatch = s.nextBatch(a)
	if a.trigger == onUnsent {
		s.transition(onUnsent)
		if a.outcome.Class != vibe.LeaseLost {
			return nil // it enters the queue again at once, behind the others
		}
		s.lost = !a.outcome.Written.IsZero()
		return fmt.Errorf("%w: %w", ErrLeaseLost, a.outcome.Lease)
	}
	// No event of a batch that failed as a whole is charged, as any of them may be the reason.
	s.atSend, s.weighed = a.atSend, a.halve
	s.last = judgement{Class: a.outcome.Class, Status: a.outcome.Status, Code: a.outcome.Code, Message: a.outcome.Message}
	s.single = s.single && !a.batch
	if a.first > 0 {
		s.first = a.first
	}
	switch a.trigger {
	case onCreated, onMatched:
		s.id = a.id
		lacksNothing := a.trigger == onMatched && s.extra != nil
		s.given = s.given || lacksNothing
		s.transition(a.trigger)
		return nil
	case onDoubt:
		s.transition(onDoubt)
		c.beginDoubt(s, a)
	case onFailure:
		s.transition(onFailure)
		if a.confirm {
			s.noteRefusal()
			s.weighed, s.sendAt = true, time.Time{} // no charge, no backoff
			return nil
		}
	case onRefusal:
		c.refuse(s)
	}
	wait := s.nextBackoff(c.cfg)
	if s.uncharged++; s.uncharged > patientTries {
		wait *= patience
	}
	s.sendAt = time.Now().Add(max(a.outcome.RetryAfter, wait))
	return nil
}

// nextBatch returns how many creates the step's next request may have, after the answer to the last one; 0: no bound. A
// batch that failed as a whole is sent again in halves, until an event that makes batches fail is alone. A batch that got
// no answer is first sent once more in its full size, as its events are hardly the reason.
func (s *step) nextBatch(a *answer) int {
	switch {
	case !a.halve:
		return a.maxBatch
	case a.outcome.Status == 0 && s.maxBatch == 0:
		return a.items
	}
	return (a.items + 1) / 2
}

// An event that fails again and again while nothing else passes is tried less often after patientTries tries, because the
// CRM blocks a key that repeats a failing call (ERROR_LOOP_DETECTED).
const (
	patientTries = 10
	patience     = 5 // times CRM_BACKOFF_MAX
)

// nextBackoff returns how long the step waits before its next try.
func (s *step) nextBackoff(cfg Config) time.Duration {
	if s.backoff == nil {
		s.backoff = newBackoff(cfg)
	}
	return min(s.backoff.NextBackOff(), cfg.BackoffMax)
}

// newBackoff returns the backoff between the tries of an event: exponential, with jitter, without an end.
func newBackoff(cfg Config) *backoff.ExponentialBackOff {
	return backoff.NewExponentialBackOff(
		backoff.WithInitialInterval(cfg.BackoffInitial),
		backoff.WithMaxInterval(cfg.BackoffMax),
		backoff.WithMaxElapsedTime(0),
	)
}

// refuse refuses a step for the outcome of its last create. A step that was ever uncertain is looked up before its
// refusal is handed out: the CRM may refuse it because an earlier create worked.
func (c *Creator) refuse(s *step) {
	reason, attempts := ReasonRetriesExhausted, s.charges.Count
	switch s.last.Class {
	case vibe.Refused:
		if s.last.Code == codeManyMatches {
			reason = ReasonManyMatches
			break
		}
		reason, attempts = ReasonRefused, s.charges.Count+1
	case vibe.TooLarge:
		reason, attempts = ReasonTooLarge, s.charges.Count+1
	case vibe.Business:
		reason = ReasonRefused
	}
	s.refusal = &Rejection{Reason: reason, Status: s.last.Status, Code: s.last.Code, Message: s.last.Message, Attempts: attempts}
	s.noteRefusal()
	if !s.everUncertain {
		s.transition(onRefusal)
		return
	}
	s.transition(onSuspicion)
	s.oneAbsenceSuffices, s.absence = false, absence{}
}

// noteRefusal notes when the first create that was refused left.
func (s *step) noteRefusal() {
	if s.refusedAt == nil {
		atSend := s.atSend
		s.refusedAt = &atSend
	}
}

// dropRefusal removes the refusal of a step that was refused in a flood. The flood has ended, so the event is sent once more.
func (s *step) dropRefusal() {
	s.transition(onFloodEnd)
	s.refusal, s.sendAt = nil, time.Time{}
	s.weighed = true // a refusal is never charged
}
