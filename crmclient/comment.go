package crmclient

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/leadbridge/leadbridge/crmclient/internal/limit"
	"github.com/leadbridge/leadbridge/crmclient/internal/queue"
	"github.com/leadbridge/leadbridge/crmclient/internal/vibe"
	"github.com/leadbridge/leadbridge/internal/wait"
)

// CommentMode says where what a person wrote, and what else has no place of its own, stands in the CRM.
type CommentMode string

// The modes: values of CRM_COMMENT. The empty one is CommentOff.
const (
	CommentOff  CommentMode = "off"  // in the field comments
	CommentOn   CommentMode = "on"   // in a comment on the card's timeline
	CommentBoth CommentMode = "both" // in both
)

// timeline reports whether events are commented on.
func (m CommentMode) timeline() bool { return m == CommentOn || m == CommentBoth }

// CommentModes are all of them.
func CommentModes() []CommentMode { return []CommentMode{CommentOff, CommentOn, CommentBoth} }

// CommentState says what became of an event's comment.
type CommentState string

// The states of a comment; the empty one says that the event has none.
const (
	CommentWritten    CommentState = "written"
	CommentNotWritten CommentState = "not written"
)

const (
	// commentPatience is how long an event waits for the trouble of its own comment before it counts as not
	// written. The time stands still while creates are held for everybody.
	commentPatience = 5 * time.Minute
	// commentTurn is after how long requests for comments hang: what waits for its turn behind them is deferred, so
	// that it keeps no place of an event that is to be made.
	commentTurn = 5 * time.Second
	// maxCommentsWaiting is how many comments of a process may wait because creates of comments fail: few enough
	// for the ledger of one partition. The next ones are not written.
	maxCommentsWaiting = 1000
)

// Reasons for which a comment is not written, besides those of a [Rejection].
const (
	reasonInDoubt    Reason = "IN_DOUBT"   // it may be there all the same
	reasonUnreadable Reason = "UNREADABLE" // it may be there, and the comments of the card cannot be read
)

// comment is what a step has besides when it makes a comment.
type comment struct {
	// essential says that the comment is what the event becomes: it is written whatever it takes, and refused it is
	// a dead letter.
	essential bool
	waited    time.Duration // for its own trouble, until since
	since     time.Time     // zero: it had none
	still     bool          // it did not count then
	counted   bool          // among those that wait
	reason    string        // why it was not written; "": it was, or there is nothing to write
}

// newComment returns the step that comments on what was made before it.
func newComment(essential, suspect, lookUpFirst bool) *step {
	s := newStep(vibe.Timelines, suspect, lookUpFirst)
	s.comment = &comment{essential: essential}
	return s
}

// isOptionalComment reports whether the step is a comment without which its event is done.
func (s *step) isOptionalComment() bool { return s.comment != nil && !s.comment.essential }

// commentOn returns the card that an event's comment is for.
func (d *delivery) commentOn() vibe.CardID {
	kind, id := d.made().card()
	return vibe.CardID{Kind: kind, ID: id}
}

// commentText is what an event's comment says before its mark: what would stand in the field comments of its
// objects, each line once, that of the card first.
func (c *Creator) commentText(d *delivery, p *portal) string {
	var texts []string
	for _, entity := range slices.Backward(cmp.Or(d.req.Target, c.cfg.Target).entities()) {
		body := d.body(entity, c.cfg)
		c.bind(body, d, entity, d.match)
		p.kinds[entity].fields.Fit(body)
		text, _ := body["comments"].(string)
		texts = append(texts, text)
	}
	return JoinComments(texts...)
}

// CommentMark ends the comment of the event with that id in the CRM (Request.OriginID), as
// "[leadbridge 3f9ad07c51b2e864]".
func CommentMark(originator, origin string) string { return vibe.CommentMark(originator, origin) }

// JoinComments puts texts below one another. A line that an earlier text has is left out.
func JoinComments(texts ...string) string {
	var lines []string
	for _, text := range texts {
		before := lines
		for line := range strings.SplitSeq(text, "\n") {
			if !slices.Contains(before, line) {
				lines = append(lines, line)
			}
		}
	}
	return strings.TrimSpace(strings.Join(lines, "\n"))
}

