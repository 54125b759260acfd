package webhook

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/leadbridge/leadbridge/crmclient"
	"github.com/leadbridge/leadbridge/internal/jsontext"
	"github.com/leadbridge/leadbridge/transform"
)

// maxValue is the longest value in bytes that readers of the topic look at.
const maxValue = 1 << 20

// maxWithRaw is the longest value that still holds what a mapping was given.
const maxWithRaw = 768 << 10

var errEventTooLarge = errors.New("the event made of the body is over 1 MiB")

// event is what a request says, as it goes to Kafka.
type event struct {
	id       string
	key      []byte // nil: none
	value    []byte // a structured CloudEvent 1.0
	ignored  bool   // it is the provider's test, no event
	unmapped bool   // the mapping failed on it, so that it goes as it came
}

// newEvent makes the event of a request that was verified.
func (s *source) newEvent(header http.Header, body []byte, c content, now time.Time) (event, error) {
	data, inner := c.data, ""
	if c.form != formJSON {
		data = c.object()
	} else if c.cloudEvent() {
		inner, data = c.member("id"), c.raw("data")
	}
	if first := data[0]; first != '{' && first != '[' {
		return event{}, errNotObject // a list may be what the service's mapping takes
	}
	e := event{ignored: s.ignores(data)}
	whole := content{form: formJSON, data: data}
	e.id = bounded(s.eventID(header, &whole, inner), body, c, data)
	if e.ignored {
		return e, nil
	}
	mapped, err := s.mapped(data)
	e.unmapped = err != nil
	raw := ""
	if err != nil {
		mapped = data
	} else if s.mapper != nil {
		raw = string(data)
	}
	e.value = s.envelope(e.id, now, mapped, raw)
	if raw != "" && len(e.value) > maxWithRaw {
		e.value = s.envelope(e.id, now, mapped, "")
	}
	if len(e.value) > maxValue {
		return e, errEventTooLarge
	}
	e.key = s.keyOf(e.value)
	return e, nil
}

// eventID is what the sender calls the delivery; "" when it has no name for it.
func (s *source) eventID(header http.Header, c *content, inner string) string {
	if id := header.Get(headerID); id != "" {
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
	return inner
}

// maxID bounds what others call their deliveries.
const maxID = 200

// bounded gives the event's id: the sender's, else a hash of the body. That of a
// form is one of its fields: the boundary of multipart differs each time.
func bounded(id string, body []byte, c content, data []byte) string {
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

// mapped is the data as the source's mapping makes it, or as it came.
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

// envelope writes a structured CloudEvent. The data's bytes stay as they are;
// raw is what they were made of, "" when that is themselves.
//
// Source: CloudEvents 1.0, JSON event format.
func (s *source) envelope(id string, now time.Time, data []byte, raw string) []byte {
	b := make([]byte, 0, len(data)+len(raw)+len(raw)/8+512)
	b = append(b, `{"specversion":"1.0","id":`...)
	b = jsontext.AppendText(b, id)
	b = append(b, `,"source":`...)
	b = jsontext.AppendText(b, s.address())
	b = append(b, `,"type":`...)
	b = jsontext.AppendText(b, s.eventType)
	b = append(b, `,"time":"`...)
	b = now.UTC().AppendFormat(b, time.RFC3339Nano)
	b = append(b, `","datacontenttype":"application/json"`...)
	if raw != "" {
		b = append(b, `,"rawbody":`...)
		b = jsontext.AppendText(b, raw)
	}
	b = append(b, `,"data":`...)
	b = append(b, data...)
	return append(b, '}')
}

// keyOf finds the person's e-mail or phone, normalised, as the service that
// reads the record will.
func (s *source) keyOf(value []byte) (key []byte) {
	if s.key == keyNone || s.reader == nil {
		return nil
	}
	defer func() {
		if recover() != nil { // a fault of ours costs the order, not the event
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
