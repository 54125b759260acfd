package consumer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/leadbridge/leadbridge/crmclient"
)

// producer returns a client of another library than ours, as the producers of events have.
func (r *rig) producer(options ...kgo.Opt) *kgo.Client {
	r.t.Helper()
	client, err := kgo.NewClient(append([]kgo.Opt{
		kgo.SeedBrokers("localhost:9092"), kgo.Dialer(r.network.DialContext), kgo.DefaultProduceTopic(testTopic),
		kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerLinger(0),
	}, options...)...)
	if err != nil {
		r.t.Fatal(err)
	}
	return client
}

// batch produces records, which end up in one batch.
func (r *rig) batch(client *kgo.Client, records ...*kgo.Record) {
	r.t.Helper()
	if err := client.ProduceSync(r.t.Context(), records...).FirstErr(); err != nil {
		r.t.Fatal(err)
	}
}

func values(prefix string, n int) []*kgo.Record {
	var records []*kgo.Record
	for i := range n {
		records = append(records, kgo.StringRecord(fmt.Sprintf("%s%d", prefix, i)))
	}
	return records
}

// reader fetches partition 0 of the test topic.
func (r *rig) reader() *broker { return newBroker(r.config()) }

// readAll fetches from offset on until a fetch returns nothing more.
func (r *rig) readAll(b *broker, offset int64, maxBytes int32) (records []record, next int64) {
	r.t.Helper()
	for {
		got, err := b.fetch(r.t.Context(), 0, offset, maxBytes, 0)
		if err != nil {
			r.t.Fatalf("at %d: %v", offset, err)
		}
		records = append(records, got.records...)
		if got.next == offset {
			return records, offset
		}
		if got.next < offset {
			r.t.Fatalf("a fetch at %d goes back to %d", offset, got.next)
		}
		offset = got.next
	}
}

func texts(records []record) []string {
	var all []string
	for _, rec := range records {
		all = append(all, string(rec.Value))
	}
	return all
}

func (r *rig) end0() int64 {
	r.t.Helper()
	return r.cluster.PartitionInfo(testTopic, 0).HighWatermark
}

func TestAbortedRecordsAndMarkersAreNotDelivered(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		b := r.reader()
		defer b.reset()
		transactional := func(id string) *kgo.Client { return r.producer(kgo.TransactionalID(id)) }
		one, two, plain := transactional("one"), transactional("two"), r.producer()
		defer one.Close()
		defer two.Close()
		defer plain.Close()
		end := func(c *kgo.Client, commit kgo.TransactionEndTry) {
			if err := c.EndTransaction(t.Context(), commit); err != nil {
				t.Fatal(err)
			}
		}
		begin := func(c *kgo.Client) {
			if err := c.BeginTransaction(); err != nil {
				t.Fatal(err)
			}
		}
		begin(one)
		r.batch(one, values("committed-", 3)...)
		end(one, kgo.TryCommit)
		begin(one)
		begin(two)
		r.batch(one, values("aborted-", 2)...)
		r.batch(two, values("beside-", 2)...) // commits while the other one aborts
		r.batch(plain, values("plain-", 2)...)
		r.batch(one, values("aborted-again-", 2)...)
		end(two, kgo.TryCommit)
		end(one, kgo.TryAbort)
		begin(one)
		r.batch(one, values("after-", 1)...)
		end(one, kgo.TryCommit)

		want := []string{"committed-0", "committed-1", "committed-2", "beside-0", "beside-1", "plain-0", "plain-1", "after-0"}
		for _, maxBytes := range []int32{1, 1 << 20} { // one batch at a time, and all at once
			records, next := r.readAll(b, 0, maxBytes)
			if diff := cmp.Diff(want, texts(records)); diff != "" {
				t.Errorf("by %d bytes (-want +got):\n%s", maxBytes, diff)
			}
			if next != r.end0() {
				t.Errorf("by %d bytes: stands at %d, the log ends at %d: the markers were not passed", maxBytes, next, r.end0())
			}
		}
		// A restart may begin at any offset.
		all, _ := r.readAll(b, 0, 1<<20)
		for from := range r.end0() {
			records, _ := r.readAll(b, from, 1)
			later := slices.DeleteFunc(slices.Clone(all), func(rec record) bool { return rec.Offset < from })
			if diff := cmp.Diff(texts(later), texts(records)); diff != "" {
				t.Errorf("from %d (-want +got):\n%s", from, diff)
			}
		}
	})
}

