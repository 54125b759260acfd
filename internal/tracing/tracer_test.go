package tracing

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/segmentio/kafka-go"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
)

// A journey is what the gate and the service do for one lead that becomes a contact, as far as it is traced.
type journey struct {
	ctx     context.Context
	webhook *http.Request
	crm     *url.URL
	headers []kafka.Header
	calls   []*Call
	latency prometheus.Histogram
}

func newJourney(tb testing.TB) *journey {
	tb.Helper()
	crm, err := url.Parse("https://crm.example/v1/contacts")
	if err != nil {
		tb.Fatal(err)
	}
	return &journey{
		ctx:     context.Background(),
		webhook: httptest.NewRequestWithContext(tb.Context(), http.MethodPost, "/hooks/site", http.NoBody),
		crm:     crm,
		headers: []kafka.Header{{Key: "content-type"}},
		calls:   make([]*Call, 1),
		latency: prometheus.NewHistogram(prometheus.HistogramOpts{Name: "h"}),
	}
}

// traced takes a lead through it: a webhook, its record, which waits, one request to the CRM, and a result.
func (j *journey) traced(tracer *Tracer) {
	hook := tracer.Hook(j.webhook, "site")
	send := hook.Send("leads")
	HookHeaders(send, j.webhook)
	parent := send.Headers(j.headers)
	send.End(nil)
	hook.Outcome("taken")
	hook.Observe(j.latency, 1)
	hook.End(nil)

	record := tracer.Record(Message{Topic: "leads", Group: "g", Parent: parent, ID: "hash"}, time.Time{})
	record.Waits("crm")
	record.Goes()
	j.calls[0] = tracer.Call(record.Context(j.ctx), "create", "contacts")
	request := tracer.Request(j.calls)
	request.To(http.MethodPost, j.crm, "/v1/contacts")
	request.Answered(http.StatusCreated, "done", "")
	j.calls[0].End("created")
	record.Send("leads.results").End(nil)
	record.Observe(j.latency, 1)
	record.Close("created")
}

// TestOffCostsNothing goes a lead's whole way without a tracer, and that of a replay: nothing is allocated for them.
func TestOffCostsNothing(t *testing.T) {
	var tracer *Tracer
	j := newJourney(t)
	allocated := testing.AllocsPerRun(100, func() {
		j.traced(tracer)
		replay := tracer.Replay()
		replay.Send(nil, "leads", 1).End(nil)
		replay.End(1, nil)
		tracer.Stop(j.ctx)
	})
	if allocated > 0 {
		t.Errorf("%v allocations for a lead that is not traced", allocated)
	}
}

// BenchmarkLead is what tracing adds to one lead: when it is off, when the lead is not sampled, and when it is.
func BenchmarkLead(b *testing.B) {
	for _, mode := range []struct{ name, sampler string }{{"off", ""}, {"not sampled", "always_off"}, {"sampled", "always_on"}} {
		b.Run(mode.name, func(b *testing.B) {
			var tracer *Tracer
			if mode.sampler != "" {
				sampler, err := NewSampler(mode.sampler, "")
				if err != nil {
					b.Fatal(err)
				}
				if tracer, err = New(Config{Exporter: discarded{}, Sampler: sampler}); err != nil {
					b.Fatal(err)
				}
			}
			j := newJourney(b)
			b.ReportAllocs()
			for b.Loop() {
				j.traced(tracer)
			}
		})
	}
}

// discarded takes spans and keeps none.
type discarded struct{}

func (discarded) ExportSpans(context.Context, []sdktrace.ReadOnlySpan) error { return nil }
func (discarded) Shutdown(context.Context) error                             { return nil }

