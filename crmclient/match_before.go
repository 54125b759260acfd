package crmclient

import (
	"context"

	"github.com/leadbridge/leadbridge/crmclient/internal/vibe"
)

// An event that was given to a contact that was there before has made no contact, so that after a crash only its deal
// can be found. The deal is looked up before the person, because a new look-up for the person may find another contact than
// the first one did.

// madeWithout returns the step that follows a contact's step, if its object can be found without the contact because a
// field of its own carries our id; else nil.
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

// madeBefore returns the step that must be looked up before an event's contact is made; nil if there is none.
func (c *Creator) madeBefore(d *delivery, contact *step) *step {
	if next := c.madeWithout(d, contact); next != nil && contact.state == stateFresh && next.state.looksUp() {
		return next
	}
	return nil
}

// lookUpBefore looks up the object of next, which an earlier owner may have made for another contact. If it is found, the
// contact's step is done as well.
func (c *Creator) lookUpBefore(ctx context.Context, d *delivery, contact, next *step) error {
	if err := c.awaitKind(ctx, d, next); err != nil {
		return err
	}
	// The contact was looked up before this: twice, a settle time apart, after the time when earlier creates could take
	// effect. So whatever earlier creates made can be found now, and one look-up is enough.
	next.oneAbsenceSuffices = true
	if err := c.resolve(ctx, d, next); err != nil || next.state != stateDone {
		return err
	}
	contact.with, contact.given = next.with, true
	contact.id = contact.with.contact
	contact.transition(onMatched)
	return nil
}

// owner is the contact that the row of a found lead or deal names.
type owner struct {
	contact int64 // 0: there is none, or it is not known
	told    bool  // the row had the field, so that 0 means that there is no contact
}
