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
	id := letterID{
		event: l.EventID, topic: l.Original.Topic, partition: l.Original.Partition, offset: l.Original.Offset, replays: l.Replays,
	}
	if l.EventID == "" {
		id.at = l.Position
	}
	return id
}

// mark is what a marker says.
type mark struct {
	state State
	at    time.Time
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
	return idOf(newLetter(r)), mark{state, at}, true
}

// newMarker makes the marker of a letter. It belongs into the letter's
// partition, behind it, so that retention never deletes it first.
func newMarker(id letterID, state State, at time.Time) kafka.Record {
	replays := strconv.Itoa(id.replays)
	return kafka.Record{
		// A key of its own: in a compacted topic it must replace no letter.
		Key:   kafka.NewBytes([]byte("leadbridge-" + string(state) + ":" + id.event + "#" + replays)),
		Value: kafka.NewBytes([]byte{}),
		Headers: []kafka.Header{
			{Key: header.Marker, Value: []byte(state)},
			{Key: header.MarkedAt, Value: []byte(at.UTC().Format(time.RFC3339Nano))},
			{Key: header.EventID, Value: []byte(id.event)},
			{Key: header.Topic, Value: []byte(id.topic)},
			{Key: header.Partition, Value: []byte(strconv.Itoa(id.partition))},
			{Key: header.Offset, Value: []byte(strconv.FormatInt(id.offset, 10))},
			{Key: header.Replays, Value: []byte(replays)},
		},
	}
}
