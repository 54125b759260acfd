package crmclient

import (
	"context"
	"sync"
	"time"

	"github.com/leadbridge/leadbridge/crmclient/internal/vibe"
)

// An update of a card depends on what the card held when it was read, so updates of one card must not overlap. Therefore the
// steps of a process that fill the same card take turns. While an update is in doubt, no other step gets the turn.

// cardTurns knows who has the turn at which card. Safe for concurrent use.
type cardTurns struct {
	mu sync.Mutex // guards everything below
	of map[int64]*cardTurn
}

// cardTurn is the turn at one card.
type cardTurn struct {
	holder  *step         // who has the turn; nil: nobody, but an earlier update may take effect until freeAt
	freeAt  time.Time     // without a holder: when the next step may have the turn
	ended   chan struct{} // closed when the holder gives the turn back
	waiting int           // steps that wait for the turn
}

func newCardTurns() *cardTurns { return &cardTurns{of: map[int64]*cardTurn{}} }

// busyCard says why a step has not got the turn at a card.
type busyCard struct {
	ended   <-chan struct{} // closed when the holder gives the turn back
	freeAt  time.Time       // when the turn becomes free without being given back; zero: it has a holder
	crowded bool            // too many steps wait already
}

// begin returns nil if the step now has the turn at the card. Otherwise the step counts as waiting until leave is called.
func (c *cardTurns) begin(card int64, s *step, now time.Time) *busyCard {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := c.of[card]
	switch {
	case t == nil, t.holder == nil && !t.freeAt.After(now):
		c.of[card] = &cardTurn{holder: s, ended: make(chan struct{})}
		return nil
	case t.holder == s:
		return nil
	}
	t.waiting++
	return &busyCard{t.ended, t.freeAt, t.waiting > maxCardWaiters}
}

// leave notes that a step no longer waits for the turn at a card.
func (c *cardTurns) leave(card int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if t := c.of[card]; t != nil && t.waiting > 0 {
		t.waiting--
	}
}

// end takes the turn at a card from a step; it does nothing if the step does not have it. The step's update may take effect
// until freeAt, so nobody gets the turn before.
func (c *cardTurns) end(card int64, s *step, freeAt, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := c.of[card]
	if t == nil || t.holder != s {
		return
	}
	close(t.ended)
	delete(c.of, card)
	if freeAt.After(now) {
		c.of[card] = &cardTurn{freeAt: freeAt, ended: make(chan struct{})}
		c.forgetFree(now)
	}
}

// forgetFree forgets the cards whose turn is free.
func (c *cardTurns) forgetFree(now time.Time) {
	for card, t := range c.of {
		if t.holder == nil && !t.freeAt.After(now) {
			delete(c.of, card)
		}
	}
}

// claimCard waits for the turn at the card that a step fills. The caller must call release when the step's update has ended.
// ok is false if too many steps wait for the card: then the caller must give the step up. A step that waits longer than
// personTurn is deferred.
func (c *Creator) claimCard(ctx context.Context, d *delivery, s *step) (release func(), ok bool, err error) {
	card, patience := s.extra.contact, time.NewTimer(personTurn)
	defer patience.Stop()
	for {
		busy := c.cards.begin(card, s, time.Now())
		if busy == nil {
			return func() { c.releaseCard(s) }, true, nil
		}
		if busy.crowded {
			c.cards.leave(card)
			return nil, false, nil
		}
		err := c.awaitCard(ctx, d, s, busy, patience)
		c.cards.leave(card)
		if err != nil {
			return nil, false, err
		}
	}
}

// awaitCard waits until the turn at a card may be free. The error defers the step, or ends its call.
func (c *Creator) awaitCard(ctx context.Context, d *delivery, s *step, busy *busyCard, patience *time.Timer) error {
	if now := time.Now(); busy.freeAt.After(now.Add(personTurn)) {
		return c.deferUntil(s, WaitPerson, busy.freeAt)
	}
	var free <-chan time.Time
	if !busy.freeAt.IsZero() {
		free = time.After(time.Until(busy.freeAt))
	}
	select {
	case <-busy.ended:
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

// releaseCard gives back the turn at the card that a step fills. Nobody gets it while the step's update may take effect.
func (c *Creator) releaseCard(s *step) {
	now, freeAt := time.Now(), time.Time{}
	switch {
	case s.lost: // the call ended while the update was on its way
		freeAt = now.Add(c.cfg.lifetime(vibe.BatchLimit))
	case s.state != stateDone:
		freeAt = s.lastEffectPossible
	}
	c.cards.end(s.extra.contact, s, freeAt, now)
}
