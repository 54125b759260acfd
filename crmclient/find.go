package crmclient

import (
	"context"
	"errors"
	"time"

	"github.com/leadbridge/leadbridge/internal/wait"
)

// Find is [Creator.FindMade] for the id of the event's contact, or lead.
func (c *Creator) Find(ctx context.Context, r Request) (id int64, err error) {
	made, err := c.FindMade(ctx, r)
	return max(made.ContactID, made.LeadID), err
}

// FindMade looks up what an event became, by every field that was in force, and returns the ids of what
// there is as far as the CRM can tell now. Of the request it takes OriginID, Target, SentIDField and, for
// look-ups by phone or e-mail, Contact and RecordedAt. It blocks through holds and failures until
// ctx ends: an error is never taken for an answer. What it finds says nothing about
// the CRM's health: it ends no hold.
func (c *Creator) FindMade(ctx context.Context, r Request) (Made, error) {
	d := c.begin(Request{OriginID: r.OriginID, Target: r.Target, SentIDField: r.SentIDField, IDFieldFromHeader: r.IDFieldFromHeader, Contact: r.Contact, RecordedAt: r.RecordedAt})
	for _, s := range d.steps {
		if err := c.find(ctx, d, s); err != nil {
			return d.made(), err
		}
		if next := c.madeWithout(d, s); s.id == 0 && next == nil {
			break
		}
	}
	if d.steps[0].id == 0 && d.made().DealID > 0 {
		d.steps[0].id = d.steps[len(d.steps)-1].with.contact
	}
	return d.made(), nil
}

// find looks a step's object up until the CRM answers.
func (c *Creator) find(ctx context.Context, d *delivery, s *step) error {
	for {
		err := c.awaitKind(ctx, d, s)
		if err == nil {
			s.id, _, err = c.lookUpByAll(ctx, d, s)
		}
		later, deferred := errors.AsType[*Deferred](err)
		_, failed := errors.AsType[*lookUpFailure](err)
		until := c.governor.lookUpsAt(s.entity)
		switch {
		case deferred:
			until = later.Until
		case !failed:
			return err
		}
		if err := wait.For(ctx, time.Until(until)); err != nil {
			return err
		}
	}
}
