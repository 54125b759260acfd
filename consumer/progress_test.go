package consumer

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rs/zerolog"
)

// world is the truth about a partition, which no owner knows whole: per
// offset whether there is a record, whether a create was ever sent for it, and
// whether it is done.
type world struct {
	t       *testing.T
	r       *rand.Rand
	record  []bool
	sent    []bool
	done    []bool
	known   map[int64]bool // done, and said so by a commit
	commit  committed
	history []string
}

func newWorld(t *testing.T, seed uint64) *world {
	w := &world{t: t, r: rand.New(rand.NewPCG(seed, 1)), known: map[int64]bool{}, commit: committed{offset: -1}}
	w.grow(10)
	return w
}

func (w *world) end() int64 { return int64(len(w.record)) }

func (w *world) note(format string, args ...any) {
	w.history = append(w.history, fmt.Sprintf(format, args...))
}

func (w *world) fatalf(format string, args ...any) {
	w.t.Helper()
	w.t.Fatalf(format+"\nafter %q", append(args, w.history[max(0, len(w.history)-40):])...)
}

// grow appends records, with the gaps that compaction and markers leave.
func (w *world) grow(n int) {
	for range n {
		w.record = append(w.record, w.r.IntN(5) > 0)
		w.sent = append(w.sent, false)
		w.done = append(w.done, false)
	}
}

// owner is one process that owns the partition.
type owner struct {
	*world
	p         *partition
	inherited map[int64]bool // of the records in flight
	mine      map[int64]bool // those of them that it sent itself
	parked    map[int64]bool
	unmarked  map[int64]bool // taken up again, and no commit calls them sent yet
	splits    int
}

