// Package transform turns the bytes of a Kafka record into an Event and an
// Event into a CRM contact. It is pure: no I/O, no clock, no logging.
package transform

import (
	"time"

	"github.com/leadbridge/leadbridge/crmclient"
)

// Record is what transform reads of a Kafka record.
type Record struct {
	Topic     string
	Partition int
	Offset    int64
	Time      time.Time
	Key       []byte
	Value     []byte
	Headers   []Header
}

// Header is one header of a record; keys may repeat.
type Header struct {
	Key   string
	Value []byte
}

// Event is a decoded record. Its identity (ID, OriginID) is set even when
// Decode returns an error.
type Event struct {
	// ID is the event's identity as text without personal data; OriginID is
	// the prefixed lower-case hex hash of it that the CRM holds.
	ID       string
	OriginID string
	// Time is when the event happened (CloudEvents time), else the record's time.
	Time time.Time
	// RecordedAt is the time of the original record (a replay keeps it).
	RecordedAt time.Time
	// Replays counts how often the event was replayed from the dead-letter topic.
	Replays int
}

// Reason names why an event can never become a contact.
type Reason string

// The reasons of a [Rejection]; values of the dead-letter header dlt-reason.
const (
	ReasonMalformed      Reason = "MALFORMED_EVENT"
	ReasonTooLarge       Reason = "TOO_LARGE"
	ReasonMappingFailed  Reason = "MAPPING_FAILED"
	ReasonNoContactPoint Reason = "NO_CONTACT_POINT"
)

// Rejection is the error of Decode and Contact. Message is in our words and
// holds no value of the event.
type Rejection struct {
	Reason  Reason
	Message string
}

func (r *Rejection) Error() string { return string(r.Reason) + ": " + r.Message }

// Options configure a Transformer.
type Options struct {
	PhoneRegion string // PHONE_REGION, ISO 3166 alpha-2
	SourceID    string // SOURCE_ID, default of the contact's sourceId
	Mapping     string // a jq program or "preset:NAME"; empty: none
}

// Transformer decodes and maps. It is safe for concurrent use.
type Transformer struct{}

// New compiles the mapping; its error names the fault and the remedy.
func New(o Options) (*Transformer, error) { return &Transformer{}, nil }

// Decode reads a record. The error is a *Rejection.
func (t *Transformer) Decode(r Record) (Event, error) { return Event{}, nil }

// Contact builds the contact. The error is a *Rejection.
func (t *Transformer) Contact(e Event) (crmclient.Contact, error) { return crmclient.Contact{}, nil }

// Redact replaces every value of the event and of its contact in text by ***
// (for the dead-letter header dlt-message).
func Redact(text string, e Event, c crmclient.Contact) string { return text }
