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

// Bounds of what is kept of a record, in bytes. Events over 1 MiB are not read, and letters and results are smaller than these.
const (
	maxKeptValue   = 4 << 20 // a longer value is left out: see transform.Missing
	maxKeptKey     = 1 << 20 // the rest of a longer key is left out
	maxKeptHeaders = 1 << 20 // of all together, each with headerOverhead; those behind are left out
	headerOverhead = 64
)

// What a batch may take decompressed: values that begin behind this are left out. Producers bound a batch before they compress
// it, to 1 MiB unless they are told otherwise; whoever writes more of it in one wants to be a burden.
const (
	minWholeBatch   = 64 << 20
	wholeBatchRatio = 64 // for batches that are large before: so many times their size
)

// batchReader reads the record batches of an answer, record by record as they are decompressed: it has no more in memory than
// what it returns.
type batchReader struct {
	topic     string
	partition int
	from      int64 // the first offset that is wanted
	memory    int64 // how many bytes of records are enough
	got       *fetched
	aborted   *abortedFilter
	unpacker  *unpacker
	key       []byte // of the record being read
}

// errPart says that a batch is not there to its end.
var errPart = errors.New("the answer holds a part of a record batch only")

// unreadable says that a batch, whose checksum is right, cannot be decompressed or has no records in it: nobody will ever read
// it. Kafka's own brokers refuse to take such a batch; others do not look.
type unreadable struct {
	last int64 // its last offset
	at   time.Time
	err  error
}

func (u *unreadable) Error() string { return "a record batch cannot be read: " + u.err.Error() }

func (u *unreadable) Unwrap() error { return u.err }

// full reports whether enough was read.
func (r *batchReader) full() bool { return r.got.bytes >= r.memory }

// readAll reads batches until there are no more, or enough was read. next lies behind what was read.
func (r *batchReader) readAll(ctx context.Context, batches []byte) error {
	for len(batches) > 0 && !r.full() {
		size, magic, err := nextBatch(batches)
		if err != nil {
			return err
		}
		one := batches[:size]
		batches = batches[size:]
		if magic < 2 {
			err = r.readOldMessage(ctx, one, magic)
		} else {
			err = r.readBatch(ctx, one)
		}
		if lost, ok := errors.AsType[*unreadable](err); ok {
			r.takeUnreadable(lost)
		} else if err != nil {
			return err
		}
	}
	return nil
}

// takeUnreadable keeps one record for all that cannot be read of a batch, so that it becomes a letter and what lies behind it is
// delivered.
func (r *batchReader) takeUnreadable(u *unreadable) {
	if u.last < r.got.next {
		return
	}
	rec := record{Record: transform.Record{
		Topic: r.topic, Partition: r.partition, Offset: r.got.next, Time: u.at, Value: []byte{}, Missing: transform.MissingUnreadable,
	}, size: recordOverhead}
	r.take(rec)
	r.got.next = u.last + 1
}

// Where fields of a record batch lie. Source: Kafka's documentation, "Record Batch".
const (
	batchStart  = 12 // behind base offset and length
	magicAt     = 16
	checksumAt  = 17
	checkedFrom = 21
	batchHead   = 61
)

// nextBatch returns the size of the first batch or message, and the version of its format.
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
		return 0, 0, fmt.Errorf("a record batch of %d bytes cannot be", size)
	}
	return size, magic, nil
}

// batchHeader is what stands before the records of a batch.
type batchHeader struct {
	base, last int64 // offsets; compaction leaves both when it removes records
	attributes int16
	first      int64 // time of the first record, in milliseconds
	producer   int64
	count      int32
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
	h.first = in.int64()
	in.int64() // the last time
	h.producer = in.int64()
	in.bytes(2 + 4) // epoch and sequence
	h.count = in.int32()
	return h
}

