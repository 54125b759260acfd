package consumer

import (
	"runtime"
	"testing"
	"time"

	"github.com/rs/zerolog"
)

// partOf returns a partition of 300 offsets, of which an earlier owner left the first 200 untouched and finished the others.
func partOf(t *testing.T) *partition {
	t.Helper()
	board := newStatusBoard(zerolog.Nop())
	with := dependencies{cfg: Config{Window: 4, MaxBuffer: 1 << 20, Log: zerolog.Nop()}, creator: newFakeCRM(), metrics: must(newMetrics(nil)), board: board}
	g := &generation{deps: with, takeover: time.Now(), lines: newLines(), seen: newSeen(0), dirty: make(chan struct{}, 1), urgent: make(chan struct{}, 1)}
	g.parkingHold.board = board
	left := ledger{granted: 300, trial: -1, spans: []span{{0, 200, false}}}
	return newPartition(g, 0, bounds{0, 300}, committed{0, left.encode(0)})
}

// A commit that is worked out while a backlog is being set aside tells of what lies above it, too: an owner that came after
// it would deliver that again.
func TestCommitTellsOfAllPartsWhileABacklogIsSetAside(t *testing.T) {
	p := partOf(t)
	first, ok := p.setAside(100, backlogKeys{})
	if !ok {
		t.Fatal("no backlog is set aside")
	}
	p.records.skip(100)
	p.gen.seen.mu.Lock() // stops the next one half-way, where the ids of the first are forgotten
	split := make(chan bool)
	go func() {
		_, ok := first.setAside(200, backlogKeys{})
		split <- ok
	}()
	for !first.records.isBacklog() {
		runtime.Gosched()
	}
	entry := make(chan commitEntry)
	go func() { entry <- p.entry(time.Now(), "") }()
	for range 1000 { // it is there soon unless it waits
		runtime.Gosched()
	}
	p.gen.seen.mu.Unlock()
	if e := <-entry; e.offset != 100 || e.ledger.granted != 300 {
		t.Errorf("the commit at %d tells of %v up to %d, want those from 100 to 300", e.offset, e.ledger.spans, e.ledger.granted)
	}
	if !<-split {
		t.Error("no second backlog is set aside")
	}
}

// What the watch reads of the log's end concerns the newer part, even if it had asked before the backlog was set aside: the
// backlog is granted nothing beyond its own end.
func TestBacklogIsGrantedNothingBeyondItsEnd(t *testing.T) {
	p := partOf(t)
	if _, ok := p.setAside(200, backlogKeys{}); !ok {
		t.Fatal("no backlog is set aside")
	}
	if err := p.records.noteBounds(bounds{0, 500}, 0); err != nil {
		t.Fatal(err)
	}
	p.records.skip(199)
	e := p.entry(time.Now(), "")
	if grant := e.parts[0].grant; grant > 200 {
		t.Errorf("a backlog that ends at 200 is granted what lies below %d", grant)
	}
	if _, err := decodeLedger(e.offset, e.ledger.encode(e.offset)); err != nil {
		t.Errorf("%v: %+v", err, e.ledger)
	}
}

// A backlog that is dispatched to its end needs no room for parked records any more: its parking holds nothing from then on,
// however full it is.
func TestDispatchedBacklogEndsItsHoldOfParking(t *testing.T) {
	p := partOf(t)
	newer, ok := p.setAside(200, backlogKeys{})
	if !ok {
		t.Fatal("no backlog is set aside")
	}
	newer.records.update(func(s *partitionState) { // as a later one that ends where the log does
		s.end, s.parkingFull = s.progress.next, true
	})
	p.gen.parkingHold.noteFull(newer.partID())
	if err := newer.deliverAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	if held, full := p.gen.deps.board.holds[HoldParking], newer.records.state.parkingFull; held.Held || full {
		t.Errorf("held %+v, full %v", held, full)
	}
}
