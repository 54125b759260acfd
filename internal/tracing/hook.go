package tracing

import (
	"context"
	"net/http"
	"strconv"

	"github.com/segmentio/kafka-go"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// Hook begins the span of a webhook that came for a known source, below that of its sender if it names one.
func (t *Tracer) Hook(r *http.Request, source string) *Span {
	if t == nil {
		return nil
	}
	const route = "/hooks/{source}"
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	ctx := propagation.TraceContext{}.Extract(context.Background(), carrierOf(r.Header))
	method := r.Method
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete:
	default:
		method = "_OTHER" // the conventions' word for a method that a stranger made up
	}
	_, span := t.start(ctx, method+" "+route, trace.SpanKindServer, trace.WithAttributes(
		attribute.String("http.request.method", method),
		attribute.String("http.route", route),
		attribute.String("url.scheme", scheme),
		attribute.String("url.path", "/hooks/"+source),
		attribute.String("leadbridge.source", source),
	))
	return span
}

// HookHeaders returns the trace headers for the record that a webhook becomes: the context of the span of its send, or,
// when nothing is traced here, that of the request, so that its sender's trace goes on.
func HookHeaders(send *Span, r *http.Request) []kafka.Header {
	if send != nil {
		return send.Headers(nil)
	}
	carrier := carrierOf(r.Header)
	if len(carrier) == 0 {
		return nil
	}
	return headersOf(propagation.TraceContext{}.Extract(context.Background(), carrier))
}

// Outcome notes what the work came to, by a word of a metric or a log.
func (s *Span) Outcome(outcome string) {
	if s != nil {
		s.span.SetAttributes(attribute.String("leadbridge.outcome", outcome))
	}
}

// Answer returns a writer that notes the status of the answer in the span and passes the answer on to w.
func (s *Span) Answer(w http.ResponseWriter) http.ResponseWriter {
	if s == nil {
		return w
	}
	return &answered{w, s}
}

// answered notes the status of an answer.
type answered struct {
	http.ResponseWriter
	span *Span
}

// WriteHeader notes the status. Only a status from 500 on is an error of the span.
func (a *answered) WriteHeader(status int) {
	a.span.span.SetAttributes(attribute.Int("http.response.status_code", status))
	if status >= http.StatusInternalServerError {
		a.span.fail(strconv.Itoa(status))
	}
	a.ResponseWriter.WriteHeader(status)
}

// Unwrap is for [http.ResponseController].
func (a *answered) Unwrap() http.ResponseWriter { return a.ResponseWriter }
