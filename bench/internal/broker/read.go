package broker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/leadbridge/leadbridge/internal/audit"
)

// CommitStart commits the beginning of all partitions for a group, as a group has that
// has read the topic before. A new group would look its first records up. A Kafka that
// was just started makes the topic of its commits at the first one.
func (b *Broker) CommitStart(ctx context.Context, group, topic string, partitions int) error {
	return patiently(ctx, func() error { return b.commitStartOnce(ctx, group, topic, partitions) })
}

func (b *Broker) commitStartOnce(ctx context.Context, group, topic string, partitions int) error {
	commits := make([]kafka.OffsetCommit, partitions)
	for p := range commits {
		commits[p].Partition = p
	}
	res, err := b.client.OffsetCommit(ctx, &kafka.OffsetCommitRequest{
		GroupID: group, GenerationID: -1, Topics: map[string][]kafka.OffsetCommit{topic: commits},
	})
	if err != nil {
		return fmt.Errorf("commit the start: %w", err)
	}
	for _, p := range res.Topics[topic] {
		if p.Error != nil {
			return fmt.Errorf("commit the start of partition %d: %w", p.Partition, p.Error)
		}
	}
	return nil
}

// Committed returns the group's offset of each partition.
func (b *Broker) Committed(ctx context.Context, group, topic string, partitions int) ([]int64, error) {
	ids := make([]int, partitions)
	for p := range ids {
		ids[p] = p
	}
	res, err := b.client.OffsetFetch(ctx, &kafka.OffsetFetchRequest{GroupID: group, Topics: map[string][]int{topic: ids}})
	if err != nil {
		return nil, fmt.Errorf("fetch offsets: %w", err)
	}
	offsets := make([]int64, partitions)
	errs := []error{res.Error}
	for _, p := range res.Topics[topic] {
		offsets[p.Partition] = p.CommittedOffset
		errs = append(errs, p.Error)
	}
	return offsets, errors.Join(errs...)
}

// Letters returns where the events of a topic's dead letters come from, by the headers that leadbridge writes, and how
// many letters each has.
func (b *Broker) Letters(ctx context.Context, topic string, partitions int) (map[audit.Place]int, error) {
	all := map[audit.Place]int{}
	err := b.Read(ctx, topic, partitions, func(_ audit.Place, _ []byte, headers []kafka.Header) error {
		from, err := originOf(headers)
		if err == nil {
			all[from]++
		}
		return err
	})
	return all, err
}

// Read gives each record that a topic holds to see: where it lies, its value, its headers. It ends with the first error.
func (b *Broker) Read(ctx context.Context, topic string, partitions int, see func(at audit.Place, value []byte, headers []kafka.Header) error) error {
	for p := range partitions {
		for offset := int64(0); offset >= 0; {
			var err error
			if offset, err = b.readOnce(ctx, topic, audit.Place{Partition: p, Offset: offset}, see); err != nil {
				return fmt.Errorf("read partition %d of %s: %w", p, topic, err)
			}
		}
	}
	return nil
}

// readOnce gives the records of one fetch to see and returns the next offset, -1 at the end.
func (b *Broker) readOnce(ctx context.Context, topic string, from audit.Place, see func(audit.Place, []byte, []kafka.Header) error) (int64, error) {
	res, err := b.client.Fetch(ctx, &kafka.FetchRequest{Topic: topic, Partition: from.Partition, Offset: from.Offset, MinBytes: 1, MaxBytes: 8 << 20, MaxWait: 100 * time.Millisecond})
	if err == nil {
		err = res.Error
	}
	if err != nil {
		return 0, err
	}
	next := from.Offset
	for {
		record, err := res.Records.ReadRecord()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return 0, err
		}
		if record.Offset < from.Offset {
			continue
		}
		next = record.Offset + 1
		value, err := kafka.ReadAll(record.Value)
		if err != nil {
			return 0, err
		}
		if err := see(audit.Place{Partition: from.Partition, Offset: record.Offset}, value, record.Headers); err != nil {
			return 0, err
		}
	}
	if next >= res.HighWatermark || next == from.Offset {
		return -1, nil
	}
	return next, nil
}

// originOf reads where the event of a dead letter comes from.
func originOf(headers []kafka.Header) (audit.Place, error) {
	var from audit.Place
	var errs [2]error
	seen := 0
	for _, h := range headers {
		switch h.Key {
		case "dlt-original-partition":
			from.Partition, errs[0] = strconv.Atoi(string(h.Value))
			seen++
		case "dlt-original-offset":
			from.Offset, errs[1] = strconv.ParseInt(string(h.Value), 10, 64)
			seen++
		}
	}
	if seen != 2 {
		return from, errors.New("a letter does not tell where its event comes from")
	}
	return from, errors.Join(errs[:]...)
}
