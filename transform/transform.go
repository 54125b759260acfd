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

// Record is what transform reads of a Kafka record. Its bytes must not change
// while the Event made of it is in use.
type Record struct {
	Topic     string
	Partition int
	Offset    int64
	Time      time.Time
	Key       []byte
	Value     []byte
	Headers   []Header
	Missing   Missing // whether Value is the record's; if not it is empty, and not nil
	// JSON is the value as JSON when a schema registry frames it; nil: Value is JSON as it is.
	JSON []byte
}

// Missing says why a record's value could not be kept when it was read.
type Missing uint8

// The reasons why a value is missing.
const (
	MissingNothing    Missing = iota // it is there
	MissingTooLong                   // it is far longer than an event may be, or lies in a batch of records that is
	MissingUnreadable                // the record and those behind it in its batch cannot be decompressed
)

// text is the value as JSON.
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
	// RecordedAt is the time of the original record (a replay keeps it).
	RecordedAt time.Time
	// Replays counts how often the event was replayed from the dead-letter topic.
	Replays int
	// Distrusted says that the record has headers of a dead letter that do not go together: they
	// count for nothing, and the event is new.
	Distrusted bool

	rights   rights
	unmapped string // why the gate's mapping failed on it, "": it did not

	// raw is the JSON of the lead's data, read-only, often a part of the record's value. It is kept undecoded, as
	// decoded values take tens of times the memory, and an event is kept until the CRM has answered.
	raw []byte
}

// maxShared is the longest data in bytes whose texts are cut from one string: any of them that is kept keeps that whole
// string in memory.
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

// ReasonSkipped is the reason of an event that the mapping leaves out on purpose: it is done,
// without a contact and without a dead letter.
const ReasonSkipped Reason = "SKIPPED"

// Rejection is the error of Decode and Contact. Message is our own text and has no value of the event.
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
	PhoneRegion string // PHONE_REGION, ISO 3166 alpha-2; empty: RU
	SourceID    string // SOURCE_ID, default of the contact's sourceId; empty: none
	Mapping     string // a jq program or "preset:NAME"; empty: none

	Target    crmclient.Target // CRM_TARGET; empty: contact
	LeadTitle string           // LEAD_TITLE, a jq program that gives the title of a lead; empty: the usual one
	DealTitle string           // DEAL_TITLE
}

// Transformer decodes and maps. It is safe for concurrent use.
type Transformer struct {
	region   string
	sourceID string
	mapping  *mapping // nil: none
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
