package dlt

import (
	"encoding/base64"
	"time"
	"unicode/utf8"

	"github.com/leadbridge/leadbridge/crmclient"
	"github.com/leadbridge/leadbridge/transform"
)

// Line is a letter as JSON. Its names are a promise to other programs.
type Line struct {
	EventID    string    `json:"eventId"`
	State      State     `json:"state"`
	ReplayedAt time.Time `json:"replayedAt,omitzero"`
	Reason     string    `json:"reason"`
	Status     int       `json:"status"` // the CRM's HTTP status; 0: it was not asked
	Code       string    `json:"code"`
	Message    string    `json:"message"`
	Attempts   int       `json:"attempts"`
	Replays    int       `json:"replays"`

	Topic     string    `json:"topic"` // the dead-letter topic; partition and offset are the letter's
	Partition int       `json:"partition"`
	Offset    int64     `json:"offset"`
	Timestamp time.Time `json:"timestamp"`
	Copies    int       `json:"copies"` // letters of this event in the topic, this one included

	FailedAt     string     `json:"failedAt"`
	FirstFailure string     `json:"firstFailure"`
	Version      string     `json:"version"`
	Original     originLine `json:"original"`

	// Of key and value one of the two forms is there: text, or Base64 of what is no
	// UTF-8. Without a key both are missing.
	Key          *string      `json:"key"`
	KeyBase64    string       `json:"keyBase64,omitempty"`
	Value        *string      `json:"value"`
	ValueBase64  string       `json:"valueBase64,omitempty"`
	ValueOmitted bool         `json:"valueOmitted,omitempty"` // the broker refused it; see original
	Headers      []headerLine `json:"headers,omitempty"`
	Masked       bool         `json:"masked"`
}

type originLine struct {
	Topic     string `json:"topic"`
	Partition int    `json:"partition"`
	Offset    int64  `json:"offset"`
	Timestamp string `json:"timestamp"`
}

// headerLine is a header; one without a value has neither form.
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

// Event decodes a letter's event. Its identity is set even when the error, a
// *transform.Rejection, says that it cannot be read.
func (l Letter) Event(t Transformer) (transform.Event, error) { return t.Decode(l.record()) }

// Contact builds the contact of a letter's event. The error is a *transform.Rejection;
// beside it stands what is known of the contact.
func (l Letter) Contact(t Transformer) (crmclient.Contact, error) {
	event, err := l.Event(t)
	if err != nil {
		return crmclient.Contact{}, err
	}
	return t.Contact(event)
}

// Line writes a letter without its headers, with names, phone numbers and
// e-mail addresses masked by what t knows of the event.
func (t *Topic) Line(l Letter, by Transformer) Line {
	line := t.line(l)
	contact, _ := l.Contact(by) // what a rejection leaves of it is enough to mask
	line.Masked = true
	if l.Key != nil {
		line.setKey([]byte(transform.MaskText(string(l.Key), contact)))
	}
	line.setValue([]byte(transform.Mask(l.Value, contact)))
	return line
}

// Unmasked writes a letter as it is, but without its headers.
func (t *Topic) Unmasked(l Letter) Line {
	line := t.line(l)
	line.setKey(l.Key)
	line.setValue(l.Value)
	return line
}

// Whole writes a letter as it is, so that it can be imported.
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
		Attempts: l.Attempts, Replays: l.Replays,
		Topic: t.cfg.DeadLetterTopic, Partition: l.Partition, Offset: l.Offset, Timestamp: l.At.UTC(), Copies: l.Copies,
		FailedAt: l.FailedAt, FirstFailure: l.FirstFailure, Version: l.Version, Original: originLine(l.Original),
		ValueOmitted: l.ValueOmitted(),
	}
	if l.State == StateReplayed {
		line.ReplayedAt = l.Marked.UTC()
	}
	return line
}

func (l *Line) setKey(b []byte)   { l.Key, l.KeyBase64 = textOrCode(b) }
func (l *Line) setValue(b []byte) { l.Value, l.ValueBase64 = textOrCode(b) }

func textOrCode(b []byte) (*string, string) {
	if b == nil {
		return nil, ""
	}
	if text := string(b); utf8.ValidString(text) {
		return &text, ""
	}
	return nil, base64.StdEncoding.EncodeToString(b)
}