func TestOpenTransactionIsWaitedFor(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		b := r.reader()
		defer b.reset()
		open, plain := r.producer(kgo.TransactionalID("open")), r.producer()
		defer open.Close()
		defer plain.Close()
		r.batch(plain, values("before-", 1)...)
		if err := open.BeginTransaction(); err != nil {
			t.Fatal(err)
		}
		r.batch(open, values("open-", 1)...)
		r.batch(plain, values("behind-", 1)...)
		records, next := r.readAll(b, 0, 1<<20)
		if diff := cmp.Diff([]string{"before-0"}, texts(records)); diff != "" || next != 1 {
			t.Errorf("stands at %d (-want +got):\n%s", next, diff)
		}
		if err := open.EndTransaction(t.Context(), kgo.TryAbort); err != nil {
			t.Fatal(err)
		}
		records, next = r.readAll(b, next, 1<<20)
		if diff := cmp.Diff([]string{"behind-0"}, texts(records)); diff != "" || next != r.end0() {
			t.Errorf("stands at %d of %d (-want +got):\n%s", next, r.end0(), diff)
		}
	})
}

// keyed returns a record for each key, whose value is the given value and the key.
func keyed(value string, keys ...string) []*kgo.Record {
	var records []*kgo.Record
	for _, key := range keys {
		records = append(records, kgo.KeyStringRecord(key, value+key))
	}
	return records
}

func TestCompactedTopicIsDeliveredAcrossItsGaps(t *testing.T) {
	bubble(t, 0, func(t *testing.T, r *rig) {
		compacted := "compact"
		if err := r.cluster.CreateTopic(testTopic, 1, map[string]string{"cleanup.policy": compacted}); err != nil {
			t.Fatal(err)
		}
		b := r.reader()
		defer b.reset()
		p := r.producer()
		defer p.Close()
		r.batch(p, keyed("1", "a", "b", "c")...) // 0-2
		r.batch(p, keyed("2", "a", "b", "d")...) // 3-5: d stays, a and b go
		r.batch(p, keyed("3", "x", "a", "y")...) // 6-8: its tail goes
		r.batch(p, keyed("4", "y", "b")...)      // 9-10
		r.batch(p, keyed("5", "z")...)           // 11: in the active segment, which is not compacted
		r.cluster.Compact()
		records, next := r.readAll(b, 0, 1<<20)
		if diff := cmp.Diff([]string{"1c", "2d", "3x", "3a", "4y", "4b", "5z"}, texts(records)); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
		if next != r.end0() {
			t.Errorf("stands at %d of %d", next, r.end0())
		}
		for from := range r.end0() { // an owner may begin in any gap
			got, next := r.readAll(b, from, 1)
			later := slices.DeleteFunc(slices.Clone(records), func(rec record) bool { return rec.Offset < from })
			if diff := cmp.Diff(texts(later), texts(got)); diff != "" || next != r.end0() {
				t.Errorf("from %d to %d (-want +got):\n%s", from, next, diff)
			}
		}
	})
}

