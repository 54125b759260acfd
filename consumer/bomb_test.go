package consumer

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"runtime"
	"testing"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/compress"
	"github.com/segmentio/kafka-go/protocol"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/leadbridge/leadbridge/consumer/header"
	"github.com/leadbridge/leadbridge/transform"
)

// zeros is an endless reader of zero bytes.
type zeros struct{}

func (zeros) Read(b []byte) (int, error) {
	clear(b)
	return len(b), nil
}

// compressedBatch returns a record batch with count records, whose values are sizeOf(i) zeros each. The values are compressed
// while they are generated, so that the test itself needs no memory for them.
func compressedBatch(t *testing.T, how compress.Compression, count int, sizeOf func(i int) int64) []byte {
	t.Helper()
	var out bytes.Buffer
	w := how.Codec().NewWriter(&out)
	for i := range count {
		size := sizeOf(i)
		body := []byte{0, 0} // attributes, and the time since the batch's first
		body = binary.AppendVarint(body, int64(i))
		body = binary.AppendVarint(body, -1) // no key
		body = binary.AppendVarint(body, size)
		_, err := w.Write(append(binary.AppendVarint(nil, int64(len(body))+size+1), body...))
		if err == nil {
			_, err = io.CopyN(struct{ io.Writer }{w}, zeros{}, size)
		}
		if err == nil {
			_, err = w.Write([]byte{0}) // no headers
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	b := kmsg.RecordBatch{
		Magic: 2, Attributes: int16(how), LastOffsetDelta: int32(count - 1), ProducerID: -1, ProducerEpoch: -1, FirstSequence: -1,
		NumRecords: int32(count), Records: out.Bytes(),
	}
	text := b.AppendTo(nil)
	b.Length = int32(len(text) - batchStart)
	b.CRC = int32(crc32.Checksum(text[checkedFrom:], crc32.MakeTable(crc32.Castagnoli)))
	return b.AppendTo(nil)
}

// append writes a batch to partition 0 of the test topic as it is.
func (r *rig) append(batch []byte) {
	r.t.Helper()
	p := r.producer()
	defer p.Close()
	req := kmsg.NewPtrProduceRequest()
	req.Acks, req.TimeoutMillis, req.Version = -1, 10_000, 7
	topic, partition := kmsg.NewProduceRequestTopic(), kmsg.NewProduceRequestTopicPartition()
	partition.Records = batch
	topic.Topic, topic.TopicID, topic.Partitions = testTopic, r.cluster.TopicInfo(testTopic).TopicID, append(topic.Partitions, partition)
	req.Topics = append(req.Topics, topic)
	res, err := req.RequestWith(r.t.Context(), p)
	if err != nil || res.Topics[0].Partitions[0].ErrorCode != 0 {
		r.t.Fatalf("writing a batch: %v, %+v", err, res)
	}
}

// allocated returns how many bytes are allocated while f runs.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// A batch that is small in the log and huge when decompressed takes no more memory than other batches, whatever the
// compression, and whether its records are large or many.
func TestBatchIsReadInTheMemoryOfAFetch(t *testing.T) {
	const mib = 1 << 20
	for _, c := range []struct {
		name    string
		how     compress.Compression
		count   int
		size    int64
		omitted bool
	}{
		{"zstd, large values", compress.Zstd, 16, 32 * mib, true},
		{"gzip, large values", compress.Gzip, 8, 32 * mib, true},
		{"lz4, large values", compress.Lz4, 6, 32 * mib, true},
		{"snappy, large values", compress.Snappy, 1, 16 * mib, true},
		{"zstd, one value", compress.Zstd, 1, 300 * mib, true},
		{"zstd, many small records", compress.Zstd, 40_000, 0, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, 1, func(t *testing.T, r *rig) {
				r.append(compressedBatch(t, c.how, c.count, func(int) int64 { return c.size }))
				b := r.reader()
				defer b.reset()
				count := 0
				for offset := int64(0); offset < r.end0(); {
					var got fetched
					var err error
					if used := allocated(func() { got, err = b.fetch(t.Context(), 0, offset, 64<<10, 0) }); used > 64*mib {
						t.Errorf("the fetch at %d allocated %d MiB", offset, used/mib)
					}
					if err != nil || got.next <= offset {
						t.Fatalf("the fetch at %d goes on at %d: %v", offset, got.next, err)
					}
					if got.bytes > 5<<20 {
						t.Errorf("the fetch at %d returned %d bytes", offset, got.bytes)
					}
					for _, rec := range got.records {
						if (rec.Missing == transform.MissingTooLong) != c.omitted || rec.Value == nil || rec.Offset != int64(count) {
							t.Fatalf("record %d has offset %d, missing is %v, %d bytes", count, rec.Offset, rec.Missing, len(rec.Value))
						}
						count++
					}
					offset = got.next
				}
				if count != c.count {
					t.Errorf("%d records of %d were read", count, c.count)
				}
			})
		})
	}
}

