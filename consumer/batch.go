package consumer

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"time"

	"github.com/segmentio/kafka-go/compress"

	"github.com/leadbridge/leadbridge/transform"
)

// How much of a record is kept, in bytes. An event of more than 1 MiB becomes a letter anyway, and letters and results are
// smaller than these bounds.
const (
	maxKeptValue   = 4 << 20 // a longer value is left out: see transform.MissingTooLong
	maxKeptKey     = 1 << 20 // a longer key is cut
	maxKeptHeaders = 1 << 20 // of all headers together, each counted with headerOverhead; those beyond it are left out
	headerOverhead = 64
)

// A batch may decompress to minUnpackedLimit bytes, or to unpackedRatio times its compressed size if that is more. Values
// that begin beyond this limit are left out. Producers bound a batch before they compress it, to 1 MiB by default, so that
// only a batch made to exhaust memory exceeds the limit.
const (
	minUnpackedLimit = 64 << 20
	unpackedRatio    = 64
)

// batchReader reads the records out of the batches of a fetch's answer. It decompresses a batch as a stream, so that only
// the records that it returns are in memory, never a whole decompressed batch.
type batchReader struct {
	topic     string
	partition int
	from      int64    // the first offset that is wanted
	memory    int64    // reading stops when the records take this many bytes
	got       *fetched // what was read so far
	aborted   *abortedFilter
	unpacker  *unpacker
	key       []byte // a buffer for the key of the record being read
}

// errPart is the error of a batch of which the answer holds only the beginning.
var errPart = errors.New("the answer holds a part of a record batch only")

// unreadable is the error of a batch whose checksum is right, but which cannot be decompressed or holds malformed records.
// Nobody will ever be able to read it. Kafka's own brokers refuse such a batch; others do not look.
type unreadable struct {
	last int64     // the last offset of the batch
	at   time.Time // the time of its first record
	err  error
}

func (u *unreadable) Error() string { return "a record batch cannot be read: " + u.err.Error() }

func (u *unreadable) Unwrap() error { return u.err }

// full reports whether the records that were read take as much memory as they may.
func (r *batchReader) full() bool { return r.got.bytes >= r.memory }

// readAll reads batches until there are no more, or until it is full. An unreadable batch does not stop it.
func (r *batchReader) readAll(ctx context.Context, batches []byte) error {
	for len(batches) > 0 && !r.full() {
		size, magic, err := nextBatch(batches)
		if err != nil {
			return err
		}
		batch := batches[:size]
		batches = batches[size:]
		if magic < 2 {
			err = r.readOldMessage(ctx, batch, magic)
		} else {
			err = r.readBatch(ctx, batch)
		}
		if u, ok := errors.AsType[*unreadable](err); ok {
			r.takeUnreadable(u)
		} else if err != nil {
			return err
		}
	}
	return nil
}

// takeUnreadable adds one record that stands for the rest of an unreadable batch. This record becomes a letter, and the
// records after the batch are delivered.
func (r *batchReader) takeUnreadable(u *unreadable) {
	if u.last < r.got.next { // the batch lies before the wanted offset
		return
	}
	rec := record{Record: transform.Record{
		Topic: r.topic, Partition: r.partition, Offset: r.got.next, Time: u.at, Value: []byte{}, Missing: transform.MissingUnreadable,
	}, size: recordOverhead}
	r.take(rec)
	r.got.next = u.last + 1
}

// Positions in a record batch. Source: Kafka's documentation, "Record Batch".
const (
	batchStart  = 12 // after base offset and length: what the length counts begins here
	magicAt     = 16 // the version of the format
	checksumAt  = 17
	checkedFrom = 21 // what the checksum covers begins here
	batchHead   = 61 // the records begin here
)

// nextBatch returns the size of the first batch or message in b, and the version of its format (magic).
func nextBatch(b []byte) (size int, magic int8, err error) {
	if len(b) <= magicAt {
		return 0, 0, errPart
	}
	size = batchStart + int(int32(binary.BigEndian.Uint32(b[8:])))
	magic = int8(b[magicAt])
	switch {
	case magic < 0 || magic > 2:
		return 0, 0, fmt.Errorf("record batches of the format %d are not known", magic)
	case size > len(b):
		return 0, 0, errPart
	case size <= magicAt || magic == 2 && size < batchHead:
		return 0, 0, fmt.Errorf("a record batch cannot have %d bytes", size)
	}
	return size, magic, nil
}

