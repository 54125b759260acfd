package crmclient

import "time"

// ProbeNow has the next probe sent at once, as somebody says that the fault is remedied. It ends every wait for the CRM: between
// probes, after failed look-ups, and also a pause that the CRM asked for. Events that back off are sent again.
func (c *Creator) ProbeNow() {
	c.governor.probeNow()
	c.queue.Poke()
}

// ReleaseFlood ends a flood although no create has passed, as somebody says that its refusals are right. Refusals are counted
// anew from then on, so that the letters of the next refused events are written. It reports whether there was a flood.
func (c *Creator) ReleaseFlood() bool { return c.governor.releaseFlood(time.Now()) }

func (g *governor) probeNow() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.budget.Unblock()
	g.hold.ProbeNow()
	g.askAt = time.Time{}
	for _, gate := range g.lookUps {
		gate.Passed()
	}
	for _, l := range g.lanes {
		l.hold.ProbeNow()
	}
	g.open(time.Now())
}

func (g *governor) releaseFlood(now time.Time) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	flooded := false
	for _, l := range g.lanes {
		flooded = l.flood.Release() || flooded
	}
	if flooded {
		g.note.end(holdsLetters, now)
	}
	return flooded
}
