package crmclient_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/leadbridge/leadbridge/crmclient"
	"github.com/leadbridge/leadbridge/internal/tracing"
)

// TestBatchLinksToItsEvents has one batch for several events, each with a trace of its own: the request stands in the
// trace of one, and request and events name each other. Their wait for the slot is told apart from their work.
func TestBatchLinksToItsEvents(t *testing.T) {
	spans := tracetest.NewInMemoryExporter()
	tracer, err := tracing.New(tracing.Config{Exporter: spans})
	if err != nil {
		t.Fatal(err)
	}
	inBubble(t, slowPortal(), func(c *crmclient.Config) { oneSlot(c); c.Tracer = tracer }, func(w *world) {
		w.plug()
		var all []<-chan ended
		for n := range 3 {
			record := tracer.Record(tracing.Message{Topic: "leads", Offset: int64(n), Time: time.Now()}, time.Now())
			all = append(all, w.start(record.Context(w.t.Context()), lead(n)))
			later(0)
		}
		w.wantCreated(all)
	})
	named := map[string][]tracetest.SpanStub{}
	for _, s := range spans.GetSpans() {
		named[s.Name] = append(named[s.Name], s)
	}
	creates, waits, batches := named["create contacts"], named["wait crm"], named["POST /v1/batch"]
	if len(creates) != 3 || len(waits) != 3 || len(batches) != 1 {
		t.Fatalf("%d creates, %d waits, %d batches; want 3, 3, 1", len(creates), len(waits), len(batches))
	}
	batch := batches[0]
	traces := map[trace.TraceID]bool{}
	for _, create := range creates {
		traces[create.SpanContext.TraceID()] = true
		if !linksTo(batch, create.SpanContext) {
			t.Errorf("the batch has no link to the create of trace %s", create.SpanContext.TraceID())
		}
		if create.SpanContext.TraceID() != batch.SpanContext.TraceID() && !linksTo(create, batch.SpanContext) {
			t.Errorf("the create of trace %s has no link to its batch", create.SpanContext.TraceID())
		}
		if took := create.EndTime.Sub(create.StartTime); took < 100*time.Millisecond {
			t.Errorf("a create took %s, want the 100 ms of the portal at least", took)
		}
	}
	for _, wait := range waits {
		if took := wait.EndTime.Sub(wait.StartTime); took < 90*time.Millisecond {
			t.Errorf("a wait took %s, want the 100 ms that the slot was taken, or nearly", took)
		}
	}
	if len(traces) != 3 || !traces[batch.SpanContext.TraceID()] {
		t.Errorf("%d traces, want three, and the batch in one of them", len(traces))
	}
}

// TestLookUpForThePersonIsTraced has an event find its person's contact: that request stands in the event's trace, in
// which nothing tells of the person.
func TestLookUpForThePersonIsTraced(t *testing.T) {
	spans := tracetest.NewInMemoryExporter()
	tracer, err := tracing.New(tracing.Config{Exporter: spans})
	if err != nil {
		t.Fatal(err)
	}
	inBubble(t, portalWithField(), func(c *crmclient.Config) { matching(c); c.Tracer = tracer }, func(w *world) {
		w.card("Иван", "Петров", "+79160000001", "ivan@example.ru")
		record := tracer.Record(tracing.Message{Topic: "leads", Time: time.Now()}, time.Now())
		if e := <-w.start(record.Context(w.t.Context()), ivan(1)); e.err != nil || !e.result.Matched {
			w.t.Fatalf("Create = %+v", e)
		}
	})
	outcomes := map[string]string{}
	for _, s := range spans.GetSpans() {
		set := attribute.NewSet(s.Attributes...)
		outcome, _ := set.Value("leadbridge.outcome")
		outcomes[s.Name] = outcome.AsString()
		if told := fmt.Sprint(s.Name, s.Attributes); strings.Contains(told, "9160000001") || strings.Contains(told, "ivan@") {
			t.Errorf("a span tells of the person: %s", told)
		}
	}
	want := map[string]string{
		"wait crm": "", "create contacts": "matched", "POST /v1/batch": "done", "create deals": "created", "POST /v1/deals": "done",
	}
	if diff := cmp.Diff(want, outcomes); diff != "" {
		t.Errorf("outcomes by span (-want +got):\n%s", diff)
	}
}

func linksTo(s tracetest.SpanStub, to trace.SpanContext) bool {
	return slices.ContainsFunc(s.Links, func(l sdktrace.Link) bool { return l.SpanContext.Equal(to) })
}
