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

// FindMade looks up what an event became, by every field that may carry its id, and returns the ids of the
// objects that the CRM shows now. It uses the request's OriginID, Target, SentIDField, IDFieldFromHeader and, for
// look-ups by phone or e-mail, Contact and RecordedAt. It goes on through holds and failures until ctx ends: a failed
// look-up never counts as "not found". Its look-ups end no hold.
func (c *Creator) FindMade(ctx context.Context, r Request) (Made, error) {
	d := c.begin(Request{OriginID: r.OriginID, Target: r.Target, SentIDField: r.SentIDField, IDFieldFromHeader: r.IDFieldFromHeader, Contact: r.Contact, RecordedAt: r.RecordedAt})
	for _, s := range d.steps {
		if err := c.find(ctx, d, s); err != nil {
			return d.made(), err
		}
		mayHaveNext := s.id > 0 || c.madeWithout(d, s) != nil
		if !mayHaveNext {
			break
		}
	}
	if d.steps[0].id == 0 && d.made().DealID > 0 { // the event's contact was there before: the deal names it
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
