package service

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/leadbridge/leadbridge/internal/tracing"
)

// TestWholeTraceOfASuspect starts a new group before a lead that was there already, with nothing of ours in the portal:
// every span of it is there, its parent and how long it waited. That of processes that talk over real connections, where
// it depends on the machine whether some of the waits occur, is cmd/leadbridge's TestOneTraceFromTheSenderToTheContact.
func TestWholeTraceOfASuspect(t *testing.T) {
	t.Parallel()
	spans := tracetest.NewInMemoryExporter()
	tracer, err := tracing.New(tracing.Config{Exporter: spans})
	if err != nil {
		t.Fatal(err)
	}
	bubble(t, []string{testTopic, testLetters, testResults}, func(r *rig) {
		r.produce(leads(0, 1)...)
		later(3)
		s := r.start(func(c *Config) {
			c.Consumer.ResultTopic, c.Tracer = testResults, tracer
		})
		later(30)
		s.stop()
	})
	if got := treeOf(spans.GetSpans()); got != strings.TrimLeft(wholeTrace, "\n") {
		t.Errorf("the trace:\n%s\nwant:%s", got, wholeTrace)
	}
}

const wholeTrace = `
process leads
  wait topic 3s
  wait crm 0s
  look up contacts
    POST /v1/contacts/search
    POST /v1/contacts/search
  wait suspect 5s
  wait crm 0s
  look up contacts
    POST /v1/contacts/search
    POST /v1/contacts/search
  wait crm 0s
  create contacts
    POST /v1/contacts
  send leads.results
`

// treeOf writes spans, each below its parent, by their beginnings; waits with their seconds.
func treeOf(spans tracetest.SpanStubs) string {
	var b strings.Builder
	slices.SortStableFunc(spans, func(a, b tracetest.SpanStub) int { return a.StartTime.Compare(b.StartTime) })
	var below func(parent trace.SpanID, depth int)
	below = func(parent trace.SpanID, depth int) {
		for _, s := range spans {
			if s.Parent.SpanID() != parent {
				continue
			}
			fmt.Fprint(&b, strings.Repeat("  ", depth), s.Name)
			if took := s.EndTime.Sub(s.StartTime); strings.HasPrefix(s.Name, "wait ") {
				fmt.Fprint(&b, " ", took.Round(time.Second))
			}
			fmt.Fprintln(&b)
			below(s.SpanContext.SpanID(), depth+1)
		}
	}
	below(trace.SpanID{}, 0)
	return b.String()
}
