package dlt

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/segmentio/kafka-go"

	"github.com/leadbridge/leadbridge/consumer"
	"github.com/leadbridge/leadbridge/consumer/header"
	"github.com/leadbridge/leadbridge/transform"
)

func TestListShowsAnEventOnce(t *testing.T) {
	bubble(t, 2, func(t *testing.T, r *rig) {
		all := letters(2, 2)
		again := all[0]
		again.replays, again.reason = 1, "RETRIES_EXHAUSTED"
		r.seed(all[0], all[1], all[0], again, all[0])
		got := r.list(Filter{})
		if diff := cmp.Diff([]string{"ce:/site 1", "ce:/site 0"}, ids(got)); diff != "" {
			t.Fatalf("-want +got:\n%s", diff)
		}
		if got[1].Copies != 4 || got[1].Reason != "RETRIES_EXHAUSTED" || got[1].Position != (Position{0, 2}) {
			t.Errorf("%+v", got[1])
		}
		// What the event failed of before is history.
		if n := len(r.list(Filter{Reasons: []string{"CRM_REFUSED"}})); n != 1 {
			t.Errorf("%d letters are refused ones", n)
		}
	})
}

func TestListFilters(t *testing.T) {
	bubble(t, 2, func(t *testing.T, r *rig) {
		all := letters(6, 2)
		all[1].reason, all[1].code = "MALFORMED_EVENT", ""
		all[2].code = "CONFLICT"
		all[3].key = nil
		all[4].more = map[string]string{header.Flood: "f1"}
		all[5].more = map[string]string{header.Flood: "f2"}
		r.seed(all...)
		written := r.list(Filter{})
		for name, tt := range map[string]struct {
			filter Filter
			want   []int
		}{
			"all":       {Filter{}, []int{0, 1, 2, 3, 4, 5}},
			"reason":    {Filter{Reasons: []string{"malformed_event", "TOO_LARGE"}}, []int{1}},
			"code":      {Filter{Codes: []string{"conflict"}}, []int{2}},
			"any flood": {Filter{Flood: AnyFlood}, []int{4, 5}},
			"one flood": {Filter{Flood: "f2"}, []int{5}},
			"since":     {Filter{Since: written[4].At}, []int{4, 5}},
			"until":     {Filter{Until: written[2].At}, []int{0, 1}},
			"event ids": {Filter{EventIDs: []string{"ce:/site 5", "ce:/site 0"}}, []int{0, 5}},
			"key":       {Filter{Keys: []string{"key 4", ""}}, []int{4}},
			"limit":     {Filter{Limit: 2}, []int{0, 1}},
			"both":      {Filter{Limit: 2, Reasons: []string{"CRM_REFUSED"}, Since: written[1].At}, []int{2, 3}},
			"place":     {Filter{Places: []Position{{1, 1}}}, []int{3}},
			"state":     {Filter{States: []State{StateReplayed}}, nil},
			"none":      {Filter{Reasons: []string{"NONE"}}, nil},
		} {
			want := make([]string, 0, len(tt.want))
			for _, i := range tt.want {
				want = append(want, all[i].id)
			}
			if diff := cmp.Diff(want, ids(r.list(tt.filter))); diff != "" {
				t.Errorf("%s (-want +got):\n%s", name, diff)
			}
		}
	})
}

// More letters than are held in memory at a time, over several partitions.
func TestListOfManyKeepsTheOrder(t *testing.T) {
	bubble(t, 3, func(t *testing.T, r *rig) {
		all := letters(1300, 3)
		now := time.Now()
		for i := range all {
			all[i].failedAt = now.Add(time.Duration(i) * time.Millisecond)
			r.produce(testLetters, all[i].partition, all[i].record())
		}
		got := ids(r.list(Filter{}))
		for i := range all {
			if len(got) != len(all) || got[i] != all[i].id {
				t.Fatalf("letter %d of %d is %s", i, len(got), got[min(i, len(got)-1)])
			}
		}
	})
}

func TestListAfterRetention(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		r.seed(letters(5, 1)...)
		if err := r.cluster.DeleteRecords(testLetters, 0, 3); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"ce:/site 3", "ce:/site 4"}, ids(r.list(Filter{}))); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	})
}

