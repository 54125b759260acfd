package crmclient

// flood counts the different events refused in a row. From the limit on nothing is
// refused until a success ends the run. Guarded by Creator.mu.
type flood struct {
	limit  int // 0: off
	run    map[string]struct{}
	passed int // floods that have ended
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

// end forgets the run: a contact was created or found. It tells whether that was a flood.
func (f *flood) end() bool {
	was := f.full()
	if was {
		f.passed++
	}
	clear(f.run)
	return was
}

// mayRefuse decides whether a refusal is handed out, or the event is sent again: while so
// many were refused that the fault must be in the set-up, and after it with a
// refusal to a request from before its end, which may be owed to the same fault.
func (c *Creator) mayRefuse(e *event) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	f := fault{cause: HoldFlood, status: e.verdict.Status, code: e.verdict.Code}
	if c.flood.full() {
		c.hold(f, nil)
		return false
	}
	if e.judgedIn != c.flood.passed {
		return false
	}
	if e.req.Replayed || c.flood.limit == 0 {
		return true
	}
	c.flood.count(e.req.OriginID)
	if c.flood.full() {
		c.hold(f, nil)
	}
	return true
}
