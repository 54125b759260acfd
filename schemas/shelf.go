package schemas

import (
	"cmp"
	"slices"
	"time"

	"github.com/leadbridge/leadbridge/internal/phrase"
)

// Bounds of what is kept, and of what is asked for.
const (
	maxKept   = 1000     // schemas
	maxBytes  = 16 << 20 // of their texts
	maxWanted = 1000     // schemas that are not known yet
	fetchers  = 4        // requests at a time
	faultTime = time.Minute

	firstPause = 500 * time.Millisecond // between two tries while the registry does not answer
	lastPause  = 30 * time.Second
)

// A state is where a schema stands.
type state string

const (
	stateWanted   state = "wanted"   // it waits to be asked for
	stateFetching state = "fetching" // the registry is being asked
	stateFailed   state = "failed"   // the registry did not answer; it is asked for again, in turn with the others
	stateKnown    state = "known"    // it can be used, or it is known why it cannot be
)

// An entry is a schema on its way to being known.
type entry struct {
	ref    ref
	state  state
	known  chan struct{} // closed when the state is known
	probe  bool          // it failed before, and is fetched to learn whether the registry answers
	format format        // nil: fault says why
	fault  string
	size   int
	at     time.Time // when it was known
	used   uint64    // counts up
}

// A shelf holds the schemas that are known, and says which to ask for next. Whoever is asked for the first time is
// asked for at once; those that failed take turns, at growing intervals, until there is an answer to any. It is a plain
// value: the lock is the reader's.
type shelf struct {
	entries  map[ref]*entry
	wanted   []*entry
	failed   []*entry
	fetching int
	probing  bool // one that failed is being fetched
	pause    time.Duration
	next     time.Time   // no try of one that failed before
	advice   phrase.Text // of the last failure
	bytes    int
	clock    uint64
}

// find returns the entry of a schema; nil: so many are wanted that no more may be.
func (s *shelf) find(r ref, now time.Time) *entry {
	e := s.entries[r]
	if e != nil && e.state == stateKnown && e.format == nil && now.Sub(e.at) > faultTime {
		s.drop(e) // the schema may have been registered since
		e = nil
	}
	if e == nil {
		if len(s.wanted)+len(s.failed)+s.fetching >= maxWanted {
			return nil
		}
		e = &entry{ref: r, state: stateWanted, known: make(chan struct{})}
		s.entries[r] = e
		s.wanted = append(s.wanted, e)
	}
	s.clock++
	e.used = s.clock
	return e
}

// take returns what is to be fetched now.
func (s *shelf) take(now time.Time) []*entry {
	var due []*entry
	for len(s.wanted) > 0 && s.fetching < fetchers {
		due = append(due, s.wanted[0])
		s.wanted = s.wanted[1:]
		s.fetching++
	}
	if len(s.failed) > 0 && !s.probing && s.fetching < fetchers && !now.Before(s.next) {
		s.failed[0].probe, s.probing = true, true
		due = append(due, s.failed[0])
		s.failed = s.failed[1:]
		s.fetching++
	}
	for _, e := range due {
		e.state = stateFetching
	}
	return due
}

// answered notes what is known of a schema now. An answer to any makes those due that failed.
func (s *shelf) answered(e *entry, by format, fault string, now time.Time) {
	s.ended(e)
	s.pause = 0
	e.format, e.fault = by, fault
	for _, f := range s.failed {
		f.state = stateWanted
	}
	s.wanted, s.failed = append(s.wanted, s.failed...), nil
	e.state, e.at = stateKnown, now
	s.bytes += e.size
	close(e.known)
	s.evict()
}

// unanswered notes that the registry did not answer.
func (s *shelf) unanswered(e *entry, advice phrase.Text, now time.Time) {
	probe := e.probe
	s.ended(e)
	s.advice = advice
	if probe || len(s.failed) == 0 && !s.probing {
		s.pause = min(cmp.Or(2*s.pause, firstPause), lastPause)
		s.next = now.Add(s.pause)
	}
	e.state = stateFailed
	s.failed = append(s.failed, e)
}

func (s *shelf) ended(e *entry) {
	s.fetching--
	s.probing = s.probing && !e.probe
	e.probe = false
}

// held is why schemas are waited for that failed; nil: none are.
func (s *shelf) held() phrase.Text {
	if len(s.failed) == 0 && !s.probing {
		return nil
	}
	return s.advice
}

// evict drops what was not used for the longest time, as long as there is too much.
func (s *shelf) evict() {
	if s.within() {
		return
	}
	var kept []*entry
	for _, e := range s.entries {
		if e.state == stateKnown {
			kept = append(kept, e)
		}
	}
	slices.SortFunc(kept, func(a, b *entry) int { return cmp.Compare(a.used, b.used) })
	for _, e := range kept {
		if s.within() {
			return
		}
		s.drop(e)
	}
}

func (s *shelf) within() bool { return len(s.entries) <= maxKept+maxWanted && s.bytes <= maxBytes }

func (s *shelf) drop(e *entry) {
	delete(s.entries, e.ref)
	s.bytes -= e.size
}
