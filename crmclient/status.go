package crmclient

// Status returns what holds the creates back, if anything, and how the budget is set.
func (c *Creator) Status() Status {
	inFlight, _ := c.queue.Stats()
	perMinute, share := c.governor.rates()
	s := Status{Holds: c.holds.inForce(), InFlight: inFlight, Waiting: max(0, int(c.callers.Load())-inFlight),
		PerMinute: perMinute, Share: share}
	if p := c.portals.latest(); p != nil {
		s.Portal, s.OriginField = p.name, p.idField().String()
	}
	return s
}

// InFlight returns how many calls of Create should run at a time: as many as full requests in all slots
// carry, and as many again, so that each request is followed by another without a pause.
func (c *Creator) InFlight() int { return 2 * c.cfg.Slots * c.cfg.BatchSize }
