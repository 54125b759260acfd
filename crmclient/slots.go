package crmclient

import (
	"context"
	"runtime"
	"slices"
	"sync/atomic"
	"time"
)

// kind is what a ticket asks for.
type kind int

const (
	kindPrepare kind = iota
	kindLookUp
	kindCreate
	kinds
)

// lookUpLimit is how many events one look-up asks for.
const lookUpLimit = 50

// gatherTime is how long the first look-up waits for others: they come in swarms, after a
// crash or a failed batch, and nobody is in a hurry for one.
const gatherTime = 50 * time.Millisecond

// ticket is one thing that a caller waits for. A slot takes it along when a request leaves.
type ticket struct {
	kind  kind
	event *event
	place int            // of its request among those of CreateAll
	way   way            // of a look-up
	since time.Time      // when it was submitted
	reply chan<- *ticket // with its outcome; there is room: a slot never waits for a caller
	ended bool           // owned by the caller

	outcome *outcome // owned by the slot until it replies

	// sent is set before a create is written; a caller that leaves reads it after it
	// has ended the job's ctx, which the slot looks at after setting it.
	sent     atomic.Bool
	answered bool // owned by the job's goroutine
	job      *job // guarded by Creator.mu, as the next two; nil in the queue
	gone     bool // its caller does not wait any more
	stopping bool // its caller waits for the request in the air only
}

// job is one use of a slot: what was waiting, taken together.
type job struct {
	kind    kind
	tickets []*ticket
	paid    time.Time // when the budget counted its next request; zero: it did not; owned by the job's goroutine

	// ctx ends when nobody waits for any of the tickets.
	ctx    context.Context
	cancel context.CancelFunc
	live   int // tickets with somebody waiting; guarded by Creator.mu
}

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
	} else if t.job.live--; t.job.live == 0 {
		t.job.cancel()
	}
	c.pump()
}

// pumpSoon has pump run when those who are about to submit have done so: a batch then
// takes them along. It waits for no time, only for goroutines that can run; an idle process
// does not notice. Called with mu held.
func (c *Creator) pumpSoon() {
	if c.free == 0 || c.pumping {
		return
	}
	c.pumping = true
	go func() {
		for waiting := -1; ; {
			runtime.Gosched()
			c.mu.Lock()
			n := len(c.queue[kindCreate])
			if n == waiting || n >= c.cfg.BatchSize {
				c.pumping = false
				c.pump()
				c.mu.Unlock()
				return
			}
			waiting = n
			c.mu.Unlock()
		}
	}()
}

// pump starts what may leave now and sets the timer for what may leave later. There is no
// goroutine in an idle Creator. Called with mu held.
func (c *Creator) pump() {
	c.timer.Stop()
	c.admit()
	for c.free > 0 {
		now := time.Now()
		j, at := c.next(now)
		if j == nil {
			if !at.IsZero() {
				c.timer.Reset(at.Sub(now))
			}
			return
		}
		c.free--
		c.inFlight += len(j.tickets)
		go c.run(j)
	}
}

// admit answers who waits for nothing but the portal, once it is known: that takes no
// request. Called with mu held.
func (c *Creator) admit() {
	if c.portal == nil || c.stale {
		return
	}
	for _, t := range c.queue[kindPrepare] {
		t.tell(&outcome{class: classDone})
	}
	c.queue[kindPrepare] = nil
}

// next takes the tickets of the next request. Without one it tells when to
// ask again; the zero time is when something changes. Called with mu held.
func (c *Creator) next(now time.Time) (*job, time.Time) {
	until, held := c.gate.closed()
	if held && c.gate.probe != nil || c.idle() {
		return nil, time.Time{}
	}
	k := c.choose(now, held)
	at := later(until, c.budget.at(now))
	if k == kindLookUp {
		at = later(at, c.looksDue())
	}
	if at.After(now) {
		return nil, at
	}
	j := &job{kind: k, tickets: c.grab(k, held), paid: now}
	j.live = len(j.tickets)
	j.ctx, j.cancel = context.WithCancel(context.Background())
	for _, t := range j.tickets {
		t.job = j
	}
	c.budget.take(now)
	if held {
		c.gate.probe = j
	}
	c.lastKind = k
	return j, time.Time{}
}

func (c *Creator) idle() bool {
	return len(c.queue[kindPrepare])+len(c.queue[kindLookUp])+len(c.queue[kindCreate]) == 0
}

// choose says which queue is next: look-ups before creates, as events wait longer for them.
// Probes take turns, so that neither can hide what the other would show.
func (c *Creator) choose(now time.Time, held bool) kind {
	creates := len(c.queue[kindCreate]) > 0
	switch {
	case len(c.queue[kindPrepare]) > 0:
		return kindPrepare
	case len(c.queue[kindLookUp]) == 0:
		return kindCreate
	case creates && (now.Before(c.looksDue()) || held && c.lastKind == kindLookUp):
		return kindCreate
	}
	return kindLookUp
}

// looksDue is when the waiting look-ups may leave.
func (c *Creator) looksDue() time.Time {
	due := c.looksAfter
	if q := c.queue[kindLookUp]; len(q) < lookUpLimit {
		due = later(due, q[0].since.Add(gatherTime))
	}
	return due
}

// grab takes tickets off a queue: creates, look-ups of one way, or all who wait for the
// portal. Creates go with those that may be in as large a batch; a probe goes alone.
func (c *Creator) grab(k kind, held bool) []*ticket {
	queue := c.queue[k]
	first, limit := queue[0], len(queue)
	most := 0
	switch k {
	case kindLookUp:
		limit = lookUpLimit
	case kindCreate:
		if most, limit = first.event.most, c.cfg.BatchSize; most > 0 {
			limit = min(limit, most)
		}
		if held || c.noBatch {
			limit = 1
		}
	}
	taken := make([]*ticket, 0, min(limit, len(queue)))
	kept := queue[:0]
	for i, t := range queue {
		if len(taken) == limit {
			kept = append(kept, queue[i:]...)
			break
		}
		if t.way == first.way && (k != kindCreate || t.event.most == most) {
			taken = append(taken, t)
		} else {
			kept = append(kept, t)
		}
	}
	clear(queue[len(kept):])
	c.queue[k] = kept
	return taken
}

// run uses a slot.
func (c *Creator) run(j *job) {
	defer c.finish(j)
	if !c.sure(j) {
		return
	}
	switch j.kind {
	case kindPrepare:
		for _, t := range j.tickets {
			c.answer(t, &outcome{class: classDone})
		}
	case kindLookUp:
		c.lookUp(j)
	case kindCreate:
		c.create(j)
	}
}

// answer hands an outcome to the ticket's caller.
func (c *Creator) answer(t *ticket, o *outcome) {
	t.answered = true
	t.tell(o)
}

func (t *ticket) tell(o *outcome) {
	t.outcome = o
	t.reply <- t
}

// finish gives the slot back, and what was paid for a request that was not sent; tickets that got no answer go to the end of their queue, so
// that the next probe is another event's.
func (c *Creator) finish(j *job) {
	j.cancel()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.free++
	c.inFlight -= len(j.tickets)
	if !j.paid.IsZero() {
		c.budget.refund(j.paid)
	}
	if c.gate.probe == j {
		c.gate.probe = nil
	}
	for _, t := range j.tickets {
		t.job = nil
		if t.answered || t.gone {
			continue
		}
		t.sent.Store(false) // what was sent without an answer took no effect
		switch {
		case t.stopping:
			t.tell(&outcome{class: classStopped})
		default:
			c.queue[t.kind] = append(c.queue[t.kind], t)
		}
	}
	c.pumpSoon()
}
