package consumer

import (
	"fmt"
	"testing"

	"github.com/leadbridge/leadbridge/crmclient"
)

func openSeen(perPartition int, partitions ...int) *seen {
	s := newSeen(perPartition)
	for _, id := range partitions {
		s.open(partID{partition: id}, nil)
	}
	return s
}

// remembers reports whether an event's id is known.
func (s *seen) remembers(id string) bool {
	_, known := s.memory.known[s.hash(id)]
	return known
}

// event is the identity of an event of a person.
func (s *seen) event(id, point string) identity {
	if point == "" {
		return s.identify(id, nil, 0)
	}
	return s.identify(id, []string{point}, s.pointsHash([]string{point}))
}

// passThrough lets a record of the id through from its dispatch to its end.
func passThrough(s *seen, partition int, id string) (before bool) {
	found := s.enter(partID{partition: partition}, s.event(id, "+7"))
	s.leave(found.hash)
	return found.repeat
}

func TestSecondRecordOfAnIDIsKnown(t *testing.T) {
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

func TestSeenTellsAnotherEventByItsPoints(t *testing.T) {
	s := openSeen(10, 0, 1)
	first := s.enter(partID{partition: 0}, s.event("a", "+1"))
	if first.repeat || first.reused {
		t.Errorf("the first is %+v", first)
	}
	other := s.enter(partID{partition: 1}, s.event("a", "+2"))
	if other.repeat || !other.reused || other.hash == first.hash {
		t.Errorf("one with other points is %+v", other)
	}
	for point, want := range map[string]recognition{
		"+1": {hash: first.hash, repeat: true}, "+2": {hash: other.hash, repeat: true, reused: true}, "": {hash: first.hash, repeat: true},
	} {
		if got := s.enter(partID{partition: 1}, s.event("a", point)); got != want {
			t.Errorf("another record of %q is %+v, want %+v", point, got, want)
		}
	}
	points := s.event("a", "+1").points
	if s.noteMade(first.hash, points+1, crmclient.Made{ContactID: 99}); s.made(first.hash, points) != (crmclient.Made{}) {
		t.Error("the contact of other points is taken for the event's")
	}
	made := crmclient.Made{ContactID: 42}
	if s.noteMade(first.hash, points, made); s.made(first.hash, points) != made || s.made(first.hash, points+1) != (crmclient.Made{}) || s.made(first.hash, 0) != (crmclient.Made{}) {
		t.Error("the contact is not remembered for its points, and only for those")
	}
}

// A record that became no contact has no points: the next one of its id may be the mended one.
func TestSeenTakesTheFirstPointsForTheEvents(t *testing.T) {
	s := openSeen(10, 0)
	s.note(partID{partition: 0}, s.event("a", ""))
	if got := s.enter(partID{partition: 0}, s.event("a", "+1")); !got.repeat || got.reused {
		t.Errorf("%+v", got)
	}
	if got := s.enter(partID{partition: 0}, s.event("a", "+2")); !got.reused {
		t.Errorf("%+v after the points are known", got)
	}
}

func TestSeenForgetsTheOldest(t *testing.T) {
	const size = 5
	s := openSeen(size, 0)
	for i := range 12 {
		passThrough(s, 0, fmt.Sprint(i))
	}
	if n := len(s.memory.rings[partID{}].hashes); n != size {
		t.Errorf("%d ids in a ring of %d", n, size)
	}
	if n := len(s.memory.known); n != size {
		t.Errorf("%d ids known with a ring of %d", n, size)
	}
	for i := range 12 {
		if got, want := s.remembers(fmt.Sprint(i)), i >= 12-size; got != want {
			t.Errorf("id %d remembered: %v, want %v", i, got, want)
		}
	}
}

// However much comes behind it, a record that has not ended is not forgotten: a repeat must wait for it.
func TestSeenKeepsWhatHasNotEnded(t *testing.T) {
	for _, size := range []int{0, 3} {
		s := openSeen(size, 0)
		s.enter(partID{partition: 0}, s.event("parked", "+7"))
		for i := range 10 {
			passThrough(s, 0, fmt.Sprint(i))
		}
		if found := s.enter(partID{partition: 0}, s.event("parked", "+7")); !found.repeat {
			t.Errorf("size %d: the second record is not known", size)
		}
		s.leave(s.hash("parked"))
		s.leave(s.hash("parked"))
		if len(s.memory.known) != size {
			t.Errorf("%d ids known with a ring of %d", len(s.memory.known), size)
		}
	}
}

func TestSeenOpensWithWhatTheLogHolds(t *testing.T) {
	s := newSeen(2)
	s.open(partID{}, []identity{s.event("old", "+1"), s.event("mid", "+1"), s.event("new", "+1")})
	for id, want := range map[string]bool{"old": false, "mid": true, "new": true} {
		if got := s.remembers(id); got != want {
			t.Errorf("%q remembered: %v, want %v", id, got, want)
		}
	}
	s.note(partID{partition: 0}, s.event("noted", "+7"))
	if !passThrough(s, 0, "noted") {
		t.Error("an id that an earlier owner finished was forgotten")
	}
	s.note(partID{partition: 7}, s.event("elsewhere", "+7")) // a partition that is not open
	if passThrough(s, 0, "elsewhere") {
		t.Error("a partition that is not open remembers")
	}
}

// Without a memory, ids are known while their records last.
func TestSeenOfNoSizeRemembersNothing(t *testing.T) {
	s := openSeen(0, 0)
	if passThrough(s, 0, "b"); passThrough(s, 0, "b") {
		t.Error("an id was remembered")
	}
	if len(s.memory.known) != 0 {
		t.Errorf("%d ids known", len(s.memory.known))
	}
}
