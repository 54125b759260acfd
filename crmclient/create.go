package crmclient

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/cenkalti/backoff/v4"
)

// event is one call of Create. It belongs to that call's goroutine; while a ticket of it is out,
// the slot reads it and writes body.
type event struct {
	req Request

	unproven  bool      // a create may have worked: look up before anything else
	suspected bool      // it was ever in doubt or suspect: never refused without a look-up
	asksOnly  bool      // nothing is made for it: it is evidence of nothing
	once      bool      // one absence is enough: nobody has reason to suspect
	quiet     time.Time // from then on no create of ours can take effect any more
	lookAt    time.Time // next look-up, not before
	retryAt   time.Time // next create, not before

	everDoubted bool // a create of this call was in doubt
	doubted     bool // counted as in doubt now
	inTheAir    bool // it was left while a create was being written

	cohort *cohort // its batch, while the event is in doubt; nil: it was alone
	most   int     // creates in one request with it, all of the same bound; 0: as many as there are

	written  int // creates
	charged  int
	verdict  *Rejection                  // to be handed out when nothing speaks against it
	judgedIn int                         // floods that had ended when the request behind the verdict left
	since    uint64                      // evidence counts from here: the event's last attempt
	backoff  *backoff.ExponentialBackOff // nil until it is needed

	body    []byte // encoded for bodyFor
	bodyFor *portal
}

// Create blocks until the contact exists, the CRM will never accept it
// (*Rejection), or ctx ended (its error). Everything else (throttling,
// outages, timeouts, bad credentials, doubt) is handled inside.
//
// A create that is on its way when ctx ends is broken off and may have taken
// effect: the result beside the error tells (Unsettled).
func (c *Creator) Create(ctx context.Context, r Request) (Result, error) {
	e := c.takeUp(r)[0]
	defer c.letGo(e)
	return c.pursue(ctx, e)
}

// pursue brings an event to its end.
func (c *Creator) pursue(ctx context.Context, e *event) (Result, error) {
	for {
		if e.unproven {
			id, err := c.prove(ctx, e)
			if err != nil {
				return e.left(err)
			}
			if id > 0 {
				return Result{ContactID: id, Found: true, Attempts: e.written}, nil
			}
		}
		if e.verdict != nil {
			if c.mayRefuse(e) {
				return e.left(e.verdict)
			}
			e.verdict = nil
			c.meter.retries.Inc()
		}
		o, err := c.try(ctx, e)
		if err != nil {
			return e.left(err)
		}
		if o.class == classDone {
			return e.made(o), nil
		}
		c.digest(e, *o)
	}
}

// made is the end of a Create whose create worked.
func (e *event) made(o *outcome) Result {
	return Result{ContactID: o.id, Attempts: e.written}
}

// try makes one create when the event's time has come.
func (c *Creator) try(ctx context.Context, e *event) (*outcome, error) {
	if err := sleepUntil(ctx, e.req.Stop, e.retryAt); err != nil {
		return nil, err
	}
	t := &ticket{kind: kindCreate, event: e}
	_, err := c.submit(ctx, e.req.Stop, t)
	return e.tried(t, err)
}

// tried takes what became of an event's create.
func (e *event) tried(t *ticket, err error) (*outcome, error) {
	if err != nil {
		e.inTheAir = t.sent.Load()
		return nil, err
	}
	o := t.outcome
	if !o.written.IsZero() {
		e.written++
	}
	if o.class == classLeaseLost {
		e.inTheAir = !o.written.IsZero()
		return nil, fmt.Errorf("%w: %w", ErrLeaseLost, o.lease)
	}
	return o, nil
}

// left is the end of a Create without a contact.
func (e *event) left(err error) (Result, error) {
	return Result{Attempts: e.written, Unsettled: e.inTheAir || e.unproven && e.everDoubted}, err
}

func newEvent(r *Request) *event {
	e := &event{req: *r}
	if e.req.Contact == nil {
		e.req.Contact = &Contact{}
	}
	return e
}

