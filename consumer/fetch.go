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

// A record is one committed record of the log; Value is nil for a tombstone.
type record struct {
	transform.Record
	size int64 // bytes that it counts for in the buffer
}

// recordOverhead is what a record costs beside its bytes.
const recordOverhead = 512

// fetched is the answer to a fetch.
type fetched struct {
	records []record
	next    int64 // where to go on: after the last batch seen, records or not
	bytes   int64
	end     int64 // the last stable offset: the log's end for committed reading
	start   int64 // the log's first offset
}

// fetch reads committed records at and above offset, at most about maxBytes of
// them, but always one batch. It goes below kafka-go's readers, which deliver
// transaction markers and aborted records, and jump over deleted offsets.
func (b *broker) fetch(ctx context.Context, partition int, offset int64, maxBytes int32, wait time.Duration) (fetched, error) {
	return b.fetchInto(ctx, partition, offset, maxBytes, wait, nil)
}

// fetchInto is fetch with memory for the records.
func (b *broker) fetchInto(ctx context.Context, partition int, offset int64, maxBytes int32, wait time.Duration, room []record) (fetched, error) {
	got, batches, err := b.fetchOnce(ctx, partition, offset, maxBytes, wait, room)
	if err != nil || got.next > offset || batches.first < 0 {
		return got, err
	}
	// Every record of the batch at offset is gone (compaction keeps the batch's
	// range): find its end.
	got.next, err = b.batchEnd(ctx, partition, offset, batches.first, maxBytes)
	return got, err
}

// baseOffsets are those of the first and the last batch of an answer, -1 for none.
type baseOffsets struct{ first, last int64 }

func (b *broker) fetchOnce(ctx context.Context, partition int, offset int64, maxBytes int32, wait time.Duration, room []record) (fetched, baseOffsets, error) {
	ctx, cancel := context.WithTimeout(ctx, wait+callTimeout)
	defer cancel()
	answer, err := b.transport.RoundTrip(ctx, b.addr, &fetch.Request{
		ReplicaID:      -1,
		MaxWaitTime:    int32(wait.Milliseconds()),
		MinBytes:       1,
		MaxBytes:       math.MaxInt32, // the partition's bound is the one
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
				return readPartition(b.topic, partition, offset, p, room)
			}
		}
	}
	return fetched{}, baseOffsets{}, fmt.Errorf("fetching partition %d: not in the answer", partition)
}

func readPartition(topic string, partition int, offset int64, p *fetch.ResponsePartition, room []record) (fetched, baseOffsets, error) {
	if p.ErrorCode != 0 {
		return fetched{}, baseOffsets{}, fmt.Errorf("fetching partition %d: %w", partition, kafka.Error(p.ErrorCode))
	}
	got := fetched{records: room, next: offset, end: p.LastStableOffset, start: p.LogStartOffset}
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
	// What came before the last batch is passed, even where a batch was empty.
	got.next = max(got.next, bases.last)
	return got, bases, nil
}

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

func baseOffset(batch protocol.RecordReader) int64 {
	if b, ok := batch.(interface{ Offset() int64 }); ok {
		return b.Offset()
	}
	return -1
}

// read takes a batch's records over. Those that are not kept, and those
// below offset (a fetch answers whole batches), only move next on.
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

// copyRecord takes a record out of the transport's pages and frees them.
func copyRecord(raw *protocol.Record, topic string, partition int) (record, error) {
	key, value, err := readBoth(raw.Key, raw.Value)
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

// readBoth reads a key and a value into one piece of memory, as they live equally long. It keeps
// nil (no key, a tombstone) and empty apart.
func readBoth(key, value protocol.Bytes) (k, v []byte, err error) {
	size := 0
	for _, b := range [...]protocol.Bytes{key, value} {
		if b != nil {
			size += b.Len()
		}
	}
	room := make([]byte, size)
	if k, room, err = readInto(room, key); err == nil {
		v, _, err = readInto(room, value)
	}
	return k, v, err
}

func readInto(room []byte, b protocol.Bytes) (data, rest []byte, err error) {
	if b == nil {
		return nil, room, nil
	}
	defer b.Close()
	n := b.Len()
	_, err = io.ReadFull(b, room[:n])
	return room[:n:n], room[n:], err
}

// abortedFilter passes over what a transaction aborted. A transaction is
// open from its first offset until its producer's marker.
type abortedFilter struct {
	starts []fetch.ResponseTransaction // not yet reached
	open   map[int64]bool              // producers within an aborted transaction
}

func newAbortedFilter(starts []fetch.ResponseTransaction) *abortedFilter {
	return &abortedFilter{starts: starts, open: map[int64]bool{}}
}

// keeps tells whether a batch's records are data that was committed.
func (a *abortedFilter) keeps(batch protocol.RecordReader) bool {
	switch b := batch.(type) {
	case *protocol.ControlBatch:
		a.reach(b.BaseOffset)
		// The marker ends the producer's transaction. One that says commit cannot
		// come inside an aborted one, so both kinds mean the same here.
		delete(a.open, b.ProducerID)
		return false
	case *protocol.RecordBatch:
		a.reach(b.BaseOffset)
		return !b.Attributes.Transactional() || !a.open[b.ProducerID]
	default:
		return true // message sets of old formats know no transactions
	}
}

func (a *abortedFilter) reach(offset int64) {
	waiting := a.starts[:0:0]
	for _, t := range a.starts {
		if t.FirstOffset <= offset {
			a.open[t.ProducerID] = true
		} else {
			waiting = append(waiting, t)
		}
	}
	a.starts = waiting
}

// batchEnd finds the first offset after the batch that holds offset and starts
// at base, of which no record is left at or above offset. kafka-go does not
// tell a batch's last offset, but it does tell which batch a fetch answers with.
func (b *broker) batchEnd(ctx context.Context, partition int, offset, base int64, maxBytes int32) (int64, error) {
	inside := func(at int64) (bool, error) {
		_, span, err := b.fetchOnce(ctx, partition, at, maxBytes, 0, nil)
		if errors.Is(err, kafka.OffsetOutOfRange) {
			return false, nil
		}
		return span.first == base, err
	}
	low, high := offset, offset+1 // low is inside the batch
	for {                         // gallop until high is not
		yes, err := inside(high)
		if err != nil {
			return offset, err
		}
		if !yes {
			break
		}
		low, high = high, high+2*(high-low)
	}
	for high-low > 1 { // halve until high is the first that is not
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
