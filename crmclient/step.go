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
	given  bool  // the object was not made of this event: the person's contact was there already
	with   owner // of a lead or a deal that was found; of a contact that a found deal told

	everUncertain bool // the step was in doubt or suspect: it is never refused without a look-up
	everInDoubt   bool // a create of ours was ever in doubt
	counted       bool // the step is counted as in doubt now
	lost          bool // the call ended while a create was in flight
	// oneAbsenceSuffices says that the next look-up that finds nothing shows that there is nothing, as nobody has reason
	// to suspect it. Else two are needed, see absence.
	oneAbsenceSuffices bool

	absence            absence
	shownAbsent        absenceShown
	asked              time.Time // when the last look-up that found nothing was sent; before the first, when the step was made
	lastEffectPossible time.Time // after this time no create of ours can take effect any more
	lookAt             time.Time // earliest time of the next look-up
	unproven           bool      // the last look-up found nothing, and such look-ups have not been seen to find
	rechecks           int       // look-ups that failed or were not proven
	cohort             *cohort   // the batch that is in doubt with the step; nil: it was sent alone

	sendAt   time.Time                   // earliest time of the next create
	hurried  bool                        // sendAt is not waited for: a hold or a flood has ended since
	endings  endings                     // when the event was deferred
	backoff  *backoff.ExponentialBackOff // nil until it is needed
	maxBatch int                         // how many creates its request may have at most; 0: no bound of its own

	written   int    // creates whose request was written, in whole or in part
	atSend    moment // when its last judged create left
	first     uint64 // the entry of its first try in the evidence; 0: none yet
	weighed   bool   // the last judged create was charged
	uncharged int    // creates judged since the last one that was charged
	single    bool   // no judged create was sent in a batch
	inBatch   bool   // its next create leaves in a batch, if only of one
	charges   limit.Charges
	last      judgement  // of its last judged create
	refusal   *Rejection // why it is refused; nil: it is not
	refusedAt *moment    // when its first refused create left; nil: none was refused

	extra *extra // nil: the step makes an object; else the event can be done without the step
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

// moment is how much had happened in the process when a create was sent.
type moment struct {
	at       time.Time
	evidence uint64 // number of first tries that had ended
	passes   uint64 // number of creates that had passed
	floods   int    // number of floods that had ended
}

// answer is what a request for a create meant for its step.
type answer struct {
	trigger  trigger // onUnsent, onCreated, onDoubt, onFailure or onRefusal
	outcome  vibe.Outcome
	id       int64
	atSend   moment
	first    uint64  // the entry of the evidence, of a first try; 0: it made none
	items    int     // creates in the request
	batch    bool    // it was a batch
	maxBatch int     // how many may be in the next request with it; 0: no bound
	cohort   *cohort // of those of the request that are in doubt; nil: it was alone
	halve    bool    // with onDoubt: the batch failed as a whole
	confirm  bool    // with onFailure: the refusal of an item, which another request is to confirm
}

// digest takes the answer to a create into the step. An error ends the call of Create.
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
	// A batch that failed as a whole charges none of its events, as any of them may be the reason.
	s.atSend, s.weighed = a.atSend, a.halve
	s.last = judgement{Class: a.outcome.Class, Status: a.outcome.Status, Code: a.outcome.Code, Message: a.outcome.Message}
	s.single = s.single && !a.batch
	if a.first > 0 {
		s.first = a.first
	}
	switch a.trigger {
	case onCreated, onMatched:
		s.id = a.id
		s.given = s.given || a.trigger == onMatched && s.extra != nil // nothing was lacking
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
// batch whose answer was lost is sent once more in its size, as its events are hardly the reason. A batch that failed
// is sent in halves, until a poison event is alone.
func (s *step) nextBatch(a *answer) int {
	switch {
	case !a.halve:
		return a.maxBatch
	case a.outcome.Status == 0 && s.maxBatch == 0:
		return a.items
	}
	return (a.items + 1) / 2
}

// An event that fails and fails while nothing else passes is tried less often after some tries: the CRM
// blocks a key that repeats a failing call (ERROR_LOOP_DETECTED).
const (
	patientTries = 10
	patience     = 5 // times CRM_BACKOFF_MAX
)

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

// refuse takes the step's refusal from its last create. A step that was ever uncertain is looked up before its
// refusal is handed out: it may be refused because an earlier create worked.
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

// dropRefusal forgets why the step was refused in a flood that has ended: the event is sent once more.
func (s *step) dropRefusal() {
	s.transition(onFloodEnd)
	s.refusal, s.sendAt = nil, time.Time{}
	s.weighed = true // a refusal is no charge
}