// takeUp begins a call for each request.
func (c *Creator) takeUp(requests ...Request) []*event {
	events := make([]*event, len(requests))
	for i := range requests {
		r := &requests[i]
		e := newEvent(r)
		e.unproven = r.Suspect || c.cfg.LookupAlways
		e.suspected, e.once = r.Suspect, !r.Suspect
		if r.Suspect {
			c.meter.suspects.Inc()
		}
		events[i] = e
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.callers += len(events)
	for _, e := range events {
		e.since = c.evidence.seq
	}
	return events
}

// lease tells whether the event's create may leave.
func (e *event) lease() error {
	if e.req.Lease == nil {
		return nil
	}
	return e.req.Lease()
}

func (c *Creator) letGo(e *event) {
	c.proven(e)
	c.leave()
}

// digest draws what a create that did not work means for its event.
func (c *Creator) digest(e *event, o outcome) {
	now := time.Now()
	wait := o.retryAfter
	if o.charged {
		e.charged++
	}
	switch o.class {
	case classRefused:
		c.refuse(e, ReasonRefused, o)
	case classTooLarge:
		c.refuse(e, ReasonTooLarge, o)
	case classBusiness:
		if e.charged >= c.cfg.MaxAttempts {
			c.refuse(e, ReasonRefused, o)
		}
	case classDoubt:
		c.doubt(e, o, now)
		fallthrough
	case classCredentials:
		if o.charged && e.charged >= c.cfg.MaxAttempts {
			c.refuse(e, ReasonRetriesExhausted, o)
		}
	}
	if e.verdict == nil {
		c.meter.retries.Inc()
	}
	e.narrow(o, c.cfg.BatchSize)
	if e.verdict == nil && !o.held && o.class != classSplit {
		wait = max(wait, e.nextBackOff(c.cfg))
	}
	e.retryAt = now.Add(wait)
	c.mu.Lock()
	e.since = c.evidence.seq
	c.mu.Unlock()
}

func (e *event) nextBackOff(cfg Config) time.Duration {
	if e.backoff == nil {
		e.backoff = newBackoff(cfg)
	}
	return min(e.backoff.NextBackOff(), cfg.BackoffMax)
}

// narrow says with how many others an event goes next time: fewer after each failure, so
// that one that no batch bears comes to stand alone.
func (e *event) narrow(o outcome, size int) {
	switch {
	case o.items < 2:
		if o.charged {
			e.most = 1
		}
	case o.class == classSplit && o.whole, o.class == classDoubt && o.whole && e.most > 0:
		e.most = (o.items + 1) / 2
	case o.class == classSplit, o.class == classDoubt && e.most > 0:
		e.most = 1
	case o.class == classDoubt:
		e.most = size // the same again, but without bystanders
	}
}

// refuse sets the verdict. An event that may have a contact is looked up once more
// before: it may be refused because an earlier create worked.
func (c *Creator) refuse(e *event, reason Reason, o outcome) {
	attempts := e.charged
	if !o.charged {
		attempts++
	}
	e.judgedIn = o.floods
	e.verdict = &Rejection{Reason: reason, Status: o.status, Code: o.code, Message: o.message, Attempts: attempts}
	if e.suspected {
		e.unproven, e.once = true, false
	}
}

// doubt notes that a create may have worked, or may yet.
func (c *Creator) doubt(e *event, o outcome, now time.Time) {
	e.unproven, e.suspected, e.once, e.everDoubted = true, true, false, true
	e.cohort, e.lookAt = o.cohort, now.Add(c.cfg.Settle)
	if o.answered.IsZero() {
		e.quiet = later(e.quiet, o.written.Add(c.cfg.lifetime(o.items)))
	} else {
		e.quiet = later(e.quiet, o.answered.Add(c.cfg.Settle))
	}
	c.meter.doubts.Inc()
	if !e.doubted {
		e.doubted = true
		c.meter.inDoubt.Inc()
	}
}

// proven ends an event's doubt.
func (c *Creator) proven(e *event) {
	e.unproven = false
	if e.cohort != nil {
		c.mu.Lock()
		e.cohort.leave(e)
		c.mu.Unlock()
		e.cohort = nil
	}
	if e.doubted {
		e.doubted = false
		c.meter.inDoubt.Dec()
	}
}

// absence is a look-up that did not find an event: the portal looked in between.
type absence struct{ asked, answered time.Time }

// prove looks an event up until its contact is found or certainly absent (0): by two
// look-ups a settle time apart that agree, neither before the last
// create that anybody may have sent cannot take effect any more.
func (c *Creator) prove(ctx context.Context, e *event) (id int64, err error) {
	var first absence // that counts
	for {
		if err := sleepUntil(ctx, e.req.Stop, e.lookAt); err != nil {
			return 0, err
		}
		id, asked, err := c.lookAgain(ctx, e)
		if err != nil {
			return 0, err
		}
		c.mu.Lock()
		quiet := e.cohort.tell(e, id > 0, asked)
		c.mu.Unlock()
		if id > 0 {
			return id, nil
		}
		quiet = later(quiet, c.quietAt(e))
		switch {
		case asked.Before(quiet):
			first, e.lookAt = absence{}, quiet
			continue
		case first.asked.Before(quiet) || first.asked.IsZero():
			first = absence{asked, time.Now()}
			e.lookAt = first.answered.Add(c.cfg.Settle)
		case asked.Sub(first.answered) < c.cfg.Settle:
			e.lookAt = first.answered.Add(c.cfg.Settle)
			continue
		default:
			agreed, err := c.agree(ctx, e, first.answered)
			if err != nil {
				return 0, err
			}
			if agreed {
				c.proven(e)
				return 0, nil
			}
			first = absence{} // the batch still runs
			continue
		}
		if e.once {
			c.proven(e)
			return 0, nil
		}
	}
}

// quietAt is the time from which an unproven event's absence counts.
func (c *Creator) quietAt(e *event) time.Time {
	quiet := e.quiet
	if e.req.SentBefore != nil {
		if at := e.req.SentBefore(); !at.IsZero() {
			quiet = later(quiet, at.Add(c.cfg.lifetime(batchLimit))) // whatever they sent
		}
	}
	return quiet
}

// lookAgain looks an event up by every way that was in force.
func (c *Creator) lookAgain(ctx context.Context, e *event) (id int64, asked time.Time, err error) {
	c.mu.Lock()
	ways := slices.Clone(c.ways)
	c.mu.Unlock()
	if len(ways) == 0 {
		// Not asked yet: the ticket of a look-up would not know how.
		if err := c.prepare(ctx, e.req.Stop); err != nil {
			return 0, time.Time{}, err
		}
		return c.lookAgain(ctx, e)
	}
	if name := e.req.SentWay; name != "" && !slices.Contains(ways, parseWay(name)) {
		ways = append(ways, parseWay(name))
	}
	for _, w := range ways {
		o, err := c.submit(ctx, e.req.Stop, &ticket{kind: kindLookUp, event: e, way: w})
		if err != nil {
			return 0, time.Time{}, err
		}
		if o.id > 0 {
			return o.id, o.written, nil
		}
		if asked.IsZero() || o.written.Before(asked) {
			asked = o.written
		}
	}
	return 0, asked, nil
}
