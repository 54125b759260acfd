package crmclient

import (
	"context"
	"time"

	"github.com/leadbridge/leadbridge/crmclient/internal/vibe"
)

// kind is a portal's description of one kind of object: contacts, leads or deals. A value is never modified.
type kind struct {
	fields  vibe.Fields
	idField vibe.IDField // carries our ids
}

// Nothing is sent before the portal has described the main kind: leads if events become leads, else contacts. If the portal
// does not describe another kind, for example because the key may not see it, only the events that need this kind wait.

// awaitKind waits until the portal has described the kind that a step needs. If the portal does not describe it, the step is
// deferred, but one step at a time has the portal asked again.
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
		if _, isLacking := p.lacking[entity]; isLacking {
			// The kind is held, see described. The probe that may end this hold is to ask for the kind again.
			until, isProbe := c.governor.tryLeave(entity, time.Now())
			if mustWait := !isProbe && !until.IsZero(); mustWait {
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

// waitsFor returns why a step must not be sent, or looked up, yet.
func (s *step) waitsFor() Wait {
	switch {
	case !s.state.looksUp():
		return WaitBackoff
	case s.everInDoubt:
		return WaitDoubt
	}
	return WaitSuspect
}

// admit lets the create of a step enter the queue. If its kind is held, the create enters as the hold's probe, or the step is
// deferred. The caller must call landed when the create has ended. An extra is also deferred while too many extras are in the
// queue. The error errNotWorthWaiting says that the caller must give the extra up instead.
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
