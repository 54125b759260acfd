package crmclient

import (
	"context"
	"errors"
	"time"

	"github.com/leadbridge/leadbridge/crmclient/internal/queue"
	"github.com/leadbridge/leadbridge/crmclient/internal/vibe"
	"github.com/leadbridge/leadbridge/internal/wait"
)

// An extra is a step without which its event can be done: a comment on a card ([newComment]), or a fill, which adds to the
// card of a contact that was there before ([newFill]). It is sent once the event's objects exist, and never delays a lead.
// Unless it is an essential comment, its failure never makes a dead letter.

// isExtra reports whether steps of a kind are extras.
func isExtra(entity vibe.Entity) bool { return entity == vibe.Timelines || entity == vibe.Fills }

const (
	// extraPatience is how long an event waits for an extra that fails; then the extra is given up. Time in which
	// creates are held for everybody is not counted.
	extraPatience = 5 * time.Minute
	// hangAfter is the age at which an unanswered request for extras counts as hung. Extras queued behind it are then
	// deferred, so that their events leave room for creates.
	hangAfter = 5 * time.Second
	// maxExtrasWaiting is how many extras of a process may wait because their kind fails, or for their turn: few enough
	// for the ledger of one partition. Further extras are given up, except comments that met no failure: their callers
	// wait with them, see keepsPlace.
	maxExtrasWaiting = 1000
)

// extra is the part of a step that only extras have.
type extra struct {
	// essential says that the comment is all that the event becomes: it is never given up, and its refusal makes a dead
	// letter.
	essential bool
	waited    time.Duration // how long the extra had waited, up to since, while the clock ran
	since     time.Time     // when waited was brought up to date; zero: the extra has not waited yet
	stopped   bool          // the clock stood still at since, see clockStopped
	counted   bool          // the extra is counted in Creator.extrasWaiting
	tallied   bool          // the extra is counted in the metric of comments or fills
	reason    string        // why the extra was given up; "": it was not, or there is nothing to write
	contact   int64         // the contact that is filled; 0: the extra is a comment
	sent      *sentUpdate   // the update of a fill in doubt
}

// isOptional reports whether the event is done even if the step is given up.
func (s *step) isOptional() bool { return s.extra != nil && !s.extra.essential }

// dropIfNeedless is called before the next move of an extra. It gives the extra up if there is nothing to write, it cannot be
// written, or it has waited for extraPatience. The error is that of abandon.
func (c *Creator) dropIfNeedless(ctx context.Context, d *delivery, s *step) error {
	now := time.Now()
	s.extra.age(now, c.clockStopped(s))
	if s.extra.essential || s.state.ended() {
		return nil
	}
	reason, isNeedless := c.needless(d, s)
	switch {
	case isNeedless:
		c.giveUp(s, reason)
	case s.extra.waited >= extraPatience:
		return c.abandon(ctx, d, s)
	}
	return nil
}

// abandon gives up an extra that is not worth its wait any longer. Before that it reads the card of a fill, which may be
// possible while updates fail: if the card lacks nothing, the fill is done. The error is that of a call that ended meanwhile.
func (c *Creator) abandon(ctx context.Context, d *delivery, s *step) error {
	reason := c.troubleOf(s)
	waitedLong := s.extra.waited >= extraPatience || c.failsForLong(s)
	if s.entity == vibe.Fills && s.state == stateFresh && waitedLong {
		card, _, err := c.lookUpByAll(ctx, d, s)
		_, unreadable := errors.AsType[*lookUpFailure](err)
		switch {
		case err != nil && !unreadable:
			return err
		case card > 0:
			s.id, s.given = card, true
			s.transition(onMatched)
			return nil
		}
	}
	c.giveUp(s, reason)
	return nil
}

