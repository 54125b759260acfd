package crmtest

import (
	"net/http"
	"slices"
	"sync"
	"time"
)

// slots is the portal's queue: so many requests run at a time, the others wait in
// their order.
type slots struct {
	mu      sync.Mutex
	running int
	waiting []chan struct{} // closed when its owner may run
}

// acquire waits for one of limit slots, no longer than patience (0: for ever),
// and tells whether it got one and how many run now.
func (q *slots) acquire(limit int, patience time.Duration, done <-chan struct{}, waits func()) (int, bool) {
	q.mu.Lock()
	if limit <= 0 || q.running < limit {
		q.running++
		defer q.mu.Unlock()
		return q.running, true
	}
	turn := make(chan struct{})
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
	case <-turn:
		return limit, true
	case <-late:
	case <-done:
	}
	return limit, !q.leave(turn)
}

// leave takes a place in the queue back and tells whether it was still one; else
// its owner has been given a slot meanwhile.
func (q *slots) leave(turn chan struct{}) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	i := slices.Index(q.waiting, turn)
	if i < 0 {
		return false
	}
	q.waiting = slices.Delete(q.waiting, i, i+1)
	return true
}

// release hands the slot to the next in the queue.
func (q *slots) release() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.waiting) == 0 {
		q.running--
		return
	}
	close(q.waiting[0])
	q.waiting = q.waiting[1:]
}

// onPortal runs a plan under the portal's limits. The client's going changes
// nothing here.
func (s *Simulator) onPortal(p *plan) *failure {
	if p.units == 0 {
		p.run(s, 0)
		return nil
	}
	o, fail := s.enterPortal(p)
	if fail != nil {
		return fail
	}
	running, ok := s.slots.acquire(o.Slots, o.QueueLimit, s.done, func() { s.count(func(t *Stats) { t.SlotWaits++ }) })
	if !ok {
		s.count(func(t *Stats) { t.QueueTimeouts++ })
		return &failure{Status: http.StatusGatewayTimeout, Code: "QUEUE_TIMEOUT",
			Message: "The portal's request queue is full", RetryAfter: 5}
	}
	defer s.slots.release()
	s.count(func(t *Stats) {
		t.PortalRequests += p.units
		t.MaxRunning = max(t.MaxRunning, running)
	})
	if !s.sleep(o.ServiceTime * time.Duration(p.units)) {
		return shutDown()
	}
	if p.batch && !p.run(s, o.ItemTime) || !p.batch && !p.run(s, 0) {
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
