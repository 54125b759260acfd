package crmclient

// flood counts the different events refused in a row. Guarded by Creator.mu.
type flood struct {
	limit int // 0: off
	run   map[string]struct{}
}

// count adds a refusal.
func (f *flood) count(originID string) {
	if f.run == nil {
		f.run = map[string]struct{}{}
	}
	f.run[originID] = struct{}{}
}

// full tells whether the refusals are a flood.
func (f *flood) full() bool { return f.limit > 0 && len(f.run) >= f.limit }

// end forgets the run: a contact was created or found.
func (f *flood) end() { clear(f.run) }

// mayRefuse decides whether a refusal is handed out, or the event waits on because
// so many were refused that the fault must be in the set-up.
func (c *Creator) mayRefuse(e *event) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	f := fault{cause: HoldFlood, status: e.verdict.Status, code: e.verdict.Code}
	held := c.gate.hold != nil && c.gate.hold.Cause == HoldFlood
	if held || c.flood.full() && !e.req.Replayed {
		c.hold(f, false)
		return false
	}
	if e.req.Replayed || c.flood.limit == 0 {
		return true
	}
	c.flood.count(e.req.OriginID)
	if c.flood.full() {
		c.hold(f, false)
	}
	return true
}
