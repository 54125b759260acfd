package crmclient

import (
	"errors"
	"fmt"
	"time"

	"github.com/leadbridge/leadbridge/crmclient/internal/queue"
)

// Request asks for what one event becomes: a contact, a lead, or a contact and its deal.
type Request struct {
	// OriginID identifies the event in the CRM: lower-case letters, digits and
	// dashes only. The same event always has the same one.
	OriginID string
	Contact  *Contact // the person; not to be changed meanwhile; nil: one without fields

	Target Target // empty: that of the Config
	Card   Card   // of a lead or a deal

	// Suspect says that somebody else, or this process before, may already
	// have sent a create for this event: it is looked up before it is created.
	Suspect bool
	// SentBefore returns a time after which nobody else can have written a
	// create for this event; the zero time says that none can be on its way.
	// An absence counts only when CRM_QUEUE_LIMIT and run time have passed since.
	// It is asked again before each decision, as the answer may become later.
	// Nil is the zero time.
	SentBefore func() time.Time

	// LookUpOnly says that the event's turn has not come: an earlier event must be done first. A suspect is looked up all
	// the same, as reads need no order, and nothing is sent: in place of a result, and before the first create, Create
	// returns a *Deferred with WaitOrder.
	LookUpOnly bool

	// RecordedAt is the time of the original record: a lower bound for
	// the contact's creation, used where look-ups go by phone or e-mail.
	RecordedAt time.Time

	// Later says that the event belongs to a backlog: while events of both kinds wait, those that do not get Config.FreshFirst
	// of the places.
	Later bool

	// Replayed says that the event was a dead letter before: its refusal says
	// nothing about our set-up (flood guard).
	Replayed bool

	// Lease is asked right before the request leaves, and again in the
	// connection's Write; an error stops the request. Nil: always held.
	Lease func() error

	// SentIDField is the origin field (Status.OriginField) that was in force when somebody else may have sent a create
	// for the event; "": unknown, or the field in force now. A suspect is looked up by SentIDField, too.
	SentIDField string
	// IDFieldFromHeader says that SentIDField was read from a record's header, which anybody may have written: if the
	// portal refuses the field as a filter, the refusal holds nobody up.
	IDFieldFromHeader bool

	// Stop, when closed, asks for an early end: a request in the air is waited
	// for and its answer counts, but none is begun and nothing else is waited for
	// (holds, the budget). Create then returns ErrStopped. Nil: never.
	Stop <-chan struct{}

	// Resume is the Pending of the *Deferred that the last Create for this event returned; nil at
	// the first call.
	Resume *Pending
}

// ErrStopped is wrapped by errors of Create after Request.Stop was closed.
var ErrStopped = queue.ErrStopped

// ErrLeaseLost is wrapped by errors of Create when Request.Lease refused.
// The event is in whatever state its last answer left it: it belongs to the next owner.
var ErrLeaseLost = errors.New("lease lost")

// Result says that what the event becomes exists. Beside an error only Unsettled and Attempts count.
type Result struct {
	// ContactID is the CRM's id of the contact; 0 for a lead.
	ContactID int64
	// LeadID and DealID are those of the lead or the deal; 0: the event becomes none.
	LeadID, DealID int64
	// Found says that a look-up found one of these objects: an earlier create had worked.
	Found bool
	// Matched says that the contact was there before: the event was given to it.
	Matched bool
	// Candidates are the contacts that agree with the person, when there are several and none of them was taken.
	Candidates []int64
	// Attempts counts the creates that were written for it in all calls for the event.
	Attempts int
	// Comment says what became of the comment on the card's timeline, "" for none, and CommentReason why it was not
	// written: words without anything of the event.
	Comment       CommentState
	CommentReason string
	// Fill says what became of filling the card of the contact to which the event was given, "" when there was none to
	// fill, and FillReason why it failed: words without anything of the event.
	Fill       FillState
	FillReason string
	// Unsettled says, beside an error, that a create was written whose effect is not known, or that a
	// part of what the event becomes exists: the event is a suspect for whoever takes it up next.
	Unsettled bool
}

// Made returns the ids of what exists.
func (r Result) Made() Made { return Made{r.ContactID, r.LeadID, r.DealID} }

// Reason names why the CRM will never have a contact for an event.
type Reason string

// The reasons of a [Rejection]; values of the dead-letter header dlt-reason.
const (
	ReasonRefused          Reason = "CRM_REFUSED"
	ReasonRetriesExhausted Reason = "RETRIES_EXHAUSTED"
	ReasonTooLarge         Reason = "TOO_LARGE"
	ReasonManyMatches      Reason = "MANY_MATCHES" // see Config.Match
)

// Rejection is the error of Create for a contact that the CRM will never
// accept. Message is the CRM's own text, which may repeat personal data: it
// belongs into a dead letter after redaction, never into a log. Error()
// leaves it out.
type Rejection struct {
	Reason   Reason
	Status   int    // HTTP status of the last answer, 0 when there was none
	Code     string // the CRM's error code
	Message  string
	Attempts int    // creates charged to this event, the refused one included
	Flood    string // names the flood in which it was refused; "": in none
	// Done is what exists of the event all the same: the contact, when its deal is refused.
	Done Made
}

// Error returns reason, status and code: nothing of the contact.
func (r *Rejection) Error() string {
	s := string(r.Reason)
	if r.Status != 0 {
		s += fmt.Sprintf(": status %d", r.Status)
	}
	if r.Code != "" {
		s += ": " + r.Code
	}
	return s
}

// Wait names what a deferred event waits for.
type Wait string

// What a [Deferred] event waits for.
const (
	WaitBackoff Wait = "backoff" // its last create failed
	WaitDoubt   Wait = "doubt"   // its contact may exist: look-ups, a settle time apart
	WaitSuspect Wait = "suspect" // somebody else may have sent it: the same
	WaitFlood   Wait = "flood"   // it was refused, as all others are
	WaitPerson  Wait = "person"  // another event of its person is about to have a contact
	WaitOrder   Wait = "order"   // its turn, see Request.LookUpOnly; Until is zero
)

// Deferred is the error of Create for an event that waits for something other than its turn. The
// caller drops the contact and calls Create again, with Resume and the same OriginID, when the
// time has come; or calls Forget when it never will.
type Deferred struct {
	Pending *Pending
	Why     Wait
	Until   time.Time // call Create again then
	// Ready is closed when the event may be tried at once, as a hold, a flood or the lack of a proof has ended; nil: only
	// Until counts.
	Ready <-chan struct{}
	// Sent says that a create took effect or may have: the event is a suspect for whoever takes it
	// up next.
	Sent bool
	// Optional says that all objects exist that the event becomes, and that only a comment or a fill waits, without which
	// the event can be done: later events need not wait for it.
	Optional bool
	// Refusal is, with WaitFlood, what the CRM said. It may be written as a dead letter instead of
	// waiting.
	Refusal *Rejection
}

// Error returns what the event waits for, and until when.
func (d *Deferred) Error() string {
	return fmt.Sprintf("deferred: %s until %s", d.Why, d.Until.UTC().Format(time.RFC3339))
}

// Pending is what is known of an event between two calls of Create. It holds nothing of the contact,
// save what its card held before a change that is in doubt.
type Pending struct{ delivery *delivery }
