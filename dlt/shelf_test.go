package dlt

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/leadbridge/leadbridge/consumer/header"
	"github.com/leadbridge/leadbridge/transform"
)

func (r *rig) shelf(limits ShelfLimits) *Shelf {
	r.t.Helper()
	by, err := transform.New(transform.Options{})
	if err != nil {
		r.t.Fatal(err)
	}
	return r.topic.NewShelf(limits, by)
}

func (r *rig) refresh(s *Shelf) {
	r.t.Helper()
	if err := s.Refresh(r.t.Context(), 0); err != nil {
		r.t.Fatal(err)
	}
}

func shelvedIDs(s *Shelf, q Query) (all []string) {
	for _, i := range s.Search(q).Items {
		all = append(all, strings.TrimPrefix(i.EventID, "ce:/site ")+" "+string(i.State))
	}
	return all
}

// TestShelfAgreesWithTheTopic compares what is held with what the commands read, after each
// thing that can be done with letters.
func TestShelfAgreesWithTheTopic(t *testing.T) {
	t.Parallel()
	bubble(t, 2, func(t *testing.T, r *rig) {
		s := r.shelf(DefaultShelfLimits())
		same := func(after string) {
			t.Helper()
			r.refresh(s)
			all := []State{StateOpen, StateReplayed, StateErased}
			var want []string
			for _, l := range r.list(Filter{States: all}) {
				want = append([]string{strings.TrimPrefix(l.EventID, "ce:/site ") + " " + string(l.State)}, want...)
			}
			if got := shelvedIDs(s, Query{States: all}); strings.Join(got, ",") != strings.Join(want, ",") {
				t.Errorf("after %s: held %q, in the topic %q", after, got, want)
			}
			fresh := r.shelf(DefaultShelfLimits()) // one that reads it all at once
			r.refresh(fresh)
			if a, b := shelvedIDs(s, Query{}), shelvedIDs(fresh, Query{}); strings.Join(a, ",") != strings.Join(b, ",") {
				t.Errorf("after %s: read on %q, read anew %q", after, a, b)
			}
			if a, b := s.Overview(time.Now()), fresh.Overview(time.Now()); a.Open != b.Open || s.text != fresh.text {
				t.Errorf("after %s: %d open and %d bytes, anew %d and %d", after, a.Open, s.text, b.Open, fresh.text)
			}
		}
		same("nothing")
		all := letters(6, 2)
		r.seed(all...)
		same("letters")
		r.seed(all[1]) // the copy that a crash writes
		same("a copy")
		if l, err := s.Letter(t.Context(), Position{1, 0}); err != nil || l.Copies != 2 || l.State != StateOpen {
			t.Errorf("the letter of which there is a copy: %+v, %v", l, err)
		}
		r.replay(ReplayOptions{Filter: Filter{Places: []Position{{0, 0}, {1, 0}}}, MaxReplays: 3})
		same("a replay")
		again := all[0]
		again.replays, again.partition = 1, 1
		r.seed(again)
		same("its failing again")
		if _, err := r.topic.Erase(t.Context(), Filter{EventIDs: []string{all[2].id}}, false); err != nil {
			t.Fatal(err)
		}
		same("an erasure")
		r.seed(all[2])
		same("a letter of somebody who was erased")
		failed := all[2]
		failed.replays = 1
		r.seed(failed)
		same("another letter of somebody who was erased")
		elsewhere := all[1] // replayed by now
		elsewhere.failedAt = time.Now().Add(-time.Hour)
		r.produce(testLetters, 0, elsewhere.record())
		same("a copy in another partition, written earlier")
		r.produce(testLetters, 0, kafka.Record{Key: kafka.NewBytes([]byte("key 4"))})
		same("a tombstone")
		r.produce(testLetters, 0, kafka.Record{Value: kafka.NewBytes([]byte("not ours"))})
		same("a record that is no letter")
		for _, l := range r.list(Filter{States: []State{StateOpen, StateReplayed, StateErased}}) {
			got, err := s.Letter(t.Context(), l.Position)
			if err != nil || got.State != l.State || got.Copies != l.Copies || string(got.Value) != string(l.Value) {
				t.Errorf("the letter at %s: %s %d %v, want %s %d", l.Position, got.State, got.Copies, err, l.State, l.Copies)
			}
		}
		// An older letter of its event, which the newer one hides.
		if l, err := s.Letter(t.Context(), Position{0, 0}); err != nil || l.State != StateReplayed || l.Replays != 0 {
			t.Errorf("the older letter: %+v, %v", l, err)
		}
		for _, none := range []Position{{0, 99}, {7, 0}, {1, 2}} {
			l, err := s.Letter(t.Context(), none)
			if none != (Position{1, 2}) && !errors.Is(err, ErrNoLetter) {
				t.Errorf("at %s lies %+v, %v", none, l, err)
			}
		}
	})
}

