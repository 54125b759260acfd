package consumer

import (
	"context"
	"errors"

	"github.com/segmentio/kafka-go"

	"github.com/leadbridge/leadbridge/transform"
)

// ErrNoTopic says that the cluster does not have the topic.
var ErrNoTopic = errNoTopic

// Log reads the committed records of a topic, without a group: no transaction
// markers, nothing that was aborted. It creates nothing.
type Log struct{ broker *broker }

// NewLog opens nothing yet; of the configuration it takes what it needs to
// reach the brokers.
func NewLog(cfg Config, topic string) *Log {
	cfg.Topic = topic
	return &Log{newBroker(cfg)}
}

// Bounds are the first offset of a partition's log and the one after its last
// committed record.
type Bounds struct{ First, End int64 }

// Bounds tells those of all partitions; the error is ErrNoTopic when there is none.
func (l *Log) Bounds(ctx context.Context) (map[int]Bounds, error) {
	return l.bounds(ctx, kafka.ReadCommitted)
}

// Written is Bounds, with what open transactions hold back too.
func (l *Log) Written(ctx context.Context) (map[int]Bounds, error) {
	return l.bounds(ctx, kafka.ReadUncommitted)
}

func (l *Log) bounds(ctx context.Context, isolation kafka.IsolationLevel) (map[int]Bounds, error) {
	ids, err := l.broker.partitions(ctx)
	if err != nil {
		return nil, err
	}
	found, err := l.broker.listOffsets(ctx, ids, isolation)
	if err != nil {
		return nil, err
	}
	all := make(map[int]Bounds, len(found))
	for id, b := range found {
		all[id] = Bounds{b.first, b.end}
	}
	return all, nil
}

// Read gives the records of a partition from an offset on, about maxBytes of
// them, and where to go on; that is the same offset at the log's end.
func (l *Log) Read(ctx context.Context, partition int, offset int64, maxBytes int32) ([]transform.Record, int64, error) {
	got, err := l.broker.fetch(ctx, partition, offset, maxBytes, 0)
	if err != nil {
		return nil, offset, err
	}
	records := make([]transform.Record, len(got.records))
	for i, r := range got.records {
		records[i] = r.Record
	}
	return records, got.next, nil
}

// Settings tells some settings of the topic; those that it does not have are missing.
func (l *Log) Settings(ctx context.Context, names ...string) (map[string]string, error) {
	return describe(ctx, l.broker.client, kafka.ResourceTypeTopic, l.broker.topic, names...)
}

// Commits tells the group's commits of all partitions; those without one are missing.
func (l *Log) Commits(ctx context.Context) (map[int]int64, error) {
	ids, err := l.broker.partitions(ctx)
	if err != nil {
		return nil, err
	}
	found, err := l.broker.fetchCommits(ctx, ids)
	if errors.Is(err, kafka.GroupIdNotFound) {
		return nil, nil // nobody has joined yet
	}
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

// Close gives up all connections.
func (l *Log) Close() { l.broker.reset() }

// NewClient gives a client for the brokers that knows the topics, and what
// gives its connections up. Nothing that is asked of it creates a topic.
func NewClient(cfg Config, topics ...string) (client *kafka.Client, shut func()) {
	transport := newTransport(cfg, cfg.dialer(), topics...)
	return &kafka.Client{Addr: kafka.TCP(cfg.Brokers...), Transport: transport, Timeout: callTimeout}, transport.CloseIdleConnections
}
