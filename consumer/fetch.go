package consumer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
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

// fetch reads committed records at and above offset: about maxBytes of them, but at least one batch. The broker waits up
// to wait for the first. It does not use kafka-go's readers, which deliver transaction markers and aborted records, and
// jump over deleted offsets.
func (b *broker) fetch(ctx context.Context, partition int, offset int64, maxBytes int32, wait time.Duration) (fetched, error) {
	return b.fetchInto(ctx, partition, offset, maxBytes, wait, nil)
}

// fetchInto is fetch, with the records in the memory of buffer if they fit.
func (b *broker) fetchInto(ctx context.Context, partition int, offset int64, maxBytes int32, wait time.Duration, buffer []record) (fetched, error) {
	got, batches, err := b.fetchOnce(ctx, partition, offset, maxBytes, wait, buffer)
	if err != nil || got.next > offset || batches.first < 0 {
		return got, err
	}
	// The answer is a batch without a record at or above offset: compaction removes records and keeps the batch's range.
	got.next, err = b.batchEnd(ctx, partition, offset, batches.first, maxBytes)
	return got, err
}

// baseOffsets are the first offsets of the first and of the last batch of an answer; -1 when it has none.
type baseOffsets struct{ first, last int64 }

// fetchOnce makes one fetch request.
func (b *broker) fetchOnce(ctx context.Context, partition int, offset int64, maxBytes int32, wait time.Duration, buffer []record) (fetched, baseOffsets, error) {
	ctx, cancel := context.WithTimeout(ctx, wait+callTimeout)
	defer cancel()
	answer, err := b.transport.RoundTrip(ctx, b.addr, &fetch.Request{
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
	})
	if err != nil {
		return fetched{}, baseOffsets{}, fmt.Errorf("fetching partition %d: %w", partition, err)
	}
	res := answer.(*fetch.Response)
	if res.ErrorCode != 0 {
		return fetched{}, baseOffsets{}, fmt.Errorf("fetching partition %d: %w", partition, kafka.Error(res.ErrorCode))
	}
	for _, t := range res.Topics {
		for i := range t.Partitions {
			if p := &t.Partitions[i]; int(p.Partition) == partition {
				return readPartition(b.topic, partition, offset, p, buffer)
			}
		}
	}
	return fetched{}, baseOffsets{}, fmt.Errorf("fetching partition %d: not in the answer", partition)
}

// readPartition reads what a fetch answered for a partition.
func readPartition(topic string, partition int, offset int64, p *fetch.ResponsePartition, buffer []record) (fetched, baseOffsets, error) {
	if p.ErrorCode != 0 {
		return fetched{}, baseOffsets{}, fmt.Errorf("fetching partition %d: %w", partition, kafka.Error(p.ErrorCode))
	}
	got := fetched{records: buffer, next: offset, end: p.LastStableOffset, start: p.LogStartOffset}
	if got.end < 0 {
		got.end = p.HighWatermark
	}
	bases := baseOffsets{-1, -1}
	aborted := newAbortedFilter(p.AbortedTransactions)
	for _, batch := range batchesOf(p.RecordSet.Records) {
		bases.last = baseOffset(batch)
		if bases.first < 0 {
			bases.first = bases.last
		}
		if err := got.read(batch, topic, partition, offset, aborted.keeps(batch)); err != nil {
			return fetched{}, baseOffsets{}, fmt.Errorf("reading partition %d: %w", partition, err)
		}
	}
	// All that lies before the last batch was read, even if some batches were empty.
	got.next = max(got.next, bases.last)
	return got, bases, nil
}

// batchesOf returns the record batches of a partition's answer.
func batchesOf(r protocol.RecordReader) []protocol.RecordReader {
	switch r := r.(type) {
	case nil:
		return nil
	case *protocol.RecordStream:
		return r.Records
	default:
		return []protocol.RecordReader{r}
	}
}

// baseOffset returns a batch's first offset; -1 when it is not known.
func baseOffset(batch protocol.RecordReader) int64 {
	if b, ok := batch.(interface{ Offset() int64 }); ok {
		return b.Offset()
	}
	return -1
}

// read adds a batch's records, if they are to be kept and lie at or above offset: an answer has whole batches. In any case
// next moves past them.
func (f *fetched) read(batch protocol.RecordReader, topic string, partition int, offset int64, keep bool) error {
	for {
		raw, err := batch.ReadRecord()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		rec, err := copyRecord(raw, topic, partition)
		if err != nil {
			return err
		}
		f.next = max(f.next, raw.Offset+1)
		if keep && raw.Offset >= offset {
			f.records = append(f.records, rec)
			f.bytes += rec.size
		}
	}
}

