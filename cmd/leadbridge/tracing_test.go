package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/leadbridge/leadbridge/consumer"
	"github.com/leadbridge/leadbridge/crmclient/crmtest"
	"github.com/leadbridge/leadbridge/internal/cluster"
	"github.com/leadbridge/leadbridge/transform"
)

// collector takes spans by OTLP/HTTP.
type collector struct {
	url string

	mu    sync.Mutex
	raw   bytes.Buffer // all bodies
	heads []http.Header
	spans []*tracepb.Span
	of    map[string]string // service.name by span id
}

func startCollector(t *testing.T) *collector {
	t.Helper()
	c := &collector{of: map[string]string{}}
	server := httptest.NewServer(c)
	t.Cleanup(server.Close)
	c.url = server.URL
	return c
}

func (c *collector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	var data tracepb.TracesData
	if err != nil || r.URL.Path != "/v1/traces" || r.Header.Get("Content-Type") != "application/x-protobuf" || proto.Unmarshal(body, &data) != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.raw.Write(body)
	c.heads = append(c.heads, r.Header)
	for _, resource := range data.ResourceSpans {
		service := ""
		for _, a := range resource.Resource.Attributes {
			if a.Key == "service.name" {
				service = a.Value.GetStringValue()
			}
		}
		for _, scope := range resource.ScopeSpans {
			for _, s := range scope.Spans {
				c.spans = append(c.spans, s)
				c.of[string(s.SpanId)] = service
			}
		}
	}
}

// tree writes the spans of a trace, each below its parent, as "service: name", by their beginnings. What is done again,
// such as a look-up, is told once.
func (c *collector) tree(traceID string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var b strings.Builder
	var below func(parents []string, depth int)
	below = func(parents []string, depth int) {
		var names []string
		named := map[string][]string{} // the ids of spans by name
		for _, s := range c.spans {
			if hex.EncodeToString(s.TraceId) == traceID && slices.Contains(parents, hex.EncodeToString(s.ParentSpanId)) {
				name := c.of[string(s.SpanId)] + ": " + s.Name
				if named[name] == nil {
					names = append(names, name)
				}
				named[name] = append(named[name], hex.EncodeToString(s.SpanId))
			}
		}
		for _, name := range names {
			fmt.Fprintf(&b, "%s%s\n", strings.Repeat("  ", depth), name)
			below(named[name], depth+1)
		}
	}
	slices.SortStableFunc(c.spans, func(a, b *tracepb.Span) int { return cmp.Compare(a.StartTimeUnixNano, b.StartTimeUnixNano) })
	below([]string{senderSpan}, 0)
	return b.String()
}

func (c *collector) bodies() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.raw.String()
}

// The context that senders of the tests give: three leads, one span each.
const (
	traceOne   = "0af7651916cd43dd8448eb211c80319c"
	traceTwo   = "1bf7651916cd43dd8448eb211c80319c"
	traceThree = "2cf7651916cd43dd8448eb211c80319c"
	senderSpan = "b7ad6b7169203331"
)

func traceparent(id string) string { return "00-" + id + "-" + senderSpan + "-01" }

// traced are the variables that have a command trace to the collector.
func (c *collector) env(more map[string]string) map[string]string {
	env := map[string]string{
		"OTEL_EXPORTER_OTLP_ENDPOINT": c.url, "OTEL_BSP_SCHEDULE_DELAY": "50", "OTEL_EXPORTER_OTLP_HEADERS": "x-api-key=collector%20key",
		"OTEL_EXPORTER_OTLP_COMPRESSION": "none", "OTEL_RESOURCE_ATTRIBUTES": "deployment.environment.name=test",
	}
	maps.Copy(env, more)
	return env
}

