package crmclient

import (
	"net/http"
	"time"
)

// create makes the contacts of a job's events, alone or by a batch, and judges what came
// of it. That no two events of one key are among them is their callers' care.
func (c *Creator) create(j *job) {
	c.mu.Lock()
	p, floods := c.portal, c.flood.passed
	c.mu.Unlock()
	tickets, batch := c.load(j, p)
	var outcomes []outcome
	switch len(tickets) {
	case 0:
		return
	case 1:
		outcomes = c.createOne(j, tickets[0], p)
	default:
		outcomes = c.createBatch(j, tickets, p, batch)
	}
	c.handOut(tickets, outcomes, floods)
}

// load makes a job's creates ready to leave: encoded, when the budget allows it, and with
// those whose senders still may. The others get their answer here. batch is the body of their
// batch, nil where it is still to be put together.
func (c *Creator) load(j *job, p *portal) (sent []*ticket, batch []byte) {
	fit := make([]*ticket, 0, len(j.tickets))
	s := c.newSheet(len(j.tickets))
	for _, t := range j.tickets {
		if err := s.add(func() error { return c.encode(t.event, p, s) }); err != nil {
			o := outcome{class: classRefused, code: "UNENCODABLE", message: "the contact cannot be written as JSON"}
			c.judge(j, t.event, p.way, &o)
			c.answer(t, &o)
			continue
		}
		fit = append(fit, t)
	}
	if len(s.unknown) > 0 {
		c.mu.Lock()
		c.report(s.unknown)
		c.mu.Unlock()
	}
	if len(fit) == 0 || c.pay(j.ctx, j) != nil {
		return nil, nil
	}
	held := fit[:0]
	for _, t := range fit {
		if err := t.event.lease(); err != nil {
			c.answer(t, &outcome{class: classLeaseLost, lease: err})
			continue
		}
		held = append(held, t)
	}
	sent = c.board(held)
	return sent, s.batch(len(sent))
}

// board marks the tickets as sent, save those whose callers have left: they have
// gone without knowing of a request.
func (c *Creator) board(tickets []*ticket) []*ticket {
	c.mu.Lock()
	defer c.mu.Unlock()
	sent := tickets[:0]
	for _, t := range tickets {
		if !t.gone {
			t.sent.Store(true)
			sent = append(sent, t)
		}
	}
	return sent
}

// createOne sends one create.
func (c *Creator) createOne(j *job, t *ticket, p *portal) []outcome {
	what := call{op: opCreate, method: http.MethodPost, path: "/contacts", body: t.event.body, lease: t.event.lease,
		replayed: replayedPart([]*ticket{t})}
	o := c.understood(what, created(c.do(j.ctx, j, what), p.way, time.Now()))
	if j.ctx.Err() != nil && o.class != classDone {
		return nil // broken off: not an attempt
	}
	o.items = 1
	c.judge(j, t.event, p.way, &o)
	return []outcome{o}
}

// handOut answers the tickets together, so that those in doubt know of each other before any
// of them is looked up. One without an outcome goes back to its queue.
func (c *Creator) handOut(tickets []*ticket, outcomes []outcome, floods int) {
	if len(outcomes) == 0 {
		return
	}
	together := newCohort()
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, t := range tickets {
		o := &outcomes[i]
		o.floods = floods
		if o.class == classAgain {
			continue
		}
		if o.class == classDoubt && o.items > 1 && !t.gone {
			together.absent[t.event] = time.Time{}
			o.cohort = together
		}
		t.settle(o)
	}
}

// encode writes the event's contact for a portal, once.
func (c *Creator) encode(e *event, p *portal, s *sheet) error {
	if e.bodyFor == p {
		s.spoiled = true
		return nil
	}
	s.fields = e.req.Contact.body(s.fields[:0])
	s.fields, s.unknown = p.fit(s.fields, len(e.req.Contact.UserFields), s.unknown)
	s.fields = p.way.mark(s.fields, p, &c.cfg.Originator, &e.req.OriginID)
	text, err := s.fields.appendJSON(s.text)
	if err != nil {
		return err
	}
	e.body, e.bodyFor = text[len(s.text):len(text):len(text)], p
	s.text = text
	return nil
}

// sheet is what a job's contacts are written on, one behind the other: as the body of the batch
// that they are to leave in, so that none is copied.
type sheet struct {
	fields  body     // of one contact at a time
	unknown []string // fields that the portal does not take, of all of them
	text    []byte
	calls   int
	single  bool // no batch
	spoiled bool // what is on it is not the whole batch
}

func (c *Creator) newSheet(contacts int) *sheet {
	const usualFields = 16
	s := &sheet{fields: make(body, 0, usualFields), single: contacts < 2}
	s.text = make([]byte, 0, int64(contacts)*c.contactSize.Load()*17/16+64)
	if !s.single {
		s.text = append(s.text, callsBegin...)
	}
	return s
}

// add writes an event's contact as the next call.
func (s *sheet) add(encode func() error) error {
	if s.single {
		return encode()
	}
	before := s.text
	s.text = appendCallHead(s.text, s.calls)
	if err := encode(); err != nil {
		s.text = before
		return err
	}
	s.text = append(s.text, callEnd...)
	s.calls++
	return nil
}

// batch is the body of a batch of so many calls; nil when that is not on the sheet.
func (s *sheet) batch(calls int) []byte {
	if s.single || s.spoiled || s.calls != calls {
		return nil
	}
	return append(s.text, callsEnd...)
}