// TestContextOfStrangersIsChecked hands only a valid context on.
func TestContextOfStrangersIsChecked(t *testing.T) {
	const valid = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	for name, test := range map[string]struct {
		parent, state string
		want          []string
	}{
		"valid":          {valid, "a=1,b=2", []string{valid, "a=1,b=2"}},
		"no state":       {valid, "", []string{valid}},
		"state of words": {valid, "anna@example.com", []string{valid}},
		"a long state":   {valid, "a=" + string(make([]byte, 600)), []string{valid}},
		"words":          {"anna@example.com", "a=1", nil},
		"all zero":       {"00-00000000000000000000000000000000-0000000000000000-01", "", nil},
		"none":           {"", "a=1", nil},
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/hooks/site", http.NoBody)
		r.Header.Set("Traceparent", test.parent)
		r.Header.Set("Tracestate", test.state)
		var got []string
		for _, h := range HookHeaders(nil, r) {
			got = append(got, string(h.Value))
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}

func newTracer(t *testing.T) (*Tracer, *tracetest.InMemoryExporter) {
	t.Helper()
	spans := tracetest.NewInMemoryExporter()
	tracer, err := New(Config{Exporter: spans})
	if err != nil {
		t.Fatal(err)
	}
	return tracer, spans
}

// TestConventions compares what spans tell with OpenTelemetry's conventions for HTTP and messaging.
func TestConventions(t *testing.T) {
	tracer, spans := newTracer(t)
	r := httptest.NewRequestWithContext(t.Context(), "FOO", "/hooks/site?token=secret", http.NoBody)
	hook := tracer.Hook(r, "site")
	hook.Answer(httptest.NewRecorder()).WriteHeader(http.StatusServiceUnavailable)
	send := hook.Send("leads")
	record := tracer.Record(Message{Topic: "leads", Partition: 3, Offset: 14, Group: "g", Parent: send.Headers(nil), ID: "hash"}, time.Now())
	call := tracer.Call(record.Context(t.Context()), "create", "contacts")
	address, _ := url.Parse("https://crm.example/v1/contacts")
	request := tracer.Request([]*Call{call})
	request.To("POST", address, "/v1/contacts")
	request.Answered(429, "throttled", "RATE_LIMITED")
	call.End("unsent")
	record.Close("left")
	send.End(kafka.MessageSizeTooLarge)
	hook.End(nil)

	want := map[string]map[string]string{
		"_OTHER /hooks/{source}": {"http.request.method": "_OTHER", "http.route": "/hooks/{source}", "url.path": "/hooks/site", "url.scheme": "http",
			"http.response.status_code": "503", "error.type": "503", "leadbridge.source": "site"},
		"send leads": {"messaging.system": "kafka", "messaging.operation.name": "send", "messaging.operation.type": "send",
			"messaging.destination.name": "leads", "error.type": "Message Size Too Large"},
		"process leads": {"messaging.system": "kafka", "messaging.operation.name": "process", "messaging.operation.type": "process",
			"messaging.destination.name": "leads", "messaging.destination.partition.id": "3", "messaging.consumer.group.name": "g",
			"messaging.kafka.offset": "14", "leadbridge.event": "hash", "leadbridge.outcome": "left", "leadbridge.replays": "0"},
		"POST /v1/contacts": {"http.request.method": "POST", "url.template": "/v1/contacts", "url.full": "https://crm.example/v1/contacts",
			"server.address": "crm.example", "server.port": "443", "http.response.status_code": "429", "error.type": "429",
			"leadbridge.outcome": "throttled", "leadbridge.crm.code": "RATE_LIMITED", "leadbridge.events": "1"},
	}
	for _, s := range spans.GetSpans() {
		attributes, known := want[s.Name]
		if !known {
			continue
		}
		delete(want, s.Name)
		got := map[string]string{}
		for _, a := range s.Attributes {
			got[string(a.Key)] = a.Value.String()
		}
		for key, value := range attributes {
			if got[key] != value {
				t.Errorf("%s: %s is %q, want %q", s.Name, key, got[key], value)
			}
			delete(got, key)
		}
		if len(got) > 0 {
			t.Errorf("%s: tells %v, too", s.Name, got)
		}
		if failed := attributes["error.type"] != ""; failed != (s.Status.Code == codes.Error) || s.Status.Description != "" {
			t.Errorf("%s: status %v", s.Name, s.Status)
		}
	}
	if len(want) > 0 {
		t.Errorf("no spans for %v", want)
	}
}

// TestSamplers reads the standard samplers.
func TestSamplers(t *testing.T) {
	for name, want := range map[string]string{
		"": sdktrace.ParentBased(sdktrace.AlwaysSample()).Description(), "parentbased_always_on": sdktrace.ParentBased(sdktrace.AlwaysSample()).Description(),
		"always_on": sdktrace.AlwaysSample().Description(), "always_off": sdktrace.NeverSample().Description(),
		"traceidratio": sdktrace.TraceIDRatioBased(.25).Description(), "parentbased_traceidratio": sdktrace.ParentBased(sdktrace.TraceIDRatioBased(.25)).Description(),
		"parentbased_always_off": sdktrace.ParentBased(sdktrace.NeverSample()).Description(),
	} {
		s, err := NewSampler(name, "0.25")
		if got := s.sampler().Description(); err != nil || got != want {
			t.Errorf("%s: %s, %v; want %s", name, got, err, want)
		}
	}
	for _, argument := range []string{"-1", "2", "NaN", "half"} {
		if _, err := NewSampler("traceidratio", argument); err == nil {
			t.Errorf("%s was taken for a ratio", argument)
		}
	}
}
