package crmclient

import (
	"context"
	"fmt"

	"github.com/leadbridge/leadbridge/crmclient/internal/vibe"
)

// OriginOf returns the origin id of the event that made a contact; "" if the contact is not ours or does
// not exist. It asks the CRM once for each field that carried ids. An answer other than a list of contacts
// is an error.
func (c *Creator) OriginOf(ctx context.Context, contactID int64) (string, error) {
	if err := c.prepare(ctx, nil); err != nil {
		return "", err
	}
	for _, field := range c.portals.used(vibe.Contacts) {
		o := c.do(ctx, &request{leaving: &leaving{}}, vibe.Search(vibe.Contacts, vibe.Filter{"id": vibe.EqualNumber(contactID)}, field.Select(), 1))
		page, ok := o.Page()
		if o.Class != vibe.Done || !ok {
			return "", fmt.Errorf("asking for the contact %d: %w", contactID, &unanswered{o})
		}
		for _, row := range page.Rows {
			if id, marks := field.Identify(row); id == contactID {
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
