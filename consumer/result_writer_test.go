package consumer

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/leadbridge/leadbridge/consumer/header"
	"github.com/leadbridge/leadbridge/transform"
)

const testResults = "leads.results"

func withResults(c *Config) { c.ResultTopic = testResults }

// resultTopic creates the topic for results.
func (r *rig) resultTopic(partitions int32, settings map[string]string) {
	r.t.Helper()
	if err := r.cluster.CreateTopic(testResults, partitions, settings); err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) results() []Result {
	r.t.Helper()
	var all []Result
	for _, rec := range r.records(testResults) {
		var one Result
		if err := json.Unmarshal(rec.Value, &one); err != nil {
			r.t.Fatal(err)
		}
		all = append(all, one)
	}
	return all
}

func TestResultOfEachContact(t *testing.T) {
	bubble(t, 2, func(t *testing.T, r *rig) {
		r.resultTopic(2, nil)
		trace := []kafka.Header{{Key: "traceparent", Value: []byte("00-a-b-01")}, {Key: "tracestate", Value: []byte("x=1")}, {Key: "other", Value: []byte("stays behind")}}
		r.produce(message{partition: 1, key: "k", value: `{"id":"a"}`, headers: trace}, message{value: "no JSON"})
		p := r.start(withResults)
		r.await("commits", func() bool { return r.commits()[1].offset == 1 && r.commits()[0].offset == 1 })
		all := r.records(testResults)
		if len(all) != 1 {
			t.Fatalf("%d results of one contact and one dead letter", len(all))
		}
		rec := all[0]
		if rec.Partition != 1 || string(rec.Key) != "k" {
			t.Errorf("partition %d, key %q", rec.Partition, rec.Key)
		}
		if diff := cmp.Diff([]transform.Header{{Key: "traceparent", Value: []byte("00-a-b-01")}, {Key: "tracestate", Value: []byte("x=1")}}, rec.Headers); diff != "" {
			t.Errorf("headers (-want +got):\n%s", diff)
		}
		var fields map[string]any
		if err := json.Unmarshal(rec.Value, &fields); err != nil {
			t.Fatal(err)
		}
		if at, err := time.Parse(time.RFC3339, fmt.Sprint(fields["createdAt"])); err != nil || time.Since(at) > time.Minute {
			t.Errorf("createdAt %v", fields["createdAt"])
		}
		delete(fields, "createdAt")
		want := map[string]any{
			"eventId": "a", "contactId": 1.0, "contactUrl": "", "attempts": 1.0, "howKnown": "created", "topic": testTopic, "partition": 1.0, "offset": 0.0,
		}
		if diff := cmp.Diff(want, fields); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
		if n := counterValue(t, p.deps.metrics.results); n != 1 {
			t.Errorf("%v results are counted", n)
		}
		p.shutdown(t)
	})
}

func TestResultOfWhatWasLookedUpAndOfAReplay(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		r.resultTopic(1, nil)
		kept := []kafka.Header{{Key: header.Topic, Value: []byte("leads")}, {Key: header.Partition, Value: []byte("7")}, {Key: header.Offset, Value: []byte("42")}}
		r.produce(event("a"), message{value: `{"id":"a"}`, headers: kept})
		p := r.start(withResults)
		r.await("the commit", func() bool { return r.commits()[0].offset == 2 })
		all := r.results()
		if len(all) != 2 || all[0].HowKnown != "created" || all[1].HowKnown != "lookedUp" || all[1].Partition != 7 || all[1].Offset != 42 {
			t.Errorf("%+v", all)
		}
		p.shutdown(t)
	})
}

