package crmclient

import "github.com/leadbridge/leadbridge/crmclient/internal/vibe"

// A step that is deferred may wait for the end of something, such as a hold. It notes what had ended by then. If more has
// ended when it is taken up again, it is hurried: it need not wait for its time.

// ending is something for whose end steps wait. It can end many times.
type ending struct {
	count uint64        // how often it has ended
	next  chan struct{} // closed when it ends the next time
}

func newEnding() ending { return ending{next: make(chan struct{})} }

func (e *ending) happen() {
	close(e.next)
	*e = ending{e.count + 1, make(chan struct{})}
}

// endings are what the steps of a kind wait for, as it was at a moment.
type endings struct {
	holds  ending // a hold or a flood
	proofs ending // a hold, a flood, or the lack of a control or of a proof that look-ups of the kind find
}

// hurry reports whether a step that was deferred at some endings need not wait any longer.
func (s *step) hurry(now endings) bool {
	return s.endings.holds.count != now.holds.count || s.unproven && s.endings.proofs.count != now.proofs.count
}

// endingsOf returns what the steps of a kind wait for, as it is now.
func (g *governor) endingsOf(entity vibe.Entity) endings {
	g.mu.Lock()
	defer g.mu.Unlock()
	return endings{g.holdEnd, *g.proofEnd(entity)}
}

// proofEnd returns what unproven steps of a kind wait for. The caller holds the lock.
func (g *governor) proofEnd(entity vibe.Entity) *ending {
	e := g.proofEnds[entity]
	if e == nil {
		first := newEnding()
		e = &first
		g.proofEnds[entity] = e
	}
	return e
}

// hasten has steps of a kind ask again whose look-ups had not been seen to find. Whatever else is deferred goes on
// waiting.
func (g *governor) hasten(entity vibe.Entity) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.proofEnd(entity).happen()
}
