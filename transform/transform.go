// Package transform turns the bytes of a Kafka record into an Event and an Event into a CRM contact. It is pure: it
// does no I/O, reads no clock and logs nothing, so that the same record always has the same result.
package transform

import (
	"fmt"
	"strings"
	"time"

	"github.com/nyaruka/phonenumbers"

	"github.com/leadbridge/leadbridge/crmclient"
)

// Record is a Kafka record. Its bytes must not change while an Event that was decoded from it is in use.
type Record struct {
	Topic     string
	Partition int
	Offset    int64
	Time      time.Time
	Key       []byte
	Value     []byte
	Headers   []Header
	Missing   Missing // why Value is not the record's; then Value is empty, and not nil
	// JSON is the value decoded to JSON if it has the frame of a schema registry; nil if Value itself is JSON.
	JSON []byte
}

// Missing says why a record's value could not be kept when it was read.
type Missing uint8

// The reasons why a value is missing.
const (
	MissingNothing    Missing = iota // the value is there
	MissingTooLong                   // the value, or the batch that it lies in, is far too long
	MissingUnreadable                // the record and those after it in its batch cannot be decompressed
)

// text returns the value as JSON.
func (r *Record) text() []byte {
	if r.JSON != nil {
		return r.JSON
	}
	return r.Value
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
	// Time is the time of the event (CloudEvents time), or else RecordedAt.
	Time time.Time
	// RecordedAt is the time of the event's first record; it stays the same when the event is replayed.
	RecordedAt time.Time
	// Replays counts how often the event was replayed from the dead-letter topic.
	Replays int
	// Distrusted says that the record has headers of a dead letter that contradict each other. They are ignored, and the
	// event is new.
	Distrusted bool

	rights   rights
	unmapped string // why the gate's mapping failed on the event; "" when it did not

	// raw is the JSON of the lead's data, read-only, often a part of the record's value. It is kept undecoded, as
	// decoded values take tens of times the memory, and an event is kept until the CRM has answered.
	raw []byte
}

// maxShared is the longest data in bytes whose texts are parts of one string. It is bounded because each text that is
// kept keeps the whole string in memory.
const maxShared = 4096

// data decodes the lead's data; nil when there is none.
func (e Event) data() any {
	if len(e.raw) == 0 {
		return nil
	}
	r := e.reader()
	return r.value()
}

func (e Event) reader() jsonReader {
	r := jsonReader{b: e.raw} // Decode has seen that it is valid
	if len(e.raw) <= maxShared {
		r.text = string(e.raw)
	}
	return r
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

// ReasonSkipped is the reason of an event that the mapping leaves out on purpose. It becomes neither a contact nor a dead
// letter.
const ReasonSkipped Reason = "SKIPPED"

// Rejection is the error of Decode and Contact. Message is our own text, and holds no value of the event.
type Rejection struct {
	Reason  Reason
	Message string
}

func (r *Rejection) Error() string { return string(r.Reason) + ": " + r.Message }

func malformed(message string) *Rejection {
	return &Rejection{Reason: ReasonMalformed, Message: message}
}

// Options configure a Transformer.
type Options struct {
	PhoneRegion string // PHONE_REGION, ISO 3166 alpha-2; RU if it is empty
	SourceID    string // SOURCE_ID, the contact's sourceId if the event has none
	Mapping     string // a jq program or "preset:NAME"; empty for none

	Target    crmclient.Target // CRM_TARGET; a contact if it is empty
	LeadTitle string           // LEAD_TITLE, a jq program that gives the title of a lead; empty for the usual title
	DealTitle string           // DEAL_TITLE, the same for a deal
}

// Transformer decodes and maps. It is safe for concurrent use.
type Transformer struct {
	region   string
	sourceID string
	mapping  *mapping // nil for none
	titles   titles
}

// New compiles the mapping; the error says what is wrong and what to do.
func New(o Options) (*Transformer, error) {
	t := &Transformer{region: "RU", sourceID: cleanLine(o.SourceID)}
	if o.PhoneRegion != "" {
		region, ok := supportedRegion(o.PhoneRegion)
		if !ok {
			return nil, fmt.Errorf("PHONE_REGION %q is not a country code: give two letters of ISO 3166, such as RU", o.PhoneRegion)
		}
		t.region = region
	}
	var err error
	if t.titles, err = newTitles(o); err != nil {
		return nil, err
	}
	if o.Mapping == "" {
		return t, nil
	}
	m, err := compileMapping(o.Mapping)
	if err != nil {
		return nil, err
	}
	t.mapping = m
	return t, nil
}

// supportedRegion returns the region of a country code in either case.
func supportedRegion(code string) (string, bool) {
	if len(code) != 2 {
		return "", false
	}
	code = strings.ToUpper(code)
	return code, phonenumbers.GetSupportedRegions()[code]
}