// batchHeader is the part of a batch before its records.
type batchHeader struct {
	base, last int64 // the first and the last offset; compaction keeps both when it removes records
	attributes int16
	firstTime  int64 // of the first record, in milliseconds
	producer   int64 // the producer's id
	count      int32 // of records
}

func (h batchHeader) compression() compress.Compression {
	return compress.Compression(h.attributes & 7)
}
func (h batchHeader) transactional() bool { return h.attributes&(1<<4) != 0 }
func (h batchHeader) control() bool       { return h.attributes&(1<<5) != 0 }

func readBatchHeader(b []byte) batchHeader {
	in := wire{left: b}
	h := batchHeader{base: in.int64()}
	in.bytes(checkedFrom - 8)
	h.attributes = in.int16()
	h.last = h.base + int64(in.int32())
	h.firstTime = in.int64()
	in.int64() // the last record's time
	h.producer = in.int64()
	in.bytes(2 + 4) // epoch and sequence
	h.count = in.int32()
	return h
}

// readBatch reads a batch of format 2.
func (r *batchReader) readBatch(ctx context.Context, b []byte) error {
	if sum := binary.BigEndian.Uint32(b[checksumAt:]); crc32.Checksum(b[checkedFrom:], crc32.MakeTable(crc32.Castagnoli)) != sum {
		return errors.New("the checksum of a record batch is wrong")
	}
	h := readBatchHeader(b)
	if !r.aborted.keeps(h) || h.last < r.from || h.count == 0 {
		r.got.next = max(r.got.next, h.last+1)
		return nil
	}
	at := time.UnixMilli(h.firstTime)
	records, err := r.unpacker.open(h.compression(), b[batchHead:])
	if err != nil {
		return &unreadable{h.last, at, err}
	}
	defer records.Close()
	in := newRecordStream(records, len(b))
	previous := h.base - 1
	for range h.count {
		if r.full() {
			return nil
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		rec, err := r.readRecord(in, h)
		if err == nil && (rec.Offset <= previous || rec.Offset > h.last) {
			err = errors.New("its offset is not in order")
		}
		if err != nil {
			return &unreadable{h.last, at, fmt.Errorf("one of its records: %w", unexpected(err))}
		}
		previous = rec.Offset
		r.take(rec)
	}
	r.got.next = max(r.got.next, h.last+1)
	return nil
}

// take adds a record to what was read, unless its offset is below the first one that is wanted.
func (r *batchReader) take(rec record) {
	if rec.Offset < r.from {
		return
	}
	r.got.next = max(r.got.next, rec.Offset+1)
	r.got.records = append(r.got.records, rec)
	r.got.bytes += rec.size
}

// readRecord reads the next record of a batch. Of a record below the first wanted offset it reads no key, value and headers.
func (r *batchReader) readRecord(in *recordStream, h batchHeader) (record, error) {
	in.enter(in.varint())
	defer in.leave()
	in.skip(1) // attributes
	at := time.UnixMilli(h.firstTime + in.varint())
	rec := record{Record: transform.Record{Topic: r.topic, Partition: r.partition, Offset: h.base + in.varint(), Time: at}}
	if in.err != nil || rec.Offset < r.from {
		return rec, in.err
	}
	r.readKeyAndValue(in, in.varint, &rec)
	r.readHeaders(in, &rec)
	rec.size += int64(len(rec.Key)+len(rec.Value)) + recordOverhead
	return rec, in.err
}

// readKeyAndValue reads both into one allocation, as they live equally long. length reads the next length, which is negative
// for null: a key or value that is null becomes nil, an empty one stays empty.
func (r *batchReader) readKeyAndValue(in *recordStream, length func() int64, rec *record) {
	keySize := length()
	kept := min(max(keySize, 0), maxKeptKey)
	r.key = in.append(r.key[:0], kept)
	in.skip(keySize - kept)
	size := length()
	if size > maxKeptValue || size > 0 && in.pastLimit() {
		rec.Missing = transform.MissingTooLong
		in.skip(size)
		size = 0
	}
	if in.err != nil {
		return
	}
	memory := append(make([]byte, 0, int64(len(r.key))+max(size, 0)), r.key...)
	memory = in.append(memory, max(size, 0))
	if in.err != nil {
		return
	}
	if keySize >= 0 {
		rec.Key = memory[:kept:kept]
	}
	if size >= 0 {
		rec.Value = memory[kept:]
	}
}

// readHeaders reads the headers of a record, up to maxKeptHeaders. readRecord skips the rest when it leaves the record.
func (r *batchReader) readHeaders(in *recordStream, rec *record) {
	count := in.varint()
	var size int64
	for range count {
		key := in.varint()
		if in.err != nil {
			return
		}
		if size += max(key, 0) + headerOverhead; size > maxKeptHeaders {
			return
		}
		h := transform.Header{Key: string(in.append(nil, max(key, 0)))}
		value := in.varint()
		if size += max(value, 0); size > maxKeptHeaders {
			return
		}
		if value >= 0 {
			h.Value = in.append([]byte{}, value)
		}
		if in.err != nil {
			return
		}
		rec.Headers = append(rec.Headers, h)
		rec.size += int64(len(h.Key) + len(h.Value))
	}
}

// recordStream reads the numbers and bytes of a batch's decompressed records. After the first error, which err keeps, it
// reads nothing more.
type recordStream struct {
	in    *bufio.Reader
	pos   int64 // how many bytes were read
	limit int64 // values that begin after this many bytes are left out
	end   int64 // the position at which the current record ends
	err   error
}

// newRecordStream returns the stream of a batch that takes size bytes of the log.
func newRecordStream(in io.Reader, size int) *recordStream {
	return &recordStream{in: bufio.NewReaderSize(in, 16<<10), limit: max(minUnpackedLimit, unpackedRatio*int64(size))}
}

// pastLimit reports whether more bytes of the batch were read than a batch may have.
func (s *recordStream) pastLimit() bool { return s.pos > s.limit }

// enter notes that a record of size bytes begins; leave skips what was not read of it.
func (s *recordStream) enter(size int64) {
	if size < 0 && s.err == nil {
		s.err = errors.New("its size is negative")
	}
	s.end = s.pos + size
}

func (s *recordStream) leave() { s.skip(s.end - s.pos) }

func (s *recordStream) varint() int64 {
	if s.err != nil {
		return 0
	}
	var n uint64
	for shift := 0; shift < 64; shift += 7 {
		b, err := s.in.ReadByte()
		if err != nil {
			s.err = err
			return 0
		}
		s.pos++
		n |= uint64(b&0x7f) << shift
		if b < 0x80 {
			return int64(n>>1) ^ -int64(n&1)
		}
	}
	s.err = errors.New("a number is too long")
	return 0
}

// over reports whether there is nothing more to read, or reading has failed.
func (s *recordStream) over() bool {
	if s.err == nil {
		_, s.err = s.in.Peek(1)
		if errors.Is(s.err, io.EOF) {
			s.err = nil
			return true
		}
	}
	return s.err != nil
}

// int reads a number of size bytes: 1, 4 or 8.
func (s *recordStream) int(size int64) int64 {
	var b [8]byte
	read := s.append(b[:0], size)
	if s.err != nil {
		return 0
	}
	w := wire{left: read}
	switch size {
	case 1:
		return int64(read[0])
	case 4:
		return int64(w.int32())
	default:
		return w.int64()
	}
}

// append reads n bytes and appends them to b.
func (s *recordStream) append(b []byte, n int64) []byte {
	if s.err != nil || n <= 0 {
		return b
	}
	from := len(b)
	if int64(cap(b)-from) < n {
		b = append(make([]byte, 0, int64(from)+n), b...)
	}
	b = b[:int64(from)+n]
	read, err := io.ReadFull(s.in, b[from:])
	s.pos += int64(read)
	if err != nil {
		s.err = err
	}
	return b
}

// skip skips n bytes; none when n is negative.
func (s *recordStream) skip(n int64) {
	if s.err != nil || n <= 0 {
		return
	}
	skipped, err := s.in.Discard(int(n))
	s.pos += int64(skipped)
	if err != nil {
		s.err = err
	}
}

// unexpected returns err, or [io.ErrUnexpectedEOF] for an [io.EOF] that came too early.
func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
