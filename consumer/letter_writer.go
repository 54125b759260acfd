package consumer

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/leadbridge/leadbridge/consumer/header"
	"github.com/leadbridge/leadbridge/internal/cluster"
)

// A process writes up to maxLetterWrites letters at a time. A further letter waits for letterWait until one of them is
// written; then its record is parked.
const (
	maxLetterWrites = 8
	letterWait      = time.Second
)

// letterWriter writes dead letters.
type letterWriter struct {
	writer topicWriter
	slots  chan struct{} // one entry for each letter that is being written
}

func newLetterWriter(cfg Config, lease func() error, b *statusBoard) *letterWriter {
	t := target{topic: cfg.DeadLetterTopic, hold: HoldDeadLetters, setting: "KAFKA_DLT_TOPIC"}
	return &letterWriter{writer: newTopicWriter(cfg, t, lease, b), slots: make(chan struct{}, maxLetterWrites)}
}

func (l *letterWriter) close() { l.writer.close() }

// write writes a letter, and returns where it lies once all in-sync replicas have acknowledged it. Otherwise its error is
// *unwritable, errLeaseLapsed or ctx's.
func (l *letterWriter) write(ctx context.Context, d letter) (at recordPlace, err error) {
	select {
	case l.slots <- struct{}{}:
		defer func() { <-l.slots }()
	case <-time.After(letterWait):
		return at, &unwritable{until: time.Now().Add(letterWait)}
	case <-ctx.Done():
		return at, ctx.Err()
	}
	if err := l.writer.outage.admit(time.Now()); err != nil {
		return at, err
	}
	at, err = l.writer.try(ctx, d.partition, d.record())
	for cluster.RefusesRecord(err) && d.reduce(cluster.TooLarge(err)) {
		at, err = l.writer.try(ctx, d.partition, d.record())
	}
	return at, l.writer.settle(ctx, err)
}

func (d *letter) record() kafka.Record { return newRecord(d.key, d.value, d.headers) }

// reduce changes a letter that the broker refuses permanently by one step, after which the broker may accept it. It reports
// false when there is no step left.
func (d *letter) reduce(tooLarge bool) bool {
	mark := func(key, value string) {
		d.headers = append(d.headers, kafka.Header{Key: key, Value: []byte(value)})
	}
	// omitValue leaves the value out, so that a replay reads value, key and headers where other headers say that the original
	// lies. The value is empty and not null, which would make a tombstone.
	omitValue := func() {
		d.value = []byte{}
		if !slices.ContainsFunc(d.headers, func(h kafka.Header) bool { return h.Key == header.Value }) {
			mark(header.Value, header.Omitted)
		}
	}
	switch {
	case !tooLarge && len(d.key) == 0: // a compacted topic accepts no letter without a key
		d.key = []byte(d.eventID)
		mark(header.Key, header.Assigned)
	case len(d.value) > 0:
		omitValue()
	case slices.ContainsFunc(d.headers, isForeign):
		d.headers = slices.DeleteFunc(slices.Clone(d.headers), isForeign)
		mark(header.Headers, header.Omitted)
		omitValue()
	case tooLarge && len(d.key) > len(d.eventID):
		d.key = []byte(d.eventID)
		mark(header.Key, header.Assigned)
		omitValue()
	default:
		return false
	}
	return true
}

// isForeign reports whether a header was the record's before it became a letter.
func isForeign(h kafka.Header) bool { return !strings.HasPrefix(h.Key, header.Prefix) }