// tend looks, before a comment's next move, whether there is something to write and whether it is still worth
// waiting for.
func (c *Creator) tend(d *delivery, s *step) {
	now := time.Now()
	s.comment.age(now, c.standsStill(s))
	if s.comment.essential || s.state.ended() {
		return
	}
	p := c.portals.latest()
	unsent := s.state == stateFresh || s.state == stateSuspect
	switch {
	case unsent && p != nil && c.commentText(d, p) == "":
		c.giveUp(s, "")
	case s.comment.waited >= commentPatience:
		c.giveUp(s, c.troubleOf(s))
	}
}

// age counts the time since its last call, unless it stands still now or did then. It begins with the first wait.
func (m *comment) age(now time.Time, still bool) {
	if m.since.IsZero() {
		return
	}
	if !m.still && !still {
		m.waited += now.Sub(m.since)
	}
	m.since, m.still = now, still
}

// awaits notes that a comment waits, and returns until when at most.
func (c *Creator) awaits(s *step, why Wait, until time.Time) time.Time {
	m, now, still := s.comment, time.Now(), c.standsStill(s)
	if m.since.IsZero() {
		m.since, m.still = now, still
	}
	m.age(now, still)
	if why == WaitBackoff && !still && !m.counted {
		m.counted = true
		c.commentsWaiting.Add(1)
	}
	if m.essential || still {
		return until
	}
	if end := now.Add(max(commentPatience-m.waited, 0)); until.After(end) {
		return end
	}
	return until
}

// crowded reports whether a comment is not to wait for its turn now: requests for comments hang, or others that wait
// keep half of the places of events already. One that has waited before lets new ones pass.
func (c *Creator) crowded(s *step) bool {
	most := c.InFlight() / 2
	if !s.comment.since.IsZero() {
		most = c.cfg.BatchSize
	}
	return c.governor.commentsHang(time.Now()) || c.queue.Count(queue.Comment) >= most
}

// standsStill reports whether the time in which a comment waits does not count: creates are held for everybody, or it
// waits only because others do.
func (c *Creator) standsStill(s *step) bool {
	troubled := s.written > 0 || s.state.looksUp() || c.governor.commentsHeld() || c.governor.commentsHang(time.Now())
	return c.governor.blocked() || !troubled
}

// endWait notes that a comment waits no longer.
func (c *Creator) endWait(s *step) {
	if s.comment != nil && s.comment.counted {
		s.comment.counted = false
		c.commentsWaiting.Add(-1)
	}
}

// errHopeless says that a comment is not worth a wait.
var errHopeless = errors.New("the comment is not worth a wait")

// hopeless reports whether a comment that may not leave now is not worth a wait: creates of comments have failed
// for long, or too many wait.
func (c *Creator) hopeless(s *step) bool {
	if !s.isOptionalComment() || c.governor.blocked() {
		return false
	}
	since := c.governor.commentsFailSince()
	return !since.IsZero() && time.Since(since) >= commentPatience || !s.comment.counted && c.commentsWaiting.Load() >= maxCommentsWaiting
}

// giveUp ends a comment that is not written.
func (c *Creator) giveUp(s *step, reason string) {
	s.transition(onGiveUp)
	s.comment.reason = reason
	c.endDoubt(s)
	c.endWait(s)
	if reason != "" {
		c.meter.comment(CommentNotWritten, 1)
	}
}

// troubleOf says in a word what a comment met: it holds nothing of the event.
func (c *Creator) troubleOf(s *step) string {
	switch {
	case s.state == stateInDoubt:
		return (&Rejection{Reason: reasonInDoubt, Status: s.last.Status, Code: s.last.Code}).Error()
	case s.state.looksUp():
		return string(reasonUnreadable)
	case s.written > 0 && (s.last.Status > 0 || s.last.Code != ""):
		return (&Rejection{Reason: ReasonRetriesExhausted, Status: s.last.Status, Code: s.last.Code}).Error()
	}
	f := c.governor.commentFault()
	return (&Rejection{Reason: ReasonRetriesExhausted, Status: f.Status, Code: f.Code}).Error()
}

