package consumer

import (
	"context"
	"errors"
	"fmt"

	"github.com/segmentio/kafka-go"

	"github.com/leadbridge/leadbridge/internal/cluster"
	"github.com/leadbridge/leadbridge/transform"
)

// Log reads a topic without joining a group: its committed records, without transaction markers and aborted
// records, and what a group has committed. It never creates the topic. Each call is bounded to ten seconds.
type Log struct{ broker *broker }

// NewLog returns a Log of the topic; it connects to nothing yet.
func NewLog(brokers cluster.Brokers, topic string) *Log {
	return &Log{newBroker(Config{Brokers: brokers, Topic: topic})}
}

// Bounds are the first offset of a partition's log, and the offset after its last record.
type Bounds struct{ First, End int64 }

// Bounds returns the bounds of all partitions for readers of committed records: a log ends where the first open
// transaction begins. The error is [cluster.ErrNoTopic] when the topic does not exist.
func (l *Log) Bounds(ctx context.Context) (map[int]Bounds, error) {
	return l.bounds(ctx, kafka.ReadCommitted)
}

// Written returns the bounds of all partitions, the records of open transactions included.
func (l *Log) Written(ctx context.Context) (map[int]Bounds, error) {
	return l.bounds(ctx, kafka.ReadUncommitted)
}

func (l *Log) bounds(ctx context.Context, isolation kafka.IsolationLevel) (map[int]Bounds, error) {
	ids, err := l.broker.partitions(ctx)
	if err != nil {
		return nil, l.advised(err)
	}
	found, err := l.broker.listOffsets(ctx, ids, isolation)
	if err != nil {
		return nil, l.advised(err)
	}
	all := make(map[int]Bounds, len(found))
	for id, b := range found {
		all[id] = Bounds{b.first, b.end}
	}
	return all, nil
}

// Read returns the records of a partition from offset on, about maxBytes of them, and the offset to go on at. At the
// log's end it returns no records and the same offset.
func (l *Log) Read(ctx context.Context, partition int, offset int64, maxBytes int32) ([]transform.Record, int64, error) {
	got, err := l.broker.fetch(ctx, partition, offset, maxBytes, 0)
	if err != nil {
		return nil, offset, l.advised(err)
	}
	records := make([]transform.Record, len(got.records))
	for i, r := range got.records {
		records[i] = r.Record
	}
	return records, got.next, nil
}

// advised adds to an error of a missing right which right that is.
func (l *Log) advised(err error) error {
	if errors.Is(err, kafka.TopicAuthorizationFailed) {
		return fmt.Errorf("we may not read the topic %q, grant READ and DESCRIBE on it: %w", l.broker.topic, err)
	}
	return err
}

// Settings returns the values of the named settings of the topic. A setting that it does not have is left out.
func (l *Log) Settings(ctx context.Context, names ...string) (map[string]string, error) {
	return describe(ctx, l.broker.client, kafka.ResourceTypeTopic, l.broker.topic, names...)
}

// Commits returns the offsets that a group has committed, by partition. A partition without a commit is left out.
func (l *Log) Commits(ctx context.Context, group string) (map[int]int64, error) {
	found, err := l.commits(ctx, group)
	if err != nil {
		return nil, err
	}
	all := make(map[int]int64, len(found))
	for id, c := range found {
		if c.offset >= 0 {
			all[id] = c.offset
		}
	}
	return all, nil
}

// commits returns the group's commits of all partitions; none when nobody has joined the group yet.
func (l *Log) commits(ctx context.Context, group string) (map[int]committed, error) {
	ids, err := l.broker.partitions(ctx)
	if err != nil {
		return nil, err
	}
	found, err := l.broker.ofGroup(group).fetchCommits(ctx, ids)
	if errors.Is(err, kafka.GroupIdNotFound) {
		return nil, nil
	}
	return found, err
}

// Close closes all connections; a later call opens new ones.
func (l *Log) Close() { l.broker.reset() }
