package crmclient

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/leadbridge/leadbridge/crmclient/internal/queue"
	"github.com/leadbridge/leadbridge/crmclient/internal/vibe"
)

// honorificTimeout bounds how long contacts wait for the portal's list of honorifics.
const honorificTimeout = 5 * time.Second

// withHonorifics asks for the portal's list of honorifics if a person of the job needs it. If the portal does not give the
// list, titles go into the comments until the portal is asked again.
func (c *Creator) withHonorifics(r *request, p *portal) *portal {
	if !slices.ContainsFunc(r.job.Waiters(), func(w *queue.Waiter) bool { return lacksHonorifics(w.Payload.(*attempt), p) }) {
		return p
	}
	ctx, cancel := context.WithTimeout(r.job.Context(), honorificTimeout)
	defer cancel()
	rows := c.do(ctx, r, vibe.Honorifics()).Rows()
	now := *p
	now.kinds = maps.Clone(p.kinds)
	for entity, k := range now.kinds {
		k.fields = k.fields.WithHonorifics(rows)
		now.kinds[entity] = k
	}
	c.portals.refine(p, &now)
	return &now
}

// lacksHonorifics reports whether a create's person has a title, and the portal's list of honorifics has not been asked for.
func lacksHonorifics(a *attempt, p *portal) bool {
	contact := a.delivery.req.Contact
	return contact != nil && contact.Salutation != "" && p.kinds[a.step.describedBy()].fields.LacksHonorifics()
}
