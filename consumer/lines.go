package consumer

import (
	"hash/maphash"
	"slices"
	"sync"

	"github.com/leadbridge/leadbridge/internal/wait"
)

// lines are waiting lines: the records of one event id, person or key are delivered one after another, in the order in
// which they entered. A record stands in several lines, and its turn comes when it is the first in all of them. A
// record waits only for records that entered earlier, so that there is always one whose turn has come. Lines are
// identified by hashes; if two lines have one hash, their records wait for each other, which does no other harm.
type lines struct {
	seed   maphash.Seed
	noWait chan struct{} // closed; the turn of each record that waits for no other

	mu    sync.Mutex
	lines map[uint64]*lineState // by lineKey.line; without empty lines
}

// A lineState is a line in which records stand.
type lineState struct {
	last    *place        // the newest record; nil when it left before an earlier one
	records int           // how many stand in the line
	persons []lineRecords // whose records they are; empty for a line without a bound of persons
}

// lineRecords is how many records of a person stand in a line.
type lineRecords struct {
	person  uint64 // see lineKey.person
	records int
}

// A place is where a record stands in its lines. The fields from keys on belong to lines, and need its lock.
type place struct {
	turn chan struct{} // closed when no earlier record is left in its lines
	held chan struct{} // closed when an earlier record in its lines was parked; nil when it has never waited for one

	keys   []lineKey
	ahead  int           // how many places it waits for
	behind []*place      // the places that wait for it
	parked bool          // its record is parked
	isHeld bool          // held is closed
	wake   chan struct{} // signalled when turn is closed
}

func newLines() *lines {
	l := &lines{seed: maphash.MakeSeed(), noWait: make(chan struct{}), lines: map[uint64]*lineState{}}
	close(l.noWait)
	return l
}

// enter puts a record at the end of its lines, but not into a line that is full for it. It owns keys from then on.
func (l *lines) enter(keys []lineKey, wake chan struct{}) *place {
	p := &place{turn: l.noWait, wake: wake}
	l.mu.Lock()
	defer l.mu.Unlock()
	p.keys = slices.DeleteFunc(keys, func(k lineKey) bool { return l.lines[k.line].isFullFor(k) })
	for _, k := range p.keys {
		in := l.lines[k.line]
		if in == nil {
			in = &lineState{}
			l.lines[k.line] = in
		}
		before := in.last
		in.add(k, p)
		newWait := before != nil && before != p && !slices.Contains(before.behind, p)
		if newWait {
			p.waitFor(before)
		}
	}
	return p
}

// isFullFor reports whether a line holds the records of as many persons as it may, none of whom is the person of k.
func (in *lineState) isFullFor(k lineKey) bool {
	return in != nil && k.maxPersons > 0 && len(in.persons) >= k.maxPersons && in.indexOf(k.person) < 0
}

// indexOf returns the index of a person in persons, -1 for one without records.
func (in *lineState) indexOf(person uint64) int {
	return slices.IndexFunc(in.persons, func(r lineRecords) bool { return r.person == person })
}

// add puts a record at the end of the line.
func (in *lineState) add(k lineKey, p *place) {
	in.last = p
	in.records++
	if k.maxPersons == 0 {
		return
	}
	if i := in.indexOf(k.person); i >= 0 {
		in.persons[i].records++
		return
	}
	in.persons = append(in.persons, lineRecords{person: k.person, records: 1})
}

// remove takes a record out of the line.
func (in *lineState) remove(k lineKey, p *place) {
	if in.last == p {
		in.last = nil
	}
	in.records--
	i := in.indexOf(k.person)
	if k.maxPersons == 0 || i < 0 {
		return
	}
	if in.persons[i].records--; in.persons[i].records == 0 {
		in.persons = slices.Delete(in.persons, i, i+1)
	}
}

// waitFor makes p wait for an earlier record.
func (p *place) waitFor(before *place) {
	if p.ahead == 0 {
		p.turn, p.held = make(chan struct{}), make(chan struct{})
	}
	p.ahead++
	before.behind = append(before.behind, p)
	if before.parked {
		p.hold()
	}
}

// hold closes held, once.
func (p *place) hold() {
	if !p.isHeld {
		p.isHeld = true
		close(p.held)
	}
}

// mayGo reports whether the record is the first in all its lines.
func (p *place) mayGo() bool { return wait.Closed(p.turn) }

// park notes that a record is parked, and closes held of those that wait for it.
func (l *lines) park(p *place) {
	l.mu.Lock()
	defer l.mu.Unlock()
	p.parked = true
	for _, next := range p.behind {
		next.hold()
	}
}

// resume notes that a record is no longer parked. The records that were parked behind it stay parked until it leaves.
func (l *lines) resume(p *place) {
	l.mu.Lock()
	defer l.mu.Unlock()
	p.parked = false
}

// leave takes a record out of all its lines. Then it is the turn of those records that waited for it alone.
func (l *lines) leave(p *place) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.takeOut(p, p.keys)
	p.release(func(*place) bool { return true })
}

// stepAside takes a record out of the lines of its person or key, but not out of the line of its event's id. It is called
// when what the event becomes exists in the CRM, so that later records of the person need not wait for the rest.
func (l *lines) stepAside(p *place) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.takeOut(p, p.keys[1:])
	p.keys = p.keys[:1] // the line of its event's id, see keysFor
	ofAnotherID := func(next *place) bool { return next.keys[0].line != p.keys[0].line }
	p.release(ofAnotherID)
}

// takeOut takes a record out of some of its lines.
func (l *lines) takeOut(p *place, keys []lineKey) {
	for _, k := range keys {
		in := l.lines[k.line]
		if in.remove(k, p); in.records == 0 {
			delete(l.lines, k.line)
		}
	}
}

// release ends the wait for p of those places behind it for which released returns true.
func (p *place) release(released func(next *place) bool) {
	p.behind = slices.DeleteFunc(p.behind, func(next *place) bool {
		if !released(next) {
			return false
		}
		if next.ahead--; next.ahead == 0 {
			close(next.turn)
			signal(next.wake)
		}
		return true
	})
}
