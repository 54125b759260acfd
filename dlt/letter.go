package dlt

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/leadbridge/leadbridge/consumer/header"
	"github.com/leadbridge/leadbridge/transform"
)

// Position is the place of a record in a topic.
type Position struct {
	Partition int
	Offset    int64
}

// String returns partition:offset, as it is written on a command line.
func (p Position) String() string { return fmt.Sprintf("%d:%d", p.Partition, p.Offset) }

// Compare orders by partition, then by offset.
func (p Position) Compare(other Position) int {
	return cmp.Or(cmp.Compare(p.Partition, other.Partition), cmp.Compare(p.Offset, other.Offset))
}

// ParsePosition reads partition:offset, such as 0:15. Its error says what to write.
func ParsePosition(text string) (Position, error) {
	partition, offset, _ := strings.Cut(strings.TrimSpace(text), ":")
	id, err := strconv.ParseInt(partition, 10, 32)
	at, err2 := strconv.ParseInt(offset, 10, 64)
	if err != nil || err2 != nil || id < 0 || at < 0 {
		return Position{}, fmt.Errorf("%q is not the place of a letter: write partition:offset, such as 0:15", text)
	}
	return Position{int(id), at}, nil
}

// State is what was done with a letter.
type State string

// The states of a letter.
const (
	StateOpen     State = "open"
	StateClosed   State = "closed" // somebody has seen it, and nothing is to be done
	StateReplayed State = "replayed"
	StateErased   State = "erased"
)

// Letter is a dead letter: the record, and what its headers say.
type Letter struct {
	Position
	At     time.Time // when the letter was written
	State  State
	Marked time.Time // when the letter was closed, replayed or erased; zero: it is open
	Word   string    // why the letter was closed; "": it was not
	Copies int       // how many letters in the topic count as this one, with itself

	EventID      string // "" when leadbridge did not write the record
	Reason       string
	Status       int // the CRM's; 0 when it was not asked
	Code         string
	Message      string
	Attempts     int
	Flood        string // names the flood in which the event was refused; "" for none
	Done         string // what exists in the CRM all the same, such as contact=2457; "" for nothing
	Replays      int    // how often the event was replayed before this letter
	FailedAt     string
	FirstFailure string
	Version      string
	Original     Origin

	Key     []byte
	Value   []byte // nil: the record is a tombstone
	Headers []transform.Header
}

// forgotten returns the letter without what may identify the person, if it was erased; its reason stays. Kafka keeps the
// record until retention deletes it, but nothing shows what it holds.
func (l Letter) forgotten() Letter {
	if l.State != StateErased {
		return l
	}
	l.EventID = transform.PublicID(l.EventID)
	l.Code, l.Message, l.Key, l.Value, l.Headers = "", "", nil, nil, nil
	return l
}

// Origin is where the event was first written.
type Origin struct {
	Topic     string
	Partition int
	Offset    int64
	Timestamp string
}

// newLetter reads a record of the dead-letter topic.
func newLetter(r transform.Record) Letter {
	text := func(key string) string { return header.Text(r.Headers, key) }
	if r.Missing != transform.MissingNothing {
		r.Headers = append(slices.Clip(r.Headers), transform.Header{Key: header.Value, Value: []byte(header.Omitted)})
	}
	return Letter{
		Position:     Position{r.Partition, r.Offset},
		At:           r.Time,
		State:        StateOpen,
		Copies:       1,
		EventID:      text(header.EventID),
		Reason:       text(header.Reason),
		Status:       int(number(text(header.Status))),
		Code:         text(header.Code),
		Message:      text(header.Message),
		Attempts:     int(number(text(header.Attempts))),
		Flood:        text(header.Flood),
		Done:         text(header.Done),
		Replays:      int(count(text(header.Replays))),
		FailedAt:     text(header.FailedAt),
		FirstFailure: text(header.FirstFailure),
		Version:      text(header.Version),
		Original: Origin{
			Topic:     text(header.Topic),
			Partition: int(count(text(header.Partition))),
			Offset:    count(text(header.Offset)),
			Timestamp: text(header.Timestamp),
		},
		Key:     r.Key,
		Value:   r.Value,
		Headers: r.Headers,
	}
}

// number returns the number that a text is, 0 when it is not one.
func number(text string) int64 {
	n, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// count is number for what cannot be negative: anybody who writes events can write such a header.
func count(text string) int64 { return max(number(text), 0) }

// record returns the record from which package transform reads the event; its id and times are in the headers.
func (l Letter) record() transform.Record {
	return transform.Record{
		Topic: l.Original.Topic, Partition: l.Original.Partition, Offset: l.Original.Offset, Time: l.At,
		Key: l.Key, Value: l.Value, Headers: l.Headers,
	}
}

// ValueOmitted reports whether the value is not known: the letter was written without it, as the broker refused it or it was
// over 4 MiB, or the letter's own is.
func (l Letter) ValueOmitted() bool { return header.Text(l.Headers, header.Value) == header.Omitted }