// Compaction removes the last records of a batch and keeps its range of offsets. A fetch from inside that range returns the
// same batch without a record, and must still go on.
func TestEmptiedTailOfABatchIsPassed(t *testing.T) {
	bubble(t, 0, func(t *testing.T, r *rig) {
		if err := r.cluster.CreateTopic(testTopic, 1, map[string]string{"cleanup.policy": "compact"}); err != nil {
			t.Fatal(err)
		}
		b := r.reader()
		defer b.reset()
		p := r.producer()
		defer p.Close()
		var keys []string
		for i := range 100 {
			keys = append(keys, fmt.Sprintf("k%d", i))
		}
		r.batch(p, keyed("old-", keys...)...)     // 0-99: only the first stays
		r.batch(p, keyed("new-", keys[1:]...)...) // 100-198
		r.batch(p, keyed("end-", "z")...)         // 199: in the active segment
		r.cluster.Compact()
		for _, from := range []int64{1, 2, 50, 98, 99} {
			got, err := b.fetch(t.Context(), 0, from, 1, 0)
			if err != nil {
				t.Fatal(err)
			}
			if len(got.records) > 0 && got.records[0].Offset < 100 || got.next <= from || len(got.records) == 0 && got.next > 100 {
				t.Errorf("from %d: next %d with %d records", from, got.next, len(got.records))
			}
		}
		records, next := r.readAll(b, 0, 1)
		if len(records) != 101 || next != r.end0() {
			t.Errorf("%d records, stands at %d of %d", len(records), next, r.end0())
		}
	})
}

func TestTombstoneIsNoEmptyValue(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		b := r.reader()
		defer b.reset()
		p := r.producer()
		defer p.Close()
		at := time.Date(2026, 1, 2, 3, 4, 5, 6e6, time.UTC)
		r.batch(p,
			&kgo.Record{Key: []byte("k"), Timestamp: at, Headers: []kgo.RecordHeader{{Key: "h", Value: []byte("1")}, {Key: "h", Value: nil}, {Key: "h", Value: []byte{}}}},
			&kgo.Record{Key: []byte{}, Value: []byte{}, Timestamp: at},
			&kgo.Record{Value: []byte("v"), Timestamp: at},
		)
		records, _ := r.readAll(b, 0, 1<<20)
		if len(records) != 3 {
			t.Fatalf("%d records", len(records))
		}
		for i, want := range []struct{ key, value []byte }{{[]byte("k"), nil}, {[]byte{}, []byte{}}, {nil, []byte("v")}} {
			got := records[i]
			if diff := cmp.Diff(want.key, got.Key); diff != "" {
				t.Errorf("key of record %d (-want +got):\n%s", i, diff)
			}
			if diff := cmp.Diff(want.value, got.Value); diff != "" {
				t.Errorf("value of record %d (-want +got):\n%s", i, diff)
			}
			if !got.Time.Equal(at) || got.Offset != int64(i) || got.Topic != testTopic {
				t.Errorf("record %d: %s, offset %d of %s", i, got.Time, got.Offset, got.Topic)
			}
		}
		headers := records[0].Headers
		if len(headers) != 3 || string(headers[0].Value) != "1" || len(headers[1].Value) != 0 || len(headers[2].Value) != 0 {
			t.Errorf("headers %+v", headers)
		}
	})
}

func TestRecordLargerThanTheFetchIsFetched(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		b := r.reader()
		defer b.reset()
		p := r.producer(kgo.ProducerBatchMaxBytes(1_000_000), kgo.ProducerBatchCompression(kgo.NoCompression()))
		defer p.Close()
		large := bytes.Repeat([]byte("x"), 900_000)
		r.batch(p, kgo.SliceRecord([]byte("small")), kgo.SliceRecord(large), kgo.SliceRecord([]byte("after")))
		got, err := b.fetch(t.Context(), 0, 0, 1000, 0)
		if err != nil || got.next == 0 {
			t.Fatalf("next %d: %v", got.next, err)
		}
		records, next := r.readAll(b, 0, 1000)
		if len(records) != 3 || !bytes.Equal(records[1].Value, large) || next != 3 {
			t.Errorf("%d records, stands at %d", len(records), next)
		}
		var counted int64
		for _, rec := range records {
			counted += rec.size
		}
		if counted < 900_011 {
			t.Errorf("%d bytes are counted for %d", counted, 900_011)
		}
	})
}