// Each value alone is small enough to be kept, but the batch is too large. Values beyond the limit are left out: otherwise a
// fetch would return a few of them, and the batch would be decompressed again for each fetch.
func TestValuesFarBehindInABatchAreLeftOut(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		const count, size = 200, 1 << 20
		r.append(compressedBatch(t, compress.Zstd, count, func(int) int64 { return size }))
		b := r.reader()
		defer b.reset()
		fetches, kept := 0, 0
		next := int64(0)
		for next < count {
			got, err := b.fetch(t.Context(), 0, next, 256<<10, 0)
			if err != nil || got.next <= next {
				t.Fatalf("at %d: %v", next, err)
			}
			for _, rec := range got.records {
				if rec.Missing == transform.MissingNothing {
					kept++
				}
				if beyond := rec.Offset >= minUnpackedLimit/size; (rec.Missing == transform.MissingTooLong) != beyond {
					t.Errorf("the value at %d: missing is %v", rec.Offset, rec.Missing)
				}
			}
			fetches, next = fetches+1, got.next
		}
		if kept < minUnpackedLimit/size-1 || fetches > 20 {
			t.Errorf("%d values were kept, in %d fetches", kept, fetches)
		}
	})
}

// Leads before and after a batch of huge values are delivered, and each record of the batch is a letter that says that its
// value is left out.
func TestHugeValuesAreLettersAndNobodyWaits(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		r.produce(event("before"))
		r.append(compressedBatch(t, compress.Zstd, 3, func(int) int64 { return 100 << 20 }))
		r.produce(event("behind"))
		p := r.start()
		r.awaitCreated("before", "behind")
		r.await("the letters", func() bool { return len(r.deadLetters()) == 3 })
		p.shutdown(t)
		for _, letter := range r.deadLetters() {
			if header.Text(letter.Headers, header.Value) != header.Omitted || letter.Value == nil || len(letter.Value) > 0 {
				t.Errorf("a letter with %d bytes says %q of its value", len(letter.Value), header.Text(letter.Headers, header.Value))
			}
		}
	})
}

