package tracing

import (
	"context"
	"errors"
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

// TestOffCostsNothing goes a lead's whole way without a tracer: nothing is allocated for it.
func TestOffCostsNothing(t *testing.T) {
	var tracer *Tracer
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/hooks/site", http.NoBody)
	histogram := prometheus.NewHistogram(prometheus.HistogramOpts{Name: "h"})
	headers := []kafka.Header{{Key: "content-type"}}
	ctx, failed := context.Background(), errors.New("failed")
	allocated := testing.AllocsPerRun(100, func() {
		hook := tracer.Hook(r, "site")
		send := hook.Send("leads")
		HookHeaders(send, r)
		send.Headers(headers)
		send.End(failed)
		hook.Outcome("taken")
		hook.Observe(histogram, 1)
		hook.End(nil)

		record := tracer.Record(Message{}, time.Time{})
		record.Waits("order")
		record.Goes()
		within := record.Context(ctx)
		call := tracer.Call(within, "create", "contacts")
		request := tracer.Request(nil)
		request.Answered(200, "done", "")
		call.End("created")
		record.Send("leads.dlt").End(nil)
		record.Observe(histogram, 1)
		record.Close("created")

		replay := tracer.Replay()
		replay.Send(nil, "leads", 1).End(nil)
		replay.End(1, nil)
		tracer.Stop(ctx)
	})
	if allocated > 0 {
		t.Errorf("%v allocations for a lead that is not traced", allocated)
	}
}

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

func traced(t *testing.T) (*Tracer, *tracetest.InMemoryExporter) {
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
	tracer, spans := traced(t)
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
