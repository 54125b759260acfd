package webhook

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/leadbridge/leadbridge/crmclient"
	"github.com/leadbridge/leadbridge/internal/jsonscan"
	"github.com/leadbridge/leadbridge/schemas"
	"github.com/leadbridge/leadbridge/transform"
)

// maxValue is the longest value in bytes that readers of the topic accept.
const maxValue = 1 << 20

// maxWithRaw is the longest value in bytes that holds the input of the mapping, too. A longer one is written without it.
const maxWithRaw = 768 << 10

var errEventTooLarge = errors.New("the event made of the body is over 1 MiB")

// event is a request's content as it is written to Kafka.
type event struct {
	id       string
	key      []byte         // nil: none
	value    []byte         // a structured CloudEvent 1.0
	trace    []kafka.Header // the trace context to write with it
	schema   uint32         // id of the JSON Schema by which the value is framed in Kafka; 0: it is not
	ignored  bool           // it is the provider's test, or meets an ignore_if: nothing is written
	skipped  bool           // the mapping leaves it out: nothing is written
	unmapped bool           // the mapping failed on it
}

// newEvent makes the event of a request that was verified.
func (s *source) newEvent(header http.Header, body []byte, c content, now time.Time) (event, error) {
	data := c.json()
	if first := data[0]; first != '{' && first != '[' {
		return event{}, errNotObject // a list may be what the service's mapping takes
	}
	e := event{ignored: c.ignored || s.isTest(data)}
	asJSON := content{form: formJSON, data: data} // an id is looked for in the same way in a form
	e.id = idOr(s.eventID(header, &asJSON, c.event), body, c, data)
	if e.ignored {
		return e, nil
	}
	made := payload{data: data, allowed: s.allowed}
	mapped, err := s.mapped(data)
	switch rejected, _ := errors.AsType[*transform.Rejection](err); {
	case rejected != nil && rejected.Reason == transform.ReasonSkipped:
		e.skipped = true
		return e, nil
	case err != nil:
		e.unmapped = true
		if !s.passUnmapped {
			made.fault = cmp.Or(messageOf(rejected), "the mapping failed")
		}
	case s.mapper != nil:
		made = payload{data: mapped, raw: string(data), allowed: slices.Concat(s.allowed, s.allowedByMapper)}
	}
	e.value = s.envelope(e.id, now, made)
	if made.raw != "" && len(e.value) > maxWithRaw {
		made.raw = ""
		e.value = s.envelope(e.id, now, made)
	}
	if len(e.value) > maxValue {
		return e, errEventTooLarge
	}
	e.key, e.schema = s.keyOf(e.value), s.schema
	return e, nil
}

// recorded returns the value as it is written to Kafka.
func (e *event) recorded() []byte {
	if e.schema == 0 {
		return e.value
	}
	return schemas.Frame(e.schema, e.value)
}

func messageOf(r *transform.Rejection) string {
	if r == nil {
		return ""
	}
	return r.Message
}

// eventID returns the sender's id of the delivery, "" when there is none. An event with a known id counts as delivered:
// a sender who may choose ids can make another's event vanish, or send one event many times. So the id is taken from
// where the signature covers it, a CloudEvent's own from any sender that is verified, and from elsewhere only when the
// source says so. cloudEvent is the id of the CloudEvent in the body, "" when it is not one.
func (s *source) eventID(header http.Header, c *content, cloudEvent string) string {
	if id := s.verifier.signedID(header); id != "" {
		return id
	}
	if s.id.header != "" {
		if id := header.Get(s.id.header); id != "" {
			return id
		}
	}
	if len(s.id.field) > 0 {
		if id := c.member(s.id.field...); id != "" {
			return id
		}
		// Names of forms may hold dots.
		if id := c.member(strings.Join(s.id.field, ".")); id != "" {
			return id
		}
	}
	if _, open := s.verifier.(anybody); open && !s.id.cloudEvent {
		return ""
	}
	return cloudEvent
}

// maxID is the longest id in bytes that is taken from a sender as it is.
const maxID = 200

// idOr returns the event's id: the sender's, or its hash when that is over maxID; without one a hash of the body. The hash
// of a form is that of its fields, as the boundary of multipart differs each time.
func idOr(id string, body []byte, c content, data []byte) string {
	switch {
	case len(id) > maxID:
		return "id-" + shortHash([]byte(id))
	case id != "":
		return id
	case c.form == formJSON:
		return "body-" + shortHash(body)
	}
	return "body-" + shortHash(data)
}

func shortHash(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:20])
}

// mapped returns what the source's mapping makes of the data; without a mapping the data.
func (s *source) mapped(data []byte) ([]byte, error) {
	if s.mapper == nil {
		return data, nil
	}
	decoded, err := s.mapper.Decode(transform.Record{Value: data})
	if err != nil {
		return nil, err
	}
	return s.mapper.Fields(decoded)
}

// structuredType is the content type of the record.
const structuredType = "application/cloudevents+json; charset=UTF-8"

// payload is what an envelope carries.
type payload struct {
	data    []byte   // a JSON text, whose bytes stay as they are
	raw     string   // the input of the mapping; "" without a mapping
	allowed []string // fields with rights that the event may set
	fault   string   // why the mapping failed, for a dead letter; "": it did not
}

// envelope writes a structured CloudEvent.
//
// Source: CloudEvents 1.0, JSON event format.
func (s *source) envelope(id string, now time.Time, p payload) []byte {
	b := make([]byte, 0, len(p.data)+len(p.raw)+len(p.raw)/8+512)
	b = append(b, `{"specversion":"1.0","id":`...)
	b = jsonscan.AppendText(b, id)
	b = append(b, `,"source":`...)
	b = jsonscan.AppendText(b, s.address())
	b = append(b, `,"type":`...)
	b = jsonscan.AppendText(b, s.eventType)
	b = append(b, `,"time":"`...)
	b = now.UTC().AppendFormat(b, time.RFC3339Nano)
	b = append(b, `","datacontenttype":"application/json"`...)
	b = append(b, `,"`+transform.AttributeAllowed+`":`...)
	b = jsonscan.AppendText(b, strings.Join(p.allowed, ","))
	if p.fault != "" {
		b = append(b, `,"`+transform.AttributeUnmapped+`":`...)
		b = jsonscan.AppendText(b, p.fault)
	}
	if p.raw != "" {
		b = append(b, `,"rawbody":`...)
		b = jsonscan.AppendText(b, p.raw)
	}
	b = append(b, `,"data":`...)
	b = append(b, p.data...)
	return append(b, '}')
}

// keyOf returns the record's key: the person's e-mail or phone, normalised as the service that
// reads the record will; nil when it has none.
func (s *source) keyOf(value []byte) (key []byte) {
	if s.key == keyNone || s.reader == nil {
		return nil
	}
	defer func() {
		if recover() != nil { // after a panic the event has no key, and so no order
			key = nil
		}
	}()
	e, err := s.reader.Decode(transform.Record{Value: value})
	if err != nil {
		return nil
	}
	contact, err := s.reader.Contact(e)
	if err != nil {
		return nil
	}
	email, phone := first(contact.Emails), first(contact.Phones)
	switch {
	case s.key == keyPhone && phone != "":
		return []byte(phone)
	case email != "":
		return []byte(email)
	case s.key != keyEmail && phone != "":
		return []byte(phone)
	}
	return nil
}

func first(list []crmclient.Multifield) string {
	if len(list) == 0 {
		return ""
	}
	return list[0].Value
}
