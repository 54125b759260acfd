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
	seed maphash.Seed

	mu      sync.Mutex
	last    map[uint64]*place         // by line: the newest record that has not left
	records map[uint64]map[uint64]int // by line and person: how many records have not left
}

// A place is where a record stands in its lines. The fields from keys on belong to lines, and need its lock.
type place struct {
	turn chan struct{} // closed when no earlier record is left in its lines
	held chan struct{} // closed when an earlier record in its lines was parked

	keys   []lineKey
	ahead  int           // how many places it waits for
	behind []*place      // the places that wait for it
	parked bool          // its record is parked
	isHeld bool          // held is closed
	wake   chan struct{} // signalled when turn is closed
}

func newLines() *lines {
	return &lines{seed: maphash.MakeSeed(), last: map[uint64]*place{}, records: map[uint64]map[uint64]int{}}
}

// enter puts a record at the end of its lines. A line that has already the records of as many other persons as it may is
// passed by.
func (l *lines) enter(keys []lineKey, wake chan struct{}) *place {
	p := &place{turn: make(chan struct{}), held: make(chan struct{}), wake: wake}
	l.mu.Lock()
	defer l.mu.Unlock()
	p.keys = slices.DeleteFunc(slices.Clone(keys), func(k lineKey) bool {
		return k.maxPersons > 0 && len(l.records[k.line]) >= k.maxPersons && l.records[k.line][k.person] == 0
	})
	for _, k := range p.keys {
		if l.records[k.line] == nil {
			l.records[k.line] = map[uint64]int{}
		}
		l.records[k.line][k.person]++
		before := l.last[k.line]
		l.last[k.line] = p
		if before == nil || before == p || slices.Contains(before.behind, p) {
			continue
		}
		before.behind = append(before.behind, p)
		p.ahead++
		if before.parked {
			p.hold()
		}
	}
	if p.ahead == 0 {
		close(p.turn)
	}
	return p
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

// park notes that a record is parked, and so holds those that wait for it.
func (l *lines) park(p *place) {
	l.mu.Lock()
	defer l.mu.Unlock()
	p.parked = true
	for _, next := range p.behind {
		next.hold()
	}
}

// resume notes that a record is no longer parked. Those that were parked because of it stay so until it leaves.
func (l *lines) resume(p *place) {
	l.mu.Lock()
	defer l.mu.Unlock()
	p.parked = false
}

// leave takes a record out of its lines, whatever became of it, and lets those go that waited for it alone.
func (l *lines) leave(p *place) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.takeOut(p, p.keys)
	p.release(func(*place) bool { return true })
}

// stepAside takes a record out of the lines of its person or key, as what its event becomes exists, and lets those go that
// waited for it alone. It stays in the line of its event's id.
func (l *lines) stepAside(p *place) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.takeOut(p, p.keys[1:])
	p.keys = p.keys[:1] // that of its id, see keysFor
	p.release(func(next *place) bool { return next.keys[0].line != p.keys[0].line })
}

// takeOut takes a record out of some of its lines.
func (l *lines) takeOut(p *place, keys []lineKey) {
	for _, k := range keys {
		if l.last[k.line] == p {
			delete(l.last, k.line)
		}
		if l.records[k.line][k.person]--; l.records[k.line][k.person] == 0 {
			delete(l.records[k.line], k.person)
		}
		if len(l.records[k.line]) == 0 {
			delete(l.records, k.line)
		}
	}
}

// release has those of the places behind p that may go wait for p no longer.
func (p *place) release(may func(next *place) bool) {
	p.behind = slices.DeleteFunc(p.behind, func(next *place) bool {
		if !may(next) {
			return false
		}
		if next.ahead--; next.ahead == 0 {
			close(next.turn)
			signal(next.wake)
		}
		return true
	})
}
