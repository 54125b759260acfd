package consumer

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol/fetch"

	"github.com/leadbridge/leadbridge/transform"
)

// fetchWait is how long a broker may keep a fetch that has nothing to answer.
const fetchWait = time.Second

// A record is a committed record of the log. Its Value is nil for a tombstone.
type record struct {
	transform.Record
	size int64 // how many bytes of the buffer it takes
}

// recordOverhead is the memory that a record takes beside its key, value and headers, in bytes.
const recordOverhead = 512

// fetched is what a fetch returned.
type fetched struct {
	records []record
	next    int64 // the offset to go on at
	bytes   int64 // the sizes of the records
	end     int64 // the last stable offset: the log's end for committed reading
	start   int64 // the log's first offset
}

// fetch reads committed records at and above offset: about maxBytes of the log, as it is compressed there, and of records at
// most what memoryOf allows, but at least one. The broker waits up to wait for the first. It does not use kafka-go's
// readers, which deliver transaction markers and aborted records, jump over deleted offsets, and decompress without a bound.
func (b *broker) fetch(ctx context.Context, partition int, offset int64, maxBytes int32, wait time.Duration) (fetched, error) {
	return b.fetchInto(ctx, partition, offset, maxBytes, wait, nil)
}

// memoryOf is how many bytes of records a fetch of maxBytes of the log returns at most, but for the last record: what was
// compressed is larger, and each record counts with its overhead. The rest of a batch comes with the next fetch.
func memoryOf(maxBytes int32) int64 { return max(16*int64(maxBytes), 1<<20) }

// fetchInto is fetch, with the records in the memory of buffer if they fit.
func (b *broker) fetchInto(ctx context.Context, partition int, offset int64, maxBytes int32, wait time.Duration, buffer []record) (fetched, error) {
	ctx, cancel := context.WithTimeout(ctx, wait+callTimeout)
	defer cancel()
	answer, err := b.transport.RoundTrip(ctx, b.addr, &fetchRequest{Request: fetch.Request{
		ReplicaID:      -1,
		MaxWaitTime:    int32(wait.Milliseconds()),
		MinBytes:       1,
		MaxBytes:       math.MaxInt32, // the bound of the only partition counts
		IsolationLevel: int8(kafka.ReadCommitted),
		SessionEpoch:   -1,
		Topics: []fetch.RequestTopic{{
			Topic: b.topic,
			Partitions: []fetch.RequestPartition{{
				Partition:          int32(partition),
				CurrentLeaderEpoch: -1,
				FetchOffset:        offset,
				LogStartOffset:     -1,
				PartitionMaxBytes:  maxBytes,
			}},
		}},
	}})
	if err != nil {
		return fetched{}, fmt.Errorf("fetching partition %d: %w", partition, err)
	}
	res, ok := answer.(*fetchAnswer)
	switch {
	case !ok:
		return fetched{}, fmt.Errorf("fetching partition %d: answered with a %T", partition, answer)
	case res.errorCode != 0:
		return fetched{}, fmt.Errorf("fetching partition %d: %w", partition, kafka.Error(res.errorCode))
	}
	for _, p := range res.partitions {
		if p.topic == b.topic && int(p.id) == partition {
			return b.readPartition(ctx, p, offset, memoryOf(maxBytes), buffer)
		}
	}
	return fetched{}, fmt.Errorf("fetching partition %d: not in the answer", partition)
}

// readPartition reads what a fetch answered for a partition. Only one answer of a topic is read at a time: a decompressor may
// take 128 MiB, whose size the writer of a batch chooses.
func (b *broker) readPartition(ctx context.Context, p answeredPartition, offset, memory int64, buffer []record) (fetched, error) {
	if p.errorCode != 0 {
		return fetched{}, fmt.Errorf("fetching partition %d: %w", p.id, kafka.Error(p.errorCode))
	}
	select {
	case b.unpacker.turn <- struct{}{}:
		defer func() { <-b.unpacker.turn }()
	case <-ctx.Done():
		return fetched{}, fmt.Errorf("fetching partition %d: %w", p.id, ctx.Err())
	}
	got := fetched{records: buffer, next: offset, end: p.stableEnd, start: p.start}
	if got.end < 0 {
		got.end = p.highWatermark
	}
	r := batchReader{topic: b.topic, partition: int(p.id), from: offset, memory: memory, got: &got, aborted: newAbortedFilter(p.aborted), unpacker: b.unpacker}
	err := r.readAll(ctx, p.batches)
	if err != nil && got.next == offset { // else what was read is good, and the next fetch fails
		return fetched{}, fmt.Errorf("reading partition %d of %q at offset %d: %w", p.id, b.topic, offset, err)
	}
	return got, nil
}

// abortedFilter finds the batches of aborted transactions. Such a transaction reaches from its first offset to its
// producer's marker.
type abortedFilter struct {
	starts []abortedTransaction // those that begin later in the log
	open   map[int64]bool       // producers of which an aborted transaction has begun and not ended
}

func newAbortedFilter(starts []abortedTransaction) *abortedFilter {
	return &abortedFilter{starts: starts, open: map[int64]bool{}}
}

// keeps reports whether a batch holds committed data. It must be called for each batch, in their order.
func (a *abortedFilter) keeps(h batchHeader) bool {
	a.openUpTo(h.base)
	if h.control() {
		// A marker ends its producer's transaction. If it is an aborted one, the marker cannot say commit, so that the
		// kind of the marker does not matter.
		delete(a.open, h.producer)
		return false
	}
	return !h.transactional() || !a.open[h.producer]
}

// openUpTo notes the aborted transactions that begin at or before offset.
func (a *abortedFilter) openUpTo(offset int64) {
	later := a.starts[:0:0]
	for _, t := range a.starts {
		if t.first <= offset {
			a.open[t.producer] = true
		} else {
			later = append(later, t)
		}
	}
	a.starts = later
}
