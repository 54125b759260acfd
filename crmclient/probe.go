package crmclient

import "time"

// ProbeNow has the CRM tried at once, whatever the next probe waits for, a pause that the CRM asked for too: somebody
// says that the fault is remedied. It does so for what backs off as well.
func (c *Creator) ProbeNow() {
	c.governor.probeNow()
	c.queue.Poke()
}

// ReleaseFlood ends a flood without a create that passed: somebody says that its refusals are right. Refusals count anew
// from then on, so that the next letters are written. It reports whether there was a flood.
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
