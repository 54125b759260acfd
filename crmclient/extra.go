package crmclient

import (
	"context"
	"errors"
	"time"

	"github.com/leadbridge/leadbridge/crmclient/internal/limit"
	"github.com/leadbridge/leadbridge/crmclient/internal/queue"
	"github.com/leadbridge/leadbridge/crmclient/internal/vibe"
	"github.com/leadbridge/leadbridge/internal/wait"
)

// An extra is a step without which its event can be done: a comment on a card ([newComment]), or what is added to a
// contact that was there before ([newFill]). It goes after the objects, never makes a dead letter and never keeps a lead.

// isExtra reports whether steps of a kind are extras.
func isExtra(entity vibe.Entity) bool { return entity == vibe.Timelines || entity == vibe.Fills }

const (
	// extraPatience is how long an event waits for the trouble of its own extra before that counts as not
	// written. The time stands still while creates are held for everybody.
	extraPatience = 5 * time.Minute
	// extraTurn is after how long requests for extras hang: what waits for its turn behind them is deferred, so
	// that it keeps no place of an event that is to be made.
	extraTurn = 5 * time.Second
	// maxExtrasWaiting is how many extras of a process may wait because those of their kind fail, or too many wait for
	// their turn: few enough for the ledger of one partition. The next ones are not written, save comments that met no
	// trouble.
	maxExtrasWaiting = 1000
)

// extra is what a step has besides when its event can be done without it.
type extra struct {
	// essential says that the comment is what the event becomes: it is written whatever it takes, and refused it is
	// a dead letter.
	essential bool
	waited    time.Duration // for its own trouble, until since
	since     time.Time     // zero: it had none
	still     bool          // it did not count then
	counted   bool          // among those that wait
	tallied   bool          // its metric has it
	reason    string        // why it was not written; "": it was, or there is nothing to write
	card      int64         // of a fill: the contact
	sent      *sent         // of a fill in doubt: its change
}

// isOptional reports whether the event is done without the step, if need be.
func (s *step) isOptional() bool { return s.extra != nil && !s.extra.essential }

// tend looks, before an extra's next move, whether there is something to write and whether it is still worth
// waiting for.
func (c *Creator) tend(d *delivery, s *step) {
	now := time.Now()
	s.extra.age(now, c.standsStill(s))
	if s.extra.essential || s.state.ended() {
		return
	}
	switch reason, pointless := c.pointless(d, s); {
	case pointless:
		c.giveUp(s, reason)
	case s.extra.waited >= extraPatience:
		c.giveUp(s, c.troubleOf(s))
	}
}

// pointless reports whether an extra that was not sent need not be, and why, "" where there is nothing to write.
func (c *Creator) pointless(d *delivery, s *step) (reason string, yes bool) {
	p := c.portals.latest()
	if p == nil || s.state != stateFresh && s.state != stateSuspect {
		return "", false
	}
	if s.entity == vibe.Fills {
		return c.cannotFill(p)
	}
	return "", c.commentText(d, p) == ""
}

// age counts the time since its last call, unless it stands still now or did then. It begins with the first wait.
func (m *extra) age(now time.Time, still bool) {
	if m.since.IsZero() {
		return
	}
	if !m.still && !still {
		m.waited += now.Sub(m.since)
	}
	m.since, m.still = now, still
}

// awaits notes that an extra waits, and returns until when at most.
func (c *Creator) awaits(s *step, why Wait, until time.Time) time.Time {
	m, now, still := s.extra, time.Now(), c.standsStill(s)
	if m.since.IsZero() {
		m.since, m.still = now, still
	}
	m.age(now, still)
	if why == WaitBackoff && !still {
		c.countWaiting(s)
	}
	if m.essential || still {
		return until
	}
	if end := now.Add(max(extraPatience-m.waited, 0)); until.After(end) {
		return end
	}
	return until
}

// crowded reports whether an extra is not to wait for its turn now: requests for extras hang, or others that wait
// keep half of the places of events already. One that has waited before lets new ones pass.
func (c *Creator) crowded(s *step) bool {
	most := c.InFlight() / 2
	if !s.extra.since.IsZero() {
		most = c.cfg.BatchSize
	}
	return c.governor.extrasHang(time.Now()) || c.queue.Count(queue.Extra) >= most
}

// standsStill reports whether the time in which an extra waits does not count: creates are held for everybody, or it
// waits only because others do.
func (c *Creator) standsStill(s *step) bool { return c.governor.blocked() || !c.troubled(s) }

// troubled reports whether an extra waits for something other than its turn.
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

// endWait notes that an extra waits no longer.
func (c *Creator) endWait(s *step) {
	if s.extra != nil && s.extra.counted {
		s.extra.counted = false
		c.extrasWaiting.Add(-1)
	}
}

// errHopeless says that an extra is not worth a wait.
var errHopeless = errors.New("it is not worth a wait")

