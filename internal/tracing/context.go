package tracing

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/segmentio/kafka-go"
	"go.opentelemetry.io/otel/propagation"
)

// The headers of W3C Trace Context.
const (
	Parent = "traceparent"
	State  = "tracestate"
)

// Headers returns headers with the span's context in the place of any other context. A nil Span
// returns them as they are.
func (s *Span) Headers(headers []kafka.Header) []kafka.Header {
	if s == nil {
		return headers
	}
	kept := slices.DeleteFunc(slices.Clone(headers), isContext)
	return append(kept, headersOf(s.ctx)...)
}

func isContext(h kafka.Header) bool {
	return strings.EqualFold(h.Key, Parent) || strings.EqualFold(h.Key, State)
}

func headersOf(ctx context.Context) (headers []kafka.Header) {
	carrier := propagation.MapCarrier{}
	propagation.TraceContext{}.Inject(ctx, carrier)
	for _, key := range []string{Parent, State} {
		if value := carrier[key]; value != "" {
			headers = append(headers, kafka.Header{Key: key, Value: []byte(value)})
		}
	}
	return headers
}

// within returns ctx below the span that headers name; what is not a valid context is ignored.
func within(ctx context.Context, headers []kafka.Header) context.Context {
	carrier := propagation.MapCarrier{}
	for _, h := range headers {
		if isContext(h) {
			carrier[strings.ToLower(h.Key)] = string(h.Value)
		}
	}
	return propagation.TraceContext{}.Extract(ctx, carrier)
}

// maxState is how many bytes of a request's tracestate are handed on: as many as W3C asks for.
const maxState = 512

// carrierOf returns the trace context of a request's headers; nil when it has none.
func carrierOf(h http.Header) propagation.MapCarrier {
	parent := h.Get("Traceparent") // net/http's spelling, which costs no conversion
	if parent == "" {
		return nil
	}
	carrier := propagation.MapCarrier{Parent: parent}
	if state := strings.Join(h.Values("Tracestate"), ","); state != "" && len(state) <= maxState {
		carrier[State] = state
	}
	return carrier
}
