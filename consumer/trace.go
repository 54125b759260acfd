package consumer

import (
	"bytes"
	"encoding/json"
	"strings"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/leadbridge/leadbridge/internal/tracing"
	"github.com/leadbridge/leadbridge/transform"
)

// The headers of W3C's Trace Context.
const (
	traceParent = tracing.Parent
	traceState  = tracing.State
)

// maxTrace is the largest trace header that is handed on, in bytes. W3C asks for at least 512 of tracestate.
const maxTrace = 4 << 10

// traceHeaders returns the trace headers for what is written about a record: those that the record came with, else those
// that its event was created with, by the distributed tracing extension of CloudEvents in binary or structured mode.
func traceHeaders(rec transform.Record) []kafka.Header {
	var hop, born [2][]byte // traceparent and tracestate
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
	if len(hop[0]) == 0 || len(hop[0]) > maxTrace {
		return nil // tracestate means nothing without traceparent
	}
	headers := []kafka.Header{{Key: traceParent, Value: hop[0]}}
	if len(hop[1]) > 0 && len(hop[1]) <= maxTrace {
		headers = append(headers, kafka.Header{Key: traceState, Value: hop[1]})
	}
	return headers
}

// structuredTrace returns the attributes of the extension in an event of CloudEvents' structured mode. A value without them
// is not parsed.
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

// traced begins the trace of a record that was taken up. Whose event an unread one is, is told when it has been read.
func (in *intake) traced(d *delivery, dispatched time.Time) *tracing.Record {
	cfg := in.deps.cfg
	if cfg.Tracer == nil {
		return nil
	}
	m := tracing.Message{
		Topic: d.Topic, Partition: d.Partition, Offset: d.Offset, Time: d.Time, Group: cfg.GroupID,
		Replays: d.event.Replays, Parent: traceHeaders(d.Record),
	}
	if d.unread == nil {
		m.ID = transform.PublicID(d.event.ID)
	}
	return cfg.Tracer.Record(m, dispatched)
}

// leftToNext is the outcome of a record that did not end here.
const leftToNext = "left"

// outcome names what became of a delivery, for its trace.
func (d *delivery) outcome() string {
	switch {
	case d.state != stateDone:
		return leftToNext
	case d.failure != nil:
		return d.failure.reason
	}
	return d.outcomeInCRM()
}

// outcomeInCRM names how the CRM has the event: it was created, found, or given to a contact of the same person.
func (d *delivery) outcomeInCRM() string {
	switch {
	case d.made != nil && d.made.Found:
		return "found"
	case d.made != nil && d.made.Matched:
		return "matched"
	}
	return "created"
}