func TestDeletedRecordsAreOutOfRange(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		b := r.reader()
		defer b.reset()
		r.produce(events("e", 20)...)
		if err := r.cluster.DeleteRecords(testTopic, 0, 15); err != nil {
			t.Fatal(err)
		}
		for _, offset := range []int64{0, 14, 21} {
			if _, err := b.fetch(t.Context(), 0, offset, 1<<20, 0); !errors.Is(err, kafka.OffsetOutOfRange) {
				t.Errorf("at %d: %v", offset, err)
			}
		}
		if records, next := r.readAll(b, 15, 1<<20); len(records) != 5 || next != 20 {
			t.Errorf("%d records, stands at %d", len(records), next)
		}
		ends, err := b.listOffsets(t.Context(), []int{0}, kafka.ReadUncommitted)
		if err != nil || ends[0] != (bounds{15, 20}) {
			t.Errorf("bounds %+v: %v", ends[0], err)
		}
	})
}

func TestEveryCompressionIsRead(t *testing.T) {
	for name, codec := range map[string]kgo.CompressionCodec{
		"none": kgo.NoCompression(), "gzip": kgo.GzipCompression(), "snappy": kgo.SnappyCompression(),
		"lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression(),
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, 1, func(t *testing.T, r *rig) {
				b := r.reader()
				defer b.reset()
				p := r.producer(kgo.ProducerBatchCompression(codec))
				defer p.Close()
				random := rand.New(rand.NewPCG(1, 1))
				var want []string
				for range 4 {
					var batch []*kgo.Record
					for range 50 {
						text := fmt.Sprintf("%0*d", 1+random.IntN(3000), random.Uint64())
						want = append(want, text)
						batch = append(batch, kgo.StringRecord(text))
					}
					r.batch(p, batch...)
				}
				records, next := r.readAll(b, 0, 4096)
				if !slices.Equal(want, texts(records)) || next != 200 {
					t.Errorf("%d records, stands at %d", len(records), next)
				}
				if from, _ := r.readAll(b, 77, 4096); len(from) != 123 || from[0].Offset != 77 {
					t.Errorf("from inside a batch: %d records", len(from))
				}
			})
		})
	}
}

func TestFetchTellsTheLogsEnds(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		b := r.reader()
		defer b.reset()
		r.produce(events("e", 20)...)
		if err := r.cluster.DeleteRecords(testTopic, 0, 5); err != nil {
			t.Fatal(err)
		}
		got, err := b.fetch(t.Context(), 0, 10, 1<<20, 0)
		if err != nil || got.end != 20 || got.start != 5 {
			t.Errorf("the log is [%d, %d): %v", got.start, got.end, err)
		}
		began := time.Now()
		got, err = b.fetch(t.Context(), 0, 20, 1<<20, fetchWait)
		if err != nil || len(got.records) > 0 || got.next != 20 {
			t.Errorf("at the end: %+v, %v", got, err)
		}
		if waited := time.Since(began); waited != fetchWait {
			t.Errorf("waited %s for a record, want %s", waited, fetchWait)
		}
	})
}

// logBatch is a batch with the offsets [first, last], some of whose records compaction has removed.
type logBatch struct{ first, last int64 }

// encode returns the batch with a record at each of the offsets.
func (l logBatch) encode(offsets ...int64) []byte {
	b := kmsg.RecordBatch{
		FirstOffset: l.first, Magic: 2, LastOffsetDelta: int32(l.last - l.first), ProducerID: -1, ProducerEpoch: -1,
		FirstSequence: -1, NumRecords: int32(len(offsets)),
	}
	for _, offset := range offsets {
		rec := kmsg.Record{OffsetDelta: int32(offset - l.first), Value: fmt.Append(nil, offset)}
		rec.Length = int32(len(rec.AppendTo(nil)) - 1) // a length of one byte
		b.Records = rec.AppendTo(b.Records)
	}
	text := b.AppendTo(nil)
	b.Length = int32(len(text) - 12)
	b.CRC = int32(crc32.Checksum(text[21:], crc32.MakeTable(crc32.Castagnoli)))
	return b.AppendTo(nil)
}

