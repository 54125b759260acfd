package demo

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/leadbridge/leadbridge/internal/audit"
	"github.com/leadbridge/leadbridge/transform"
)

const (
	topic           = "leads"
	deadLetterTopic = "leads.dlt"
	resultTopic     = "leads.results" // used by a demo that is kept
	group           = "leadbridge"
	partitions      = 3
)

// broker is a Kafka cluster in this process.
type broker struct {
	cluster   *kfake.Cluster
	transport *kafka.Transport
	client    *kafka.Client
}

func startBroker() (*broker, error) {
	cluster, err := kfake.NewCluster(
		kfake.NumBrokers(1),
		kfake.SeedTopics(partitions, topic, deadLetterTopic, resultTopic),
		kfake.BrokerConfigs(map[string]string{"message.max.bytes": "4194304"}),
	)
	if err != nil {
		return nil, fmt.Errorf("embedded broker: %w", err)
	}
	transport := &kafka.Transport{}
	return &broker{
		cluster:   cluster,
		transport: transport,
		client:    &kafka.Client{Addr: kafka.TCP(cluster.ListenAddrs()...), Transport: transport, Timeout: 10 * time.Second},
	}, nil
}

func (b *broker) close() {
	b.transport.CloseIdleConnections()
	b.cluster.Close()
}

// produce writes one lead and returns its place.
func (b *broker) produce(ctx context.Context, l lead, n int) (audit.Place, error) {
	record := kafka.Record{Headers: make([]kafka.Header, 0, len(l.headers))}
	partition := n % partitions
	if l.key != nil {
		record.Key = kafka.NewBytes(l.key)
		h := fnv.New32a()
		_, _ = h.Write(l.key)
		partition = int(h.Sum32() % partitions)
	}
	if l.value != nil {
		record.Value = kafka.NewBytes(l.value)
	}
	for _, h := range l.headers {
		record.Headers = append(record.Headers, kafka.Header{Key: h.Key, Value: h.Value})
	}
	answer, err := b.client.Produce(ctx, &kafka.ProduceRequest{
		Topic: topic, Partition: partition, RequiredAcks: kafka.RequireAll, Records: kafka.NewRecordReader(record),
	})
	if err == nil {
		err = answer.Error
	}
	if err != nil {
		return audit.Place{}, fmt.Errorf("produce: %w", err)
	}
	return audit.Place{Partition: partition, Offset: answer.BaseOffset}, nil
}

// ends returns the end of each partition of the topic: the offset behind its last record.
func (b *broker) ends() map[int32]int64 {
	ends := map[int32]int64{}
	for _, p := range b.cluster.PartitionInfos(topic) {
		ends[p.Partition] = p.HighWatermark
	}
	return ends
}

// committed reports whether the group's commits have reached these offsets, by partition.
func (b *broker) committed(offsets map[int32]int64) bool {
	info := b.cluster.GroupInfo(group)
	if info == nil {
		return false
	}
	for partition, offset := range offsets {
		if info.Commits[topic][partition].Offset < offset {
			return false
		}
	}
	return true
}

// size returns the number of records in a topic.
func (b *broker) size(topic string) (n int64) {
	for _, p := range b.cluster.PartitionInfos(topic) {
		n += p.HighWatermark
	}
	return n
}

// read returns all records of a topic.
func (b *broker) read(ctx context.Context, topic string) ([]transform.Record, error) {
	var all []transform.Record
	for _, p := range b.cluster.PartitionInfos(topic) {
		for next := int64(0); next < p.HighWatermark; {
			records, err := b.fetch(ctx, topic, int(p.Partition), next)
			if err != nil {
				return nil, fmt.Errorf("read %s/%d from %d: %w", topic, p.Partition, next, err)
			}
			all = append(all, records...)
			next = records[len(records)-1].Offset + 1
		}
	}
	return all, nil
}

// fetch returns at least one record of a partition, from an offset on.
func (b *broker) fetch(ctx context.Context, topic string, partition int, from int64) ([]transform.Record, error) {
	answer, err := b.client.Fetch(ctx, &kafka.FetchRequest{
		Topic: topic, Partition: partition, Offset: from, MinBytes: 1, MaxBytes: 8 << 20, MaxWait: time.Second,
	})
	if err == nil {
		err = answer.Error
	}
	if err != nil {
		return nil, err
	}
	var records []transform.Record
	for {
		r, err := answer.Records.ReadRecord()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		// The batch with the offset that was asked for may begin before it.
		if r.Offset < from {
			continue
		}
		record, err := copied(topic, partition, r)
		if err != nil {
			return nil, err
		}
		records = append(records, record)
	}
	if len(records) == 0 {
		return nil, errors.New("the broker returned no record")
	}
	return records, nil
}

// copied returns a record as package transform has it.
func copied(topic string, partition int, r *kafka.Record) (transform.Record, error) {
	key, err := kafka.ReadAll(r.Key)
	if err != nil {
		return transform.Record{}, err
	}
	value, err := kafka.ReadAll(r.Value)
	if err != nil {
		return transform.Record{}, err
	}
	out := transform.Record{Topic: topic, Partition: partition, Offset: r.Offset, Time: r.Time, Key: key, Value: value}
	for _, h := range r.Headers {
		out.Headers = append(out.Headers, transform.Header{Key: h.Key, Value: h.Value})
	}
	return out, nil
}
