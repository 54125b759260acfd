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

// How long the first look-up waits for others: they come in swarms, after a crash or a failed
// batch, and nobody is in a hurry for one. Creates that wait have use for the request meanwhile.
const (
	gatherTime       = 50 * time.Millisecond
	gatherTimeBeside = time.Second
)

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
	answered bool // written by the job's goroutine, and with Creator.mu held
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
}

// leaveOff ends the job when nobody waits for any of its tickets. Called with Creator.mu held.
func (j *job) leaveOff() {
	if !slices.ContainsFunc(j.tickets, func(t *ticket) bool { return !t.gone && !t.answered }) {
		j.cancel()
	}
}

// pumpSoon has pump run when those who are about to submit have done so: a batch then
// takes them along. It waits for no time, only for goroutines that can run; an idle process
// does not notice. Called with mu held.
func (c *Creator) pumpSoon() {
	if j := c.first(true); j != nil {
		go c.run(j)
	}
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

// full tells whether a whole batch waits: nobody else could come along. Called with mu held.
func (c *Creator) full() bool { return len(c.queue[kindCreate]) >= c.cfg.BatchSize }

// pump starts what may leave now and sets the timer for what may leave later. There is no
// goroutine in an idle Creator. Called with mu held.
func (c *Creator) pump() {
	if j := c.first(false); j != nil {
		go c.run(j)
	}
}

// first is pump, for whole batches only or for all that waits, that leaves the first job to its
// caller; nil: there is none. Called with mu held.
func (c *Creator) first(whole bool) *job {
	c.timer.Stop()
	c.admit()
	var first *job
	for c.free > 0 && (c.full() || !whole) {
		now := time.Now()
		j, at := c.next(now)
		if j == nil {
			if !at.IsZero() {
				c.timer.Reset(at.Sub(now))
			}
			return first
		}
		c.free--
		c.inFlight += len(j.tickets)
		if first == nil {
			first = j
		} else {
			go c.run(j)
		}
	}
	return first
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
		wait := gatherTime
		if len(c.queue[kindCreate]) > 0 {
			wait = gatherTimeBeside
		}
		due = later(due, q[0].since.Add(wait))
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

// run uses a slot, as long as whole batches wait for one.
func (c *Creator) run(j *job) {
	for ; j != nil; j = c.finish(j) {
		c.work(j)
	}
}

func (c *Creator) work(j *job) {
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

// answer settles one ticket while others of its job may go on.
func (c *Creator) answer(t *ticket, o *outcome) {
	c.mu.Lock()
	defer c.mu.Unlock()
	t.settle(o)
	t.job.leaveOff()
}

// settle hands an outcome to the ticket's caller. Called with Creator.mu held.
func (t *ticket) settle(o *outcome) {
	t.answered = true
	t.tell(o)
}

func (t *ticket) tell(o *outcome) {
	t.outcome = o
	t.reply <- t
}

// finish gives the slot back, and what was paid for a request that was not sent; tickets that got
// no answer go to the end of their queue, so that the next probe is another event's. It takes the
// slot's next job if a whole batch waits; nil: none.
func (c *Creator) finish(j *job) *job {
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
	next := c.first(true)
	c.pumpSoon()
	return next
}