// Compaction keeps the range of offsets of a batch whose records it deletes, even if none is left. The embedded broker does
// not, so that the test makes the answers itself.
func TestBatchesKeepTheirRangeWhenTheirRecordsGo(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		records := map[logBatch][]int64{{0, 99}: {0}, {100, 199}: nil, {200, 260}: {205, 259}, {261, 1000}: nil}
		batches := slices.SortedFunc(maps.Keys(records), func(a, b logBatch) int { return int(a.first - b.first) })
		end, fetches := int64(1001), 0
		r.cluster.ControlKey(int16(kmsg.Fetch), func(req kmsg.Request) (kmsg.Response, error, bool) {
			r.cluster.KeepControl()
			fetches++
			asked := req.(*kmsg.FetchRequest).Topics[0].Partitions[0]
			p := kmsg.NewFetchResponseTopicPartition()
			p.HighWatermark, p.LastStableOffset = end, end
			if asked.FetchOffset > end {
				p.ErrorCode = kerr.OffsetOutOfRange.Code
			}
			for _, b := range batches {
				if b.last >= asked.FetchOffset && (len(p.RecordBatches) == 0 || asked.PartitionMaxBytes > 1000) {
					p.RecordBatches = append(p.RecordBatches, b.encode(records[b]...)...)
				}
			}
			topic := kmsg.NewFetchResponseTopic()
			topic.Topic, topic.Partitions = testTopic, append(topic.Partitions, p)
			res := req.ResponseKind().(*kmsg.FetchResponse)
			res.Topics = append(res.Topics, topic)
			return res, nil, true
		})
		b := r.reader()
		defer b.reset()
		for _, maxBytes := range []int32{1, 1 << 20} {
			for _, from := range []int64{0, 1, 2, 50, 98, 99, 100, 101, 199, 200, 204, 205, 206, 259, 260, 261, 262, 600, 999, 1000, 1001} {
				fetches = 0
				got, next := r.readAll(b, from, maxBytes)
				var want []string
				for _, offset := range []int64{0, 205, 259} {
					if offset >= from {
						want = append(want, fmt.Sprint(offset))
					}
				}
				if diff := cmp.Diff(want, texts(got)); diff != "" || next != end {
					t.Fatalf("from %d by %d: stands at %d (-want +got):\n%s", from, maxBytes, next, diff)
				}
				if fetches > 100 {
					t.Fatalf("from %d: %d fetches for four batches", from, fetches)
				}
			}
		}
	})
}

func TestHeldRecordKeepsItsBytesOverFetches(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		refuse := make(chan struct{})
		r.crm.setAnswer(func(ctx context.Context, req crmclient.Request) (crmclient.Result, error, bool) {
			if req.OriginID != "held" {
				return crmclient.Result{}, nil, false
			}
			select {
			case <-refuse:
				return crmclient.Result{}, &crmclient.Rejection{Reason: crmclient.ReasonRefused, Message: "no"}, true
			case <-ctx.Done():
				return crmclient.Result{}, ctx.Err(), true
			}
		})
		p := r.start()
		held := event("held")
		held.key, held.headers = "its key", []kafka.Header{{Key: "its header", Value: []byte("its text")}}
		r.produce(held)
		for i := range 3 { // these fetches use the memory of the first one again
			other := event(fmt.Sprintf("after%d", i))
			other.key, other.headers = "a key", []kafka.Header{{Key: "a header", Value: []byte("a text")}}
			r.produce(other)
			r.awaitCreated(fmt.Sprintf("after%d", i))
		}
		close(refuse)
		r.await("its letter", func() bool { return len(r.deadLetters()) == 1 })
		p.shutdown(t)
		letter := r.deadLetters()[0]
		text := ""
		for _, h := range letter.Headers {
			if h.Key == "its header" {
				text = string(h.Value)
			}
		}
		if string(letter.Key) != "its key" || string(letter.Value) != held.value || text != "its text" {
			t.Errorf("the letter has key %q, value %q, header %q", letter.Key, letter.Value, text)
		}
	})
}