func newTransformer(t *testing.T) *transform.Transformer {
	t.Helper()
	tr, err := transform.New(transform.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

func TestLineIsMaskedUnlessAskedFor(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		l := letters(1, 1)[0]
		l.key, l.value = []byte("+79161234567"), `{"name":"Anna Smith","email":"anna@example.com","note":"for Anna"}`
		r.seed(l)
		got := r.list(Filter{})[0]
		var fields map[string]any
		text, err := json.Marshal(r.topic.Line(got, newTransformer(t)))
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(text, &fields); err != nil {
			t.Fatal(err)
		}
		for _, at := range []string{"timestamp", "failedAt"} {
			if _, err := time.Parse(time.RFC3339Nano, fmt.Sprint(fields[at])); err != nil {
				t.Error(err)
			}
			delete(fields, at)
		}
		want := map[string]any{
			"eventId": "ce:/site 0", "state": "open", "reason": "CRM_REFUSED", "status": 400.0, "code": "VALIDATION_ERROR", "message": "its words",
			"attempts": 1.0, "replays": 0.0, "topic": testLetters, "partition": 0.0, "offset": 0.0, "copies": 1.0, "firstFailure": "2026-03-04T05:06:08Z",
			"version": "test", "original": map[string]any{"topic": "leads", "partition": 0.0, "offset": 0.0, "timestamp": "2026-03-04T05:06:07.008Z"},
			"key": "***", "value": `{"name":"***","email":"***","note":"for ***"}`, "masked": true, "source": "/site",
		}
		if diff := cmp.Diff(want, fields); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
		if line := r.topic.Unmasked(got); line.Masked || *line.Value != l.value || *line.Key != "+79161234567" {
			t.Errorf("%+v", line)
		}
	})
}

func TestGetShowsTheLetterAtAPlace(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		first := letters(1, 1)[0]
		second := first
		second.replays, second.reason = 1, "RETRIES_EXHAUSTED"
		r.seed(first)
		r.replay(options()) // the marker lies at 0:1, its transaction's end at 0:2
		r.seed(second)
		l, err := r.topic.Get(t.Context(), Position{0, 0})
		if err != nil || l.Reason != "CRM_REFUSED" || l.State != StateReplayed {
			t.Errorf("%v, %+v", err, l)
		}
		if l, err = r.topic.Get(t.Context(), Position{0, 3}); err != nil || l.State != StateOpen || l.Replays != 1 {
			t.Errorf("%v, %+v", err, l)
		}
		if c, err := l.Contact(newTransformer(t)); err != nil || c.Emails[0].Value != "nobody.0@example.com" {
			t.Errorf("contact %+v, %v", c, err)
		}
		for _, at := range []Position{{0, 1}, {0, 9}, {4, 0}} {
			if _, err := r.topic.Get(t.Context(), at); err == nil || !strings.Contains(err.Error(), at.String()) {
				t.Errorf("%s: %v", at, err)
			}
		}
	})
}

func TestEveryReasonHasAdvice(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, reason := range append(consumer.Reasons(), "", "NEW") {
		advice := Letter{Reason: reason, State: StateOpen}.Advice().String()
		if advice == "" || seen[advice] {
			t.Errorf("%q: %q", reason, advice)
		}
		seen[advice] = true
	}
}

// exported are the lines of all letters.
func (r *rig) exported() string {
	r.t.Helper()
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	for _, l := range r.list(Filter{}) {
		if err := enc.Encode(r.topic.Whole(l)); err != nil {
			r.t.Fatal(err)
		}
	}
	return b.String()
}