// needless reports whether an extra that was not sent yet need not be sent. reason is why it cannot be written; "": there is
// nothing to write.
func (c *Creator) needless(d *delivery, s *step) (reason string, yes bool) {
	p := c.portals.latest()
	if p == nil || s.state != stateFresh && s.state != stateSuspect {
		return "", false
	}
	if s.entity == vibe.Fills {
		return c.cannotFill(p)
	}
	return "", c.commentText(d, p) == ""
}

// age adds the time since the last call to waited, unless the clock is stopped now or was stopped at the last call. It does
// nothing before the first wait.
func (m *extra) age(now time.Time, stopped bool) {
	if m.since.IsZero() {
		return
	}
	if !m.stopped && !stopped {
		m.waited += now.Sub(m.since)
	}
	m.since, m.stopped = now, stopped
}

// noteWait notes that an extra waits until a time. It returns that time, or the end of extraPatience if that is earlier.
func (c *Creator) noteWait(s *step, why Wait, until time.Time) time.Time {
	m, now, stopped := s.extra, time.Now(), c.clockStopped(s)
	if m.since.IsZero() {
		m.since, m.stopped = now, stopped
	}
	m.age(now, stopped)
	if why == WaitBackoff && !stopped {
		c.countWaiting(s)
	}
	if m.essential || stopped {
		return until
	}
	if end := now.Add(max(extraPatience-m.waited, 0)); until.After(end) {
		return end
	}
	return until
}

// crowded reports whether an extra must not join the queue now: requests for extras hang, or half of InFlight are extras
// in the queue already. An extra that has waited before joins only if less than a batch is in the queue, so that new extras
// come first.
func (c *Creator) crowded(s *step) bool {
	most := c.InFlight() / 2
	if !s.extra.since.IsZero() {
		most = c.cfg.BatchSize
	}
	isFull := c.queue.Count(queue.Extra) >= most && !c.keepsPlace(s)
	return isFull || c.governor.extrasHang(time.Now())
}

// keepsPlace reports whether a comment waits in the queue, however long the queue is, because no more extras may be deferred.
// Its call of Create goes on meanwhile, so that the caller takes up no further event, and comments can catch up with leads.
// This is only for comments that have not waited before and met no failure, while creates are not held.
func (c *Creator) keepsPlace(s *step) bool {
	isNewComment := s.entity == vibe.Timelines && s.extra.since.IsZero()
	tooManyDeferred := c.extrasWaiting.Load() >= maxExtrasWaiting
	return isNewComment && tooManyDeferred && !c.troubled(s) && !c.governor.blocked()
}

// mustLeave reports whether extras must leave the queue unsent: requests for extras hang, or creates are held while more
// than half of InFlight are extras in the queue. In the second case there might be no place for the event that probes the
// hold.
func (c *Creator) mustLeave() bool {
	return c.governor.extrasHang(time.Now()) || c.governor.blocked() && c.queue.Count(queue.Extra) > c.InFlight()/2
}

// clockStopped reports whether an extra's waiting does not count towards extraPatience now: creates are held for everybody,
// or the extra waits only for its turn.
func (c *Creator) clockStopped(s *step) bool { return c.governor.blocked() || !c.troubled(s) }

// troubled reports whether an extra waits for something other than its turn: it failed or was sent before, must be looked
// up, or its kind is held or hangs.
func (c *Creator) troubled(s *step) bool {
	return s.written > 0 || s.state.looksUp() || c.governor.kindHeld(s.entity) || c.governor.extrasHang(time.Now())
}

// countWaiting notes that an extra is deferred.
func (c *Creator) countWaiting(s *step) {
	if !s.extra.counted {
		s.extra.counted = true
		c.extrasWaiting.Add(1)
	}
}

// endWait notes that an extra is no longer deferred.
func (c *Creator) endWait(s *step) {
	if s.extra != nil && s.extra.counted {
		s.extra.counted = false
		c.extrasWaiting.Add(-1)
	}
}

// errNotWorthWaiting says that an extra is given up instead of waiting.
var errNotWorthWaiting = errors.New("an extra is given up instead of waiting")

