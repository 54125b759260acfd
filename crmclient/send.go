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
	tickets := c.load(j, p)
	var outcomes []outcome
	switch len(tickets) {
	case 0:
		return
	case 1:
		outcomes = c.createOne(j, tickets[0], p)
	default:
		outcomes = c.createBatch(j, tickets, p)
	}
	c.handOut(tickets, outcomes, floods)
}

// load makes a job's creates ready to leave: encoded, when the budget allows it, and with
// those whose senders still may. The others get their answer here.
func (c *Creator) load(j *job, p *portal) []*ticket {
	var fit []*ticket
	for _, t := range j.tickets {
		if err := c.encode(t.event, p); err != nil {
			o := outcome{class: classRefused, code: "UNENCODABLE", message: "the contact cannot be written as JSON"}
			c.judge(j, t.event, p.way, &o)
			c.answer(t, &o)
			continue
		}
		fit = append(fit, t)
	}
	if len(fit) == 0 || c.pay(j.ctx, j) != nil {
		return nil
	}
	held := fit[:0]
	for _, t := range fit {
		if err := t.event.lease(); err != nil {
			c.answer(t, &outcome{class: classLeaseLost, lease: err})
			continue
		}
		held = append(held, t)
	}
	return c.board(held)
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
		c.answer(t, o)
	}
}

// encode writes the event's contact for a portal, once.
func (c *Creator) encode(e *event, p *portal) error {
	if e.bodyFor == p {
		return nil
	}
	fields, unknown := p.fit(e.req.Contact.body())
	if len(unknown) > 0 {
		c.mu.Lock()
		c.report(unknown)
		c.mu.Unlock()
	}
	fields = p.way.mark(fields, p, c.cfg.Originator, e.req.OriginID)
	body, err := fields.appendJSON(make([]byte, 0, fields.size()))
	if err != nil {
		return err
	}
	e.body, e.bodyFor = body, p
	return nil
}
