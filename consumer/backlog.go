package consumer

import (
	"cmp"
	"slices"
	"sync"
)

// backlog keeps the order between the records of a backlog that were not dispatched yet, and the newer ones that overtake
// it: a newer one that has the event id, person or key of one in the backlog stands behind it. A nil backlog keeps
// nothing.
type backlog struct {
	older *partitionRecords // the backlog's
	wake  chan struct{}     // signalled when a record that stands behind may be due

	mu      sync.Mutex
	keys    backlogKeys
	behind  map[int64]*standing    // by offset: the records that stand behind and are in no line yet
	inLine  map[uint64][]*standing // the same, by lineKey.line, ascending by offset
	waiting []*standing            // those of them that wait for the backlog, ascending by after
}

// standing is a newer record that stands behind the backlog.
type standing struct {
	offset int64
	lines  []lineKey     // those that it stands in
	after  int64         // the last offset of the backlog that it waits for; -1 for none
	ready  chan struct{} // closed when that was dispatched
}

func newBacklog(older *partitionRecords, wake chan struct{}, keys backlogKeys) *backlog {
	return &backlog{older: older, wake: wake, keys: keys, behind: map[int64]*standing{}, inLine: map[uint64][]*standing{}}
}

// standBehind reports whether the record at offset, which stands in these lines, has to wait for records of the backlog
// that were not dispatched yet, or for earlier ones that wait for such. If so, ready is closed when the former were; of
// records that wait for one another the one with the lowest offset is to be taken up first.
func (b *backlog) standBehind(offset int64, lines []lineKey) (ready <-chan struct{}, stands bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	next := b.older.nextOffset()
	s := &standing{offset: offset, after: b.keys.lastOf(lines, next), ready: make(chan struct{})}
	stands = s.after >= 0
	for _, k := range lines {
		if b.isFullFor(k) {
			continue
		}
		s.lines = append(s.lines, k)
		for _, earlier := range b.inLine[k.line] {
			if earlier.offset < offset {
				stands = true
				s.after = max(s.after, earlier.after)
			}
		}
	}
	if !stands {
		return nil, false
	}
	b.take(s, next)
	return s.ready, true
}

// isFullFor reports whether the records that stand behind in a line are of as many persons as wait for each other, none of whom is
// the person of k. As in [lines], further persons do not enter such a line.
func (b *backlog) isFullFor(k lineKey) bool {
	if k.maxPersons == 0 {
		return false
	}
	persons := map[uint64]bool{}
	for _, s := range b.inLine[k.line] {
		i := slices.IndexFunc(s.lines, func(other lineKey) bool { return other.line == k.line })
		persons[s.lines[i].person] = true
	}
	return len(persons) >= k.maxPersons && !persons[k.person]
}

// take notes a record that stands behind. next is the offset of the record of the backlog that is dispatched next.
func (b *backlog) take(s *standing, next int64) {
	b.drop(s.offset)
	b.behind[s.offset] = s
	for _, k := range s.lines {
		in := b.inLine[k.line]
		i, _ := slices.BinarySearchFunc(in, s.offset, func(o *standing, offset int64) int { return cmp.Compare(o.offset, offset) })
		b.inLine[k.line] = slices.Insert(in, i, s)
	}
	if s.after < next {
		close(s.ready)
		return
	}
	i, _ := slices.BinarySearchFunc(b.waiting, s.after, func(o *standing, after int64) int { return cmp.Compare(o.after, after) })
	b.waiting = slices.Insert(b.waiting, i, s)
}

// entered notes that the record at offset stands in its lines from now on, or needs no delivery: those behind it in the log
// need not wait for that.
func (b *backlog) entered(offset int64) {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.drop(offset)
}

// drop forgets the record at offset.
func (b *backlog) drop(offset int64) {
	s := b.behind[offset]
	if s == nil {
		return
	}
	delete(b.behind, offset)
	for _, k := range s.lines {
		left := slices.DeleteFunc(b.inLine[k.line], func(o *standing) bool { return o == s })
		if b.inLine[k.line] = left; len(left) == 0 {
			delete(b.inLine, k.line)
		}
	}
	b.waiting = slices.DeleteFunc(b.waiting, func(o *standing) bool { return o == s })
}

// isEmpty reports whether no record stands behind any more.
func (b *backlog) isEmpty() bool {
	if b == nil {
		return true
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.behind) == 0
}

// moved tells the records that wait for the backlog how far it has come: all below next were dispatched.
func (b *backlog) moved(next int64, ended bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := 0
	for n < len(b.waiting) && b.waiting[n].after < next {
		close(b.waiting[n].ready)
		n++
	}
	if b.waiting = slices.Delete(b.waiting, 0, n); n > 0 {
		signal(b.wake)
	}
	if ended {
		b.keys = backlogKeys{}
	}
}

// standsBehindBacklog reports whether the record must wait until its turn in the backlog has come, and notes it.
func (in *intake) standsBehindBacklog(d *delivery) bool {
	d.behind = nil
	if in.backlog == nil {
		return false
	}
	d.behind, _ = in.backlog.standBehind(d.Offset, in.backlogLines(d))
	return d.behind != nil
}

// backlogLines returns the lines in which a record stands, as far as its own record shows: its event has the id in the
// record, or the one that it gets if that is another event's.
func (in *intake) backlogLines(d *delivery) []lineKey {
	lines := in.lines.keysFor(in.deps.cfg.OrderBy, in.id, d.event.ID, d.Key, &d.contact)
	if d.failure == nil && d.event.Replays == 0 && len(pointsOf(&d.contact)) > 0 {
		lines = append(lines, in.lines.keysFor(OrderByNone, in.id, OwnID(d.event.ID, &d.contact), nil, nil)...)
	}
	return lines
}

// tellNewer tells the newer part how far this one has come.
func (p *partition) tellNewer() {
	if newer := p.newer.Load(); newer != nil {
		newer.intake.backlog.moved(p.records.nextOffset(), p.records.hasEnded())
	}
}
