package crmclient

import (
	"context"
	"sync"
	"time"

	"github.com/leadbridge/leadbridge/crmclient/internal/vibe"
)

// Changes of one card must not overlap: each is made of what the card held when it was read. So in one process events
// that fill one card do so one after another, and while a change is in doubt nobody else begins.

// cardTurns are the cards that are being filled. Safe for concurrent use.
type cardTurns struct {
	mu sync.Mutex // guards everything below
	of map[int64]*cardTurn
}

// cardTurn is one card that is being filled.
type cardTurn struct {
	by      *step         // nil: nobody, and an earlier change may still take effect
	free    time.Time     // not before, when nobody has it
	ended   chan struct{} // closed when the one that has it ends
	waiting int           // steps that have asked for it in vain since
}

func newCardTurns() *cardTurns { return &cardTurns{of: map[int64]*cardTurn{}} }

// begin gives a card to a step, unless another one has it, or an earlier change may still take effect: then it returns
// when to ask again, by a channel that is closed or by a time. crowded reports whether too many wait already.
func (c *cardTurns) begin(card int64, s *step, now time.Time) (ok bool, busy <-chan struct{}, until time.Time, crowded bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := c.of[card]
	switch {
	case t == nil, t.by == nil && !t.free.After(now):
		c.of[card] = &cardTurn{by: s, ended: make(chan struct{})}
		return true, nil, time.Time{}, false
	case t.by == s:
		return true, nil, time.Time{}, false
	}
	t.waiting++
	return false, t.ended, t.free, t.waiting > maxCardWaiters
}

// leave notes that a step does not wait for a card any longer.
func (c *cardTurns) leave(card int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if t := c.of[card]; t != nil && t.waiting > 0 {
		t.waiting--
	}
}

// end gives a card back that the step has, if it has it. free is the time from which no change of it can take effect
// any more.
func (c *cardTurns) end(card int64, s *step, free, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := c.of[card]
	if t == nil || t.by != s {
		return
	}
	close(t.ended)
	delete(c.of, card)
	if free.After(now) {
		c.of[card] = &cardTurn{free: free, ended: make(chan struct{})}
		c.forget(now)
	}
}

// forget drops the cards that everybody may have again.
func (c *cardTurns) forget(now time.Time) {
	for card, t := range c.of {
		if t.by == nil && !t.free.After(now) {
			delete(c.of, card)
		}
	}
}

// claimCard returns when no other event fills the step's card. release is to be called when the step's change has ended.
// Not ok: too many wait for the card, and the step is given up.
func (c *Creator) claimCard(ctx context.Context, d *delivery, s *step) (release func(), ok bool, err error) {
	card, patience := s.extra.contact, time.NewTimer(personTurn)
	defer patience.Stop()
	for {
		mine, busy, until, crowded := c.cards.begin(card, s, time.Now())
		if mine {
			return func() { c.releaseCard(s) }, true, nil
		}
		if crowded {
			c.cards.leave(card)
			return nil, false, nil
		}
		err := c.awaitCard(ctx, d, s, busy, until, patience)
		c.cards.leave(card)
		if err != nil {
			return nil, false, err
		}
	}
}

// awaitCard waits until a card may be free.
func (c *Creator) awaitCard(ctx context.Context, d *delivery, s *step, busy <-chan struct{}, until time.Time, patience *time.Timer) error {
	if now := time.Now(); until.After(now.Add(personTurn)) {
		return c.deferUntil(s, WaitPerson, until)
	}
	var free <-chan time.Time
	if !until.IsZero() {
		free = time.After(time.Until(until))
	}
	select {
	case <-busy:
	case <-free:
	case <-patience.C:
		return c.deferUntil(s, WaitPerson, time.Now().Add(personTurn))
	case <-d.req.Stop:
		return ErrStopped
	case <-ctx.Done():
		return ctx.Err()
	}
	return nil
}

// releaseCard gives the card of a fill back. While its change may still take effect nobody else has the card.
func (c *Creator) releaseCard(s *step) {
	now, free := time.Now(), time.Time{}
	switch {
	case s.lost: // the next owner looks after it
		free = now.Add(c.cfg.lifetime(vibe.BatchLimit))
	case s.state != stateDone:
		free = s.lastEffectPossible
	}
	c.cards.end(s.extra.contact, s, free, now)
}
