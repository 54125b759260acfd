// Package crmclient makes contacts in the CRM (Bitrix24's "Vibe" REST API),
// each exactly once, under the CRM's limits. It knows nothing of Kafka.
package crmclient

import (
	"context"
	"errors"
	"time"
)

// Request asks for one contact.
type Request struct {
	// OriginID identifies the event in the CRM: lower-case letters, digits and
	// dashes only. The same event always has the same one.
	OriginID string
	Contact  Contact

	// Suspect says that somebody else, or this process before, may already
	// have sent a create for this event: it is looked up before it is created.
	Suspect bool
	// SentBefore tells a time after which nobody else can have written a
	// create for this event; the zero time says that none can be on its way.
	// An absence counts only when CRM_QUEUE_LIMIT and run time have passed since.
	// It is asked again before each decision, as the answer may become later.
	// Nil is the zero time.
	SentBefore func() time.Time

	// RecordedAt is the time of the original record: a lower bound for
	// the contact's creation, used where look-ups go by phone or e-mail.
	RecordedAt time.Time

	// Replayed says that the event was a dead letter before: its refusal says
	// nothing about our set-up (flood guard).
	Replayed bool

	// Lease is asked right before the request leaves, and again in the
	// connection's Write; an error stops the request. Nil: always held.
	Lease func() error

	// SentWay is the origin field (Status.OriginField) that was in force when
	// somebody else may have sent a create for it; "" when unknown or the same. A suspect
	// is looked up by that way too.
	SentWay string

	// Stop, when closed, asks for an early end: a request in the air is waited
	// for and its answer counts, but none is begun and nothing else is waited for
	// (holds, backoff, settle times, the budget). Create then returns ErrStopped. Nil: never.
	Stop <-chan struct{}
}

// ErrStopped is wrapped by errors of Create after Request.Stop was closed.
var ErrStopped = errors.New("stopped")

// Result says that the contact exists. Beside an error only Unsettled counts.
type Result struct {
	// ContactID is the CRM's id of the contact.
	ContactID int64
	// Found says that a look-up found the contact: an earlier create had worked.
	Found bool
	// Attempts counts the creates that were written for it in this call.
	Attempts int
	// Unsettled says, beside an error, that a create was written in this call
	// whose effect is not known: the event is a suspect for whoever takes it up next.
	Unsettled bool
}

// Reason names why the CRM will never have a contact for an event.
type Reason string

// The reasons of a [Rejection]; values of the dead-letter header dlt-reason.
const (
	ReasonRefused          Reason = "CRM_REFUSED"
	ReasonRetriesExhausted Reason = "RETRIES_EXHAUSTED"
	ReasonTooLarge         Reason = "TOO_LARGE"
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
	Attempts int // creates charged to this event
}

func (r *Rejection) Error() string { return "" }

// ErrLeaseLost is wrapped by errors of Create when Request.Lease refused.
// The event is in whatever state its last answer left it: it belongs to the next owner.
var ErrLeaseLost = errors.New("lease lost")

// Creator makes contacts. It is safe for concurrent use.
type Creator struct{}

// New makes a Creator; it sends nothing yet.
func New(cfg Config) (*Creator, error) { return &Creator{}, nil }

// Prepare asks the portal what it is (key, fields, which field carries our
// id) and blocks, through holds, until it is known or ctx ended. Create does the
// same by itself; calling Prepare at start shows a bad key before the first event.
func (c *Creator) Prepare(ctx context.Context) error { return nil }

// Create blocks until the contact exists, the CRM will never accept it
// (*Rejection), or ctx ended (its error). Everything else (throttling,
// outages, timeouts, bad credentials, doubt) is handled inside.
func (c *Creator) Create(ctx context.Context, r Request) (Result, error) {
	return Result{}, errors.New("not built")
}

// SetShare sets this process's part (0 to 1) of the portal's budget.
func (c *Creator) SetShare(part float64) {}

// Status tells what holds the creates back, if anything.
func (c *Creator) Status() Status { return Status{} }

// ContactURL is the address of a contact's card, "" while the portal's name is unknown.
func (c *Creator) ContactURL(id int64) string { return "" }

// Preflight looks at the key, its scopes, the fields and the defaults
// (sourceID against the portal's statuses); fix makes the user field.
func (c *Creator) Preflight(ctx context.Context, sourceID string, fix bool) []Finding { return nil }
