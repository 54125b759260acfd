// Package tracing makes the spans of a lead's way by OpenTelemetry, and hands their context on in Kafka
// headers (W3C Trace Context).
//
// The names and attributes are those of OpenTelemetry's conventions for messaging and HTTP, and are all written here,
// so that one can see at once what leaves the process: never personal data, a record's key or value, or an event's id
// in clear. What is ours begins with leadbridge.
//
// All types may be nil: they then do nothing, so that tracing costs nothing while it is off.
package tracing

import (
	"context"
	"errors"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"
	"github.com/segmentio/kafka-go"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// Config says what is sampled and where spans go.
type Config struct {
	Endpoint Endpoint
	Sampler  Sampler
	Service  string            // service.name
	Version  string            // service.version
	Resource map[string]string // further attributes of the process
	Log      zerolog.Logger    // for warnings that the collector does not take spans

	// Exporter gets each span at its end, in the place of Endpoint; for tests. Nil: there is none.
	Exporter sdktrace.SpanExporter
}

// Tracer begins spans. A nil Tracer begins none.
type Tracer struct {
	provider *sdktrace.TracerProvider
	tracer   trace.Tracer
}

// scope is the name of the instrumentation that makes our spans.
const scope = "github.com/leadbridge/leadbridge"

// New makes a Tracer. It connects to nothing yet: spans are sent in the background, and dropped when
// the collector does not take them.
func New(cfg Config) (*Tracer, error) {
	options := []sdktrace.TracerProviderOption{sdktrace.WithResource(resourceOf(cfg)), sdktrace.WithSampler(cfg.Sampler.sampler())}
	if cfg.Exporter != nil {
		options = append(options, sdktrace.WithSyncer(cfg.Exporter))
	} else {
		exporter, err := otlptrace.New(context.Background(), newUploader(cfg.Endpoint, cfg.Log))
		if err != nil {
			return nil, err
		}
		options = append(options, sdktrace.WithBatcher(exporter))
	}
	provider := sdktrace.NewTracerProvider(options...)
	return &Tracer{provider, provider.Tracer(scope, trace.WithInstrumentationVersion(cfg.Version))}, nil
}

func resourceOf(cfg Config) *resource.Resource {
	attributes := []attribute.KeyValue{
		attribute.String("telemetry.sdk.name", "opentelemetry"),
		attribute.String("telemetry.sdk.language", "go"),
		attribute.String("telemetry.sdk.version", sdkVersion()),
	}
	for key, value := range cfg.Resource {
		attributes = append(attributes, attribute.String(key, value))
	}
	attributes = append(attributes, attribute.String("service.name", cfg.Service))
	if _, given := cfg.Resource["service.version"]; !given {
		attributes = append(attributes, attribute.String("service.version", cfg.Version))
	}
	return resource.NewSchemaless(attributes...)
}

// Stop sends the spans that were not sent yet, until ctx ends. The Tracer makes no spans after it.
func (t *Tracer) Stop(ctx context.Context) {
	if t != nil {
		_ = t.provider.Shutdown(ctx) // what could not be sent is logged by the uploader
	}
}

// start begins a span below that of ctx.
func (t *Tracer) start(ctx context.Context, name string, kind trace.SpanKind, options ...trace.SpanStartOption) (context.Context, *Span) {
	ctx, span := t.tracer.Start(ctx, name, append(options, trace.WithSpanKind(kind))...)
	return ctx, &Span{t, ctx, span}
}

// Span is one piece of work in a trace. The methods of a nil Span do nothing.
type Span struct {
	tracer *Tracer
	ctx    context.Context //nolint:containedctx // it carries the span, and nothing else is asked of it
	span   trace.Span
}

// End ends the span. Of an error only its kind is noted, as its text may hold personal data.
func (s *Span) End(err error) {
	if s == nil {
		return
	}
	if err != nil {
		s.fail(kindOf(err))
	}
	s.span.End()
}

func (s *Span) fail(kind string) {
	s.span.SetStatus(codes.Error, "")
	s.span.SetAttributes(attribute.String("error.type", kind))
}

// kindOf returns the error.type of an error. _OTHER is the conventions' word for one without a name.
func kindOf(err error) string {
	if code, ok := errors.AsType[kafka.Error](err); ok {
		return code.Title()
	}
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return "timeout"
	case errors.Is(err, context.Canceled):
		return "canceled"
	}
	return "_OTHER"
}

// Send begins the span of a record that is written to a topic. Its Headers hand the trace on in the record.
func (s *Span) Send(topic string) *Span {
	if s == nil {
		return nil
	}
	_, send := s.tracer.start(s.ctx, "send "+topic, trace.SpanKindProducer, sends(topic))
	return send
}

// sends returns the attributes of a span that writes to a topic.
func sends(topic string) trace.SpanStartEventOption {
	return trace.WithAttributes(
		attribute.String("messaging.system", "kafka"),
		attribute.String("messaging.operation.name", "send"),
		attribute.String("messaging.operation.type", "send"),
		attribute.String("messaging.destination.name", topic),
	)
}

// Observe adds a value to a histogram, with the span's trace as its exemplar if it is sampled.
func (s *Span) Observe(to prometheus.Observer, value float64) {
	with, can := to.(prometheus.ExemplarObserver)
	if s == nil || !can || !s.span.SpanContext().IsSampled() {
		to.Observe(value)
		return
	}
	ids := s.span.SpanContext()
	with.ObserveWithExemplar(value, prometheus.Labels{"trace_id": ids.TraceID().String(), "span_id": ids.SpanID().String()})
}
