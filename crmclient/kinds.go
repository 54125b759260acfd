package crmclient

import (
	"context"
	"slices"
	"time"

	"github.com/leadbridge/leadbridge/crmclient/internal/vibe"
)

// kind is what a portal says of one kind of object. It never changes.
type kind struct {
	fields  vibe.Fields
	idField vibe.IDField // that carries our ids
}

// A Creator cannot work without the portal's description of its main kind: contacts or, where events
// become leads, these. Another kind that the portal does not describe, as the key may
// not see it, keeps only the events that need it.

// awaitKind returns when the portal's description of a step's kind of object is known.
func (c *Creator) awaitKind(ctx context.Context, d *delivery, s *step) error {
	entity := s.describedBy()
	if entity == c.governor.main || s.entity == vibe.Timelines {
		return nil // nothing leaves before it is known
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
			// To ask again for what the portal did not describe is the probe of its hold.
			if until, probe := c.governor.tryLeave(entity, time.Now()); !probe && !until.IsZero() {
				return c.deferUntil(s, s.waitsFor(), later(until, time.Now().Add(s.nextBackoff(c.cfg))))
			}
		}
		c.portals.want(entity)
		c.governor.askAgain()
		c.queue.Poke()
	}
}

// describedBy is the kind of object whose description the step needs.
func (s *step) describedBy() vibe.Entity {
	if s.entity == vibe.Fills {
		return vibe.Contacts
	}
	return s.entity
}

// waitsFor names what a step waits for while others of its kind fail.
func (s *step) waitsFor() Wait {
	switch {
	case !s.state.looksUp():
		return WaitBackoff
	case s.everInDoubt:
		return WaitDoubt
	}
	return WaitSuspect
}

// admit lets a create of a step leave, unless those of its kind fail for everybody: then the step waits,
// but for one that probes. landed is to be called when the create has ended.
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

// formerWays are the fields by which a step is looked up: those that were in force in this process and,
// as another process has another history, what else the portal offers for ids of its kind. Contacts
// have the word of the ledger for that.
func (c *Creator) formerWays(s *step) []vibe.IDField {
	if s.extra != nil {
		return []vibe.IDField{{}} // by its mark or its card: see byMark, byContact
	}
	fields := c.portals.used(s.entity)
	if s.entity == vibe.Contacts || c.cfg.OriginField == originNone {
		return fields
	}
	k := c.portals.latest().kinds[s.entity]
	for _, name := range [...]string{vibe.NativeID, vibe.UserFieldPrefix + ourUserField} {
		if spelt := k.fields.Spelling(name); spelt != "" && !slices.Contains(fields, vibe.ParseIDField(spelt)) {
			fields = append(fields, vibe.ParseIDField(spelt))
		}
	}
	return fields
}
