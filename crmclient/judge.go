package crmclient

import "slices"

// judge draws what a create's outcome says about the event and about the CRM.
func (c *Creator) judge(j *job, e *event, w way, o *outcome) {
	switch o.class {
	case classLeaseLost:
		return
	case classDone:
		if c.keeps(w, e, *o) {
			c.passed(e, j)
		} else {
			c.lostOrigin(j, e, *o)
		}
	case classRefused, classTooLarge:
		c.turnedDown(j, e, *o)
	case classBusiness:
		o.charged = true
		c.turnedDown(j, e, *o)
	case classThrottled:
		c.mu.Lock()
		c.hold(fault{HoldThrottle, o.status, o.code, o.retryAfter}, j)
		c.mu.Unlock()
		o.held = true
	default:
		o.charged, o.held = c.blame(j, e, *o)
	}
}

// passed notes that an event's contact exists. A probe's success ends every hold, any
// success that of an outage or a flood.
func (c *Creator) passed(e *event, j *job) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.evidence.add(e.req.OriginID, true)
	flooded := c.flood.end()
	if c.gate.probes(j) || c.gate.holds(HoldOutage) || flooded && c.gate.holds(HoldFlood) {
		c.release("CRM delivers again")
	}
}

// turnedDown notes that the CRM answered and did not want the contact.
// That ends every hold but that of a flood, which it keeps up.
func (c *Creator) turnedDown(j *job, e *event, o outcome) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.evidence.add(e.req.OriginID, true)
	if c.gate.holds(HoldOutage) && !c.flood.full() {
		c.release("CRM delivers again")
	}
	c.probed(j, o)
}

// probed ends a hold after a probe whose failure is its event's own. Called with mu held.
func (c *Creator) probed(j *job, o outcome) {
	switch {
	case !c.gate.probes(j):
	case c.flood.full():
		c.hold(fault{HoldFlood, o.status, o.code, o.retryAfter}, j)
	default:
		c.release("CRM delivers again")
	}
}

// keeps tells whether a new contact carries our id, as far as its answer tells.
func (c *Creator) keeps(w way, e *event, o outcome) bool {
	if w.tag() {
		return true
	}
	if w.carries(o.marks, c.cfg.Originator, e.req.OriginID) {
		return true
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.terse && o.marks.mark == nil
}

// lostOrigin handles a contact that was made without our id: nothing can
// find it again, so nothing more is made before it is clear which field carries ids.
func (c *Creator) lostOrigin(j *job, e *event, o outcome) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.evidence.add(e.req.OriginID, true)
	c.flood.end()
	c.stale, c.unkept, c.terse = true, e.req.OriginID, false
	c.hold(fault{cause: HoldOriginField, status: o.status, code: "ID_NOT_KEPT"}, j)
}

// lastWish tells whether the job's callers wait for what is in the air only.
func (c *Creator) lastWish(j *job) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return !slices.ContainsFunc(j.tickets, func(t *ticket) bool { return !t.stopping })
}

// blame decides whose fault a failed create is: the event's own, which is then
// charged, or everybody's, which is a hold and charges nobody.
func (c *Creator) blame(j *job, e *event, o outcome) (charged, held bool) {
	own, held := c.owners(j, o, e)
	return own && o.class != classNotApplied, held // what never left says nothing about the event
}

// owners decides whether the failure of a request is that of its events or everybody's,
// which is a hold. It is neither when nobody waits for them any more.
func (c *Creator) owners(j *job, o outcome, events ...*event) (own, held bool) {
	others, through := c.weigh(events)
	own, f := poison(others, through), fault{causeOf(o), o.status, o.code, o.retryAfter}
	switch {
	case o.class == classCredentials && (others > 0 || o.blamesKey()):
		// Other creates tell. Alone with a code that names the key, it is the key.
	case others < enoughEvidence:
		if c.lastWish(j) {
			return false, false // no request is begun for one who only waits for this answer
		}
		n := c.ask(j.ctx, j, fieldsCall)
		if j.ctx.Err() != nil {
			return false, false
		}
		if n.class == classDone {
			through += enoughEvidence - others
		} else if n.status != 0 {
			f = fault{causeOf(n), n.status, n.code, max(n.retryAfter, o.retryAfter)}
		}
		own = poison(enoughEvidence, through)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if own {
		c.probed(j, o)
		return true, false
	}
	c.hold(f, j)
	return false, true
}

// weigh notes that events' creates failed and counts what the other events' came to since
// the latest of their attempts.
func (c *Creator) weigh(events []*event) (others, through int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var since uint64
	ids := make([]string, len(events))
	for i, e := range events {
		c.evidence.add(e.req.OriginID, false)
		since, ids[i] = max(since, e.since), e.req.OriginID
	}
	return c.evidence.since(since, ids...)
}