func TestExportAndImportLoseNothing(t *testing.T) {
	bubble(t, 2, func(t *testing.T, r *rig) {
		all := letters(4, 2)
		all[1].key, all[1].value = []byte{0xff, 0}, "\xfe\x00 no text"
		all[2].key = nil
		all[3].key, all[3].value = []byte{}, ""
		r.seed(all...)
		r.produce(testLetters, 0, aLetter{id: "null", reason: "X", value: "v"}.record())
		o := options()
		o.Limit = 1
		r.replay(o)
		before, lines := r.list(Filter{}), r.exported()
		if err := r.cluster.DeleteTopic(testLetters); err != nil {
			t.Fatal(err)
		}
		if err := r.cluster.CreateTopic(testLetters, 2, nil); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute) // virtual; pictures of the cluster are renewed
		for range 2 {           // a second time it folds
			if done, err := r.topic.Import(t.Context(), strings.NewReader(lines), nil); done.Letters != 5 || err != nil {
				t.Fatalf("%+v, %v", done, err)
			}
		}
		after := r.list(Filter{})
		if len(after) != 5 {
			t.Fatalf("%d letters after the import", len(after))
		}
		byID := map[string]Letter{}
		for _, l := range after {
			byID[l.EventID] = l
		}
		for _, want := range before {
			got := byID[want.EventID]
			if got.Copies != 2 {
				t.Errorf("%s has %d copies", want.EventID, got.Copies)
			}
			got.Position, got.At, got.Copies, got.Marked = want.Position, want.At, want.Copies, want.Marked
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", want.EventID, diff)
			}
		}
		if report := r.replay(options()); report.Replayed != 4 || report.Already != 1 {
			t.Errorf("what was replayed before the export is replayed again: %+v", report)
		}
	})
}

func TestImportTellsAllFaultsAndWritesNothing(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		r.seed(letters(1, 1)...)
		good := strings.TrimSpace(r.exported())
		before := len(r.committed(testLetters))
		change := func(from, to string) string {
			if !strings.Contains(good, from) {
				t.Fatalf("no %q in %s", from, good)
			}
			return strings.Replace(good, from, to, 1)
		}
		lines := []string{
			good, "", "no JSON", change(`"masked":false`, `"masked":true`), change(`"value":"{`, `"valueBase64":"!{`), change(`"partition":0`, `"partition":-1`),
			change(header.EventID, "x"), change(`"state":"open"`, `"state":"erased"`), change(`"key":"key 0"`, `"key":7`), "[]", `{}`, good,
		}
		done, err := r.topic.Import(t.Context(), strings.NewReader(strings.Join(lines, "\n")), nil)
		faults, ok := errors.AsType[ImportFaults](err)
		if done.Letters != 0 || !ok {
			t.Fatalf("%+v, %v", done, err)
		}
		var at []int
		for _, f := range faults {
			at = append(at, f.Line)
		}
		if diff := cmp.Diff([]int{3, 4, 5, 6, 7, 8, 9, 10, 11}, at); diff != "" {
			t.Errorf("lines (-want +got):\n%s\n%v", diff, err)
		}
		if !strings.Contains(err.Error(), "line 7: it has no header dlt-event-id") || strings.Contains(err.Error(), "nobody") {
			t.Errorf("%v", err)
		}
		if len(r.committed(testLetters)) != before {
			t.Error("something was written")
		}
	})
}

func TestEraseForgetsAPerson(t *testing.T) {
	bubble(t, 2, func(t *testing.T, r *rig) {
		all := letters(4, 2)
		all[2].key = all[0].key
		for range 3 { // the events, of which letters tell the offsets
			r.produce(testTopic, 0, kafka.Record{Value: kafka.NewBytes([]byte("{}"))})
		}
		r.seed(all[1], all[0], all[0], all[2], all[3])
		dry, err := r.topic.Erase(t.Context(), Filter{Keys: []string{"key 0"}}, true)
		if err != nil || dry.Letters != 2 || len(r.list(Filter{})) != 4 {
			t.Errorf("dry run: %v, %+v", err, dry)
		}
		e, err := r.topic.Erase(t.Context(), Filter{Keys: []string{"key 0"}}, false)
		if err != nil || e.Letters != 2 || e.Before != 0 || len(e.Remains) != 5 || len(e.Topics) != 2 || e.Topics[0].Tombstones != 0 {
			t.Errorf("%v, %+v", err, e)
		}
		if !e.Topics[0].Known || !e.Topics[0].Deletes || e.Topics[0].Compacts || len(e.OthersOpen) != 0 {
			t.Errorf("%+v", e)
		}
		if diff := cmp.Diff([]string{"ce:/site 1", "ce:/site 3"}, ids(r.list(Filter{}))); diff != "" {
			t.Errorf("listed (-want +got):\n%s", diff)
		}
		if report := r.replay(options()); report.Replayed != 2 || r.events()["ce:/site 0"] != 0 {
			t.Errorf("%+v, %v", report, r.events())
		}
		again, err := r.topic.Erase(t.Context(), Filter{EventIDs: []string{"ce:/site 2"}}, false)
		if err != nil || again.Letters != 0 || again.Before != 1 || again.OthersOpen[0] != 0 {
			t.Errorf("%v, %+v", err, again)
		}
	})
}

