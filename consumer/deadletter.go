package consumer

import (
	"cmp"
	"errors"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/segmentio/kafka-go"

	"github.com/leadbridge/leadbridge/consumer/header"
	"github.com/leadbridge/leadbridge/crmclient"
	"github.com/leadbridge/leadbridge/transform"
)

// reasonProcessingFailed says that we failed, not the CRM or the event's form.
const reasonProcessingFailed = "PROCESSING_FAILED"

// Reasons are all that a dead letter may have.
func Reasons() []string {
	return []string{
		string(transform.ReasonMalformed), string(transform.ReasonMappingFailed), string(transform.ReasonNoContactPoint), string(transform.ReasonTooLarge),
		string(crmclient.ReasonRefused), string(crmclient.ReasonRetriesExhausted), reasonProcessingFailed,
	}
}

// rejection is why an event never becomes a contact, for its dead letter.
type rejection struct {
	reason   string
	status   int
	code     string
	message  string // may hold personal data when it is the CRM's
	attempts int
}

func rejectedByTransform(err error) *rejection {
	if err == nil {
		return nil
	}
	if r, ok := errors.AsType[*transform.Rejection](err); ok {
		return &rejection{reason: string(r.Reason), message: r.Message}
	}
	return &rejection{reason: reasonProcessingFailed, message: "the event could not be transformed"}
}

func refusedByCRM(r *crmclient.Rejection) *rejection {
	return &rejection{reason: string(r.Reason), status: r.Status, code: r.Code, message: r.Message, attempts: r.Attempts}
}

// letter is a dead letter before it is written.
type letter struct {
	partition int // of the original record
	eventID   string
	key       []byte
	value     []byte
	headers   []kafka.Header
}

// letterFor makes the dead letter of a record that failed.
func (p *partition) letterFor(f *flight) letter {
	now := time.Now().UTC().Format(time.RFC3339Nano)
	headers := foreignHeaders(f.Headers)
	add := func(key, value string) {
		headers = append(headers, kafka.Header{Key: key, Value: []byte(value)})
	}
	// What survives may come from anybody: it must not make the letter too large.
	keep := func(key, value string) { add(key, cmp.Or(boundedText(header.Text(f.Headers, key)), value)) }

	add(header.Reason, f.failure.reason)
	add(header.Status, numberUnlessZero(f.failure.status))
	add(header.Code, boundedText(f.failure.code))
	add(header.Message, boundedText(redacted(f)))
	add(header.Attempts, strconv.Itoa(f.failure.attempts))
	add(header.FailedAt, now)
	add(header.Version, p.cfg.Version)
	add(header.Way, p.creator.Status().OriginField)
	keep(header.Topic, f.Topic)
	keep(header.Partition, strconv.Itoa(f.Partition))
	keep(header.Offset, strconv.FormatInt(f.Offset, 10))
	keep(header.Timestamp, f.Time.UTC().Format(time.RFC3339Nano))
	keep(header.EventID, f.event.ID)
	keep(header.FirstFailure, now)
	keep(header.Replays, "0")
	return letter{partition: f.Partition, eventID: f.event.ID, key: f.Key, value: f.Value, headers: headers}
}

// redacted hides the event's values in the failure's message, and all of it
// should that fail.
func redacted(f *flight) (text string) {
	defer func() {
		if recover() != nil {
			text = "***"
		}
	}()
	return transform.Redact(f.failure.message, f.event, f.contact)
}

// foreignHeaders are the record's own, in their order.
func foreignHeaders(headers []transform.Header) []kafka.Header {
	own := make([]kafka.Header, 0, len(headers)+16)
	for _, h := range headers {
		if !strings.HasPrefix(h.Key, header.Prefix) {
			own = append(own, kafka.Header{Key: h.Key, Value: h.Value})
		}
	}
	return own
}

func numberUnlessZero(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

// maxMessage bounds dlt-message, in characters, and what else others wrote.
const maxMessage = 1000

// boundedText keeps a header readable: bounded, valid UTF-8, one line.
func boundedText(s string) string {
	runes := []rune(strings.ToValidUTF8(s, "\uFFFD"))
	if len(runes) > maxMessage {
		runes = append(runes[:maxMessage-1], '…')
	}
	for i, r := range runes {
		if unicode.IsControl(r) {
			runes[i] = ' '
		}
	}
	return string(runes)
}
