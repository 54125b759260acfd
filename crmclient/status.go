package crmclient

import (
	"math"
	"strconv"
)

// SetShare sets this process's part (0 to 1) of the portal's budget. However
// small, it leaves enough to look up.
func (c *Creator) SetShare(part float64) {
	if math.IsNaN(part) {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.budget.share = min(max(part, 0), 1)
	c.pump()
}

// Status tells what holds the creates back, if anything.
func (c *Creator) Status() Status {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := Status{Holds: []Hold{}, InFlight: c.inFlight, Waiting: max(0, c.callers-c.inFlight),
		PerMinute: c.budget.perMinute, Share: c.budget.share}
	if c.gate.hold != nil {
		s.Holds = append(s.Holds, *c.gate.hold)
	}
	if c.portal != nil {
		s.Portal, s.OriginField = c.portal.name, c.portal.way.String()
	}
	return s
}

// ContactURL is the address of a contact's card, "" while the portal's name is unknown.
func (c *Creator) ContactURL(id int64) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.portal == nil || c.portal.name == "" {
		return ""
	}
	return "https://" + c.portal.name + "/crm/contact/details/" + strconv.FormatInt(id, 10) + "/"
}