// A record whose result cannot be written is not committed, and a hold says why.
func TestResultThatCannotBeWrittenHolds(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		r.produce(event("a"), message{value: "no JSON"})
		p := r.start(withResults)
		r.awaitCreated("a")
		r.await("the hold", func() bool { return hasHold(p.Status(), HoldResults) })
		time.Sleep(stuckAfter + time.Minute) // virtual
		s := p.Status()
		if !s.Healthy || !s.Ready || !strings.Contains(s.Holds[0].Advice.String(), "KAFKA_RESULT_TOPIC") {
			t.Errorf("%+v", s)
		}
		if at := r.commits()[0].offset; at != 0 {
			t.Errorf("committed %d before the result is written", at)
		}
		if r.cluster.TopicInfo(testResults) != nil {
			t.Error("the result topic was made")
		}
		r.resultTopic(1, nil)
		r.await("the commit", func() bool { return r.commits()[0].offset == 2 })
		if hasHold(p.Status(), HoldResults) || len(r.results()) != 1 {
			t.Errorf("holds %v, results %v", p.Status().Holds, r.results())
		}
		p.shutdown(t)
		r.crm.once(t)
	}, kfake.AllowAutoTopicCreation())
}

// Results that come while a produce request is under way leave together in the next one.
func TestResultsAreBatched(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		r.resultTopic(1, nil)
		var produces atomic.Int32
		r.cluster.ControlKey(int16(kmsg.Produce), func(req kmsg.Request) (kmsg.Response, error, bool) {
			r.cluster.KeepControl()
			if req.(*kmsg.ProduceRequest).Topics[0].Topic == testResults {
				produces.Add(1)
				r.cluster.SleepControl(func() { time.Sleep(50 * time.Millisecond) })
			}
			return nil, nil, false
		})
		r.produce(events("e", 1000)...)
		began := time.Now()
		p := r.start(withResults)
		r.await("the commit", func() bool { return r.commits()[0].offset == 1000 })
		if n := produces.Load(); n > 20 {
			t.Errorf("%d produces for 1000 results", n)
		}
		if took := time.Since(began); took > 10*time.Second {
			t.Errorf("it took %v", took)
		}
		seen := map[string]int{}
		for _, one := range r.results() {
			seen[one.EventID]++
		}
		if len(seen) != 1000 {
			t.Errorf("%d events have a result", len(seen))
		}
		p.shutdown(t)
	})
}

// When a process ends between a contact and its result, the next owner writes the result.
func TestResultAfterACrash(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		r.resultTopic(1, nil)
		fault := r.cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: testResults, Err: kerr.NotEnoughReplicas, Count: -1})
		r.produce(event("a"))
		first := r.start(withResults, func(c *Config) { c.DrainTimeout = time.Second })
		r.await("the hold", func() bool { return hasHold(first.Status(), HoldResults) })
		first.shutdown(t)
		if at := r.commits()[0]; at.offset != 0 {
			t.Errorf("committed %d without the result", at.offset)
		}
		fault.Remove()
		second := r.start(withResults)
		r.await("the commit", func() bool { return r.commits()[0].offset == 1 })
		if all := r.results(); len(all) != 1 || all[0].HowKnown != "lookedUp" {
			t.Errorf("%+v", all)
		}
		second.shutdown(t)
		r.crm.once(t)
	})
}

func TestLapsedLeaseWritesNoResult(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		r.resultTopic(1, nil)
		cfg := r.config()
		withResults(&cfg)
		w := newResultWriter(cfg, func() error { return errLeaseLapsed }, newStatusBoard(cfg.Log))
		defer w.close()
		if err := w.write(t.Context(), 0, encodedResult{eventID: "a", value: []byte("{}")}); err == nil {
			t.Error("a result was written without a lease")
		}
		synctest.Wait()
		if n := len(r.records(testResults)); n != 0 {
			t.Errorf("%d results were written", n)
		}
	})
}

