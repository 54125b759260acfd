package crmclient

import (
	"context"
	"time"
)

// do makes one call when the budget allows it.
func (c *Creator) do(ctx context.Context, j *job, what call) answer {
	if err := c.pay(ctx, j); err != nil {
		return answer{err: err}
	}
	j.paid = time.Time{}
	c.meter.spent(what)
	a := c.wire.send(ctx, what)
	now := time.Now()
	c.meter.request(what.op, a.status, now.Sub(a.sent))
	if a.status != 0 {
		c.mu.Lock()
		c.budget.hear(a.header, now)
		c.mu.Unlock()
	}
	return a
}

// replayedPart tells how much of a request is for replayed events.
func replayedPart(tickets []*ticket) float64 {
	n := 0
	for _, t := range tickets {
		if t.event.req.Replayed {
			n++
		}
	}
	return float64(n) / float64(max(len(tickets), 1))
}

// ask is do with the answer understood.
func (c *Creator) ask(ctx context.Context, j *job, what call) outcome {
	return c.understood(what, classify(c.do(ctx, j, what), time.Now()))
}

// maxMessage bounds what is kept of the CRM's words, in bytes.
const maxMessage = 2048

// understood draws what every outcome means beyond its request.
func (c *Creator) understood(what call, o outcome) outcome {
	// Masked before it is cut: half a key is a secret, too.
	o.message = bounded(c.wire.keys.hide(o.message), maxMessage)
	o.code, o.requestID = plainID(c.wire.keys.hide(o.code)), plainID(c.wire.keys.hide(o.requestID))
	if o.class == classCredentials {
		c.wire.keys.doubt()
	}
	if o.class == classThrottled {
		c.mu.Lock()
		c.budget.block(time.Now().Add(o.retryAfter))
		c.mu.Unlock()
	}
	if o.class != classDone {
		c.log.Debug().Str("operation", what.op).Int("status", o.status).Str("code", o.code).
			Stringer("class", o.class).Str("request_id", o.requestID).Msg("CRM call failed")
	}
	return o
}

// pay waits until the budget has counted the job's next request.
func (c *Creator) pay(ctx context.Context, j *job) error {
	for j.paid.IsZero() {
		c.mu.Lock()
		now := time.Now()
		at := c.budget.at(now)
		if !at.After(now) {
			c.budget.take(now)
			j.paid = now
		}
		c.mu.Unlock()
		if err := sleepUntil(ctx, nil, at); err != nil {
			return err
		}
	}
	return nil
}

// sleepUntil waits for a time, or for the end of ctx, or for stop.
func sleepUntil(ctx context.Context, stop <-chan struct{}, at time.Time) error {
	d := time.Until(at)
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-stop:
		return ErrStopped
	case <-ctx.Done():
		return ctx.Err()
	}
}
