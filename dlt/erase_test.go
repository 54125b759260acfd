package dlt

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/segmentio/kafka-go"
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