// Messages in the formats of before Kafka 0.11 are still in some logs, as single messages and as compressed lists.
func TestOldMessagesAreRead(t *testing.T) {
	for _, how := range []compress.Compression{compress.None, compress.Gzip, compress.Snappy, compress.Lz4, compress.Zstd} {
		t.Run(how.String(), func(t *testing.T) {
			records := make([]kafka.Record, 30)
			for i := range records {
				records[i] = kafka.Record{Offset: int64(i), Key: kafka.NewBytes(fmt.Append(nil, "key", i)), Value: kafka.NewBytes(fmt.Append(nil, "value", i))}
			}
			set := protocol.RecordSet{Version: 1, Attributes: protocol.Attributes(how), Records: kafka.NewRecordReader(records...)}
			var encoded bytes.Buffer
			if _, err := set.WriteTo(&encoded); err != nil {
				t.Fatal(err)
			}
			batches := encoded.Bytes()[4:]
			if how != compress.None { // as a broker appends a list to a log with 100 records: only the last offset is absolute
				binary.BigEndian.PutUint64(batches, 129)
			}
			first := int64(0)
			if how != compress.None {
				first = 100
			}
			for _, from := range []int64{0, first, first + 12, first + 29, first + 30} {
				got := fetched{next: from}
				r := batchReader{topic: testTopic, from: from, memory: 1 << 20, got: &got, aborted: newAbortedFilter(nil), unpacker: newUnpacker()}
				if err := r.readAll(t.Context(), batches); err != nil {
					t.Fatal(err)
				}
				want := int(min(30, first+30-from))
				if len(got.records) != want || got.next != max(from, first+30) {
					t.Fatalf("from %d: %d records of %d, next %d", from, len(got.records), want, got.next)
				}
				for _, rec := range got.records {
					if n := rec.Offset - first; string(rec.Key) != fmt.Sprint("key", n) || string(rec.Value) != fmt.Sprint("value", n) {
						t.Errorf("at %d: %q, %q", rec.Offset, rec.Key, rec.Value)
					}
				}
			}
		})
	}
}

