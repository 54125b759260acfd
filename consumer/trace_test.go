package consumer

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/leadbridge/leadbridge/crmclient"
	"github.com/leadbridge/leadbridge/internal/tracing"
	"github.com/leadbridge/leadbridge/transform"
)

// Each record has one span, which ends, and each of its waits has one: a record that waits for its backoff, one of the same
// person behind it, and one that is parked when the process stops.
func TestTraceTellsWaitsFromWork(t *testing.T) {
	spans := tracetest.NewInMemoryExporter()
	tracer, err := tracing.New(tracing.Config{Exporter: spans})
	if err != nil {
		t.Fatal(err)
	}
	bubble(t, 1, func(t *testing.T, r *rig) {
		r.primed()
		backoff := deferring("slow", crmclient.Deferred{Why: crmclient.WaitBackoff}, time.Minute)
		doubt := deferring("doubtful", crmclient.Deferred{Why: crmclient.WaitDoubt}, time.Hour)
		tried := false
		r.crm.setAnswer(func(ctx context.Context, q crmclient.Request) (crmclient.Result, error, bool) {
			if q.OriginID == "slow" && !tried {
				tried = true
				return backoff(ctx, q)
			}
			return doubt(ctx, q)
		})
		p := r.start(func(c *Config) { c.Tracer = tracer })
		r.produce(eventOf("slow", "+7900"), eventOf("behind", "+7900"), eventOf("doubtful", "+7901"), eventOf(skippedID))
		r.awaitCreated("slow", "behind")
		p.shutdown(t)
	})
	type recordTrace struct {
		outcome string
		waits   map[string]time.Duration
	}
	got, offsets := map[int64]recordTrace{}, map[string]int64{} // offsets are by the id of the record's span
	for _, s := range spans.GetSpans() {
		if s.Name == "process leads" {
			set := attribute.NewSet(s.Attributes...)
			offset, _ := set.Value("messaging.kafka.offset")
			outcome, _ := set.Value("leadbridge.outcome")
			got[offset.AsInt64()] = recordTrace{outcome.AsString(), map[string]time.Duration{}}
			offsets[s.SpanContext.SpanID().String()] = offset.AsInt64()
		}
	}
	for _, s := range spans.GetSpans() {
		if offset, ok := offsets[s.Parent.SpanID().String()]; ok {
			got[offset].waits[s.Name] += s.EndTime.Sub(s.StartTime).Round(time.Second)
		}
	}
	if diff := cmp.Diff(map[int64]recordTrace{
		0: {"created", map[string]time.Duration{"wait backoff": time.Minute}},
		1: {"created", map[string]time.Duration{"wait order": time.Minute}},
		2: {"left", map[string]time.Duration{"wait doubt": time.Minute}},
		3: {"mapping", map[string]time.Duration{}},
	}, got, cmp.AllowUnexported(recordTrace{})); diff != "" {
		t.Errorf("traces (-want +got):\n%s", diff)
	}
}

// A record that waits for its schema has one span, with that wait. The span names the event once the record can be read.
func TestTraceOfAnEventWhoseSchemaComesLater(t *testing.T) {
	spans := tracetest.NewInMemoryExporter()
	tracer, err := tracing.New(tracing.Config{Exporter: spans})
	if err != nil {
		t.Fatal(err)
	}
	bubble(t, 1, func(t *testing.T, r *rig) {
		r.primed()
		s := newFakeSchemas()
		p := r.startReading(s, r.crm, func(c *Config) { c.Tracer = tracer })
		r.produce(event("framed"), message{value: `{"id":"` + skippedID + `","framed":true}`})
		r.await("parked", func() bool { return p.parkedWhy()[waitSchema] == 2 })
		time.Sleep(time.Minute)
		s.come()
		r.await("all committed", func() bool { return r.commits()[0].offset == 2 })
		s.goAway()
		r.produce(event("framed-for-the-next"))
		r.await("parked", func() bool { return p.parkedWhy()[waitSchema] == 1 })
		p.shutdown(t)
	})
	type recordTrace struct {
		outcome, event string
		waited         time.Duration
	}
	got, offsets := map[int64]recordTrace{}, map[trace.SpanID]int64{}
	for _, s := range spans.GetSpans() {
		if s.Name == "process leads" {
			set := attribute.NewSet(s.Attributes...)
			offset, _ := set.Value("messaging.kafka.offset")
			outcome, _ := set.Value("leadbridge.outcome")
			event, _ := set.Value("leadbridge.event")
			got[offset.AsInt64()] = recordTrace{outcome: outcome.AsString(), event: event.AsString()}
			offsets[s.SpanContext.SpanID()] = offset.AsInt64()
		}
	}
	for _, s := range spans.GetSpans() {
		if offset, ok := offsets[s.Parent.SpanID()]; ok && s.Name == "wait schema" {
			of := got[offset]
			of.waited += s.EndTime.Sub(s.StartTime).Round(time.Second)
			got[offset] = of
		}
	}
	if diff := cmp.Diff(map[int64]recordTrace{
		0: {"created", transform.PublicID("framed"), time.Minute},
		1: {"mapping", transform.PublicID(skippedID), time.Minute},
		2: {"left", "", 0},
	}, got, cmp.AllowUnexported(recordTrace{})); diff != "" {
		t.Errorf("traces (-want +got):\n%s", diff)
	}
}
