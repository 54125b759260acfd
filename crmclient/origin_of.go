package crmclient

import (
	"context"
	"errors"
	"fmt"

	"github.com/leadbridge/leadbridge/crmclient/internal/vibe"
)

// OriginsOf returns the origin ids of the events that the contact, the lead and the deal with an id were made of. An object that
// is not ours or does not exist has none; nor has one of a kind that is neither of the target of the Config nor of an
// event of this process. The CRM is asked once for each field that ids were kept in; an answer other than a list of objects is an
// error, which is returned with what was found.
func (c *Creator) OriginsOf(ctx context.Context, id int64) (map[Target]string, error) {
	if err := c.prepare(ctx, nil); err != nil {
		return nil, err
	}
	origins := map[Target]string{}
	var faults []error
	for _, kind := range Targets() {
		entities := kind.entities()
		origin, err := c.originOf(ctx, entities[len(entities)-1], id)
		if err != nil {
			faults = append(faults, fmt.Errorf("asking for the %s %d: %w", kind, id, err))
		}
		if origin != "" {
			origins[kind] = origin
		}
	}
	return origins, errors.Join(faults...)
}

// originOf returns the origin id of the event that an object was made of; "" when there is none.
func (c *Creator) originOf(ctx context.Context, entity vibe.Entity, id int64) (string, error) {
	for _, field := range c.portals.used(entity) {
		o := c.do(ctx, &request{leaving: &leaving{}}, vibe.Search(entity, vibe.Filter{"id": vibe.EqualNumber(id)}, field.Select(), 1))
		page, ok := o.Page()
		if o.Class != vibe.Done || !ok {
			return "", &unanswered{o}
		}
		for _, row := range page.Rows {
			if found, marks := field.Identify(row); found == id {
				if origin := field.EventOf(marks, c.cfg.Originator); origin != "" {
					return origin, nil
				}
			}
		}
	}
	return "", nil
}

// unanswered is the error of a call that got no usable answer.
type unanswered struct{ outcome vibe.Outcome }

func (u *unanswered) Error() string {
	return fmt.Sprintf("the CRM answered %d %s", u.outcome.Status, u.outcome.Code)
}
