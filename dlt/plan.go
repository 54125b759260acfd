package dlt

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/leadbridge/leadbridge/consumer"
	"github.com/leadbridge/leadbridge/consumer/header"
	"github.com/leadbridge/leadbridge/transform"
)

// planned is a letter that is about to be replayed, with the record that its event becomes.
type planned struct {
	letter  Letter
	id      letterID
	to      place // where its event goes
	key     []byte
	value   []byte
	headers []kafka.Header
	edited  bool // an edit changed the value; false: value is the letter's, or that of the original record
	size    int  // of key and value, in bytes
}

// record returns the event's record. Each write needs a new one, as it consumes it.
func (p planned) record() kafka.Record {
	r := kafka.Record{Time: time.Now(), Headers: p.headers, Value: kafka.NewBytes(p.value)}
	if p.key != nil {
		r.Key = kafka.NewBytes(p.key)
	}
	return r
}

// plan returns what is written when a letter is replayed, or, in left, why it is not replayed.
func (r *replay) plan(ctx context.Context, l Letter) (p planned, left *Left, err error) {
	leave := func(why, message string, args ...any) (planned, *Left, error) {
		left := l.left(why, message, args...)
		return planned{}, &left, nil
	}
	switch topic := r.topic.cfg.Topic; {
	case l.EventID == "" || l.Original.Topic == "":
		return leave(LeftNotOurs, "the record does not say where it came from")
	case l.Original.Topic != topic:
		return leave(LeftTopic, "it came from the topic %q: set KAFKA_TOPIC to that to replay it", l.Original.Topic)
	case l.Replays >= r.opts.MaxReplays:
		return leave(LeftReplays, "its event was replayed %d times: fix the cause, then give a larger --max-replays", l.Replays)
	}
	p = planned{letter: l, id: idOf(l), key: l.Key, value: l.Value, headers: eventHeaders(l.Headers, l.Replays+1)}
	p.to = place{l.Original.Topic, r.partitionFor(l.Original.Partition)}
	switch {
	case l.ValueOmitted() && l.Replays > 0: // what is in the topic may be the value before an edit
		return leave(LeftValueGone, "it was written without its value, which an earlier replay may have edited")
	case l.ValueOmitted():
		whole, found, err := r.origin.read(ctx, l)
		if err != nil {
			return planned{}, nil, err
		}
		if !found {
			return leave(LeftValueGone, "it was written without its value, which is not in partition %d of %q at %d any more, or cannot be read: it is over 4 MiB, or cannot be decompressed",
				l.Original.Partition, l.Original.Topic, l.Original.Offset)
		}
		p.restore(whole)
	case header.Text(l.Headers, header.Key) == header.Assigned:
		// The event had no key. A key that was too large is cut only in a letter without its value.
		p.key = nil
	}
	if r.opts.Edit != nil {
		value, why := r.unframed(p)
		if why != "" {
			return leave(LeftEdit, "%s", why)
		}
		edited, err := r.opts.Edit.Edit(value)
		if err != nil {
			return leave(LeftEdit, "%v", err)
		}
		if p.edited = string(edited) != string(value); p.edited {
			// If nothing was edited, p.value keeps the frame of a schema registry; value is only the JSON inside.
			p.value = edited
		}
	}
	p.size = len(p.key) + len(p.value)
	return p, nil, nil
}

// unframed returns the value for an edit: the JSON inside a framed value, the value itself if it is not framed; or why a framed
// value cannot be read.
func (r *replay) unframed(p planned) (text []byte, why string) {
	if r.opts.Unframe != nil {
		l := p.letter
		l.Value = p.value
		if text, why = r.opts.Unframe(l); text != nil || why != "" {
			return text, why
		}
	}
	return p.value, "" // not framed
}

// partitionFor returns the partition that the event came from, or another one if the topic no longer has it.
func (r *replay) partitionFor(partition int) int {
	if slices.Contains(r.partitions, partition) {
		return partition
	}
	return r.partitions[partition%len(r.partitions)]
}

// eventHeaders returns the headers with which an event is replayed: its own, and those of ours that keep its identity and say
// how often it was replayed.
func eventHeaders(headers []transform.Header, replays int) []kafka.Header {
	kept := make([]kafka.Header, 0, len(headers))
	for _, h := range headers {
		if staysOnReplay(h.Key) {
			kept = append(kept, kafka.Header{Key: h.Key, Value: h.Value})
		}
	}
	return append(kept, kafka.Header{Key: header.Replays, Value: []byte(strconv.Itoa(replays))})
}

// staysOnReplay reports whether a letter's header is one of the event's own, or keeps its identity.
func staysOnReplay(key string) bool {
	switch key {
	case header.Topic, header.Partition, header.Offset, header.Timestamp, header.EventID, header.FirstFailure, header.OriginField:
		return true
	}
	return !isOurs(key)
}

func isOurs(key string) bool {
	return len(key) >= len(header.Prefix) && key[:len(header.Prefix)] == header.Prefix
}

// restore takes key, value and the event's own headers from its record, for a letter that was written without its value.
func (p *planned) restore(whole transform.Record) {
	p.key, p.value = whole.Key, whole.Value
	headers := make([]kafka.Header, 0, len(whole.Headers)+len(p.headers)) // the record's own headers, then ours
	for _, h := range whole.Headers {
		if !isOurs(h.Key) {
			headers = append(headers, kafka.Header{Key: h.Key, Value: h.Value})
		}
	}
	for _, h := range p.headers {
		if isOurs(h.Key) {
			headers = append(headers, h)
		}
	}
	p.headers = headers
}

// originals reads events from their topic.
type originals struct{ log *consumer.Log }

func newOriginals(cfg Config) *originals {
	return &originals{consumer.NewLog(cfg.Brokers, cfg.Topic)}
}

func (o *originals) close() { o.log.Close() }

// partitionIDs returns the ids of a topic's partitions, ascending. It never creates the topic.
func partitionIDs(ctx context.Context, log *consumer.Log) ([]int, error) {
	var bounds map[int]consumer.Bounds
	err := patiently(ctx, func() (err error) {
		bounds, err = log.Bounds(ctx)
		return err
	})
	return slices.Sorted(maps.Keys(bounds)), err
}

// read returns the record from which a letter's event came. found is false if the record is not there any more, or its value
// could not be read (see [transform.Missing]), or the letter does not say when the record was written.
func (o *originals) read(ctx context.Context, l Letter) (whole transform.Record, found bool, err error) {
	at, err := time.Parse(time.RFC3339Nano, l.Original.Timestamp)
	if err != nil {
		return whole, false, nil //nolint:nilerr // without the timestamp, another record at that offset cannot be told apart
	}
	bounds, err := o.log.Bounds(ctx)
	if err != nil {
		return whole, false, err
	}
	b, ok := bounds[l.Original.Partition]
	if !ok || l.Original.Offset < b.First || l.Original.Offset >= b.End {
		return whole, false, nil
	}
	err = EachRecord(ctx, o.log, l.Original.Partition, l.Original.Offset, l.Original.Offset+1, func(r transform.Record) {
		if r.Offset == l.Original.Offset && r.Time.Equal(at) && r.Value != nil && r.Missing == transform.MissingNothing {
			whole, found = r, true
		}
	})
	return whole, found, err
}