// readBatch reads a batch of the format 2.
func (r *batchReader) readBatch(ctx context.Context, b []byte) error {
	if sum := binary.BigEndian.Uint32(b[checksumAt:]); crc32.Checksum(b[checkedFrom:], crc32.MakeTable(crc32.Castagnoli)) != sum {
		return errors.New("the checksum of a record batch is wrong")
	}
	h := readBatchHeader(b)
	if !r.aborted.keeps(h) || h.last < r.from || h.count == 0 {
		r.got.next = max(r.got.next, h.last+1)
		return nil
	}
	at := time.UnixMilli(h.first)
	records, err := r.unpacker.open(h.compression(), b[batchHead:])
	if err != nil {
		return &unreadable{h.last, at, err}
	}
	defer records.Close()
	in := newRecordStream(records, len(b))
	before := h.base - 1
	for range h.count {
		if r.full() {
			return nil
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		rec, err := r.readRecord(in, h)
		if err == nil && (rec.Offset <= before || rec.Offset > h.last) {
			err = errors.New("its offset is not in order")
		}
		if err != nil {
			return &unreadable{h.last, at, fmt.Errorf("one of its records: %w", unexpected(err))}
		}
		before = rec.Offset
		r.take(rec)
	}
	r.got.next = max(r.got.next, h.last+1)
	return nil
}

// take keeps a record that is wanted. In any case next moves past it.
func (r *batchReader) take(rec record) {
	if rec.Offset < r.from {
		return
	}
	r.got.next = max(r.got.next, rec.Offset+1)
	r.got.records = append(r.got.records, rec)
	r.got.bytes += rec.size
}

// readRecord reads the next record of a batch. Of one whose offset is not wanted it returns the offset only.
func (r *batchReader) readRecord(in *recordStream, h batchHeader) (record, error) {
	in.enter(in.varint())
	defer in.leave()
	in.skip(1) // attributes
	at := time.UnixMilli(h.first + in.varint())
	rec := record{Record: transform.Record{Topic: r.topic, Partition: r.partition, Offset: h.base + in.varint(), Time: at}}
	if in.err != nil || rec.Offset < r.from {
		return rec, in.err
	}
	r.readKeyAndValue(in, in.varint, &rec)
	r.readHeaders(in, &rec)
	rec.size += int64(len(rec.Key)+len(rec.Value)) + recordOverhead
	return rec, in.err
}

// readKeyAndValue reads both into one piece of memory, as they live equally long. A nil key or value stays nil, and an
// empty one empty.
func (r *batchReader) readKeyAndValue(in *recordStream, length func() int64, rec *record) {
	keySize := length()
	kept := min(max(keySize, 0), maxKeptKey)
	r.key = in.append(r.key[:0], kept)
	in.skip(keySize - kept)
	size := length()
	if size > maxKeptValue || size > 0 && in.beyond() {
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

func (r *batchReader) readHeaders(in *recordStream, rec *record) {
	count := in.varint()
	var size int64
	for range count {
		key := in.varint()
		if in.err != nil {
			return
		}
		if size += max(key, 0) + headerOverhead; size > maxKeptHeaders {
			return // leave passes them over
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

// recordStream reads the records of a batch, one after the other. The first error stays.
type recordStream struct {
	in    *bufio.Reader
	pos   int64 // how many bytes were read
	whole int64 // behind so many of them values are left out
	end   int64 // of the record
	err   error
}

// newRecordStream returns the stream of a batch that takes size bytes of the log.
func newRecordStream(in io.Reader, size int) *recordStream {
	return &recordStream{in: bufio.NewReaderSize(in, 16<<10), whole: max(minWholeBatch, wholeBatchRatio*int64(size))}
}

// beyond reports whether the batch has taken more than a batch may.
func (s *recordStream) beyond() bool { return s.pos > s.whole }

// enter begins a record of size bytes, leave goes to its end.
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

// over reports whether there is nothing more.
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

// int reads a number of size bytes.
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

// append reads n bytes, to the end of b.
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

// skip passes n bytes over, none when n is negative.
func (s *recordStream) skip(n int64) {
	if s.err != nil || n <= 0 {
		return
	}
	passed, err := s.in.Discard(int(n))
	s.pos += int64(passed)
	if err != nil {
		s.err = err
	}
}

// unexpected says of an end that it came too early.
func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
