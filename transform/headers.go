package transform

import (
	"strconv"
	"strings"
	"time"
)

// envelope holds what a record's headers say about it. Names are matched without
// regard to case.
//
// Of a repeated ce_ or dlt- header the last one counts: a program that publishes a record again appends headers, so that
// the last one describes this record. Of a repeated webhook-id or idempotency-key the first one counts: it is the
// sender's, set before any program on the way could add one, and it must be the same in each delivery.
type envelope struct {
	contentType string // media type in lower case, without parameters

	binary             bool // CloudEvents attributes stand in headers; false: if there are any, they stand in the value
	ceID, ceSource     string
	ceTime             string
	webhookID, idemKey string

	// Of dead letters and replays.
	eventID    string // dlt-event-id
	replayed   bool   // the headers of a replay are there, and leadbridge can have written them
	replays    int    // how often the event was replayed
	topic      string
	partition  string
	offset     string
	timestamp  string
	count      string // dlt-replays
	marked     bool   // at least one header of a letter or a replay is there
	distrusted bool   // such headers are there, but leadbridge cannot have written them
}

func readEnvelope(headers []Header) envelope {
	var e envelope
	for _, h := range headers {
		e.read(strings.ToLower(h.Key), string(h.Value))
	}
	e.believe()
	return e
}

// believe decides whether leadbridge can have written the headers of a letter or a replay. As anybody who writes to the
// topic can write them too, headers that contradict each other are ignored, and the record is a new event.
func (e *envelope) believe() {
	if !e.marked {
		return
	}
	count, ok := e.consistent()
	if ok {
		e.replayed, e.replays = true, max(count, 1)
		return
	}
	e.distrusted = true
	e.eventID, e.topic, e.partition, e.offset, e.timestamp = "", "", "", "", ""
}

// consistent reports whether leadbridge can have written the headers, and how often they say that the event was replayed.
// They must name the event or its first record, and both after more than one replay. Each of them must be readable.
func (e *envelope) consistent() (replays int, ok bool) {
	if e.eventID == "" && e.topic == "" && e.partition == "" && e.offset == "" && e.timestamp == "" {
		return 0, false
	}
	if e.count != "" {
		var err error
		if replays, err = strconv.Atoi(strings.TrimSpace(e.count)); err != nil || replays < 0 {
			return 0, false
		}
	}
	whole := e.eventID != "" && e.topic != "" && e.partition != "" && e.offset != "" && e.timestamp != ""
	if replays > 1 && !whole {
		return 0, false
	}
	return replays, (e.topic == "" || isTopic(e.topic)) && isCount(e.partition, 32) && isCount(e.offset, 64) && isTimestamp(e.timestamp)
}

// isCount reports whether a text is a number that is not negative, or "".
func isCount(text string, bits int) bool {
	n, err := strconv.ParseInt(strings.TrimSpace(text), 10, bits)
	return text == "" || err == nil && n >= 0
}

// isTimestamp reports whether a text is a time between the years 1970 and 9999, or "".
func isTimestamp(text string) bool {
	t, ok := parseTimestamp(text)
	return text == "" || ok && t.Year() >= 1970 && t.Year() <= 9999
}

func (e *envelope) read(key, value string) {
	switch {
	case key == "content-type":
		media, _, _ := strings.Cut(value, ";")
		e.contentType = strings.ToLower(strings.TrimSpace(media))
	case key == "webhook-id":
		setOnce(&e.webhookID, value)
	case key == "idempotency-key":
		setOnce(&e.idemKey, value)
	case strings.HasPrefix(key, "ce_"):
		e.readCloudEvent(key[len("ce_"):], value)
	case strings.HasPrefix(key, "dlt-"):
		e.readDeadLetter(key[len("dlt-"):], value)
	}
}

func setOnce(to *string, value string) {
	if *to == "" {
		*to = value
	}
}

func (e *envelope) readCloudEvent(attribute, value string) {
	switch attribute {
	case "specversion", "type":
	case "id":
		e.ceID = value
	case "source":
		e.ceSource = value
	case "time":
		e.ceTime = value
	default:
		return
	}
	e.binary = true
}

func (e *envelope) readDeadLetter(name, value string) {
	if value == "" {
		return
	}
	switch name {
	case "event-id":
		e.eventID = value
	case "original-topic":
		e.topic = value
	case "original-partition":
		e.partition = value
	case "original-offset":
		e.offset = value
	case "original-timestamp":
		e.timestamp = value
	case "replays":
		e.count = value
	default:
		return
	}
	e.marked = true
}

// original returns the record with the topic, partition, offset and time of the record that was first written. Dead
// letters and replays have them in headers.
func (e *envelope) original(r Record) Record {
	if !e.replayed {
		return r
	}
	if e.topic != "" {
		r.Topic = e.topic
	}
	if n, err := strconv.Atoi(strings.TrimSpace(e.partition)); err == nil {
		r.Partition = n
	}
	if n, err := strconv.ParseInt(strings.TrimSpace(e.offset), 10, 64); err == nil {
		r.Offset = n
	}
	if t, ok := parseTimestamp(e.timestamp); ok {
		r.Time = t
	}
	return r
}

// parseTimestamp reads unix milliseconds or RFC 3339.
func parseTimestamp(text string) (time.Time, bool) {
	text = strings.TrimSpace(text)
	if ms, err := strconv.ParseInt(text, 10, 64); err == nil {
		return time.UnixMilli(ms).UTC(), true
	}
	t, err := time.Parse(time.RFC3339, text)
	return t, err == nil
}
