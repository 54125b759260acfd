package crmclient

import (
	"context"
	"slices"
	"time"
)

// submit waits until a slot has dealt with a ticket.
func (c *Creator) submit(ctx context.Context, stop <-chan struct{}, t *ticket) (*outcome, error) {
	var err error
	c.submitAll(ctx, stop, []*ticket{t}, func(_ *ticket, why error) { err = why })
	if err != nil {
		return nil, err // the slot may still have it in hand
	}
	return t.outcome, nil
}

// submitAll waits until slots have dealt with all tickets, and hands each to ended, with an error
// when there is no outcome. When ctx ends before, a ticket's request is broken off unless others
// wait for it as well; it may have taken effect. After stop only requests in the air are waited for.
func (c *Creator) submitAll(ctx context.Context, stop <-chan struct{}, tickets []*ticket, ended func(*ticket, error)) {
	why := ctx.Err()
	if stopped(stop) {
		why = ErrStopped
	}
	if why != nil {
		for _, t := range tickets {
			ended(t, why)
		}
		return
	}
	w := waiting{c, tickets, make(chan *ticket, len(tickets)), ended}
	now := time.Now()
	c.mu.Lock()
	for _, t := range tickets {
		t.reply, t.since = w.replies, now
		c.queue[t.kind] = append(c.queue[t.kind], t)
	}
	c.pumpSoon()
	c.mu.Unlock()
	for left := len(tickets); left > 0; {
		select {
		case t := <-w.replies:
			left -= w.take(t)
		case <-stop:
			stop = nil
			left -= w.leave(ErrStopped, c.inTheAir)
		case <-ctx.Done():
			left -= w.leave(ctx.Err(), func(*ticket) bool { return false })
		}
	}
}

// waiting is a caller that waits for tickets.
type waiting struct {
	c       *Creator
	tickets []*ticket
	replies chan *ticket // has room for all
	ended   func(*ticket, error)
}

// take ends a ticket that got its reply, and all others that have theirs; it tells how many.
func (w *waiting) take(t *ticket) int {
	n := w.end(t, t.outcome.stopped())
	for len(w.replies) > 0 {
		t = <-w.replies
		n += w.end(t, t.outcome.stopped())
	}
	return n
}

// leave gives up the tickets that are not to stay, and tells how many have ended. What became
// known meanwhile is worth more.
func (w *waiting) leave(why error, stays func(*ticket) bool) int {
	var left []*ticket
	for _, t := range w.tickets {
		if !t.ended && !stays(t) {
			w.c.withdraw(t)
			left = append(left, t)
		}
	}
	n := 0
	if len(w.replies) > 0 {
		n = w.take(<-w.replies)
	}
	for _, t := range left {
		n += w.end(t, why)
	}
	return n
}

// end hands a ticket back, once; it tells how many that were.
func (w *waiting) end(t *ticket, err error) int {
	if t.ended {
		return 0 // its reply came after it was given up
	}
	t.ended = true
	w.ended(t, err)
	return 1
}

// inTheAir tells whether a request for the ticket is on its way. If so, the
// ticket does not go back to its queue any more.
func (c *Creator) inTheAir(t *ticket) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	t.stopping = t.job != nil && (t.kind == kindLookUp || t.sent.Load())
	return t.stopping
}

// stopped is the error of an outcome that stands for none.
func (o *outcome) stopped() error {
	if o.class == classStopped {
		return ErrStopped
	}
	return nil
}

func stopped(stop <-chan struct{}) bool {
	select {
	case <-stop:
		return true
	default:
		return false
	}
}

// withdraw takes back a ticket whose caller leaves.
func (c *Creator) withdraw(t *ticket) {
	c.mu.Lock()
	defer c.mu.Unlock()
	t.gone = true
	if t.job == nil {
		c.queue[t.kind] = slices.DeleteFunc(c.queue[t.kind], func(o *ticket) bool { return o == t })
	} else {
		t.job.leaveOff()
	}
	c.pump()
}
