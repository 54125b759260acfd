package webhook

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestOutputOfSources(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]Output{
		"sources: [{name: a, topic: two}, {name: b}, {name: c, topic: one}, {name: d, topic: two}]": {Topics: []string{"one", "two"}},
		"sources: [{name: a, schema: 17}, {name: b, schema: 3}, {name: c, schema: 17}]":             {Schemas: []uint32{3, 17}},
		"sources: [{name: a, verify: {type: none}}]":                                                {},
		"": {},
	} {
		if got, err := OutputOf([]byte(text)); err != nil || !slices.Equal(got.Topics, want.Topics) || !slices.Equal(got.Schemas, want.Schemas) {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
	}
	for _, text := range []string{"sources: [{name: a, topic: 'x y'}]", "sources: [{name: a, schema: leads-value}]", "sources: [{name: a, schema: 0}]", "sources: {a: b}"} {
		if got, err := OutputOf([]byte(text)); err == nil {
			t.Errorf("%s: %+v, want an error", text, got)
		}
	}
}

// TestSourcesWithTopics write to their own; one whose topic is missing is answered 503, and the gate is ready for the others.
func TestSourcesWithTopics(t *testing.T) {
	t.Parallel()
	r := newRig(t, `
sources:
  - {name: one, verify: {type: none}}
  - {name: two, verify: {type: none}, topic: leads.two}
  - {name: lost, verify: {type: none}, topic: leads.none}
`, func(c *Config) { c.AckTimeout = 2 * time.Second })
	if err := r.cluster.CreateTopic("leads.two", 1, nil); err != nil {
		t.Fatal(err)
	}
	for _, source := range []string{"one", "two", "two"} {
		for { // a topic that was just made is noticed by and by
			a := r.post("/hooks/"+source, mediaJSON, `{"email":"person@example.com"}`)
			if a.status == http.StatusAccepted {
				break
			}
			if a.status != http.StatusServiceUnavailable {
				t.Fatalf("%s: %d %s", source, a.status, a.body)
			}
		}
	}
	if a := r.post("/hooks/lost", mediaJSON, `{"email":"person@example.com"}`); a.status != http.StatusServiceUnavailable {
		t.Errorf("a source whose topic is missing: %d", a.status)
	}
	for topic, want := range map[string]int64{testTopic: 1, "leads.two": 2} {
		got := int64(0)
		for _, p := range r.cluster.PartitionInfos(topic) {
			got += p.HighWatermark
		}
		if got != want {
			t.Errorf("%s has %d events, want %d", topic, got, want)
		}
	}
	if err := r.gate.Ready(); err != nil {
		t.Errorf("the gate is not ready: %v", err)
	}
	if !strings.Contains(r.logs.String(), `"topic":"leads.none"`) {
		t.Error("the log does not name the topic that is missing")
	}
}

func TestTopicThatCannotBeOne(t *testing.T) {
	t.Parallel()
	_, err := ParseSources([]byte("sources: [{name: a, verify: {type: none}, topic: 'x/y'}]"), environment(testSecrets))
	if err == nil || !strings.Contains(err.Error(), "is not the name of a topic") {
		t.Errorf("got %v", err)
	}
}