func TestEraseWritesTombstonesWhereTheyDoSomething(t *testing.T) {
	bubble(t, 0, func(t *testing.T, r *rig) {
		if err := r.cluster.CreateTopic(testLetters, 1, map[string]string{"cleanup.policy": "compact"}); err != nil {
			t.Fatal(err)
		}
		if err := r.cluster.CreateTopic(testTopic, 2, map[string]string{"cleanup.policy": "compact,delete"}); err != nil {
			t.Fatal(err)
		}
		all := letters(4, 1)
		all[1].key = all[0].key // of two events
		r.seed(all...)
		e, err := r.topic.Erase(t.Context(), Filter{EventIDs: []string{"ce:/site 0", "ce:/site 2"}}, false)
		if err != nil || e.Letters != 2 || e.Topics[0].Tombstones != 1 || e.Topics[1].Tombstones != 0 || e.OthersOpen[0] != 1 {
			t.Errorf("by event: %v, %+v", err, e)
		}
		if _, err = r.topic.Erase(t.Context(), Filter{Keys: []string{"key 0"}}, false); err != nil {
			t.Fatal(err)
		}
		var tombstones []string
		for _, topic := range []string{testLetters, testTopic} {
			for _, rec := range r.committed(topic) {
				if rec.Value == nil {
					tombstones = append(tombstones, fmt.Sprintf("%s/%d %s", topic, rec.Partition, rec.Key))
				}
			}
		}
		want := []string{"leads.dlt/0 key 2", "leads.dlt/0 key 0", "leads/0 key 0", "leads/1 key 0"}
		if diff := cmp.Diff(want, tombstones); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
		if diff := cmp.Diff([]string{"ce:/site 3"}, ids(r.list(Filter{}))); diff != "" {
			t.Errorf("listed (-want +got):\n%s", diff)
		}
	})
}

func TestEraseNeedsToKnowWhom(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		for _, f := range []Filter{{}, {Keys: []string{"k"}, Limit: 1}, {Keys: []string{"k"}, Flood: AnyFlood}, {Reasons: []string{"X"}}, {EventIDs: []string{"e"}, Since: time.Now()}} {
			if _, err := r.topic.Erase(t.Context(), f, false); !errors.Is(err, ErrEraseWhom) {
				t.Errorf("%+v: %v", f, err)
			}
		}
	})
}

// An erasure cannot be taken back: a filter that would leave out letters of the person is refused, whatever it is.
func TestEraseTakesNoFilterBesideThePerson(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		zero := Filter{Keys: []string{"key 0"}}
		for i := range reflect.TypeFor[Filter]().NumField() {
			field := reflect.TypeFor[Filter]().Field(i)
			switch field.Name {
			case "Keys", "EventIDs", "Newest", "Exactly": // whom, and what alone leaves nothing out
				continue
			}
			f := zero
			switch value := reflect.ValueOf(&f).Elem().Field(i); value.Kind() {
			case reflect.Slice:
				value.Set(reflect.MakeSlice(field.Type, 1, 1))
			case reflect.String:
				value.SetString("x")
			case reflect.Int:
				value.SetInt(1)
			case reflect.Func:
				f.Text = func(Letter) bool { return false }
			case reflect.Struct:
				value.Set(reflect.ValueOf(time.Now()))
			default:
				t.Fatalf("%s is a %s: say here how to fill it in", field.Name, value.Kind())
			}
			if _, err := r.topic.Erase(t.Context(), f, true); !errors.Is(err, ErrEraseWhom) {
				t.Errorf("with %s: %v", field.Name, err)
			}
		}
	})
}

func TestAbsentBrokersEndTheCommand(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		cfg := r.config()
		cfg.Brokers.Addresses = []string{"localhost:1"}
		topic := Open(cfg)
		defer topic.Close()
		began := time.Now()
		err := topic.Each(t.Context(), Filter{}, func(Letter) error { return nil })
		if err == nil || errors.Is(err, context.Canceled) || time.Since(began) > time.Minute {
			t.Errorf("%v after %v", err, time.Since(began))
		}
	})
}
