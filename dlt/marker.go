package dlt

import (
	"strconv"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/leadbridge/leadbridge/consumer/header"
	"github.com/leadbridge/leadbridge/transform"
)

// letterID names a letter, not its place: the copy that a crash may write has
// the same one, and the letter of an event that was replayed and failed again
// another.
type letterID struct {
	event     string
	topic     string
	partition int
	offset    int64
	replays   int
	at        Position // only of records that are no letters of ours
}

func idOf(l Letter) letterID {
	if l.EventID == "" {
		return letterID{at: l.Position}
	}
	return letterID{
		event: l.EventID, topic: l.Original.Topic, partition: l.Original.Partition, offset: l.Original.Offset, replays: l.Replays,
	}
}

// mark is what a marker says.
type mark struct {
	state State
	at    time.Time
}

// outranks tells which of two marks of a letter counts: what was erased stays
// so, and of equal ones it is the first.
func (m mark) outranks(other mark) bool {
	if m.state != other.state {
		return m.state == StateErased
	}
	return m.at.Before(other.at)
}

// markOf reads a marker; ok is false for any other record.
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
	l.Position = Position{l.Original.Partition, l.Original.Offset} // counts where there is no event
	return idOf(l), mark{state, at}, true
}

// newMarker makes the marker of a letter. It belongs into the letter's
// partition, behind it, so that retention never deletes it first.
func newMarker(id letterID, state State, at time.Time) kafka.Record {
	replays := strconv.Itoa(id.replays)
	name, where := id.event, Position{id.partition, id.offset}
	if id.event == "" {
		name, where = "record "+id.at.String(), id.at
	}
	return kafka.Record{
		// A key of its own: in a compacted topic it must replace no letter.
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
