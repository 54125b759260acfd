package dlt

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/leadbridge/leadbridge/consumer/header"
	"github.com/leadbridge/leadbridge/transform"
)

// Position is where a record lies in a topic.
type Position struct {
	Partition int
	Offset    int64
}

// String is the position as it is written on a command line.
func (p Position) String() string { return fmt.Sprintf("%d:%d", p.Partition, p.Offset) }

// Compare orders by partition, then by offset.
func (p Position) Compare(other Position) int {
	return cmp.Or(cmp.Compare(p.Partition, other.Partition), cmp.Compare(p.Offset, other.Offset))
}

// ParsePosition reads partition:offset.
func ParsePosition(text string) (Position, error) {
	partition, offset, _ := strings.Cut(strings.TrimSpace(text), ":")
	id, err := strconv.ParseInt(partition, 10, 32)
	at, err2 := strconv.ParseInt(offset, 10, 64)
	if err != nil || err2 != nil || id < 0 || at < 0 {
		return Position{}, fmt.Errorf("%q is no place of a letter: write partition:offset, such as 0:15", text)
	}
	return Position{int(id), at}, nil
}

// State is what was done with a letter.
type State string

// The states of a letter.
const (
	StateOpen     State = "open"
	StateReplayed State = "replayed"
	StateErased   State = "erased"
)

// Letter is a dead letter: the record, and what its headers say.
type Letter struct {
	Position
	At     time.Time // when it was written
	State  State
	Marked time.Time // when it was replayed
	Copies int       // letters in the topic that are folded into this one, itself included

	EventID      string // "" when the record is no letter of ours
	Reason       string
	Status       int // the CRM's; 0 when it was not asked
	Code         string
	Message      string
	Attempts     int
	Replays      int // of the event before this letter
	FailedAt     string
	FirstFailure string
	Version      string
	Original     Origin

	Key     []byte
	Value   []byte // nil: the record is a tombstone
	Headers []transform.Header
}

// Origin is the record that was first written.
type Origin struct {
	Topic     string
	Partition int
	Offset    int64
	Timestamp string
}

// newLetter reads a record of the dead-letter topic.
func newLetter(r transform.Record) Letter {
	text := func(key string) string { return header.Text(r.Headers, key) }
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

func number(text string) int64 {
	n, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// count reads what is never negative; whoever writes events can write headers.
func count(text string) int64 { return max(number(text), 0) }

// record is the event as transform reads it: identity and times come from the headers.
func (l Letter) record() transform.Record {
	return transform.Record{
		Topic: l.Original.Topic, Partition: l.Original.Partition, Offset: l.Original.Offset, Time: l.At,
		Key: l.Key, Value: l.Value, Headers: l.Headers,
	}
}

// ValueOmitted says that the broker refused the letter with its value.
func (l Letter) ValueOmitted() bool { return header.Text(l.Headers, header.Value) == header.Omitted }
