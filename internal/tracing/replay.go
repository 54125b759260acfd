package tracing

import (
	"context"

	"github.com/segmentio/kafka-go"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"
)

// Replay is the trace of one run of a replay. The methods of a nil Replay do nothing.
type Replay struct{ run *Span }

// Replay begins the trace of a run.
func (t *Tracer) Replay() *Replay {
	if t == nil {
		return nil
	}
	_, run := t.start(context.Background(), "replay", trace.SpanKindInternal)
	return &Replay{run}
}

// Send begins the span of an event that is put back into its topic. It stands in the trace that its letter names, and has a
// link to the run.
func (r *Replay) Send(letter []kafka.Header, topic string, replays int) *Span {
	if r == nil {
		return nil
	}
	t := r.run.tracer
	_, send := t.start(within(context.Background(), letter), "send "+topic, trace.SpanKindProducer, sends(topic),
		trace.WithAttributes(attribute.Int("leadbridge.replays", replays)),
		trace.WithLinks(trace.Link{SpanContext: r.run.span.SpanContext()}))
	return send
}

// End ends the run with how many letters were replayed.
func (r *Replay) End(replayed int, err error) {
	if r == nil {
		return
	}
	r.run.span.SetAttributes(attribute.Int("leadbridge.events", replayed))
	r.run.End(err)
}