// TestShelfIsBounded writes more letters, and longer ones, than there is room for.
func TestShelfIsBounded(t *testing.T) {
	t.Parallel()
	bubble(t, 1, func(t *testing.T, r *rig) {
		s := r.shelf(ShelfLimits{Letters: 20, Text: 3000, TextOfOne: 500})
		all := letters(100, 1)
		for i := range all {
			all[i].value = fmt.Sprintf(`{"email":"n%d@example.com","note":"%s tail-%d"}`, i, strings.Repeat("x", 1000*(i%2)), i)
		}
		for len(all) > 0 { // read on in several steps
			r.seed(all[:25]...)
			all = all[25:]
			r.refresh(s)
			if len(s.events) > 20 || s.text > 3000 {
				t.Fatalf("%d letters and %d bytes are held", len(s.events), s.text)
			}
		}
		o := s.Overview(time.Now())
		if o.Beyond != 80 || o.Open != 20 {
			t.Errorf("%d are held and %d beyond", o.Open, o.Beyond)
		}
		if got := shelvedIDs(s, Query{Limit: 1}); len(got) != 1 || got[0] != "99 open" {
			t.Errorf("the newest is %v", got)
		}
		if f := s.Search(Query{Text: "TAIL-98"}); f.Total != 1 || f.Cut == 0 {
			t.Errorf("a short letter: %d found, %d cut", f.Total, f.Cut)
		}
		if f := s.Search(Query{Text: "tail-99"}); f.Total != 0 || f.Cut == 0 {
			t.Errorf("the end of a long letter: %d found, %d cut", f.Total, f.Cut)
		}
		for i := range 3 { // ids that no limit of a text helps against
			r.seed(aLetter{id: strings.Repeat("i", 2000+i), reason: "CRM_REFUSED", value: "{}", more: map[string]string{header.Message: strings.Repeat("m", 4000)}})
		}
		r.refresh(s)
		if f := s.Search(Query{}); s.text > 3000 || f.Total != 1 || len(f.Items[0].Message) > maxListed+len("…") {
			t.Errorf("%d letters with long ids and %d bytes are held", f.Total, s.text)
		}
		s.Clear()
		if len(s.events) != 0 || s.text != 0 || !s.AsOf().IsZero() {
			t.Error("Clear leaves something")
		}
		r.refresh(s)
		if o := s.Overview(time.Now()); o.Open != 1 || o.Beyond != 102 {
			t.Errorf("after Clear %d are held and %d beyond", o.Open, o.Beyond)
		}
	})
}

// TestShelfFollowsTheTopic deletes what is old.
func TestShelfFollowsTheTopic(t *testing.T) {
	t.Parallel()
	bubble(t, 1, func(t *testing.T, r *rig) {
		s := r.shelf(DefaultShelfLimits())
		r.seed(letters(6, 1)...)
		r.refresh(s)
		if err := r.cluster.DeleteRecords(testLetters, 0, 4); err != nil {
			t.Fatal(err)
		}
		r.refresh(s)
		if got := shelvedIDs(s, Query{}); strings.Join(got, ",") != "5 open,4 open" {
			t.Errorf("after retention %q are held", got)
		}
		if _, err := s.Letter(t.Context(), Position{0, 1}); !errors.Is(err, ErrNoLetter) {
			t.Errorf("a letter that retention deleted: %v", err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := s.Refresh(ctx, 0); err == nil {
			t.Error("a reading that was cut short is good")
		}
	})
}