// headersOf returns a header's values in all records of a topic.
func (r *rig) headersOf(t *testing.T, topic, key string) (values []string) {
	t.Helper()
	log := consumer.NewLog(cluster.Brokers{Addresses: r.cluster.ListenAddrs()}, topic)
	defer log.Close()
	bounds, err := log.Bounds(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for id, b := range bounds {
		for at := b.First; at < b.End; {
			var records []transform.Record
			if records, at, err = log.Read(t.Context(), id, at, 1<<20); err != nil {
				t.Fatal(err)
			}
			for _, rec := range records {
				for _, h := range rec.Headers {
					if h.Key == key {
						values = append(values, string(h.Value))
					}
				}
			}
		}
	}
	return values
}

// TestOneTraceFromTheSenderToTheContact follows a lead that becomes a contact, and one that becomes a letter and is
// replayed, in the traces that their senders began; nothing that was planted in them is in a span.
func TestOneTraceFromTheSenderToTheContact(t *testing.T) {
	t.Parallel()
	r, c := newRig(t, crmtest.Options{UserFields: true}, "leads", "leads.dlt", "leads.results"), startCollector(t)
	gate := startGate(t, r, c.env(nil))

	good := `{"first":"Plantedname","mail":"planted@example.com"}`
	bad := `{"name":"Plantedname","phone":"1234","n":7}`
	for _, hook := range []struct {
		path, body string
		headers    []string
	}{
		{"/hooks/site", good, append(signed(t, "planted-event-id", good), "traceparent", traceparent(traceOne), "tracestate", "vendor=1")},
		{"/hooks/form", bad, []string{"traceparent", traceparent(traceTwo)}},
	} {
		if resp, text := gate.post(t, hook.path, "application/json", hook.body, hook.headers...); resp.StatusCode != http.StatusAccepted {
			t.Fatalf("%s: %d %s", hook.path, resp.StatusCode, text)
		}
	}
	// They were there before the group: it looks them up.
	service := startService(t, r.env(c.env(map[string]string{"KAFKA_RESULT_TOPIC": "leads.results"})))
	eventually(t, "a contact and a letter", func() bool {
		_, metrics := service.get("/metrics")
		return strings.Contains(metrics, `leadbridge_dead_letters_total{reason="NO_CONTACT_POINT"} 1`) && strings.Contains(metrics, "leadbridge_results_total 1")
	})
	if code, out, errs := inProcess(c.env(r.brokers()), "", "dlt", "replay", "--edit", mendData); code != exitOK {
		t.Fatalf("replay: %d %s %s", code, out, errs)
	}
	eventually(t, "the second contact", func() bool {
		_, metrics := service.get("/metrics")
		return strings.Contains(metrics, "leadbridge_results_total 2")
	})
	exemplars := service.openMetrics(t)
	stop(t, service)
	stop(t, gate)

	for id, want := range map[string]string{traceOne: traceOfContact, traceTwo: traceOfLetter} {
		if got := withoutTiming(c.tree(id)); got != strings.TrimLeft(want, "\n") {
			t.Errorf("trace %s:\n%s\nwant:%s", id, got, want)
		}
	}
	for _, topic := range []string{"leads", "leads.dlt", "leads.results"} {
		for _, parent := range r.headersOf(t, topic, "traceparent") {
			if !strings.Contains(parent, traceOne) && !strings.Contains(parent, traceTwo) || strings.Contains(parent, senderSpan) {
				t.Errorf("%s: traceparent %s is not that of a span of ours in a sender's trace", topic, parent)
			}
		}
	}
	if got := r.headersOf(t, "leads.results", "tracestate"); !slices.Contains(got, "vendor=1") {
		t.Errorf("tracestate of results: %q", got)
	}
	for _, name := range []string{"leadbridge_event_latency_seconds_bucket", "leadbridge_crm_request_duration_seconds_bucket"} {
		if !hasExemplar(exemplars, name, traceOne, traceTwo) {
			t.Errorf("%s has no exemplar of a trace", name)
		}
	}
	for _, h := range c.heads {
		if h.Get("X-Api-Key") != "collector key" {
			t.Errorf("headers of an export: %v", h)
		}
	}
	for what, text := range map[string]string{"spans": c.bodies(), "gate's log": gate.stderr(), "service's log": service.stderr()} {
		for _, planted := range []string{"lantedname", "planted@", "planted-event", "1234567", "+7916", "collector key", "vibe_api"} {
			if strings.Contains(text, planted) {
				t.Errorf("%s: %q was planted, and is told", what, planted)
			}
		}
	}
}

// withoutTiming leaves out of a tree what there is only when things go fast, or slowly: a wait until an absence counts,
// and the reading of objects as long as look-ups cannot be tried with one. In virtual time they are always there:
// service.TestWholeTraceOfASuspect.
func withoutTiming(tree string) string {
	var b strings.Builder
	for line := range strings.Lines(tree) {
		if !strings.HasSuffix(line, ": wait suspect\n") && !strings.HasSuffix(line, ": POST /v1/contacts/search\n") {
			b.WriteString(line)
		}
	}
	return b.String()
}

const mendData = `.data.phone = "+79161234567"`

const traceOfContact = `
leadbridge-ingest: POST /hooks/{source}
  leadbridge-ingest: send leads
    leadbridge: process leads
      leadbridge: wait topic
      leadbridge: wait crm
      leadbridge: look up contacts
        leadbridge: POST /v1/batch
      leadbridge: create contacts
        leadbridge: POST /v1/contacts
      leadbridge: send leads.results
`

const traceOfLetter = `
leadbridge-ingest: POST /hooks/{source}
  leadbridge-ingest: send leads
    leadbridge: process leads
      leadbridge: wait topic
      leadbridge: send leads.dlt
        leadbridge-dlt: send leads
          leadbridge: process leads
            leadbridge: wait topic
            leadbridge: wait crm
            leadbridge: look up contacts
              leadbridge: POST /v1/batch
            leadbridge: create contacts
              leadbridge: POST /v1/contacts
            leadbridge: send leads.results
`

// openMetrics are the metrics in the form that has exemplars.
func (s server) openMetrics(t *testing.T) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+"/metrics", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Accept", "application/openmetrics-text; version=1.0.0")
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func hasExemplar(metrics, name string, traces ...string) bool {
	for line := range strings.Lines(metrics) {
		if _, exemplar, ok := strings.Cut(line, " # "); ok && strings.HasPrefix(line, name) {
			return slices.ContainsFunc(traces, func(id string) bool { return strings.Contains(exemplar, `trace_id="`+id+`"`) })
		}
	}
	return false
}

// TestContextIsHandedOnWithoutTracing has a sender's trace go on through topic and result though nothing is traced.
func TestContextIsHandedOnWithoutTracing(t *testing.T) {
	t.Parallel()
	r := newRig(t, crmtest.Options{UserFields: true}, "leads", "leads.dlt", "leads.results")
	gate, service := startGate(t, r, nil), startService(t, r.env(map[string]string{"KAFKA_RESULT_TOPIC": "leads.results"}))
	gate.post(t, "/hooks/form", "application/json", `{"email":"a@example.com"}`, "traceparent", traceparent(traceOne))
	gate.post(t, "/hooks/form", "application/json", `{"email":"b@example.com"}`, "traceparent", "a@example.com")
	eventually(t, "two contacts", func() bool {
		_, metrics := service.get("/metrics")
		return strings.Contains(metrics, "leadbridge_results_total 2")
	})
	stop(t, service)
	stop(t, gate)
	for _, topic := range []string{"leads", "leads.results"} {
		if got := r.headersOf(t, topic, "traceparent"); !slices.Equal(got, []string{traceparent(traceOne)}) {
			t.Errorf("%s: traceparent %q, want that of the sender once", topic, got)
		}
	}
}

// TestSamplingFollowsTheSender keeps the traces that senders sample, and of others none when the sampler says so.
func TestSamplingFollowsTheSender(t *testing.T) {
	t.Parallel()
	r, c := newRig(t, crmtest.Options{UserFields: true}, "leads", "leads.dlt"), startCollector(t)
	never := map[string]string{"OTEL_TRACES_SAMPLER": "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0"}
	gate, service := startGate(t, r, c.env(never)), startService(t, r.env(c.env(never)))
	notSampled := strings.TrimSuffix(traceparent(traceTwo), "1") + "0"
	for i, parent := range []string{traceparent(traceOne), notSampled, ""} {
		gate.post(t, "/hooks/form", "application/json", fmt.Sprintf(`{"email":"a%d@example.com"}`, i), "traceparent", parent)
	}
	eventually(t, "three contacts", func() bool { return r.crm.Count() == 3 })
	stop(t, service)
	stop(t, gate)
	if c.tree(traceOne) == "" {
		t.Error("the trace that its sender samples is not there")
	}
	for _, s := range c.spans {
		if id := hex.EncodeToString(s.TraceId); id != traceOne {
			t.Errorf("a span %q of trace %s, which nobody samples", s.Name, id)
		}
	}
	if got := r.headersOf(t, "leads", "traceparent"); len(got) != 3 || !slices.ContainsFunc(got, func(p string) bool {
		return strings.Contains(p, traceTwo) && strings.HasSuffix(p, "-00")
	}) {
		t.Errorf("traceparents %q, want three, that of the second lead not sampled", got)
	}
}

// TestDeadCollectorKeepsNobody delivers and stops as if the collector were there, and says once that it is not.
func TestDeadCollectorKeepsNobody(t *testing.T) {
	t.Parallel()
	r, c := newRig(t, crmtest.Options{UserFields: true}, "leads", "leads.dlt"), startCollector(t)
	answers := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadRequest) }))
	t.Cleanup(answers.Close)
	hangs, release := context.WithCancel(context.Background())
	hanging := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-hangs.Done() }))
	t.Cleanup(func() { release(); hanging.Close() })
	for i, endpoint := range []string{answers.URL, hanging.URL, "http://127.0.0.1:1"} {
		service := startService(t, r.env(c.env(map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint, "OTEL_EXPORTER_OTLP_TIMEOUT": "300"})))
		r.produce(t, fmt.Sprintf(`{"email":"a%d@example.com"}`, i))
		eventually(t, "the contact", func() bool { return r.crm.Count() == i+1 })
		service.await(t, "spans are dropped, as the collector does not take them")
		stop(t, service)
		if log := service.stderr(); strings.Contains(log, "traces export") || strings.Contains(log, endpoint) {
			t.Errorf("%s:\n%s", endpoint, log)
		}
	}
}

