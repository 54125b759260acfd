package consumer

import (
	"cmp"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/segmentio/kafka-go"

	"github.com/leadbridge/leadbridge/consumer/header"
	"github.com/leadbridge/leadbridge/transform"
)

// letter is a dead letter before it is written.
type letter struct {
	partition int // the original record's
	eventID   string
	key       []byte
	value     []byte
	headers   []kafka.Header
}

// letterFor returns the dead letter of a record that failed. version is this program's version, originField the field of the
// CRM that has our ids. Package header describes the headers that it adds.
func letterFor(d *delivery, version, originField string) letter {
	now := time.Now().UTC().Format(time.RFC3339Nano)
	headers := foreignHeaders(d.Headers)
	replayed := d.event.Replays > 0 // if not, headers with our names may come from anybody, and are not trusted
	add := func(key, value string) {
		headers = append(headers, kafka.Header{Key: key, Value: []byte(value)})
	}
	// keep adds the header with the value that it had in the replayed letter, if there was one, else with value. The old
	// value is bounded, as anybody can edit a letter.
	keep := func(key, value string) {
		if replayed {
			value = cmp.Or(boundedText(header.Text(d.Headers, key)), value)
		}
		add(key, value)
	}

	add(header.Reason, d.failure.reason)
	add(header.Status, numberUnlessZero(d.failure.status))
	add(header.Code, boundedText(d.failure.code))
	add(header.Message, boundedText(redacted(d.failure.message, d)))
	add(header.Attempts, strconv.Itoa(d.failure.attempts))
	if d.failure.flood != "" {
		add(header.Flood, boundedText(d.failure.flood))
	}
	if d.failure.done != "" {
		add(header.Done, d.failure.done)
	}
	add(header.FailedAt, now)
	add(header.Version, version)
	add(header.OriginField, originField)
	keep(header.Topic, d.Topic)
	keep(header.Partition, strconv.Itoa(d.Partition))
	keep(header.Offset, strconv.FormatInt(d.Offset, 10))
	keep(header.Timestamp, d.Time.UTC().Format(time.RFC3339Nano))
	add(header.EventID, d.event.ID)
	keep(header.FirstFailure, now)
	keep(header.Replays, "0")
	if d.Missing != transform.MissingNothing {
		add(header.Value, header.Omitted)
	}
	return letter{partition: d.Partition, eventID: d.event.ID, key: d.Key, value: d.Value, headers: headers}
}

// redacted returns a message without the event's values; "***" when redacting panics.
func redacted(message string, d *delivery) (text string) {
	defer func() {
		if recover() != nil {
			text = "***"
		}
	}()
	return transform.Redact(message, d.event, d.contact)
}

// The bounds of the record's own headers in its letter, in bytes: of each, and of all together. Brokers refuse a letter that
// is too large, and the event's value is more important than these headers.
const (
	maxForeignHeader  = 4 << 10
	maxForeignHeaders = 64 << 10
)

// foreignHeaders returns the headers of the record that are not ours, in their order. If some are left out because they are
// too long, it adds a header that says so.
func foreignHeaders(headers []transform.Header) []kafka.Header {
	kept := make([]kafka.Header, 0, len(headers)+16)
	left, cut := maxForeignHeaders, false
	for _, h := range headers {
		if strings.HasPrefix(h.Key, header.Prefix) {
			continue
		}
		size := len(h.Key) + len(h.Value)
		if size > maxForeignHeader || size > left {
			cut = true
			continue
		}
		left -= size
		kept = append(kept, kafka.Header{Key: h.Key, Value: h.Value})
	}
	if cut {
		kept = append(kept, kafka.Header{Key: header.Headers, Value: []byte(header.Cut)})
	}
	return kept
}

func numberUnlessZero(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

// maxMessage bounds each header that holds somebody else's text, such as dlt-message, in characters.
const maxMessage = 1000

// boundedText makes a text fit for a header: at most maxMessage characters, valid UTF-8, on one line.
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
