package consumer

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/segmentio/kafka-go"

	"github.com/leadbridge/leadbridge/transform"
)

// The trace context of W3C.
const (
	traceParent = "traceparent"
	traceState  = "tracestate"
)

// traceHeaders are those of the hop that brought the event, and else those that
// it was born with: CloudEvents' distributed tracing extension, in either mode.
func traceHeaders(rec transform.Record) []kafka.Header {
	var hop, born [2][]byte // parent and state
	for _, h := range rec.Headers {
		switch strings.ToLower(h.Key) {
		case traceParent:
			hop[0] = h.Value
		case traceState:
			hop[1] = h.Value
		case "ce_" + traceParent:
			born[0] = h.Value
		case "ce_" + traceState:
			born[1] = h.Value
		}
	}
	if len(hop[0]) == 0 {
		hop = born
	}
	if len(hop[0]) == 0 {
		hop = structuredTrace(rec.Value)
	}
	if len(hop[0]) == 0 {
		return nil // a state without a parent means nothing
	}
	headers := []kafka.Header{{Key: traceParent, Value: hop[0]}}
	if len(hop[1]) > 0 {
		headers = append(headers, kafka.Header{Key: traceState, Value: hop[1]})
	}
	return headers
}

// structuredTrace reads the extension's attributes in a structured event. Most
// values do not hold them, and are not parsed.
func structuredTrace(value []byte) (trace [2][]byte) {
	if !bytes.Contains(value, []byte(`"`+traceParent+`"`)) {
		return trace
	}
	var event struct {
		SpecVersion string `json:"specversion"`
		Parent      string `json:"traceparent"`
		State       string `json:"tracestate"`
	}
	if err := json.Unmarshal(value, &event); err != nil || event.SpecVersion == "" {
		return trace
	}
	return [2][]byte{[]byte(event.Parent), []byte(event.State)}
}
