package dlt

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/segmentio/kafka-go"

	"github.com/leadbridge/leadbridge/consumer/header"
	"github.com/leadbridge/leadbridge/transform"
)

func TestEraseForgetsRecordsThatAreNoLetters(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		foreign := func(key string) kafka.Record {
			return kafka.Record{Key: kafka.NewBytes([]byte(key)), Value: kafka.NewBytes([]byte(`{"name":"Nobody"}`))}
		}
		r.produce(testLetters, 0, foreign("a"), foreign("b"), foreign("a"))
		for run, want := range []Erasure{{Letters: 2}, {Before: 2}} {
			e, err := r.topic.Erase(t.Context(), Filter{Keys: []string{"a"}}, false)
			if err != nil || e.Letters != want.Letters || e.Before != want.Before || len(e.Remains) != 2 {
				t.Errorf("run %d: %v, %+v", run, err, e)
			}
		}
		var places []string
		for _, l := range r.list(Filter{}) {
			places = append(places, l.String())
		}
		if diff := cmp.Diff([]string{"0:1"}, places); diff != "" {
			t.Errorf("listed (-want +got):\n%s", diff)
		}
	})
}

// Events that retention has deleted are not said to remain.
func TestEraseTellsOnlyWhatIsThere(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		for range 3 {
			r.produce(testTopic, 0, kafka.Record{Value: kafka.NewBytes([]byte("{}"))})
		}
		if err := r.cluster.DeleteRecords(testTopic, 0, 1); err != nil {
			t.Fatal(err)
		}
		r.seed(letters(2, 1)...)
		e, err := r.topic.Erase(t.Context(), Filter{EventIDs: []string{"ce:/site 0", "ce:/site 1"}}, true)
		if err != nil {
			t.Fatal(err)
		}
		var at []string
		for _, one := range e.Remains {
			at = append(at, fmt.Sprintf("%s %d", one.Topic, one.Offset))
		}
		if diff := cmp.Diff([]string{"leads 1", "leads.dlt 0", "leads.dlt 1"}, at); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	})
}

// What was replayed before it was erased is erased, not replayed.
func TestEraseAfterReplay(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		r.seed(letters(1, 1)...)
		r.replay(options())
		for run, want := range []Erasure{{Letters: 1}, {Before: 1}} {
			e, err := r.topic.Erase(t.Context(), Filter{Keys: []string{"key 0"}}, false)
			if err != nil || e.Letters != want.Letters || e.Before != want.Before {
				t.Errorf("run %d: %v, %+v", run, err, e)
			}
		}
		if l, err := r.topic.Get(t.Context(), Position{0, 0}); err != nil || l.State != StateErased {
			t.Errorf("%v, %s", err, l.State)
		}
	})
}

// TestErasedTellsNothing looks at an erased letter in every way that there is: that it is there is
// told, nothing of what it holds, also when the letter comes again or was held before.
func TestErasedTellsNothing(t *testing.T) {
	t.Parallel()
	bubble(t, 1, func(t *testing.T, r *rig) {
		all := letters(2, 1)
		all[0].value = `{"name":"Canary Zacharias","email":"zacharias@canary.example"}`
		all[0].more = map[string]string{header.Message: "canary words", header.Code: "CANARY_CODE"}
		r.seed(all...)
		held := r.shelf(DefaultShelfLimits())
		r.refresh(held)
		if f := held.Search(Query{Text: "canary"}); f.Total != 1 {
			t.Fatalf("%d letters are found before", f.Total)
		}
		if _, err := r.topic.Erase(t.Context(), Filter{EventIDs: []string{all[0].id}}, false); err != nil {
			t.Fatal(err)
		}
		again := all[0]
		again.replays = 1
		for _, what := range []string{"erased", "come again"} {
			if what == "come again" {
				r.seed(again)
			}
			r.refresh(held)
			fresh := r.shelf(DefaultShelfLimits())
			r.refresh(fresh)
			var told []any
			for _, s := range []*Shelf{held, fresh} {
				for _, text := range []string{"canary", "key 0", "zacharias", all[0].id} {
					if f := s.Search(Query{Text: text, States: []State{StateErased}}); f.Total != 0 {
						t.Errorf("%s: a search for %q finds it", what, text)
					}
				}
				f := s.Search(Query{States: []State{StateErased}})
				if f.Total != 1 || f.Items[0].EventID != transform.PublicID(all[0].id) {
					t.Errorf("%s: %d erased letters are listed: %+v", what, f.Total, f.Items)
				}
				l, err := s.Letter(t.Context(), Position{0, 0})
				if err != nil || l.State != StateErased || l.Reason == "" {
					t.Errorf("%s: %+v, %v", what, l, err)
				}
				told = append(told, f, l, r.topic.Whole(l))
			}
			l, err := r.topic.Get(t.Context(), Position{0, 0})
			if err != nil || l.State != StateErased {
				t.Errorf("%s: %+v, %v", what, l, err)
			}
			told = append(told, l, r.topic.Whole(l), r.list(Filter{States: []State{StateErased}}))
			text, err := json.Marshal(told)
			if err != nil {
				t.Fatal(err)
			}
			for _, secret := range []string{"anary", "CANARY", "acharias", "key 0", all[0].id, "Q2FuYXJ5"} {
				if strings.Contains(string(text), secret) {
					t.Errorf("%s: %s is told: %s", what, secret, text)
				}
			}
		}
	})
}
