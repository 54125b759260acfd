// Package crmclient makes contacts in the CRM (Bitrix24's "Vibe" REST API),
// each exactly once, under the CRM's limits. It knows nothing of Kafka.
package crmclient

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/rs/zerolog"
)

// Request asks for one contact.
type Request struct {
	// OriginID identifies the event in the CRM: lower-case letters, digits and
	// dashes only. The same event always has the same one.
	OriginID string
	Contact  *Contact // not to be changed meanwhile; nil: one without fields

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

// Error tells reason, status and code: nothing of the contact.
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

// ErrLeaseLost is wrapped by errors of Create when Request.Lease refused.
// The event is in whatever state its last answer left it: it belongs to the next owner.
var ErrLeaseLost = errors.New("lease lost")

// Creator makes contacts. It is safe for concurrent use.
type Creator struct {
	cfg   Config
	log   zerolog.Logger
	meter *meter
	wire  *wire
	// contactSize is about how long a contact is in the body of a batch, in bytes.
	contactSize atomic.Int64

	mu       sync.Mutex // guards everything below
	queue    [kinds][]*ticket
	timer    *time.Timer // runs pump when something may leave
	free     int         // slots
	pumping  bool        // pump is about to run
	inFlight int         // tickets in slots
	callers  int         // calls of Create and Prepare that run
	lastKind kind        // of the last request

	gate         gate
	budget       budget
	evidence     evidence
	flood        flood
	looksAfter   time.Time // no look-up leaves before: the last one failed
	looksBackoff *backoff.ExponentialBackOff

	portal   *portal      // nil until asked
	noBatch  bool         // it offers none
	stale    bool         // ask again: our id was not kept
	unkept   string       // the id that the last such answer lacked
	terse    bool         // answers to creates do not repeat our id
	ways     []way        // that were in force, oldest first
	gone     map[way]bool // ways whose field the portal no longer has
	reported map[string]bool
}

// New makes a Creator; it sends nothing yet. Its error names all faulty settings.
func New(cfg Config) (*Creator, error) {
	cfg = cfg.withDefaults()
	w, err := newWire(cfg)
	if err != nil {
		return nil, err
	}
	c := &Creator{
		cfg: cfg, log: cfg.Log, wire: w, meter: newMeter(cfg.Metrics),
		free:         cfg.Slots,
		gate:         gate{backoff: newBackoff(cfg)},
		budget:       budget{perMinute: max(cfg.RequestsPerMinute, 0), perSecond: cfg.RequestsPerSecond, share: 1},
		flood:        flood{limit: cfg.FloodLimit},
		looksBackoff: newBackoff(cfg),
		reported:     map[string]bool{},
		gone:         map[way]bool{},
	}
	if cfg.RequestsPerSecond < 0 {
		c.cfg.RequestsPerSecond, c.budget.perSecond = RateAuto, documentedRate
	}
	c.preparing()
	c.timer = time.AfterFunc(time.Hour, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.pump()
	})
	c.timer.Stop()
	return c, nil
}

// preparing holds until the portal is known.
func (c *Creator) preparing() {
	c.gate.hold = &Hold{Cause: HoldPreparing, Since: time.Now(), Advice: advice(fault{cause: HoldPreparing})}
	c.gate.told = true // what becomes of it is told at once
	c.meter.held(HoldPreparing, true)
}

// Close drops the idle connections. A Creator can still be used after it.
func (c *Creator) Close() { c.wire.close() }

// Prepare asks the portal what it is (key, fields, which field carries our
// id) and blocks, through holds, until it is known or ctx ended. Create does the
// same by itself; calling Prepare at start shows a bad key before the first event.
func (c *Creator) Prepare(ctx context.Context) error {
	c.enter()
	defer c.leave()
	return c.prepare(ctx, nil)
}

func (c *Creator) prepare(ctx context.Context, stop <-chan struct{}) error {
	c.mu.Lock()
	known := c.portal != nil && !c.stale
	c.mu.Unlock()
	if known {
		return ctx.Err()
	}
	_, err := c.submit(ctx, stop, &ticket{kind: kindPrepare})
	return err
}

// enter begins a call that leave ends.
func (c *Creator) enter() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.callers++
}

// leave ends a call. A hold without anybody whom it holds is none.
func (c *Creator) leave() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.callers--
	if c.callers > 0 || c.gate.hold == nil || c.gate.hold.Cause == HoldPreparing {
		return
	}
	c.release("CRM hold has nothing to hold")
	if c.portal == nil {
		c.preparing()
	}
}
