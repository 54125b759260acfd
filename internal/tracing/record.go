package tracing

import (
	"context"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/segmentio/kafka-go"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"
)

// Message is a record that is delivered.
type Message struct {
	Topic     string
	Partition int
	Offset    int64
	Time      time.Time // when it was written
	Group     string
	Replays   int
	Parent    []kafka.Header // its trace context
	ID        string         // of its event, hashed; "": it is not known yet, see [Record.Names]
}

// Record is the trace of a record from its dispatch to its end, over all its waits. It is not safe for concurrent use. The
// methods of a nil Record do nothing.
type Record struct {
	whole *Span
	wait  *Span // nil: the record does not wait
}

// Record begins the span of a record, below that of its writer if the record names one. The time that the record has
// been in the topic is a span of its own.
func (t *Tracer) Record(m Message, dispatched time.Time) *Record {
	if t == nil {
		return nil
	}
	ctx := within(context.Background(), m.Parent)
	ctx, span := t.start(ctx, "process "+m.Topic, trace.SpanKindConsumer, trace.WithTimestamp(dispatched), trace.WithAttributes(
		attribute.String("messaging.system", "kafka"),
		attribute.String("messaging.operation.name", "process"),
		attribute.String("messaging.operation.type", "process"),
		attribute.String("messaging.destination.name", m.Topic),
		attribute.String("messaging.destination.partition.id", strconv.Itoa(m.Partition)),
		attribute.String("messaging.consumer.group.name", m.Group),
		attribute.Int64("messaging.kafka.offset", m.Offset),
		attribute.Int("leadbridge.replays", m.Replays),
	))
	r := &Record{whole: span}
	if m.ID != "" {
		r.Names(m.ID)
	}
	if m.Time.Before(dispatched) {
		_, wait := t.start(ctx, "wait topic", trace.SpanKindInternal, trace.WithTimestamp(m.Time), waitsFor("topic"))
		wait.span.End(trace.WithTimestamp(dispatched))
	}
	return r
}

// Names notes the id of the record's event, hashed.
func (r *Record) Names(id string) {
	if r != nil {
		r.whole.span.SetAttributes(attribute.String("leadbridge.event", id))
	}
}

// waitsFor returns the attribute of a wait.
func waitsFor(why string) trace.SpanStartEventOption {
	return trace.WithAttributes(attribute.String("leadbridge.wait", why))
}

// Waits begins a wait, and ends the one before. why must be one of a few words.
func (r *Record) Waits(why string) {
	if r == nil {
		return
	}
	r.Goes()
	_, r.wait = r.whole.tracer.start(r.whole.ctx, "wait "+why, trace.SpanKindInternal, waitsFor(why))
}

// Goes ends the wait, if the record waits.
func (r *Record) Goes() {
	if r != nil {
		r.wait.End(nil)
		r.wait = nil
	}
}

// Send begins the span of a letter or a result of the record.
func (r *Record) Send(topic string) *Span {
	if r == nil {
		return nil
	}
	return r.whole.Send(topic)
}

// Observe is [Span.Observe] of the record's span.
func (r *Record) Observe(to prometheus.Observer, value float64) {
	if r == nil {
		to.Observe(value)
		return
	}
	r.whole.Observe(to, value)
}

// Context returns ctx below the record's span.
func (r *Record) Context(ctx context.Context) context.Context {
	if r == nil {
		return ctx
	}
	return trace.ContextWithSpan(ctx, r.whole.span)
}

// Close ends the trace of the record with what became of it, such as done, or left to the next owner.
func (r *Record) Close(outcome string) {
	if r == nil {
		return
	}
	r.Goes()
	r.whole.Outcome(outcome)
	r.whole.End(nil)
}
