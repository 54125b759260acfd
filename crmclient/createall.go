package crmclient

import "context"

// CreateAll is Create for requests that come together and have the same Stop. As long as all goes
// well they share the caller's goroutine, so that thousands can wait for the CRM at little cost.
//
// Each request comes to one call of ended, with what Create would return, or to one of later: it
// takes more than one create (it is a suspect, failed, is in doubt), and finish, which is to be
// called once, waits for that as Create does. Both are called on the caller's goroutine, one after
// another, before CreateAll returns: they must not block.
func (c *Creator) CreateAll(ctx context.Context, requests []Request,
	ended func(i int, r Result, err error), later func(i int, finish func() (Result, error)),
) {
	if len(requests) == 0 {
		return
	}
	tickets := make([]*ticket, 0, len(requests))
	for i, e := range c.takeUp(requests...) {
		if e.unproven {
			later(i, func() (Result, error) {
				defer c.letGo(e)
				return c.pursue(ctx, e)
			})
			continue
		}
		tickets = append(tickets, &ticket{kind: kindCreate, event: e, place: i})
	}
	c.submitAll(ctx, requests[0].Stop, tickets, func(t *ticket, err error) {
		e := t.event
		o, err := e.tried(t, err)
		if err == nil && o.class != classDone {
			later(t.place, func() (Result, error) {
				defer c.letGo(e)
				c.digest(e, *o)
				return c.pursue(ctx, e)
			})
			return
		}
		c.letGo(e)
		if err != nil {
			r, err := e.left(err)
			ended(t.place, r, err)
			return
		}
		ended(t.place, e.made(o), nil)
	})
}
