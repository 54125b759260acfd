package consumer

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/leadbridge/leadbridge/crmclient"
	"github.com/leadbridge/leadbridge/internal/wait"
)

// linesOf are the lines of an event of a person, by its phones.
func linesOf(l *lines, id string, phones ...string) []lineKey {
	var c crmclient.Contact
	for _, phone := range phones {
		c.Phones = append(c.Phones, crmclient.Multifield{Value: phone})
	}
	return l.keysFor(OrderByPerson, 0, id, nil, &c)
}

func TestBacklogKeysFindTheLastRecordOfALine(t *testing.T) {
	l := newLines()
	var entries []backlogEntry
	entries = appendEntries(entries, linesOf(l, "a", "+1", "+2"), 0)
	entries = appendEntries(entries, linesOf(l, "b", "+3"), 1)
	entries = appendEntries(entries, linesOf(l, "c", "+2"), 5)
	keys := newBacklogKeys(entries, 1000)
	for _, c := range []struct {
		id    string
		phone string
		next  int64
		want  int64
	}{
		{"a", "+9", 1000, 1000},
		{"d", "+1", 1000, 1000},
		{"d", "+1", 1001, -1}, // dispatched since
		{"d", "+2", 1001, 1005},
		{"d", "+2", 1006, -1},
		{"a", "+3", 1000, 1001}, // the later of two lines
		{"d", "+9", 1000, -1},
	} {
		if got := keys.lastOf(linesOf(l, c.id, c.phone), c.next); got != c.want {
			t.Errorf("%s with %s waits for %d, want %d", c.id, c.phone, got, c.want)
		}
	}
}

// A phone that many persons of the backlog share keeps none of the others, and still each person's own events.
func TestCrowdedLineOfABacklogKeepsOnlyTheSamePerson(t *testing.T) {
	l := newLines()
	for persons, others := range map[int]bool{maxPersonsPerPoint: true, maxPersonsPerPoint + 1: false} {
		var entries []backlogEntry
		for i := range persons {
			entries = appendEntries(entries, linesOf(l, fmt.Sprint("e", i), "+shared", fmt.Sprint("+", i)), uint32(i))
		}
		keys := newBacklogKeys(entries, 0)
		if got := keys.lastOf(linesOf(l, "new", "+shared", "+other"), 0) >= 0; got != others {
			t.Errorf("%d persons: another one waits: %v, want %v", persons, got, others)
		}
		if got := keys.lastOf(linesOf(l, "new", "+shared", "+3"), 0); got < 3 {
			t.Errorf("%d persons: the fourth one's next event waits for %d, want 3 at least", persons, got)
		}
	}
}

// backlogOf returns a backlog of the records with these phones, of which next is the first that is not dispatched.
func backlogOf(l *lines, phones ...string) (*backlog, *partitionRecords) {
	var entries []backlogEntry
	for i, phone := range phones {
		entries = appendEntries(entries, linesOf(l, fmt.Sprint("old", i), phone), uint32(i))
	}
	older := &partitionRecords{state: partitionState{end: int64(len(phones))}}
	return newBacklog(older, make(chan struct{}, 1), newBacklogKeys(entries, 0)), older
}

func (b *backlog) stands(l *lines, offset int64, id string, phones ...string) (<-chan struct{}, bool) {
	return b.standBehind(offset, linesOf(l, id, phones...))
}

