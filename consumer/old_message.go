package consumer

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"time"

	"github.com/segmentio/kafka-go/compress"

	"github.com/leadbridge/leadbridge/transform"
)

// readOldMessage reads a message of format 0 or 1, which brokers before Kafka 0.11 wrote: either a record, or a compressed
// list of messages. Source: Kafka's documentation, "Old Message Format".
func (r *batchReader) readOldMessage(ctx context.Context, b []byte, magic int8) error {
	if sum := binary.BigEndian.Uint32(b[batchStart:]); crc32.ChecksumIEEE(b[batchStart+4:]) != sum {
		return errors.New("the checksum of a message is wrong")
	}
	offset := int64(binary.BigEndian.Uint64(b))
	if offset < r.from {
		return nil
	}
	in := newRecordStream(bytes.NewReader(b), len(b))
	outer, how, err := r.readOldRecord(in)
	if err != nil {
		return &unreadable{offset, outer.Time, unexpected(err)}
	}
	if how == compress.None {
		r.take(outer)
		return nil
	}
	err = r.readOldList(ctx, how, b[len(b)-len(outer.Value):], offset, magic)
	if err != nil && ctx.Err() == nil {
		return &unreadable{offset, outer.Time, unexpected(err)}
	}
	return err
}

// readOldList reads a compressed list of messages, the last of which has the offset last. In format 1 the messages in a list
// have relative offsets. Such a list is decompressed twice, first to find the relative offset of its last message.
func (r *batchReader) readOldList(ctx context.Context, how compress.Compression, list []byte, last int64, magic int8) error {
	var shift int64
	if magic > 0 {
		relative, err := r.lastOffset(ctx, how, list)
		if err != nil {
			return err
		}
		shift = last - relative
	}
	messages, err := r.unpacker.open(how, list)
	if err != nil {
		return err
	}
	defer messages.Close()
	in := newRecordStream(messages, len(list))
	for !in.over() {
		if r.full() {
			return nil
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		rec, _, err := r.readOldRecord(in)
		if err != nil {
			return err
		}
		if rec.Offset += shift; rec.Offset > last {
			return errors.New("an offset is not in order")
		}
		r.take(rec)
	}
	if in.err == nil {
		r.got.next = max(r.got.next, last+1)
	}
	return in.err
}

// lastOffset returns the offset that is written in the last message of a compressed list.
func (r *batchReader) lastOffset(ctx context.Context, how compress.Compression, list []byte) (last int64, err error) {
	messages, err := r.unpacker.open(how, list)
	if err != nil {
		return 0, err
	}
	defer messages.Close()
	in := newRecordStream(messages, len(list))
	for !in.over() {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		last = in.int(8)
		in.skip(in.int(4))
	}
	return last, in.err
}

// readOldRecord reads the next message, and returns how its value is compressed.
func (r *batchReader) readOldRecord(in *recordStream) (rec record, how compress.Compression, err error) {
	offset := in.int(8)
	in.enter(in.int(4))
	defer in.leave()
	in.skip(4) // the checksum
	magic := in.int(1)
	how = compress.Compression(in.int(1) & 7)
	var at int64
	if magic > 0 {
		at = in.int(8)
	}
	rec.Record = transform.Record{Topic: r.topic, Partition: r.partition, Offset: offset, Time: time.UnixMilli(at)}
	r.readKeyAndValue(in, func() int64 { return in.int(4) }, &rec)
	rec.size = int64(len(rec.Key)+len(rec.Value)) + recordOverhead
	return rec, how, in.err
}
