package transform

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"strings"
	"time"

	"github.com/leadbridge/leadbridge/internal/jsonscan"
)

// maxValue is the length in bytes of the longest value that is read; a longer one is refused.
const maxValue = 1 << 20

const cloudEventsJSON = "application/cloudevents+json"

// Decode reads a record. It holds either a CloudEvents 1.0 event, structured (content-type application/cloudevents+json,
// or an object with specversion) or binary (ce_ headers), or any other JSON with an object. The error is a *Rejection;
// the event's identity is set even then.
//
// The content type of the data is ignored: whatever parses as JSON is JSON.
//
// Source: CloudEvents 1.0, JSON event format and Kafka protocol binding.
func (t *Transformer) Decode(r Record) (Event, error) {
	env := readEnvelope(r.Headers)
	original := env.original(r)
	e := Event{RecordedAt: original.Time, Replays: env.replays, Distrusted: env.distrusted}
	body, reject := readBody(&env, r.text(), r.Missing)
	e.ID = identify(&env, body.source, body.id, original)
	e.OriginID = OriginID(e.ID)
	e.Time = e.RecordedAt
	if body.time != "" {
		if when, err := time.Parse(time.RFC3339, body.time); err == nil {
			e.Time = when
		}
	}
	if reject != nil {
		return e, reject
	}
	e.rights, e.unmapped = body.rights, body.unmapped
	if t.mapping == nil && e.unmapped == "" {
		if reject := checkData(&env, body.data); reject != nil {
			return e, reject
		}
	}
	e.raw = body.data
	return e, nil
}

const cloudEventsBatch = "application/cloudevents-batch+json"

// checkData refuses data that holds no fields of a lead.
func checkData(env *envelope, data []byte) *Rejection {
	if jsonscan.IsObject(data) {
		return nil
	}
	if env.contentType == cloudEventsBatch {
		return malformed("the value is a batch of CloudEvents: send each as a record of its own")
	}
	r := jsonReader{b: data}
	value := r.value()
	if _, ok := readBodyObjects(value); ok {
		return nil
	}
	return malformed("the data is JSON, but " + kindOf(value) + " and no object with the lead's fields")
}

// kindOf names the kind of a JSON value.
func kindOf(value any) string {
	switch value.(type) {
	case nil:
		return "null"
	case bool:
		return "true or false"
	case string:
		return "a text"
	case json.Number:
		return "a number"
	}
	return "a list"
}

// body holds the data of an event and the CloudEvents attributes beside it.
type body struct {
	source, id, time string
	data             []byte // one valid JSON text
	rights           rights
	unmapped         string
}

func readBody(env *envelope, value []byte, missing Missing) (body, *Rejection) {
	b := body{source: env.ceSource, id: env.ceID, time: env.ceTime}
	if missing == MissingUnreadable {
		return b, malformed("the record and those behind it in its batch cannot be decompressed")
	}
	if missing == MissingTooLong || len(value) > maxValue {
		return b, &Rejection{Reason: ReasonTooLarge, Message: "the value is longer than 1 MiB"}
	}
	var event structured
	text, reject := checkJSON(value, event.take)
	if reject != nil {
		return b, reject
	}
	b.data = text
	if !jsonscan.IsObject(text) {
		return b, nil
	}
	if env.contentType == cloudEventsJSON || event.versioned && (!env.binary || event.whole()) {
		b.source, b.id, b.time = scalarText(event.source), scalarText(event.id), scalarText(event.time)
		if event.allowed != nil {
			b.rights = readRights(scalarText(event.allowed))
		}
		b.unmapped = cutRunes(cleanLine(scalarText(event.unmapped)), maxUnmapped)
		b.data, reject = event.payload()
	}
	return b, reject
}

// checkJSON returns a JSON text without a byte order mark and blanks around it, or a rejection if it is not valid. take
// is called for each member if it is an object; it may be nil.
func checkJSON(value []byte, take func(name, value []byte)) ([]byte, *Rejection) {
	value = bytes.TrimSpace(bytes.TrimPrefix(value, []byte("\xEF\xBB\xBF")))
	if len(value) == 0 {
		return nil, malformed("the value is empty")
	}
	// After this check the text is read without checks.
	if !jsonscan.Valid(value, take) {
		return nil, malformed(jsonFault(value))
	}
	return value, nil
}

// structured holds members of a structured CloudEvent, each as its JSON text.
type structured struct {
	versioned        bool // has specversion
	source, id, time []byte
	data, dataBase64 []byte
	allowed          []byte // AttributeAllowed
	unmapped         []byte // AttributeUnmapped
}

// Attributes of CloudEvents that the gate adds.
const (
	// AttributeAllowed holds the fields with rights that an event may set, separated by commas.
	// Events without it come from elsewhere, and may set all.
	AttributeAllowed = "allowfields"
	// AttributeUnmapped says why the mapping of the event's source failed on it: the event never
	// becomes a contact as it is.
	AttributeUnmapped = "mappingfailed"
)

// maxUnmapped is how many characters of AttributeUnmapped are read.
const maxUnmapped = 200

// whole reports whether an object has all that an event must have: the data of a binary event may have a field
// specversion, too.
func (s structured) whole() bool {
	return s.source != nil && s.id != nil && (s.data != nil || s.dataBase64 != nil)
}

// take notes a member. Of several members with one name the last one counts.
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
	case AttributeAllowed:
		s.allowed = value
	case AttributeUnmapped:
		s.unmapped = value
	}
}

// scalarText returns a JSON text or number as text; "" for anything else.
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

// payload returns the data of a structured CloudEvent. Many producers write the JSON as a text into data: a text that
// holds an object or a list is decoded.
func (s *structured) payload() ([]byte, *Rejection) {
	switch {
	case len(s.data) > 0 && s.data[0] == '"':
		return jsonInText(s.data), nil
	case len(s.data) > 0 && (string(s.data) != "null" || len(s.dataBase64) == 0):
		return s.data, nil
	case len(s.dataBase64) == 0:
		return nil, malformed("the CloudEvent has no data")
	}
	decoded, ok := fromBase64(scalarText(s.dataBase64))
	if !ok {
		return nil, malformed("data_base64 of the CloudEvent is not Base64")
	}
	data, reject := checkJSON(decoded, nil)
	if reject != nil {
		return nil, malformed("data_base64 of the CloudEvent: " + reject.Message)
	}
	return jsonInText(data), nil
}

// jsonInText returns the object or list that a quoted text holds, or data if it is not such a text.
func jsonInText(data []byte) []byte {
	if len(data) == 0 || data[0] != '"' {
		return data
	}
	inner, reject := checkJSON([]byte(scalarText(data)), nil)
	if reject != nil || inner[0] != '{' && inner[0] != '[' {
		return data
	}
	return inner
}

// fromBase64 decodes Base64 (RFC 4648) in either alphabet, with or without padding, on one line or several.
func fromBase64(text string) ([]byte, bool) {
	text = strings.Map(func(r rune) rune {
		switch r {
		case ' ', '\n', '\r', '\t':
			return -1
		case '-':
			return '+'
		case '_':
			return '/'
		}
		return r
	}, text)
	decoded, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(text, "="))
	return decoded, err == nil && text != ""
}
