package crmclient

import (
	"context"
	"time"

	"github.com/leadbridge/leadbridge/crmclient/internal/vibe"
)

// kind is what a portal says of one kind of object: contacts, leads or deals. It never changes.
type kind struct {
	fields  vibe.Fields
	idField vibe.IDField // carries our ids
}

// Nothing is sent before the portal has described its main kind: contacts or, where events become leads, leads. A portal
// may not describe another kind, as when the key may not see it: then only the events that need that kind wait.

// awaitKind returns when the portal's description of the kind that a step needs is known. While the portal does not give
// it, the step is deferred, save that one step at a time has the portal asked again.
func (c *Creator) awaitKind(ctx context.Context, d *delivery, s *step) error {
	entity := s.describedBy()
	if entity == c.governor.main || s.entity == vibe.Timelines {
		return nil // the queue sends nothing before the main kind is known, and comments need no description
	}
	for {
		if err := c.prepare(ctx, d.req.Stop); err != nil {
			return err
		}
		p := c.portals.known()
		if p == nil {
			continue
		}
		if _, ok := p.kinds[entity]; ok {
			return nil
		}
		if _, asked := p.lacking[entity]; asked {
			// The kind is held, see described. Asking for it again is the probe that may end the hold.
			if until, probe := c.governor.tryLeave(entity, time.Now()); !probe && !until.IsZero() {
				return c.deferUntil(s, s.waitsFor(), later(until, time.Now().Add(s.nextBackoff(c.cfg))))
			}
		}
		c.portals.want(entity)
		c.governor.askAgain()
		c.queue.Poke()
	}
}

// describedBy returns the kind of object whose description a step needs.
func (s *step) describedBy() vibe.Entity {
	if s.entity == vibe.Fills {
		return vibe.Contacts
	}
	return s.entity
}

// waitsFor names what a step waits for that must not be sent, or looked up, yet.
func (s *step) waitsFor() Wait {
	switch {
	case !s.state.looksUp():
		return WaitBackoff
	case s.everInDoubt:
		return WaitDoubt
	}
	return WaitSuspect
}

// admit lets the create of a step enter the queue, unless its kind is held: then it defers the step, or lets it enter as
// the hold's probe. The caller calls landed when the create has ended. An extra is deferred as well while too many others
// are in the queue, and errNotWorthWaiting says that it is to be given up instead.
func (c *Creator) admit(s *step) (landed func(), probe bool, err error) {
	if s.extra != nil && c.crowded(s) {
		if c.notWorthWaiting(s) {
			return nil, false, errNotWorthWaiting
		}
		c.countWaiting(s)
		s.sendAt = time.Now().Add(s.nextBackoff(c.cfg))
		return nil, false, c.deferUntil(s, WaitBackoff, s.sendAt)
	}
	until, probe := c.governor.tryLeave(s.entity, time.Now())
	switch {
	case probe:
		return func() { c.governor.probeLanded(s.entity) }, true, nil
	case until.IsZero():
		return func() {}, false, nil
	}
	if c.notWorthWaiting(s) {
		return nil, false, errNotWorthWaiting
	}
	s.sendAt = later(until, time.Now().Add(s.nextBackoff(c.cfg)))
	return nil, false, c.deferUntil(s, WaitBackoff, s.sendAt)
}
