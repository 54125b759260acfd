package crmclient

import "github.com/leadbridge/leadbridge/crmclient/internal/vibe"

// A deferred step may wait for the end of something, such as a hold. It notes how many ends there had been when it was
// deferred. If there have been more when it is taken up again, it is hurried: it need not wait for its time.

// ending is something for whose end steps wait. It can end many times.
type ending struct {
	count uint64        // how often it has ended
	next  chan struct{} // closed when it ends the next time
}

func newEnding() ending { return ending{next: make(chan struct{})} }

// happen counts one more end, and wakes those who wait for it.
func (e *ending) happen() {
	close(e.next)
	*e = ending{e.count + 1, make(chan struct{})}
}

// endings is what the steps of a kind wait for, as counted at one moment.
type endings struct {
	holds  ending // the end of a hold or a flood
	proofs ending // the same, or look-ups of the kind were proven, or there is a control at last
}

// hurry reports whether something that a deferred step waits for has ended since it was deferred.
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

// hasten wakes the steps of a kind whose look-ups were not proven, so that they are looked up again. Other deferred steps go
// on waiting.
func (g *governor) hasten(entity vibe.Entity) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.proofEnd(entity).happen()
}
