package crmclient

import "context"

// Find looks an event's contact up, by every way that was in force, and tells its id, 0 when
// there is none as far as the CRM can tell now. Of the request it takes OriginID, SentWay and, for
// look-ups by phone or e-mail, Contact and RecordedAt. It blocks through holds and failures until
// ctx ends: an error is never taken for an answer. What it finds says nothing about
// the CRM's health: it ends no hold.
func (c *Creator) Find(ctx context.Context, r Request) (contactID int64, err error) {
	c.enter()
	defer c.leave()
	e := newEvent(&r)
	e.asksOnly = true
	id, _, err := c.lookAgain(ctx, e)
	return id, err
}
