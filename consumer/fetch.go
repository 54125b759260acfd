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

// fetchWait is how long a broker may wait for records before it answers a fetch.
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
	next    int64 // the offset to fetch next
	bytes   int64 // the sizes of the records
	end     int64 // the last stable offset: the log's end for readers of committed records
	start   int64 // the log's first offset
}

// fetch reads committed records from offset on: about maxBytes of the compressed log, and at most memoryOf(maxBytes) of
// decompressed records. If there are none, the broker waits for one, at most for the duration wait. fetch does not use
// kafka-go's readers, which return transaction markers and aborted records, jump over deleted offsets, and decompress
// without a bound.
func (b *broker) fetch(ctx context.Context, partition int, offset int64, maxBytes int32, wait time.Duration) (fetched, error) {
	return b.fetchInto(ctx, partition, offset, maxBytes, wait, nil)
}

// memoryOf returns how many bytes of records a fetch of maxBytes of the log may return; its last record may exceed this. It
// is more than maxBytes, as records are decompressed and each is counted with its overhead. What was not returned of a batch
// comes with the next fetch.
func memoryOf(maxBytes int32) int64 { return max(16*int64(maxBytes), 1<<20) }

// fetchInto is like fetch, and appends the records to buffer.
func (b *broker) fetchInto(ctx context.Context, partition int, offset int64, maxBytes int32, wait time.Duration, buffer []record) (fetched, error) {
	ctx, cancel := context.WithTimeout(ctx, wait+callTimeout)
	defer cancel()
	answer, err := b.transport.RoundTrip(ctx, b.addr, &fetchRequest{Request: fetch.Request{
		ReplicaID:      -1,
		MaxWaitTime:    int32(wait.Milliseconds()),
		MinBytes:       1,
		MaxBytes:       math.MaxInt32, // no bound but PartitionMaxBytes, as there is one partition
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

// readPartition reads what a fetch's answer holds of a partition. One goroutine at a time does that, as decompressing can
// take 128 MiB: how much it takes is chosen by whoever wrote the batch.
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
	if err != nil && got.next == offset { // if some records were read, they are returned: the next fetch meets the error again
		return fetched{}, fmt.Errorf("reading partition %d of %q at offset %d: %w", p.id, b.topic, offset, err)
	}
	return got, nil
}

// abortedFilter recognizes the batches of aborted transactions. An aborted transaction reaches from its first offset to the
// next marker of its producer.
type abortedFilter struct {
	starts []abortedTransaction // those that begin after the batches seen so far
	open   map[int64]bool       // the producers whose aborted transaction has begun and not ended
}

func newAbortedFilter(starts []abortedTransaction) *abortedFilter {
	return &abortedFilter{starts: starts, open: map[int64]bool{}}
}

// keeps reports whether a batch holds committed data. It must be called for each batch, in the order of the log.
func (a *abortedFilter) keeps(h batchHeader) bool {
	a.openUpTo(h.base)
	if h.control() {
		// A marker ends its producer's transaction. Whether it says commit or abort need not be read: if the transaction is
		// in open, it was aborted.
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