// A compressed list of the old format takes no more memory than a batch.
func TestOldListIsReadInTheMemoryOfAFetch(t *testing.T) {
	var list bytes.Buffer
	w := compress.Gzip.Codec().NewWriter(&list)
	const count, size = 10, 20 << 20
	for i := range count {
		head := binary.BigEndian.AppendUint64(nil, uint64(i))
		head = binary.BigEndian.AppendUint32(head, 4+1+1+8+4+4+size)
		head = append(head, 0, 0, 0, 0, 1, 0)
		head = binary.BigEndian.AppendUint64(head, 1)
		head = binary.BigEndian.AppendUint32(head, ^uint32(0)) // no key
		if _, err := w.Write(binary.BigEndian.AppendUint32(head, size)); err != nil {
			t.Fatal(err)
		}
		if _, err := io.CopyN(w, zeros{}, size); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	checked := append([]byte{1, byte(compress.Gzip)}, make([]byte, 8)...)
	checked = binary.BigEndian.AppendUint32(checked, ^uint32(0))
	checked = append(binary.BigEndian.AppendUint32(checked, uint32(list.Len())), list.Bytes()...)
	message := binary.BigEndian.AppendUint64(nil, count-1)
	message = binary.BigEndian.AppendUint32(message, uint32(4+len(checked)))
	message = append(binary.BigEndian.AppendUint32(message, crc32.ChecksumIEEE(checked)), checked...)

	got := fetched{}
	used := allocated(func() {
		r := batchReader{topic: testTopic, memory: 1 << 20, got: &got, aborted: newAbortedFilter(nil), unpacker: newUnpacker()}
		if err := r.readAll(t.Context(), message); err != nil {
			t.Error(err)
		}
	})
	if used > 16<<20 || len(got.records) != count || got.records[0].Missing != transform.MissingTooLong || got.next != count {
		t.Errorf("%d bytes were allocated for %d records, next %d", used, len(got.records), got.next)
	}
}

// A broken batch is an error, and takes no memory for the sizes that it claims.
func TestBrokenBatchIsAnError(t *testing.T) {
	whole := compressedBatch(t, compress.Zstd, 3, func(int) int64 { return 10 })
	read := func(batches []byte) (fetched, error) {
		got := fetched{}
		r := batchReader{topic: testTopic, memory: 1 << 20, got: &got, aborted: newAbortedFilter(nil), unpacker: newUnpacker()}
		return got, r.readAll(t.Context(), batches)
	}
	if _, err := read(whole); err != nil {
		t.Fatal(err)
	}
	if _, err := read(whole[:len(whole)-1]); !errors.Is(err, errPart) {
		t.Errorf("a part of a batch: %v", err)
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		broken := bytes.Clone(whole)
		for range 1 + random.IntN(3) {
			broken[random.IntN(len(broken))] = byte(random.IntN(256))
		}
		if random.IntN(2) == 0 { // whoever forges a batch can give it the right checksum
			resealed(broken)
		}
		used := allocated(func() { _, _ = read(broken) })
		if used > 256<<20 {
			t.Fatalf("%d MiB were allocated for %x", used>>20, broken)
		}
	}
}

// resealed writes the right checksum into a batch, and returns it.
func resealed(batch []byte) []byte {
	binary.BigEndian.PutUint32(batch[checksumAt:], crc32.Checksum(batch[checkedFrom:], crc32.MakeTable(crc32.Castagnoli)))
	return batch
}

// Some brokers other than Kafka's accept batches that nobody can read. The readable records of such a batch are returned, one
// record stands for the rest, and reading goes on after the batch.
func TestOneRecordStandsForWhatCannotBeRead(t *testing.T) {
	change := func(f func(b []byte)) func() []byte {
		return func() []byte {
			b := compressedBatch(t, compress.Gzip, 3, func(int) int64 { return 100_000 })
			f(b)
			return resealed(b)
		}
	}
	for name, c := range map[string]struct {
		batch func() []byte
		end   int64
	}{
		"no compressed data":  {change(func(b []byte) { clear(b[batchHead:]) }), 3},
		"unknown compression": {change(func(b []byte) { b[checkedFrom+1] = 7 }), 3},
		"zstd is claimed":     {change(func(b []byte) { b[checkedFrom+1] = byte(compress.Zstd) }), 3},
		"cut data":            {change(func(b []byte) { clear(b[batchHead+(len(b)-batchHead)/2:]) }), 3},
		"more are claimed": {change(func(b []byte) {
			binary.BigEndian.PutUint32(b[batchHead-4:], 1000)
			binary.BigEndian.PutUint32(b[checkedFrom+2:], 999)
		}), 1000},
	} {
		t.Run(name, func(t *testing.T) {
			next := int64(0)
			var records []record
			for next < c.end {
				got := fetched{next: next}
				r := batchReader{topic: testTopic, from: next, memory: 1, got: &got, aborted: newAbortedFilter(nil), unpacker: newUnpacker()}
				if err := r.readAll(t.Context(), c.batch()); err != nil || got.next <= next {
					t.Fatalf("from %d: next %d, %v", next, got.next, err)
				}
				records, next = append(records, got.records...), got.next
			}
			last := len(records) - 1
			for i, rec := range records {
				if rec.Offset != int64(i) || (rec.Missing == transform.MissingUnreadable) != (i == last) || rec.Value == nil {
					t.Errorf("record %d of %d has offset %d, missing %v", i, len(records), rec.Offset, rec.Missing)
				}
			}
			if next != c.end {
				t.Errorf("it goes on at %d, want %d", next, c.end)
			}
		})
	}
}

// An unreadable batch becomes one letter, and the leads before and after it are delivered.
func TestUnreadableBatchIsALetterAndNobodyWaits(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		batch := compressedBatch(t, compress.Gzip, 3, func(int) int64 { return 10 })
		clear(batch[batchHead:])
		r.produce(event("before"))
		r.append(resealed(batch))
		r.produce(event("behind"))
		p := r.start()
		r.awaitCreated("before", "behind")
		r.await("the letter", func() bool { return len(r.deadLetters()) == 1 })
		p.shutdown(t)
		letter := r.deadLetters()[0]
		if header.Text(letter.Headers, header.Value) != header.Omitted || header.Text(letter.Headers, header.Offset) != "1" {
			t.Errorf("the letter says %q of its value, and %q of its offset", header.Text(letter.Headers, header.Value), header.Text(letter.Headers, header.Offset))
		}
	})
}
