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

// traceHeaders returns the trace headers for what is written about a record: those of the record, else those that its event
// was created with, by the distributed tracing extension of CloudEvents in binary or structured mode.
func traceHeaders(rec transform.Record) []kafka.Header {
	var ofRecord, ofEvent traceContext
	for _, h := range rec.Headers {
		switch strings.ToLower(h.Key) {
		case traceParent:
			ofRecord.parent = h.Value
		case traceState:
			ofRecord.state = h.Value
		case "ce_" + traceParent:
			ofEvent.parent = h.Value
		case "ce_" + traceState:
			ofEvent.state = h.Value
		}
	}
	trace := ofRecord
	if len(trace.parent) == 0 {
		trace = ofEvent
	}
	if len(trace.parent) == 0 {
		trace = structuredTrace(rec.Value)
	}
	if len(trace.parent) == 0 || len(trace.parent) > maxTrace {
		return nil // tracestate means nothing without traceparent
	}
	headers := []kafka.Header{{Key: traceParent, Value: trace.parent}}
	if len(trace.state) > 0 && len(trace.state) <= maxTrace {
		headers = append(headers, kafka.Header{Key: traceState, Value: trace.state})
	}
	return headers
}

// traceContext is the values of traceparent and tracestate.
type traceContext struct{ parent, state []byte }

// structuredTrace returns the attributes of the extension in an event of CloudEvents' structured mode. Most events do not
// have them, and are not parsed.
func structuredTrace(value []byte) traceContext {
	if !bytes.Contains(value, []byte(`"`+traceParent+`"`)) {
		return traceContext{}
	}
	var event struct {
		SpecVersion string `json:"specversion"`
		Parent      string `json:"traceparent"`
		State       string `json:"tracestate"`
	}
	if err := json.Unmarshal(value, &event); err != nil || event.SpecVersion == "" {
		return traceContext{}
	}
	return traceContext{[]byte(event.Parent), []byte(event.State)}
}

// traced begins the trace of a record that was taken up. The id of its event is left out while its schema is not known.
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

// leftToNext is the outcome of a record that this process did not finish.
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