// hopeless reports whether an extra that may not leave now is not worth a wait: those of its kind have failed
// for long, or too many wait.
func (c *Creator) hopeless(s *step) bool {
	if !s.isOptional() || c.governor.blocked() {
		return false
	}
	since := c.governor.kindFailsSince(s.entity)
	tooMany := !s.extra.counted && c.extrasWaiting.Load() >= maxExtrasWaiting
	return !since.IsZero() && time.Since(since) >= extraPatience || tooMany && (s.entity == vibe.Fills || c.troubled(s))
}

// countExtra counts an extra that is done, once.
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

// giveUp ends an extra that is not written.
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

// troubleOf says in a word what an extra met: it holds nothing of the event.
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

// errExtrasHang says that an extra has waited in vain for its turn, as requests for extras hang.
var errExtrasHang = errors.New("requests for comments and fills hang")

// await waits in the queue for what comes of a step's request. An extra does not wait while requests for extras hang:
// the error is errExtrasHang then.
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

// extraStop returns a channel that is closed when stop is, or when requests for extras hang. end is to be
// called afterwards.
func (c *Creator) extraStop(stop <-chan struct{}) (either <-chan struct{}, end func()) {
	both, ended := make(chan struct{}), make(chan struct{})
	go func() {
		t := time.NewTicker(extraTurn)
		defer t.Stop()
		for {
			select {
			case <-t.C:
				if !c.governor.extrasHang(time.Now()) {
					continue
				}
			case <-stop:
			case <-ended:
				return
			}
			close(both)
			return
		}
	}()
	return both, func() { close(ended) }
}

// What follows is the governor's part. Extras have a lane of their kind, a batch size of their own, and
// half of the slots at most, those that are lent included.

// blocked reports whether creates are held for everybody.
func (g *governor) blocked() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	_, held := g.hold.Held()
	return held || g.paused || !g.ready
}

// kindFailsSince returns since when creates of a kind have been held, and nothing else was; zero: they are not.
func (g *governor) kindFailsSince(entity vibe.Entity) time.Time {
	g.mu.Lock()
	defer g.mu.Unlock()
	s, held := g.lane(entity).hold.Held()
	if !held {
		return time.Time{}
	}
	return later(s.Since, g.openedAt)
}

// kindFault returns what creates of a kind meet; the zero value: nothing.
func (g *governor) kindFault(entity vibe.Entity) limit.Fault {
	g.mu.Lock()
	defer g.mu.Unlock()
	s, _ := g.lane(entity).hold.Held()
	return s.Fault
}

// kindHeld reports whether creates of a kind are held, but for probes.
func (g *governor) kindHeld(entity vibe.Entity) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	_, held := g.lane(entity).hold.Held()
	return held
}

// nextExtra returns which kind of extras' waiters may leave next, and when; none is not ok.
func (g *governor) nextExtra(w queue.Waiting) (kind queue.Kind, at time.Time, ok bool) {
	if len(g.extrasOut) >= max(1, g.slots/2) || !g.room(w) {
		return 0, time.Time{}, false
	}
	for _, k := range [...]queue.Kind{queue.ExtraLookUp, queue.Extra} {
		n := w.Count[k]
		if n == 0 {
			continue
		}
		var due time.Time
		if k == queue.ExtraLookUp {
			due = g.extraLookUpsAt()
		}
		if n < min(g.most, vibe.PageLimit) {
			wait := gatherTime
			if w.Count[queue.Fresh] > 0 { // which have use for the request meanwhile
				wait = gatherTimeBeside
			}
			due = later(due, w.Oldest[k].Add(wait))
		}
		if !ok || due.Before(at) {
			kind, at, ok = k, due, true
		}
	}
	return kind, at, ok
}

// extraLookUpsAt returns when look-ups of extras may leave, of the kind that may first: whether those of a kind fail is
// asked before they wait. Its caller holds the lock.
func (g *governor) extraLookUpsAt() time.Time {
	comments, filled := g.lookUpGate(vibe.Timelines).At(), g.lookUpGate(vibe.Fills).At()
	if filled.Before(comments) {
		return filled
	}
	return comments
}

// extrasHang reports whether a request for extras has been on its way for long.
func (g *governor) extrasHang(now time.Time) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	for l := range g.extrasOut {
		if now.Sub(l.at) >= extraTurn {
			return true
		}
	}
	return false
}

// batchOf returns the size of batches of a kind.
func (g *governor) batchOf(entity vibe.Entity) *limit.BatchSize {
	if isExtra(entity) {
		return g.extraBatch
	}
	return g.batch
}

// heldByAll reports whether the hold in force is for a fault that speaks for every kind.
func (g *governor) heldByAll() bool {
	s, held := g.hold.Held()
	return held && s.Fault.Proven
}

// speaksForExtras reports whether what a request for extras met says something about those of its kind only.
func speaksForExtras(f limit.Fault) bool { return !f.Proven || f.Status == 403 }

// extrasAlone reports whether batches of extras are not offered now.
func (g *governor) extrasAlone(now time.Time) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.extraBatch.Size(now) == 1
}