func (w *world) own(window int) *owner {
	with := dependencies{cfg: Config{Window: window, MaxBuffer: 1 << 20, Log: zerolog.Nop()}, creator: newFakeCRM(), metrics: must(newMetrics(nil))}
	g := &generation{deps: with, takeover: time.Now(), lines: newLines(), seen: newSeen(10), dirty: make(chan struct{}, 1), urgent: make(chan struct{}, 1)}
	o := &owner{world: w, inherited: map[int64]bool{}, mine: map[int64]bool{}, parked: map[int64]bool{}, unmarked: map[int64]bool{}}
	o.p = newPartition(g, 0, bounds{0, w.end()}, w.commit)
	w.note("own window %d at %d", window, o.p.records.state.progress.next)
	w.checkHandover()
	if o.write(false) {
		return o
	}
	return nil
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// checkHandover looks at what an owner would know that took over now.
func (w *world) checkHandover() {
	w.t.Helper()
	o := openingOf(bounds{0, w.end()}, w.commit, time.Now())
	if o.replaced {
		w.fatalf("the log was taken for another one")
	}
	p := newProgress(o.start, o.inherited)
	for offset := range w.end() {
		if !w.record[offset] {
			continue
		}
		standing := priorDone
		if offset >= o.start {
			standing = p.priorState(offset)
		}
		switch {
		case !w.done[offset] && standing == priorDone:
			w.fatalf("%d is unfinished and reported done", offset)
		case w.sent[offset] && standing == priorNew:
			w.fatalf("%d was sent and is reported unsent", offset)
		case w.known[offset] && standing != priorDone:
			w.fatalf("%d was done and is taken up again", offset)
		}
	}
}

// write commits; false says that its outcome is unknown, which ends an owner.
func (o *owner) write(final bool) bool {
	o.t.Helper()
	before, errBefore := decodeLedger(o.commit.offset, o.commit.metadata)
	e := o.p.entry(time.Now().Add(time.Second), "")
	if final {
		e = o.p.finalEntry(time.Now(), "")
	}
	o.note("commit %d of %d parts, %v to %d, final %v", e.offset, len(e.parts), e.ledger.spans, e.ledger.granted, final)
	for offset := range e.offset {
		if o.record[offset] && !o.done[offset] {
			o.fatalf("the commit at %d passes over %d", e.offset, offset)
		}
	}
	if first := o.p.parts()[0].records.state.progress.position(); e.offset != first {
		o.fatalf("the commit is at %d, the first unfinished record at %d", e.offset, first)
	}
	fate := o.r.IntN(20)
	if fate == 0 {
		o.note("lost")
		return false
	}
	text := e.ledger.encode(e.offset)
	if !final && errBefore == nil && o.commit.offset == e.offset && e.ledger.granted < before.granted {
		o.fatalf("the limit fell from %d to %d at %d", before.granted, e.ledger.granted, e.offset)
	}
	o.commit = committed{e.offset, text}
	o.noteKnown()
	o.checkHandover()
	if fate == 1 {
		o.note("not answered")
		return false
	}
	e.acknowledge()
	clear(o.unmarked)
	return true
}

// noteKnown takes down what the commit calls done.
func (o *owner) noteKnown() {
	left, err := decodeLedger(o.commit.offset, o.commit.metadata)
	if err != nil {
		o.fatalf("our own commit: %v", err)
	}
	p := newProgress(o.commit.offset, left)
	for offset := range o.end() {
		if o.record[offset] && o.done[offset] && (offset < o.commit.offset || p.priorState(offset) == priorDone) {
			o.known[offset] = true
		}
	}
}

// anyPart picks one of the parts, and ofOffset that of a record.
func (o *owner) anyPart() *partitionState {
	parts := o.p.parts()
	return &parts[o.r.IntN(len(parts))].records.state
}

func (o *owner) ofOffset(offset int64) *partitionState {
	p := o.p
	for offset >= p.records.state.end {
		p = p.newer.Load()
	}
	return &p.records.state
}

// fetch has the newest part see how far the log reaches.
func (o *owner) fetch() {
	o.p.newest().records.state.logEnd.fetched(o.end(), 0, time.Now())
}

// split sets aside what lies below some offset, if there is enough of it.
func (o *owner) split() {
	p := o.p.newest()
	if p.older != nil && !p.older.records.isFinished() {
		return
	}
	if p.older != nil {
		p.records.state.window = p.deps.cfg.Window
	}
	next := p.records.state.progress.next
	end := next + o.r.Int64N(max(o.world.end()-next, 1))
	if _, ok := p.setAside(end, backlogKeys{}); ok {
		o.splits++
		o.note("split at %d", end)
	}
}

// deliver takes the next record of a part up, as dispatch does.
func (o *owner) deliver() {
	s := o.anyPart()
	end := min(o.end(), s.end)
	offset := s.progress.next
	for offset < end && !o.record[offset] {
		offset++
	}
	if offset >= end {
		s.progress.skip(end)
		return
	}
	if s.progress.priorState(offset) == priorDone {
		o.note("pass %d", offset)
		s.progress.skip(offset + 1)
		return
	}
	s.progress.skip(offset)
	s.commits.wanted = max(s.commits.wanted, offset)
	if !s.windowHasRoom() || offset >= s.commits.granted {
		return
	}
	suspect := s.progress.priorState(offset) == priorSuspect
	o.note("deliver %d suspect %v", offset, suspect)
	o.inherited[offset] = suspect
	s.progress.dispatch(offset, time.Time{}, suspect)
}

// anyInFlight picks a record that is delivered, neither done nor parked, and may be sent.
func (o *owner) anyInFlight() (int64, bool) {
	open := o.anyPart().progress.unfinished
	if len(open) == 0 {
		return 0, false
	}
	offset := open[o.r.IntN(len(open))].offset
	return offset, !o.parked[offset] && !o.unmarked[offset]
}

// park parks a record as its worker does, and takes a parked one up as the reader does.
func (o *owner) park() {
	if offset, ok := o.anyInFlight(); ok {
		o.note("park %d", offset)
		o.parked[offset] = true
		o.ofOffset(offset).progress.park(offset, o.mine[offset] || o.inherited[offset])
		return
	}
	for _, offset := range slices.Sorted(maps.Keys(o.parked)) {
		if o.r.IntN(3) == 0 {
			o.resume(offset)
		}
	}
}

func (o *owner) resume(offset int64) {
	o.note("resume %d", offset)
	delete(o.parked, offset)
	o.unmarked[offset] = !o.mine[offset] && !o.inherited[offset]
	if !o.unmarked[offset] {
		delete(o.unmarked, offset)
	}
	o.ofOffset(offset).progress.resume(offset, true)
}

func (o *owner) send(offset int64) {
	o.note("send %d", offset)
	o.sent[offset], o.mine[offset] = true, true
}

func (o *owner) finish(offset int64) {
	o.note("finish %d", offset)
	o.done[offset] = true
	o.ofOffset(offset).progress.finish(offset)
	delete(o.inherited, offset)
	delete(o.mine, offset)
}

// step does something at random; false ends the owner.
func (o *owner) step() bool {
	switch o.r.IntN(16) {
	case 0:
		o.grow(o.r.IntN(6))
	case 14:
		o.fetch()
	case 15:
		o.split()
	case 1, 2, 3, 4, 5:
		o.deliver()
	case 6, 7:
		if offset, ok := o.anyInFlight(); ok {
			o.send(offset)
		}
	case 8, 9:
		if offset, ok := o.anyInFlight(); ok { // unsent ones end as dead letters
			o.finish(offset)
		}
	case 10, 11:
		o.park()
	default:
		return o.write(false)
	}
	return true
}

// drain ends an owner in order.
func (o *owner) drain() {
	for _, offset := range slices.Sorted(maps.Keys(o.inherited)) {
		switch {
		case o.parked[offset]: // is left
		case o.r.IntN(2) == 0:
			o.finish(offset)
		case !o.mine[offset] && !o.inherited[offset]:
			o.note("untouched %d", offset)
			o.ofOffset(offset).progress.markUntouched(offset)
		}
	}
	o.write(true)
}

// Owners with windows of any size follow each other, each killed or drained at
// any moment: what one leaves never says less than the truth.
func TestNothingIsForgottenOverAnyHandovers(t *testing.T) {
	handovers, splits := 0, 0
	for seed := range uint64(300) {
		w := newWorld(t, seed)
		for range 12 {
			o := w.own([]int{64, 16, 3, 1}[w.r.IntN(4)])
			if o == nil {
				continue
			}
			handovers++
			steps := w.r.IntN(120)
			for i := 0; i < steps && o.step(); i++ {
				continue
			}
			if w.r.IntN(2) == 0 {
				o.drain()
			}
			w.checkHandover()
			splits += o.splits
		}
	}
	if handovers < 1000 || splits < 200 {
		t.Errorf("only %d handovers and %d splits were tried", handovers, splits)
	}
}

// An owner in quiet times comes to the end of everything.
func TestEveryHandoverComesToAnEnd(t *testing.T) {
	for seed := range uint64(50) {
		w := newWorld(t, seed)
		for range 6 {
			if o := w.own(16); o != nil {
				for i := 0; i < 60 && o.step(); i++ {
					continue
				}
			}
		}
		o := w.own(2)
		for o == nil {
			o = w.own(2)
		}
		for range 50 * len(w.record) {
			o.deliver()
			for offset := range maps.Clone(o.parked) {
				o.resume(offset)
			}
			if offset, ok := o.anyInFlight(); ok {
				o.finish(offset)
			}
			e := o.p.entry(time.Now(), "")
			e.acknowledge()
		}
		if got := o.p.entry(time.Now(), "").offset; got != w.end() {
			t.Fatalf("seed %d: stands at %d of %d", seed, got, w.end())
		}
	}
}

func TestInheritedSuspectsStayBehindASmallerWindow(t *testing.T) {
	left := ledger{granted: 356, spans: []span{{100, 101, true}, {110, 120, true}, {200, 356, true}}}
	p := newProgress(100, left)
	p.dispatch(100, time.Time{}, true)
	spans, granted := p.spans(104) // window 4
	want := []span{{100, 101, true}, {110, 120, true}, {200, 356, true}}
	if diff := cmp.Diff(want, spans, cmp.AllowUnexported(span{})); diff != "" || granted != 356 {
		t.Errorf("granted %d (-want +got):\n%s", granted, diff)
	}
}

func TestProgressStandings(t *testing.T) {
	p := newProgress(10, ledger{granted: 30, spans: []span{{10, 12, true}, {15, 18, false}, {25, 30, true}}})
	for offset, want := range map[int64]priorState{
		10: priorSuspect, 11: priorSuspect, 12: priorDone, 14: priorDone, 15: priorNew,
		17: priorNew, 18: priorDone, 25: priorSuspect, 29: priorSuspect, 30: priorNew, 1 << 40: priorNew,
	} {
		if got := p.priorState(offset); got != want {
			t.Errorf("offset %d stands as %d, want %d", offset, got, want)
		}
	}
}

func TestProgressPositionIsTheFirstUnfinished(t *testing.T) {
	p := newProgress(5, ledger{granted: 5})
	for _, offset := range []int64{7, 8, 100} { // what lies between holds no record
		p.dispatch(offset, time.Unix(offset, 0), false)
	}
	for _, tt := range []struct{ finish, want int64 }{{8, 7}, {8, 7}, {55, 7}, {7, 100}, {100, 101}} {
		p.finish(tt.finish)
		if got := p.position(); got != tt.want {
			t.Errorf("after %d the position is %d, want %d", tt.finish, got, tt.want)
		}
	}
	if !p.oldest().IsZero() || p.active() != 0 || p.suspects() != 0 {
		t.Error("something is left after all is finished")
	}
	p.skip(50) // never back
	if p.position() != 101 {
		t.Error("the position went back")
	}
}

func TestCleanDrainLeavesNoSuspects(t *testing.T) {
	p := newProgress(0, ledger{})
	for offset := range int64(4) {
		p.dispatch(offset, time.Time{}, false)
	}
	p.finish(0)
	p.finish(2)
	p.markUntouched(1)
	p.markUntouched(3)
	p.markUntouched(99) // unknown: nothing
	spans, granted := p.spans(p.next)
	l := ledger{spans: spans, granted: granted}
	if !l.clean() || granted != 4 {
		t.Errorf("granted %d, suspects in %v", granted, spans)
	}
	if diff := cmp.Diff([]span{{1, 2, false}, {3, 4, false}}, spans, cmp.AllowUnexported(span{})); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestNobodySentTakesSuspicionBack(t *testing.T) {
	p := newProgress(0, ledger{granted: 10, spans: []span{{0, 10, true}}})
	p.dispatch(0, time.Time{}, true)
	p.nobodySent()
	if got := p.priorState(1); got != priorNew {
		t.Errorf("standing %d after nobody sent", got)
	}
	spans, _ := p.spans(p.next)
	if diff := cmp.Diff([]span{{0, 1, true}, {1, 10, false}}, spans, cmp.AllowUnexported(span{})); diff != "" {
		t.Errorf("what is in flight must stay a suspect, the rest not (-want +got):\n%s", diff)
	}
}

// The spans of a commit cover exactly what is unfinished, however records are parked and taken up again, and the window
// counts what is not parked.
func TestSpansCoverWhatIsUnfinished(t *testing.T) {
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 9))
		s := partitionState{window: 16, end: noEnd, spanRoom: ledgerBytes - ledgerHead, commits: commitState{ahead: 16}, progress: newProgress(0, ledger{})}
		left := map[int64]bool{} // unfinished: whether sent
		active := map[int64]bool{}
		for range 300 {
			switch offset := s.progress.next; r.IntN(4) {
			case 0, 1:
				if s.windowHasRoom() {
					s.progress.dispatch(offset, time.Time{}, false)
					left[offset], active[offset] = true, true
				}
			case 2:
				for offset := range active {
					if r.IntN(2) == 0 {
						s.progress.finish(offset)
						delete(left, offset)
					} else {
						left[offset] = r.IntN(2) == 0
						s.progress.park(offset, left[offset])
					}
					delete(active, offset)
					break
				}
			default:
				for offset := range left {
					if !active[offset] && s.resumable() > 0 {
						mayCreate := r.IntN(2) == 0
						s.progress.resume(offset, mayCreate)
						left[offset], active[offset] = left[offset] || mayCreate, true
					}
					break
				}
			}
			spans, _ := s.progress.spans(s.progress.next)
			for offset := range s.progress.next {
				sent, want := left[offset]
				if got, gotSent := unfinishedIn(spans, offset); got != want || gotSent != sent {
					t.Fatalf("seed %d: %d is unfinished %v and sent %v, the ledger says %v, %v", seed, offset, want, sent, got, gotSent)
				}
			}
			if got := s.progress.active(); got != len(active) || got > 16+8 {
				t.Fatalf("seed %d: %d are active, want %d", seed, got, len(active))
			}
		}
	}
}
