package crmtest

import (
	"net/http"
	"slices"
	"sync"
	"time"
)

// slots is the portal's queue: a limited number of requests run at a time, the others wait in
// the order of their arrival.
type slots struct {
	mu      sync.Mutex
	running int
	waiting []chan time.Time // each receives the time when its owner's turn came
}

// hold is a slot that a request has.
type hold struct {
	since   time.Time
	running int // how many requests ran when it got the slot
}

// acquire waits for one of limit slots, no longer than patience (0: no limit), and reports
// whether it got one. now is when the slot was asked for. waits is called if it has to wait.
func (q *slots) acquire(now time.Time, limit int, patience time.Duration, done <-chan struct{}, waits func()) (hold, bool) {
	q.mu.Lock()
	if limit <= 0 || q.running < limit {
		q.running++
		defer q.mu.Unlock()
		return hold{now, q.running}, true
	}
	turn := make(chan time.Time, 1)
	q.waiting = append(q.waiting, turn)
	q.mu.Unlock()
	waits()

	var late <-chan time.Time
	if patience > 0 {
		t := time.NewTimer(patience)
		defer t.Stop()
		late = t.C
	}
	select {
	case since := <-turn:
		return hold{latest(now, since), limit}, true
	case <-late:
	case <-done:
	}
	if q.leave(turn) {
		return hold{}, false
	}
	return hold{latest(now, <-turn), limit}, true
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// leave gives up a place in the queue and reports whether it was still there. If it was not, its owner
// has been given a slot meanwhile.
func (q *slots) leave(turn chan time.Time) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	i := slices.Index(q.waiting, turn)
	if i < 0 {
		return false
	}
	q.waiting = slices.Delete(q.waiting, i, i+1)
	return true
}

// release gives the slot to the next request in the queue. It counts as given at due, so that a portal
// with a queue loses no time between its requests.
func (q *slots) release(due time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.waiting) == 0 {
		q.running--
		return
	}
	q.waiting[0] <- due
	q.waiting = q.waiting[1:]
}

// onPortal runs a plan that came at now under the portal's limits. It goes on if the client has
// gone.
func (s *Simulator) onPortal(p *plan, now time.Time) *failure {
	if p.units == 0 {
		p.run(s, now, 0)
		return nil
	}
	o, fail := s.enterPortal(p)
	if fail != nil {
		return fail
	}
	slot, ok := s.slots.acquire(now, o.Slots, o.QueueLimit, s.done, func() { s.count(func(t *Stats) { t.SlotWaits++ }) })
	if !ok {
		s.count(func(t *Stats) { t.QueueTimeouts++ })
		return &failure{Status: http.StatusGatewayTimeout, Code: "QUEUE_TIMEOUT",
			Message: "The portal's request queue is full", RetryAfter: 5}
	}
	due := slot.since.Add(o.ServiceTime * time.Duration(p.units))
	defer func() { s.slots.release(due) }()
	s.count(func(t *Stats) {
		t.PortalRequests += p.units
		t.MaxRunning = max(t.MaxRunning, slot.running)
	})
	if !s.sleepUntil(due) {
		return shutDown()
	}
	pause := o.ItemTime
	if !p.batch {
		pause = 0
	}
	if due, ok = p.run(s, due, pause); !ok {
		return shutDown()
	}
	return nil
}

// enterPortal counts a plan against the portal's limit per second.
func (s *Simulator) enterPortal(p *plan) (Options, *failure) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.second.take(time.Now(), p.units, s.opts.PerSecond) {
		s.stats.OverPerSecond++
		return s.opts, &failure{Status: http.StatusBadGateway, Code: "BITRIX_UNAVAILABLE",
			Message: "Bitrix24 request limit exceeded"}
	}
	return s.opts, nil
}

func shutDown() *failure {
	return &failure{Status: http.StatusServiceUnavailable, Code: "SHUTTING_DOWN", Message: "The simulator is being closed"}
}
