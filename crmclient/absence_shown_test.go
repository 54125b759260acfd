package crmclient

import (
	"testing"
	"time"

	"github.com/leadbridge/leadbridge/crmclient/internal/queue"
	"github.com/leadbridge/leadbridge/crmclient/internal/vibe"
)

// asking is a look-up of contacts by their native field, and a waiter that asks for the event origin.
func asking(origin string, asked time.Time) (*lookUp, *queue.Waiter) {
	l := &lookUp{
		Creator:    &Creator{cfg: Config{Originator: "leadbridge"}, proofs: newProofs(time.Second)},
		idLocation: idLocation{vibe.Contacts, vibe.ParseIDField(vibe.NativeID)},
		answers:    map[*queue.Waiter]lookUpAnswer{}, controls: map[lookUpBy]control{}, seen: map[lookUpBy]bool{},
	}
	return l, &queue.Waiter{Payload: &question{id: origin, asked: asked, delivery: &delivery{req: Request{OriginID: origin}}}}
}

// Only the control itself proves that a look-up finds: a row of another event shows that the filter was not obeyed.
func TestOnlyTheControlIsAProof(t *testing.T) {
	for _, test := range []struct {
		row   string
		seen  bool
		other int // rows that were not asked for
	}{
		{`{"id":7,"originId":"lb-control","originatorId":"leadbridge"}`, true, 0},
		{`{"id":8,"originId":"lb-other","originatorId":"leadbridge"}`, false, 1},
		{`{"id":7,"originId":"lb-control","originatorId":"somebody else"}`, false, 0},
	} {
		l, w := asking("lb-event", time.Time{})
		by := lookUpBy{l.idLocation, vibe.NativeID}
		l.controls[by] = control{object: 7, origin: "lb-control"}
		unrequested, _ := l.match([]*queue.Waiter{w}, []vibe.Row{vibe.Row(test.row)}, lookUpTime{})
		if l.seen[by] != test.seen || unrequested.other != test.other {
			t.Errorf("%s: seen %v, unrequested %+v", test.row, l.seen[by], unrequested)
		}
	}
}

// What was read shows the absence of the records that it covers, and no others.
func TestReadingShowsWhatItCovers(t *testing.T) {
	now := time.Now()
	since := now.Add(-time.Hour)
	for _, test := range []struct {
		name     string
		read     objectsRead
		recorded time.Time
		want     bool
	}{
		{"nothing was read", objectsRead{}, now.Add(-time.Minute), false},
		{"all was read", objectsRead{all: true}, now.Add(-24 * time.Hour), true},
		{"younger than the bound", objectsRead{since: since}, now.Add(-time.Minute), true},
		{"as old as the bound", objectsRead{since: since}, since, true},
		{"older than the bound", objectsRead{since: since}, since.Add(-time.Second), false},
		{"from the future", objectsRead{since: since}, now.Add(time.Minute), false},
	} {
		if got := test.read.covers(test.recorded, now); got != test.want {
			t.Errorf("%s: %v", test.name, got)
		}
	}
}

// One reading shows the absence of an event once: what was read before the event was last looked up says nothing new.
func TestReadingCountsOnce(t *testing.T) {
	read := time.Now()
	for name, test := range map[string]struct {
		asked time.Time // when the event was last looked up
		want  int       // absences
	}{
		"looked up before the reading": {read.Add(-time.Second), 1},
		"looked up by the reading":     {read, 0},
		"looked up after the reading":  {read.Add(time.Second), 0},
	} {
		l, w := asking("lb-event", test.asked)
		l.proofs.reading(l.idLocation, func(r *objectReading) {
			r.readAt = read.Add(time.Hour) // nothing is read again
			r.last = objectsRead{at: lookUpTime{read, read}, all: true}
		})
		if absent := l.read(lookUpBy{l.idLocation, vibe.NativeID}, []*queue.Waiter{w}); len(absent) != test.want {
			t.Errorf("%s: %d absences", name, len(absent))
		}
	}
}

// An answer without a list shows nothing, although the CRM calls it a success.
func TestAnswerWithoutAListIsNoPage(t *testing.T) {
	for data, want := range map[string]vibe.Class{`[]`: vibe.Done, `[{"id":1}]`: vibe.Done, ``: vibe.Doubt, `null`: vibe.Doubt, `{"id":1}`: vibe.Doubt, `true`: vibe.Doubt} {
		if _, o := pageOf(vibe.Outcome{Class: vibe.Done, Status: 200, Data: []byte(data)}); o.Class != want {
			t.Errorf("%q: %v, want %v", data, o.Class, want)
		}
	}
}
