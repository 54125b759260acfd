package consumer

import (
	"fmt"
	"testing"
)

func openSeen(perPartition int, partitions ...int) *seen {
	s := newSeen(perPartition)
	for _, id := range partitions {
		s.open(id, nil)
	}
	return s
}

// passThrough lets a record of the id through from its dispatch to its end.
func passThrough(s *seen, partition int, id string) (before bool) {
	done := make(chan struct{})
	before, _ = s.enter(partition, id, done)
	close(done)
	s.leave(id, done)
	return before
}

func TestH8SecondRecordOfAnIDIsKnown(t *testing.T) {
	s := openSeen(10, 0, 1)
	if passThrough(s, 0, "a") {
		t.Error("the first was seen before")
	}
	if !passThrough(s, 0, "a") {
		t.Error("the second was not seen before")
	}
	if !passThrough(s, 1, "a") {
		t.Error("one of another partition was not seen before")
	}
	if passThrough(s, 1, "b") {
		t.Error("another id was seen before")
	}
}

func TestH8RecordsOfAnIDWaitInLine(t *testing.T) {
	s := openSeen(10, 0, 1, 2)
	first, second, third := make(chan struct{}), make(chan struct{}), make(chan struct{})
	if before, wait := s.enter(0, "a", first); before || wait != nil {
		t.Error("the first waits")
	}
	if before, wait := s.enter(1, "a", second); !before || wait != (<-chan struct{})(first) {
		t.Error("the second does not wait for the first")
	}
	s.leave("a", first) // a later one stands in line: its place stays
	if before, wait := s.enter(2, "a", third); !before || wait != (<-chan struct{})(second) {
		t.Error("the third does not wait for the second")
	}
	s.leave("a", second)
	s.leave("a", third)
	if _, wait := s.enter(0, "a", first); wait != nil {
		t.Error("a line that has ended is waited for")
	}
	s.leave("a", first)
	if len(s.last) != 0 {
		t.Errorf("%d lines stay in memory", len(s.last))
	}
}

func TestSeenForgetsTheOldest(t *testing.T) {
	const size = 5
	s := openSeen(size, 0)
	for i := range 12 {
		passThrough(s, 0, fmt.Sprint(i))
	}
	if n := len(s.rings[0].hashes); n != size {
		t.Errorf("%d ids in a ring of %d", n, size)
	}
	if n := len(s.count); n != size {
		t.Errorf("%d ids counted in a ring of %d", n, size)
	}
	for i := range 12 {
		if got, want := s.count[s.hash(fmt.Sprint(i))] > 0, i >= 12-size; got != want {
			t.Errorf("id %d remembered: %v, want %v", i, got, want)
		}
	}
}

func TestSeenKeepsAnIDAsLongAsAnyPartitionHasIt(t *testing.T) {
	s := openSeen(10, 0, 1)
	passThrough(s, 0, "a")
	passThrough(s, 1, "a")
	s.close(0)
	if before, _ := s.enter(1, "a", nil); !before {
		t.Error("closing one partition took the other's memory")
	}
	s.leave("a", nil)
	s.close(1)
	if len(s.count) != 0 || len(s.rings) != 0 {
		t.Errorf("%d ids and %d rings stay after all are closed", len(s.count), len(s.rings))
	}
	s.close(1) // closing again does nothing
}

func TestSeenOpensWithWhatTheLogHolds(t *testing.T) {
	s := newSeen(2)
	s.open(0, []uint64{s.hash("old"), s.hash("mid"), s.hash("new")})
	s.open(0, []uint64{s.hash("old"), s.hash("mid"), s.hash("new")}) // afresh, not twice
	for id, want := range map[string]bool{"old": false, "mid": true, "new": true} {
		if got := s.count[s.hash(id)] > 0; got != want {
			t.Errorf("%q remembered: %v, want %v", id, got, want)
		}
	}
	s.note(0, "noted")
	if !passThrough(s, 0, "noted") {
		t.Error("an id that an earlier owner finished was forgotten")
	}
	s.note(7, "elsewhere") // a partition that is not open
	if passThrough(s, 0, "elsewhere") {
		t.Error("a partition that is not open remembers")
	}
}

// With no memory at all, ids in flight still wait for each other.
func TestSeenOfNoSizeStillKeepsIDsApart(t *testing.T) {
	s := openSeen(0, 0)
	done := make(chan struct{})
	s.enter(0, "a", done)
	if before, wait := s.enter(0, "a", make(chan struct{})); !before || wait == nil {
		t.Error("two records of an id are in flight together")
	}
	if passThrough(s, 0, "b"); passThrough(s, 0, "b") {
		t.Error("an id was remembered")
	}
	if len(s.count) != 0 {
		t.Errorf("%d ids counted", len(s.count))
	}
}
