package schemas

import (
	"cmp"
	"slices"
	"time"

	"github.com/leadbridge/leadbridge/internal/phrase"
)

// Bounds of what is kept, and of what is asked for.
const (
	maxKept   = 1000        // schemas that are known
	maxBytes  = 16 << 20    // of the texts of these schemas
	maxWanted = 1000        // schemas that are not known yet
	fetchers  = 4           // schemas that are fetched at a time
	faultTime = time.Minute // after which a schema that could not be used is asked for again

	firstPause = 500 * time.Millisecond // between two probes of a registry that does not answer; it doubles
	lastPause  = 30 * time.Second       // the longest pause
)

// A state is what is known of a schema.
type state string

const (
	stateWanted   state = "wanted"   // it waits to be asked for
	stateFetching state = "fetching" // the registry is being asked
	stateFailed   state = "failed"   // the registry did not answer; it is asked for again, in turn with the others
	stateKnown    state = "known"    // it can be used, or it is known why it cannot be
)

// An entry is a schema that was asked for.
type entry struct {
	ref     ref
	state   state
	known   chan struct{} // closed when the state becomes stateKnown
	probe   bool          // while it is fetched: it failed before, and shows whether the registry answers
	format  format        // with stateKnown; nil: the schema cannot be used, and fault says why
	fault   string
	size    int       // bytes of the schema's texts
	knownAt time.Time // when the state became stateKnown
	used    uint64    // the clock of the shelf when it was last asked for
}

// A shelf holds the schemas, and says which one to fetch next. A schema that is wanted for the first time is fetched at once.
// Those for which the registry did not answer are probed one at a time, in turn and at growing intervals; an answer to any
// makes all of them wanted again. It is a plain value: the Reader has the lock.
type shelf struct {
	entries   map[ref]*entry
	wanted    []*entry // in stateWanted, the first to fetch first
	failed    []*entry // in stateFailed, the next to probe first
	fetching  int      // how many are in stateFetching
	probing   bool     // one of these failed before
	pause     time.Duration
	nextProbe time.Time   // before this no schema that failed is fetched
	advice    phrase.Text // what to do about the last failure
	bytes     int         // of the texts of all schemas that are known
	clock     uint64      // counts the calls of find
}

// find returns the entry of a schema, which it makes when there is none; nil when too many schemas are not known yet.
func (s *shelf) find(r ref, now time.Time) *entry {
	e := s.entries[r]
	if e != nil && e.state == stateKnown && e.format == nil && now.Sub(e.knownAt) > faultTime {
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

// takeDue returns the entries that are to be fetched now, and counts them as being fetched.
func (s *shelf) takeDue(now time.Time) []*entry {
	var due []*entry
	for len(s.wanted) > 0 && s.fetching < fetchers {
		due = append(due, s.wanted[0])
		s.wanted = s.wanted[1:]
		s.fetching++
	}
	if len(s.failed) > 0 && !s.probing && s.fetching < fetchers && !now.Before(s.nextProbe) {
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

// answered notes that the registry answered: the schema's format, or why it cannot be used. All that failed are wanted
// again.
func (s *shelf) answered(e *entry, by format, fault string, now time.Time) {
	s.ended(e)
	s.pause = 0
	e.format, e.fault = by, fault
	for _, f := range s.failed {
		f.state = stateWanted
	}
	s.wanted, s.failed = append(s.wanted, s.failed...), nil
	e.state, e.knownAt = stateKnown, now
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
		s.nextProbe = now.Add(s.pause)
	}
	e.state = stateFailed
	s.failed = append(s.failed, e)
}

// ended notes that an entry is not being fetched any more.
func (s *shelf) ended(e *entry) {
	s.fetching--
	s.probing = s.probing && !e.probe
	e.probe = false
}

// outage returns what to do about the registry while schemas are missing because it does not answer, else nil.
func (s *shelf) outage() phrase.Text {
	if len(s.failed) == 0 && !s.probing {
		return nil
	}
	return s.advice
}

// evict drops the known schemas that were not used for the longest time, while there are too many.
func (s *shelf) evict() {
	if s.withinBounds() {
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
		if s.withinBounds() {
			return
		}
		s.drop(e)
	}
}

func (s *shelf) withinBounds() bool {
	return len(s.entries) <= maxKept+maxWanted && s.bytes <= maxBytes
}

func (s *shelf) drop(e *entry) {
	delete(s.entries, e.ref)
	s.bytes -= e.size
}