// Newer records that stand in one line are to be taken up in the log's order, whichever of their keys the backlog has.
func TestStandingRecordsKeepTheirOrder(t *testing.T) {
	l := newLines()
	b, older := backlogOf(l, "+1", "+9", "+2")
	if _, stands := b.stands(l, 10, "a", "+5"); stands {
		t.Error("a person who is not in the backlog waits")
	}
	first, _ := b.stands(l, 11, "b", "+2", "+7")
	second, stands := b.stands(l, 12, "c", "+7") // not in the backlog, but behind the first
	third, _ := b.stands(l, 13, "d", "+1")
	if !stands {
		t.Fatal("it does not wait for an earlier one that waits")
	}
	older.state.progress.skip(1)
	b.moved(1, false)
	if !wait.Closed(third) || wait.Closed(first) || wait.Closed(second) {
		t.Errorf("after the first of the backlog: %v %v %v", wait.Closed(first), wait.Closed(second), wait.Closed(third))
	}
	older.state.progress.skip(3)
	b.moved(3, true)
	if !wait.Closed(first) || !wait.Closed(second) {
		t.Error("the backlog has ended, and they wait on")
	}
	if ready, stands := b.stands(l, 14, "e", "+7"); !stands || !wait.Closed(ready) {
		t.Error("a later one overtakes those that were not taken up again yet")
	}
	for _, offset := range []int64{11, 12, 14} { // as they are taken up again
		if _, stands := b.stands(l, offset, "again", "+7"); stands {
			t.Errorf("%d stands behind those that were taken up", offset)
		}
		if _, stands := b.stands(l, 20, "later", "+7"); !stands {
			t.Errorf("a later one overtakes %d", offset)
		}
		b.entered(20)
		b.entered(offset)
	}
	b.entered(13)
	if !b.isEmpty() || len(b.inLine) > 0 || len(b.waiting) > 0 {
		t.Errorf("something is left: %+v", b)
	}
}

// A phone that a form fills in, and so many persons share, keeps further persons from waiting for those who stand behind.
func TestCrowdedLineOfStandingRecordsKeepsNobodyElse(t *testing.T) {
	l := newLines()
	var phones []string
	for i := range maxPersonsPerPoint + 1 {
		phones = append(phones, fmt.Sprint("+", i))
	}
	b, _ := backlogOf(l, phones...)
	for i := range maxPersonsPerPoint {
		if _, stands := b.stands(l, int64(100+i), fmt.Sprint("behind", i), "+shared", phones[i]); !stands {
			t.Fatalf("%d does not stand behind its own person's event", i)
		}
	}
	if _, stands := b.stands(l, 200, "new", "+shared", "+other"); stands {
		t.Error("another person waits for those who share the phone")
	}
	if _, stands := b.stands(l, 201, "again", "+shared", phones[3]); !stands {
		t.Error("an event overtakes an earlier one of its person")
	}
}

// A backlog costs a commit no more bytes than any other span, however long it is.
func TestBacklogCostsFewBytesOfMetadata(t *testing.T) {
	const start = 1 << 33
	plain := ledger{granted: start + 256, horizon: time.Now(), trial: -1, spans: []span{{start, start + 256, true}}}
	for _, length := range []int64{1000, 100_000, 10_000_000} {
		end := start + length
		l := plain
		l.granted = end + 328
		l.spans = []span{{start, start + 128, true}, {start + 128, end, false}, {end + 200, end + 328, true}}
		if more := len(l.encode(start)) - len(plain.encode(start)); more > 16 {
			t.Errorf("a backlog of %d costs %d bytes", length, more)
		} else {
			t.Logf("a backlog of %d costs %d bytes", length, more)
		}
	}
}

// While backlogs and others wait for places, the others get their part of them.
func TestPlacesAreDivided(t *testing.T) {
	f := newInFlight(Config{MaxInFlight: 1, FreshFirst: .8}, 0)
	_ = f.enter(t.Context(), false) // takes the only place
	var given []bool
	places := map[bool][]chan struct{}{}
	for range 20 {
		for _, backlog := range []bool{true, false} {
			places[backlog] = append(places[backlog], f.ask(backlog))
		}
	}
	for range 10 {
		f.leave()
		for backlog, waiting := range places {
			if wait.Closed(waiting[0]) {
				given = append(given, backlog)
				places[backlog] = waiting[1:]
			}
		}
	}
	if n := len(slices.DeleteFunc(slices.Clone(given), func(backlog bool) bool { return !backlog })); len(given) != 10 || n != 2 {
		t.Errorf("%d of %d places were a backlog's, want 2 of 10: %v", n, len(given), given)
	}
	if !f.takeBack(places[true][0], true) {
		t.Error("a wait cannot be ended")
	}
}