// TestTracingFaults names what cannot be used, and nothing that is secret.
func TestTracingFaults(t *testing.T) {
	t.Parallel()
	const endpoint = "OTEL_EXPORTER_OTLP_ENDPOINT"
	for variable, env := range map[string]map[string]string{
		endpoint:                        {endpoint: "secretcollector:4317"},
		"OTEL_EXPORTER_OTLP_PROTOCOL":   {endpoint: "http://c:4317", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"},
		"OTEL_EXPORTER_OTLP_HEADERS":    {endpoint: "http://c:4318", "OTEL_EXPORTER_OTLP_HEADERS": "secret"},
		"OTEL_EXPORTER_OTLP_TIMEOUT":    {endpoint: "http://c:4318", "OTEL_EXPORTER_OTLP_TIMEOUT": "10s"},
		"OTEL_EXPORTER_OTLP_CLIENT_KEY": {endpoint: "http://c:4318", "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE": "secret.pem"},
		"OTEL_TRACES_SAMPLER":           {endpoint: "http://c:4318", "OTEL_TRACES_SAMPLER": "jaeger_remote"},
		"OTEL_TRACES_SAMPLER_ARG":       {endpoint: "http://c:4318", "OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "12"},
		"OTEL_RESOURCE_ATTRIBUTES":      {endpoint: "http://c:4318", "OTEL_RESOURCE_ATTRIBUTES": "secret"},
		"OTEL_EXPORTER_OTLP_CERTIFICATE": {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://c:4318/x",
			"OTEL_EXPORTER_OTLP_CERTIFICATE": "no-such-file.pem"},
	} {
		env["CRM_API_KEY"] = "vibe_api_good"
		code, _, stderr := inProcess(env, "", "run")
		if code != exitUsage || !strings.Contains(stderr, "1 setting cannot be used") || !strings.Contains(stderr, "  "+variable+"  ") || strings.Contains(stderr, "secret") {
			t.Errorf("%s: exit %d\n%s", variable, code, stderr)
		}
	}
}