// notWorthWaiting reports whether an extra that cannot be sent now must be given up instead of waiting: its kind has failed
// for extraPatience, or too many extras wait already.
func (c *Creator) notWorthWaiting(s *step) bool {
	if !s.isOptional() || c.governor.blocked() {
		return false
	}
	tooMany := !s.extra.counted && c.extrasWaiting.Load() >= maxExtrasWaiting
	mayKeepPlace := s.entity != vibe.Fills && !c.troubled(s) // see keepsPlace
	return c.failsForLong(s) || tooMany && !mayKeepPlace
}

// failsForLong reports whether creates of a step's kind have failed for extraPatience.
func (c *Creator) failsForLong(s *step) bool {
	since := c.governor.kindFailsSince(s.entity)
	return !since.IsZero() && time.Since(since) >= extraPatience
}

// countExtra counts an extra that is done in its metric, once.
func (c *Creator) countExtra(s *step) {
	c.endWait(s)
	if s.extra == nil || s.state != stateDone || s.extra.tallied {
		return
	}
	s.extra.tallied = true
	if s.entity == vibe.Fills {
		state, _ := s.fillState()
		c.meter.fill(state, 1)
		return
	}
	c.meter.comment(CommentWritten, 1)
}

// giveUp ends an extra as not written. reason is "" if there is nothing to write.
func (c *Creator) giveUp(s *step, reason string) {
	s.transition(onGiveUp)
	s.extra.reason = reason
	c.endDoubt(s)
	c.endWait(s)
	switch {
	case reason == "":
	case s.entity == vibe.Fills:
		c.meter.fill(FillFailed, 1)
	default:
		c.meter.comment(CommentNotWritten, 1)
	}
}

// troubleOf returns a short reason why an extra was not written. It contains no event data.
func (c *Creator) troubleOf(s *step) string {
	switch {
	case s.unproven && s.state.looksUp():
		return string(reasonUnproven)
	case s.state == stateInDoubt:
		return (&Rejection{Reason: reasonInDoubt, Status: s.last.Status, Code: s.last.Code}).Error()
	case s.state.looksUp():
		return string(reasonUnreadable)
	case s.written > 0 && (s.last.Status > 0 || s.last.Code != ""):
		return (&Rejection{Reason: ReasonRetriesExhausted, Status: s.last.Status, Code: s.last.Code}).Error()
	case !c.troubled(s):
		return reasonTooManyWait
	}
	f := c.governor.kindFault(s.entity)
	return (&Rejection{Reason: ReasonRetriesExhausted, Status: f.Status, Code: f.Code}).Error()
}

// errExtrasHang says that an extra left the queue unsent: see mustLeave.
var errExtrasHang = errors.New("requests for comments and fills hang")

// await waits in the queue for the answer to a step's request. For an extra it returns errExtrasHang as soon as extras
// must leave the queue.
func (c *Creator) await(ctx context.Context, d *delivery, s *step, w *queue.Waiter) (any, error) {
	if s.extra == nil {
		return c.queue.Wait(ctx, d.req.Stop, w)
	}
	stop, end := c.extraStop(d.req.Stop)
	defer end()
	got, err := c.queue.Wait(ctx, stop, w)
	if errors.Is(err, ErrStopped) && !wait.Closed(d.req.Stop) {
		err = errExtrasHang
	}
	return got, err
}

// extraStop returns a channel that is closed when stop is closed or extras must leave the queue. The caller must call end
// afterwards, which ends a goroutine and its ticker.
func (c *Creator) extraStop(stop <-chan struct{}) (stopOrHang <-chan struct{}, end func()) {
	merged, ended := make(chan struct{}), make(chan struct{})
	go func() {
		t := time.NewTicker(hangAfter)
		defer t.Stop()
		for {
			select {
			case <-t.C:
				if !c.mustLeave() {
					continue
				}
			case <-stop:
			case <-ended:
				return
			}
			close(merged)
			return
		}
	}()
	return merged, func() { close(ended) }
}
