package crmclient

import (
	"context"

	"github.com/leadbridge/leadbridge/crmclient/internal/vibe"
)

// An event that was given to a contact that was there before has made no contact, so that after a crash only its deal
// can be found. The deal is looked up before the person is: by now, the look-up for the person may find another
// contact.

// madeWithout returns the step after a contact's step if a field of its object carries our id, so that the object can
// be found without the contact; else nil.
func (c *Creator) madeWithout(d *delivery, contact *step) *step {
	if !c.cfg.Match.On() || contact.entity != vibe.Contacts || len(d.steps) < 2 || d.steps[0] != contact || d.steps[1].extra != nil {
		return nil
	}
	p := c.portals.latest()
	if p == nil || p.kinds[d.steps[1].entity].idField.IsTag() {
		return nil
	}
	return d.steps[1]
}

// madeBefore returns the step that must be looked up before a contact is made, nil for none.
func (c *Creator) madeBefore(d *delivery, contact *step) *step {
	if next := c.madeWithout(d, contact); next != nil && contact.state == stateFresh && next.state.looksUp() {
		return next
	}
	return nil
}

// lookUpBefore looks up the object of next, which may have been made with another contact. If it is found, the event is
// done.
func (c *Creator) lookUpBefore(ctx context.Context, d *delivery, contact, next *step) error {
	if err := c.awaitKind(ctx, d, next); err != nil {
		return err
	}
	// Two look-ups, a settle time apart, found no contact, after the last create that anybody may have sent could no
	// longer take effect. Whatever was made by then can be found now.
	next.oneAbsenceSuffices = true
	if err := c.resolve(ctx, d, next); err != nil || next.state != stateDone {
		return err
	}
	contact.with, contact.given = next.with, true
	contact.id = contact.with.contact
	contact.transition(onMatched)
	return nil
}

// owner is the contact of a lead or a deal that was found, by the row that showed it.
type owner struct {
	contact int64 // 0: there is none, or the CRM does not tell it
	told    bool
}