// copyRecord copies a record out of the transport's memory pages, and frees them.
func copyRecord(raw *protocol.Record, topic string, partition int) (record, error) {
	key, value, err := readKeyAndValue(raw.Key, raw.Value)
	if err != nil {
		return record{}, err
	}
	rec := record{
		Record: transform.Record{
			Topic: topic, Partition: partition, Offset: raw.Offset, Time: raw.Time, Key: key, Value: value,
		},
		size: int64(len(key)+len(value)) + recordOverhead,
	}
	if len(raw.Headers) > 0 {
		rec.Headers = make([]transform.Header, 0, len(raw.Headers))
	}
	for _, h := range raw.Headers {
		rec.Headers = append(rec.Headers, transform.Header{Key: h.Key, Value: h.Value})
		rec.size += int64(len(h.Key) + len(h.Value))
	}
	return rec, nil
}

// readKeyAndValue reads both into one piece of memory, as they live equally long. A nil key or value stays nil, and an
// empty one empty.
func readKeyAndValue(key, value protocol.Bytes) (k, v []byte, err error) {
	size := 0
	for _, b := range [...]protocol.Bytes{key, value} {
		if b != nil {
			size += b.Len()
		}
	}
	buffer := make([]byte, size)
	if k, buffer, err = readInto(buffer, key); err == nil {
		v, _, err = readInto(buffer, value)
	}
	return k, v, err
}

// readInto reads b into the beginning of buffer, and returns that and the rest of buffer.
func readInto(buffer []byte, b protocol.Bytes) (data, rest []byte, err error) {
	if b == nil {
		return nil, buffer, nil
	}
	defer b.Close()
	n := b.Len()
	_, err = io.ReadFull(b, buffer[:n])
	return buffer[:n:n], buffer[n:], err
}

// abortedFilter finds the batches of aborted transactions. Such a transaction reaches from its first offset to its
// producer's marker.
type abortedFilter struct {
	starts []fetch.ResponseTransaction // of aborted transactions that begin later in the log
	open   map[int64]bool              // producers of which an aborted transaction has begun and not ended
}

func newAbortedFilter(starts []fetch.ResponseTransaction) *abortedFilter {
	return &abortedFilter{starts: starts, open: map[int64]bool{}}
}

// keeps reports whether a batch holds committed data. It must be called for each batch, in their order.
func (a *abortedFilter) keeps(batch protocol.RecordReader) bool {
	switch b := batch.(type) {
	case *protocol.ControlBatch:
		a.openUpTo(b.BaseOffset)
		// A marker ends its producer's transaction. If it is an aborted one, the marker cannot say commit, so that the
		// kind of the marker does not matter.
		delete(a.open, b.ProducerID)
		return false
	case *protocol.RecordBatch:
		a.openUpTo(b.BaseOffset)
		return !b.Attributes.Transactional() || !a.open[b.ProducerID]
	default:
		return true // the old formats have no transactions
	}
}

// openUpTo notes the aborted transactions that begin at or before offset.
func (a *abortedFilter) openUpTo(offset int64) {
	later := a.starts[:0:0]
	for _, t := range a.starts {
		if t.FirstOffset <= offset {
			a.open[t.ProducerID] = true
		} else {
			later = append(later, t)
		}
	}
	a.starts = later
}

// batchEnd returns the first offset after a batch that begins at base and covers offset, and that has no record at or
// above offset. kafka-go does not show a batch's last offset. But a fetch at any offset within the batch answers with
// this batch, so that a search finds the end.
func (b *broker) batchEnd(ctx context.Context, partition int, offset, base int64, maxBytes int32) (int64, error) {
	inside := func(at int64) (bool, error) {
		_, span, err := b.fetchOnce(ctx, partition, at, maxBytes, 0, nil)
		if errors.Is(err, kafka.OffsetOutOfRange) {
			return false, nil
		}
		return span.first == base, err
	}
	low, high := offset, offset+1 // low is inside the batch
	for {                         // double the step until high is outside
		yes, err := inside(high)
		if err != nil {
			return offset, err
		}
		if !yes {
			break
		}
		low, high = high, high+2*(high-low)
	}
	for high-low > 1 { // halve the distance until high is the first outside
		middle := low + (high-low)/2
		yes, err := inside(middle)
		if err != nil {
			return offset, err
		}
		if yes {
			low = middle
		} else {
			high = middle
		}
	}
	return high, nil
}
