package dlt

import (
	"encoding/base64"
	"time"
	"unicode/utf8"

	"github.com/leadbridge/leadbridge/crmclient"
	"github.com/leadbridge/leadbridge/transform"
)

// Line is a letter as JSON. Other programs rely on its names; docs/dead-letters.md describes them.
type Line struct {
	EventID    string    `json:"eventId"`
	State      State     `json:"state"`
	ReplayedAt time.Time `json:"replayedAt,omitzero"`
	ClosedAt   time.Time `json:"closedAt,omitzero"`
	ClosedWord string    `json:"closedWord,omitempty"` // why nothing is to be done
	Source     string    `json:"source,omitempty"`
	Reason     string    `json:"reason"`
	Status     int       `json:"status"` // the CRM's HTTP status; 0 when it was not asked
	Code       string    `json:"code"`
	Message    string    `json:"message"`
	Attempts   int       `json:"attempts"`
	Flood      string    `json:"flood,omitempty"` // names the flood in which the event was refused
	Done       string    `json:"done,omitempty"`  // what exists in the CRM all the same, such as contact=2457
	Replays    int       `json:"replays"`

	Topic     string    `json:"topic"` // the dead-letter topic; with partition and offset the place of the letter
	Partition int       `json:"partition"`
	Offset    int64     `json:"offset"`
	Timestamp time.Time `json:"timestamp"`
	Copies    int       `json:"copies"` // letters of this event in the topic, this one included

	FailedAt     string     `json:"failedAt"`
	FirstFailure string     `json:"firstFailure"`
	Version      string     `json:"version"`
	Original     originLine `json:"original"`

	// Key and value are text, or Base64 when they are not valid UTF-8. Without a key both forms are missing.
	Key         *string `json:"key"`
	KeyBase64   string  `json:"keyBase64,omitempty"`
	Value       *string `json:"value"`
	ValueBase64 string  `json:"valueBase64,omitempty"`
	// Decoded is what the schema makes of a value that a schema registry frames, or why that is not known.
	Decoded      string       `json:"decoded,omitempty"`
	ValueOmitted bool         `json:"valueOmitted,omitempty"` // the letter has no value: the broker refused it, or it was over 4 MiB; original says where it lies
	Headers      []headerLine `json:"headers,omitempty"`
	Masked       bool         `json:"masked"`
}

type originLine struct {
	Topic     string `json:"topic"`
	Partition int    `json:"partition"`
	Offset    int64  `json:"offset"`
	Timestamp string `json:"timestamp"`
}

// headerLine is a header. One without a value has neither form of it.
type headerLine struct {
	Key         string  `json:"key"`
	Value       *string `json:"value"`
	ValueBase64 string  `json:"valueBase64,omitempty"`
}

// Transformer builds contacts; see [transform.Transformer].
type Transformer interface {
	Decode(transform.Record) (transform.Event, error)
	Contact(transform.Event) (crmclient.Contact, error)
}

// Event decodes the letter's event. The error is a *transform.Rejection; even then the event's id is set.
func (l Letter) Event(t Transformer) (transform.Event, error) { return t.Decode(l.record()) }

// Contact makes the contact of the letter's event. The error is a *transform.Rejection; even then the contact has what could
// be read.
func (l Letter) Contact(t Transformer) (crmclient.Contact, error) {
	event, err := l.Event(t)
	if err != nil {
		return crmclient.Contact{}, err
	}
	return t.Contact(event)
}

// Line returns a letter without its headers, with names, phone numbers and e-mail addresses masked. by makes the contact
// that says what to mask.
func (t *Topic) Line(l Letter, by Transformer) Line {
	line := t.line(l)
	contact, _ := l.Contact(by) // a contact that is not complete is enough to mask
	line.Masked = true
	if l.Key != nil {
		line.setKey([]byte(transform.MaskKey(l.Key, l.readableValue(by), contact)))
	}
	switch text, why := l.Unframed(by); {
	case text != nil: // the framed value itself is not for people
		line.Decoded, line.Value, line.ValueBase64 = transform.Mask(text, contact), nil, ""
	case why != "":
		line.Decoded, line.Value, line.ValueBase64 = "("+why+")", nil, ""
	default:
		line.setValue([]byte(transform.Mask(l.Value, contact)))
	}
	return line
}

// readableValue returns the JSON of a framed value that can be read, else the value.
func (l Letter) readableValue(by Transformer) []byte {
	if text, _ := l.Unframed(by); text != nil {
		return text
	}
	return l.Value
}

// Unframed returns the JSON of a letter's value that a schema registry frames, or nil and why it cannot be read. For a
// value that is not framed it returns nil and "".
func (l Letter) Unframed(by Transformer) (text []byte, why string) { return Unframed(by, l.record()) }

// Unframed is [Letter.Unframed] of a record.
func Unframed(by any, r transform.Record) (text []byte, why string) {
	if u, ok := by.(interface {
		Unframed(transform.Record) ([]byte, string)
	}); ok && r.Value != nil {
		return u.Unframed(r)
	}
	return nil, ""
}

// Decode fills in what the schema makes of the letter's value, unmasked.
func (l Line) Decode(letter Letter, by Transformer) Line {
	if text, why := letter.Unframed(by); text != nil {
		l.Decoded = string(text)
	} else if why != "" {
		l.Decoded = "(" + why + ")"
	}
	return l
}

// Unmasked returns a letter without its headers, and with its values as they are.
func (t *Topic) Unmasked(l Letter) Line {
	line := t.line(l)
	line.setKey(l.Key)
	line.setValue(l.Value)
	return line
}

// Whole returns a letter with everything that an import needs.
func (t *Topic) Whole(l Letter) Line {
	line := t.Unmasked(l)
	for _, h := range l.Headers {
		text, code := textOrCode(h.Value)
		line.Headers = append(line.Headers, headerLine{h.Key, text, code})
	}
	return line
}

func (t *Topic) line(l Letter) Line {
	line := Line{
		EventID: l.EventID, State: l.State, Reason: l.Reason, Status: l.Status, Code: l.Code, Message: l.Message,
		Attempts: l.Attempts, Flood: l.Flood, Done: l.Done, Replays: l.Replays,
		Topic: t.cfg.DeadLetterTopic, Partition: l.Partition, Offset: l.Offset, Timestamp: l.At.UTC(), Copies: l.Copies,
		FailedAt: l.FailedAt, FirstFailure: l.FirstFailure, Version: l.Version, Original: originLine(l.Original),
		ValueOmitted: l.ValueOmitted(), Source: l.Source(),
	}
	switch l.State {
	case StateReplayed:
		line.ReplayedAt = l.Marked.UTC()
	case StateClosed:
		line.ClosedAt, line.ClosedWord = l.Marked.UTC(), l.Word
	}
	return line
}

func (l *Line) setKey(b []byte)   { l.Key, l.KeyBase64 = textOrCode(b) }
func (l *Line) setValue(b []byte) { l.Value, l.ValueBase64 = textOrCode(b) }

// textOrCode returns b as text, or as Base64 when it is not valid UTF-8; neither for nil.
func textOrCode(b []byte) (*string, string) {
	if b == nil {
		return nil, ""
	}
	if text := string(b); utf8.ValidString(text) {
		return &text, ""
	}
	return nil, base64.StdEncoding.EncodeToString(b)
}