// commentState returns what became of a step's comment, and why it is not written.
func (s *step) commentState() (CommentState, string) {
	switch {
	case s.comment == nil:
	case s.state == stateDone:
		return CommentWritten, ""
	case s.state == stateNotWritten && s.comment.reason != "":
		return CommentNotWritten, s.comment.reason
	}
	return "", ""
}

// errCommentsHang says that a comment has waited in vain for its turn, as requests for comments hang.
var errCommentsHang = errors.New("requests for comments hang")

// await waits in the queue for what comes of a step's request. A comment does not wait while requests for comments hang:
// the error is errCommentsHang then.
func (c *Creator) await(ctx context.Context, d *delivery, s *step, w *queue.Waiter) (any, error) {
	if s.comment == nil {
		return c.queue.Wait(ctx, d.req.Stop, w)
	}
	stop, end := c.commentStop(d.req.Stop)
	defer end()
	got, err := c.queue.Wait(ctx, stop, w)
	if errors.Is(err, ErrStopped) && !wait.Closed(d.req.Stop) {
		err = errCommentsHang
	}
	return got, err
}

// commentStop returns a channel that is closed when stop is, or when requests for comments hang. end is to be
// called afterwards.
func (c *Creator) commentStop(stop <-chan struct{}) (either <-chan struct{}, end func()) {
	both, ended := make(chan struct{}), make(chan struct{})
	go func() {
		t := time.NewTicker(commentTurn)
		defer t.Stop()
		for {
			select {
			case <-t.C:
				if !c.governor.commentsHang(time.Now()) {
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

// What follows is the governor's part. Comments have a lane and a batch size of their own, and
// half of the slots at most, those that are lent included.

// blocked reports whether creates are held for everybody.
func (g *governor) blocked() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	_, held := g.hold.Held()
	return held || g.paused || !g.ready
}

// commentsFailSince returns since when creates of comments have been held, and nothing else was; zero: they are not.
func (g *governor) commentsFailSince() time.Time {
	g.mu.Lock()
	defer g.mu.Unlock()
	s, held := g.lane(vibe.Timelines).hold.Held()
	if !held {
		return time.Time{}
	}
	return later(s.Since, g.openedAt)
}

// commentFault returns what creates of comments meet; the zero value: nothing.
func (g *governor) commentFault() limit.Fault {
	g.mu.Lock()
	defer g.mu.Unlock()
	s, _ := g.lane(vibe.Timelines).hold.Held()
	return s.Fault
}

// commentsHeld reports whether creates of comments are held, but for probes.
func (g *governor) commentsHeld() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	_, held := g.lane(vibe.Timelines).hold.Held()
	return held
}

// nextComment returns which kind of comments' waiters may leave next, and when; none is not ok.
func (g *governor) nextComment(w queue.Waiting) (kind queue.Kind, at time.Time, ok bool) {
	if len(g.commentsOut) >= max(1, g.slots/2) || !g.room(w) {
		return 0, time.Time{}, false
	}
	for _, k := range [...]queue.Kind{queue.CommentLookUp, queue.Comment} {
		n := w.Count[k]
		if n == 0 {
			continue
		}
		var due time.Time
		if k == queue.CommentLookUp {
			due = g.lookUpGate(vibe.Timelines).At()
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

// commentsHang reports whether a request for comments has been on its way for long.
func (g *governor) commentsHang(now time.Time) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	for l := range g.commentsOut {
		if now.Sub(l.at) >= commentTurn {
			return true
		}
	}
	return false
}

// batchOf returns the size of batches of a kind.
func (g *governor) batchOf(entity vibe.Entity) *limit.BatchSize {
	if entity == vibe.Timelines {
		return g.commentBatch
	}
	return g.batch
}

// heldByAll reports whether the hold in force is for a fault that speaks for every kind.
func (g *governor) heldByAll() bool {
	s, held := g.hold.Held()
	return held && s.Fault.Proven
}

// speaksForComments reports whether what a request for comments alone met says something about them only.
func speaksForComments(f limit.Fault) bool { return !f.Proven || f.Status == 403 }

// commentsAlone reports whether batches of comments are not offered now.
func (g *governor) commentsAlone(now time.Time) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.commentBatch.Size(now) == 1
}
