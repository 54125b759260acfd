package crmtest

import (
	"cmp"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"
)

// Simulator is the simulated CRM. It is safe for concurrent use. To be used in a synctest
// bubble, it must be made in the bubble.
type Simulator struct {
	done  chan struct{}  // closed by Close
	work  sync.WaitGroup // calls that are applied after their answers
	pages http.Handler
	zone  *time.Location // the zone if Options name none

	scripting sync.Mutex // held while script runs; taken before mu
	slots     slots      // has its own lock

	mu     sync.Mutex // guards everything below
	closed bool
	opts   Options
	faults Faults
	script func(Call) Action
	random *rand.Rand
	tables map[string]*table // by entity
	minute window
	second window
	loops  map[string]*errorLoop // by key
	stats  Stats
	open   int // calls under /v1 that are being served
	calls  int // number of the last call; Reset does not change it
}

// New makes an empty portal.
func New(o Options) *Simulator {
	s := &Simulator{
		done:   make(chan struct{}),
		zone:   time.FixedZone("", 3*60*60),
		opts:   o,
		random: rand.New(rand.NewPCG(o.Seed, 0)),
		tables: map[string]*table{},
		minute: window{length: time.Minute},
		second: window{length: time.Second},
		loops:  map[string]*errorLoop{},
		stats:  newStats(),
	}
	s.pages = s.newPages()
	for _, entity := range entities() {
		s.tables[entity] = newTable(entity, o)
	}
	return s
}

// Close ends all waits, drops calls that were not applied yet, and waits for their goroutines.
// Open calls get 503.
func (s *Simulator) Close() {
	s.mu.Lock()
	if !s.closed {
		s.closed = true
		close(s.done)
	}
	s.mu.Unlock()
	s.work.Wait()
}

// Update changes the portal while it runs, for example its keys, its limits, or whether it offers
// batches. Existing… fields and the seed have an effect in New only.
func (s *Simulator) Update(f func(*Options)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f(&s.opts)
}

// options returns a copy of the options in force.
func (s *Simulator) options() Options {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.opts
}

// Reset removes all objects and counts. Options, user fields, faults and script stay.
func (s *Simulator) Reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range s.tables {
		t.store = newStore()
	}
	s.stats = newStats()
}

// sleepUntil waits until at and reports whether the simulator is still open. Steps wait for
// points in time, not for durations: each wait ends up to a millisecond late, and that must not
// add up. It takes no context, as the portal goes on with a request whose client has gone.
func (s *Simulator) sleepUntil(at time.Time) bool {
	d := time.Until(at)
	if d <= 0 {
		return true
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-s.done:
		return false
	}
}

// background runs f in a goroutine, unless the simulator has been closed.
func (s *Simulator) background(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.work.Go(f)
	}
}

// now returns the time by the portal's clock.
func (s *Simulator) now() time.Time {
	return time.Now().Add(s.opts.Skew).In(cmp.Or(s.opts.Zone, s.zone))
}
