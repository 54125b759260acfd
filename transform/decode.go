package transform

import (
	"bytes"
	"encoding/base64"
	"strings"
	"time"
)

// maxValue is the longest value in bytes that is looked at.
const maxValue = 1 << 20

const cloudEventsJSON = "application/cloudevents+json"

// Decode reads a record: a CloudEvents 1.0 event, structured (content-type
// application/cloudevents+json, or an object with specversion) or binary (ce_
// headers), or any JSON object. The error is a *Rejection; the event's identity
// is set all the same.
//
// The content type of the data is not asked: what parses as JSON is JSON.
//
// Source: CloudEvents 1.0, JSON event format and Kafka protocol binding.
func (t *Transformer) Decode(r Record) (Event, error) {
	env := readEnvelope(r.Headers)
	original := env.original(r)
	e := Event{RecordedAt: original.Time, Replays: env.replays}
	body, reject := readBody(&env, r.Value)
	e.ID = identify(&env, body.source, body.id, original)
	e.OriginID = originID(e.ID)
	e.Time = e.RecordedAt
	if when, err := time.Parse(time.RFC3339, body.time); err == nil {
		e.Time = when
	}
	if reject != nil {
		return e, reject
	}
	if _, ok := body.data.(object); !ok && t.mapping == nil {
		return e, malformed("the data is JSON but no object")
	}
	e.data = body.data
	return e, nil
}

// body is what a value and the CloudEvents attributes beside it say.
type body struct {
	source, id, time string
	data             any
}

func readBody(env *envelope, value []byte) (body, *Rejection) {
	b := body{source: env.ceSource, id: env.ceID, time: env.ceTime}
	if len(value) > maxValue {
		return b, &Rejection{Reason: ReasonTooLarge, Message: "the value is longer than 1 MiB"}
	}
	data, reject := parseValue(value)
	if reject != nil {
		return b, reject
	}
	b.data = data
	o, ok := data.(object)
	if !ok {
		return b, nil
	}
	_, hasVersion := o.get("specversion")
	if env.contentType == cloudEventsJSON || hasVersion && !env.binary {
		b.source, b.id, b.time = o.text("source"), o.text("id"), o.text("time")
		b.data, reject = structuredData(o)
	}
	return b, reject
}

func parseValue(value []byte) (any, *Rejection) {
	value = bytes.TrimPrefix(value, []byte("\xEF\xBB\xBF"))
	if len(bytes.TrimSpace(value)) == 0 {
		return nil, malformed("the value is empty")
	}
	data, ok := parseJSON(value)
	if !ok {
		return nil, malformed("the value is no JSON")
	}
	return data, nil
}

// structuredData finds the data of a structured CloudEvent. Many producers
// put JSON as text into data: when that text is an object, it is meant.
func structuredData(event object) (any, *Rejection) {
	if data, ok := event.get("data"); ok {
		if text, isText := data.(string); isText {
			if inner, ok := parseJSON([]byte(text)); ok {
				if o, ok := inner.(object); ok {
					return o, nil
				}
			}
		}
		return data, nil
	}
	text, ok := event.get("data_base64")
	if !ok {
		return nil, malformed("the CloudEvent has no data")
	}
	encoded, _ := text.(string)
	decoded, err := base64.StdEncoding.DecodeString(strings.TrimSpace(encoded))
	if err != nil {
		return nil, malformed("data_base64 of the CloudEvent is no Base64")
	}
	return parseValue(decoded)
}
