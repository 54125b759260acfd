package dlt

import (
	"slices"
	"strconv"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/leadbridge/leadbridge/consumer/header"
	"github.com/leadbridge/leadbridge/transform"
)

// letterID identifies a letter wherever it lies: a copy that a crash may cause has the same one, and the letter of an
// event that was replayed and has failed again has another one.
type letterID struct {
	event     string
	topic     string
	partition int
	offset    int64
	replays   int
	at        Position // place of a record that leadbridge did not write, whose other fields are zero
}

// idOf returns the id of a letter.
func idOf(l Letter) letterID {
	if l.EventID == "" {
		return letterID{at: l.Position}
	}
	return letterID{
		event: l.EventID, topic: l.Original.Topic, partition: l.Original.Partition, offset: l.Original.Offset, replays: l.Replays,
	}
}

// A mark is what a marker says of a letter.
type mark struct {
	state State
	at    time.Time
	word  string // of a closing
}

// outranks reports whether m counts, and not another mark of the same letter: an erased letter stays erased, a closed
// letter can be replayed, and of two marks of one state the earlier counts.
func (m mark) outranks(other mark) bool {
	if m.state != other.state {
		return m.state.rank() > other.state.rank()
	}
	return m.at.Before(other.at)
}

// rank returns the place of a state in their order: of two marks the one with the higher rank counts.
func (s State) rank() int {
	return slices.Index([]State{StateOpen, StateClosed, StateReplayed, StateErased}, s)
}

// markOf returns what a marker says, and the id of its letter; ok is false for a record that is not a marker.
func markOf(r transform.Record) (id letterID, m mark, ok bool) {
	state := State(header.Text(r.Headers, header.Marker))
	if state == "" {
		return letterID{}, mark{}, false
	}
	at, err := time.Parse(time.RFC3339Nano, header.Text(r.Headers, header.MarkedAt))
	if err != nil {
		at = r.Time
	}
	l := newLetter(r)
	l.Position = Position{l.Original.Partition, l.Original.Offset} // identifies the letter when there is no event id
	return idOf(l), mark{state, at, header.Text(r.Headers, header.MarkedWhy)}, true
}

// newMarker returns the marker of a letter. It must be written to the letter's partition, after the letter, so that
// retention does not delete it first.
func newMarker(id letterID, state State, at time.Time) kafka.Record {
	replays := strconv.Itoa(id.replays)
	name, where := id.event, Position{id.partition, id.offset}
	if id.event == "" {
		name, where = "record "+id.at.String(), id.at
	}
	return kafka.Record{
		// No letter has such a key: in a compacted topic the marker would replace the letter.
		Key:   kafka.NewBytes([]byte("leadbridge-" + string(state) + ":" + name + "#" + replays)),
		Value: kafka.NewBytes([]byte{}),
		Headers: []kafka.Header{
			{Key: header.Marker, Value: []byte(state)},
			{Key: header.MarkedAt, Value: []byte(at.UTC().Format(time.RFC3339Nano))},
			{Key: header.EventID, Value: []byte(id.event)},
			{Key: header.Topic, Value: []byte(id.topic)},
			{Key: header.Partition, Value: []byte(strconv.Itoa(where.Partition))},
			{Key: header.Offset, Value: []byte(strconv.FormatInt(where.Offset, 10))},
			{Key: header.Replays, Value: []byte(replays)},
		},
	}
}