// A result that the broker refuses permanently loses no more than needed, and delays no other.
func TestRefusedResultIsLessened(t *testing.T) {
	for name, tt := range map[string]struct {
		settings map[string]string
		key      string
		want     string
	}{
		"no key into a compacted topic": {nil, "", "a"},
		"a huge key":                    {map[string]string{"max.message.bytes": "20000"}, strings.Repeat("k", 50_000), "a"},
		"huge trace headers":            {map[string]string{"max.message.bytes": "20000"}, "k", "k"},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, 1, func(t *testing.T, r *rig) {
				r.resultTopic(1, tt.settings)
				if tt.settings == nil {
					r.cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: testResults, Err: kerr.InvalidRecord, Count: 2})
				}
				state := strings.Repeat("s", 30_000)
				if tt.key != "k" {
					state = "s"
				}
				headers := []kafka.Header{{Key: "traceparent", Value: []byte("00")}, {Key: "tracestate", Value: []byte(state)}}
				messages := []message{{key: tt.key, value: `{"id":"a"}`, headers: headers}}
				if tt.settings != nil {
					messages = append(messages, message{key: "other", value: `{"id":"b"}`})
				}
				r.produce(messages...)
				p := r.start(withResults)
				r.await("the commit", func() bool { return r.commits()[0].offset == int64(len(messages)) })
				var got []string
				for _, rec := range r.records(testResults) {
					got = append(got, string(rec.Key))
				}
				if len(got) != len(messages) || !slices.Contains(got, tt.want) {
					t.Errorf("keys %.40q, want %q among them", got, tt.want)
				}
				p.shutdown(t)
			})
		})
	}
}

func TestTraceHeaders(t *testing.T) {
	t.Parallel()
	h := func(pairs ...string) []transform.Header {
		var all []transform.Header
		for i := 0; i < len(pairs); i += 2 {
			all = append(all, transform.Header{Key: pairs[i], Value: []byte(pairs[i+1])})
		}
		return all
	}
	for name, tt := range map[string]struct {
		rec  transform.Record
		want string
	}{
		"of the record":            {transform.Record{Headers: h("ce_traceparent", "event", "traceparent", "record", "tracestate", "s")}, "traceparent=record tracestate=s"},
		"of a binary CloudEvent":   {transform.Record{Headers: h("ce_traceparent", "event", "ce_tracestate", "s")}, "traceparent=event tracestate=s"},
		"of a structured one":      {transform.Record{Value: []byte(`{"specversion":"1.0","traceparent":"p","tracestate":"s","data":{}}`)}, "traceparent=p tracestate=s"},
		"of a lead's field":        {transform.Record{Value: []byte(`{"traceparent":"p"}`)}, ""},
		"none":                     {transform.Record{Value: []byte(`{"a":1}`), Headers: h("x", "y")}, ""},
		"a state without a parent": {transform.Record{Headers: h("tracestate", "s")}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, one := range traceHeaders(tt.rec) {
				got = append(got, one.Key+"="+string(one.Value))
			}
			if text := strings.Join(got, " "); text != tt.want {
				t.Errorf("got %q, want %q", text, tt.want)
			}
		})
	}
}

func TestPreflightLooksAtTheResultTopic(t *testing.T) {
	bubble(t, 2, func(t *testing.T, r *rig) {
		cfg := r.config()
		withResults(&cfg)
		findings := Preflight(t.Context(), cfg, false)
		if got := levels(findings); !strings.Contains(got, "fail topic leads.results: does not exist") {
			t.Errorf("got\n%s", got)
		}
		for _, f := range findings {
			if f.Level == "fail" && !strings.Contains(f.Remedy, "KAFKA_RESULT_TOPIC") {
				t.Errorf("remedy %q", f.Remedy)
			}
		}
		got := levels(Preflight(t.Context(), cfg, true))
		for _, line := range []string{"ok topic leads.results: 2 partitions, just made", "ok writing leads.results: allowed"} {
			if !strings.Contains(got, line) {
				t.Errorf("missing %q in\n%s", line, got)
			}
		}
	})
}

// A record whose worker was stopped while it wrote the result is a suspect for the next owner.
func TestResultCutShortLeavesASuspect(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		r.produce(event("a"))
		first := r.start(withResults, func(c *Config) { c.DrainTimeout = time.Second })
		r.awaitCreated("a")
		r.await("the hold", func() bool { return hasHold(first.Status(), HoldResults) })
		first.shutdown(t)
		r.resultTopic(1, nil)
		second := r.start(withResults)
		r.await("the second request", func() bool { return len(r.crm.asked("a")) == 2 })
		asked := r.crm.asked("a")[1]
		if !asked.Suspect || asked.SentBefore == nil || asked.SentBefore().IsZero() {
			t.Errorf("the next owner asks %+v", asked)
		}
		second.shutdown(t)
	})
}
