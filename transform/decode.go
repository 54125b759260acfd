package transform

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"strings"
	"time"

	"github.com/leadbridge/leadbridge/internal/jsontext"
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
	if body.time != "" {
		if when, err := time.Parse(time.RFC3339, body.time); err == nil {
			e.Time = when
		}
	}
	if reject != nil {
		return e, reject
	}
	if t.mapping == nil && !jsontext.IsObject(body.data) {
		return e, malformed("the data is JSON but no object")
	}
	e.raw = body.data
	return e, nil
}

// body is what a value and the CloudEvents attributes beside it say.
type body struct {
	source, id, time string
	data             []byte // one valid JSON text
}

func readBody(env *envelope, value []byte) (body, *Rejection) {
	b := body{source: env.ceSource, id: env.ceID, time: env.ceTime}
	if len(value) > maxValue {
		return b, &Rejection{Reason: ReasonTooLarge, Message: "the value is longer than 1 MiB"}
	}
	var event structured
	text, reject := checkJSON(value, event.take)
	if reject != nil {
		return b, reject
	}
	b.data = text
	if !jsontext.IsObject(text) {
		return b, nil
	}
	if env.contentType == cloudEventsJSON || event.versioned && (!env.binary || event.whole()) {
		b.source, b.id, b.time = scalarText(event.source), scalarText(event.id), scalarText(event.time)
		b.data, reject = event.payload()
	}
	return b, reject
}

// checkJSON gives one JSON text without byte order mark and blanks around it.
// take is called for the members of an object, unless it is nil.
func checkJSON(value []byte, take func(name, value []byte)) ([]byte, *Rejection) {
	value = bytes.TrimSpace(bytes.TrimPrefix(value, []byte("\xEF\xBB\xBF")))
	if len(value) == 0 {
		return nil, malformed("the value is empty")
	}
	// What passes here needs no checks when it is read.
	if !jsontext.Valid(value, take) {
		return nil, malformed("the value is no JSON")
	}
	return value, nil
}

// structured holds members of a structured CloudEvent, each as its JSON text.
type structured struct {
	versioned        bool // has specversion
	source, id, time []byte
	data, dataBase64 []byte
}

// whole tells an event from binary data that happens to have a field specversion.
func (s structured) whole() bool {
	return s.source != nil && s.id != nil && (s.data != nil || s.dataBase64 != nil)
}

// take notes a member; of several with one name the last counts.
func (s *structured) take(name, value []byte) {
	switch string(name) {
	case "specversion":
		s.versioned = true
	case "source":
		s.source = value
	case "id":
		s.id = value
	case "time":
		s.time = value
	case "data":
		s.data = value
	case "data_base64":
		s.dataBase64 = value
	}
}

// scalarText gives a text or a number as text.
func scalarText(raw []byte) string {
	if len(raw) == 0 {
		return ""
	}
	r := jsonReader{b: raw}
	switch v := r.value().(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	}
	return ""
}

// payload finds the data of a structured CloudEvent. Many producers put JSON
// as text into data: when that text is an object, it is meant.
func (s *structured) payload() ([]byte, *Rejection) {
	switch {
	case len(s.data) > 0 && s.data[0] == '"':
		if inner, reject := checkJSON([]byte(scalarText(s.data)), nil); reject == nil && jsontext.IsObject(inner) {
			return inner, nil
		}
		return s.data, nil
	case len(s.data) > 0:
		return s.data, nil
	case len(s.dataBase64) == 0:
		return nil, malformed("the CloudEvent has no data")
	}
	decoded, err := base64.StdEncoding.DecodeString(strings.TrimSpace(scalarText(s.dataBase64)))
	if err != nil {
		return nil, malformed("data_base64 of the CloudEvent is no Base64")
	}
	return checkJSON(decoded, nil)
}
