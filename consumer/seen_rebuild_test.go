package consumer

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/segmentio/kafka-go"
)

// remembering reads back the ids of partition 0 for an owner that starts at an offset, and returns which of the given ids are
// remembered then.
func (r *rig) remembering(ctx context.Context, start int64, window int, ids []string) (known []string, err error) {
	r.t.Helper()
	return r.rememberingUnder(ctx, ledger{granted: start, trial: -1}, start, window, ids)
}

// rememberingUnder is like remembering, for an owner that inherits the ledger left.
func (r *rig) rememberingUnder(ctx context.Context, left ledger, start int64, window int, ids []string) (known []string, err error) {
	r.t.Helper()
	cfg := r.config()
	cfg.DedupeWindow = window
	c, err := New(cfg, fakeTransformer{}, r.crm)
	if err != nil {
		r.t.Fatal(err)
	}
	defer c.deps.broker.reset()
	ends, err := c.deps.broker.listOffsets(r.t.Context(), []int{0}, kafka.ReadUncommitted)
	if err != nil {
		r.t.Fatal(err)
	}
	g := &generation{deps: c.deps, seen: newSeen(window), takeover: time.Now()}
	p := newPartition(g, 0, ends[0], committed{start, left.encode(start)})
	if err := p.rebuildSeen(ctx); err != nil {
		return nil, err
	}
	for _, id := range ids {
		if g.seen.remembers(id) {
			known = append(known, id)
		}
	}
	return known, nil
}

func ids(prefix string, from, to int) []string {
	var all []string
	for i := from; i < to; i++ {
		all = append(all, fmt.Sprintf("%s%d", prefix, i))
	}
	return all
}

func TestMemoryIsRebuiltFromTheNewest(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		const n = 3*rebuildChunk + 7
		for at := 0; at < n; at += 1000 {
			r.produce(events(fmt.Sprintf("%d-", at/1000), min(1000, n-at))...)
		}
		var all []string
		for at := 0; at < n; at += 1000 {
			all = append(all, ids(fmt.Sprintf("%d-", at/1000), 0, min(1000, n-at))...)
		}
		for _, tt := range []struct{ start, window, deleted, from int }{
			{n, 10, 0, n - 10}, // a part of a chunk
			{n, rebuildChunk + 50, 0, n - 50 - rebuildChunk}, // more than one chunk
			{n, 10 * n, 0, 0},       // more than the log has
			{500, 10, 0, 490},       // records from the start on are not dispatched yet
			{500, 0, 0, 500},        // no memory
			{0, 10, 0, 0},           // nothing lies before the start
			{n, 10 * n, 5000, 5000}, // retention took the rest
			{5003, 10, 5000, 5000},
		} {
			if err := r.cluster.DeleteRecords(testTopic, 0, int64(tt.deleted)); err != nil && tt.deleted > 0 {
				t.Fatal(err)
			}
			known, err := r.remembering(t.Context(), int64(tt.start), tt.window, all)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(append([]string(nil), all[tt.from:tt.start]...), known); diff != "" {
				t.Errorf("start %d, window %d: %d ids remembered, want %d", tt.start, tt.window, len(known), tt.start-tt.from)
			}
		}
	})
}

func TestMemoryPassesOverTombstonesAndKeepsMalformedOnes(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		r.produce(event("a"), message{null: true}, message{value: "no JSON"}, event("panic"), event("b"))
		known, err := r.remembering(t.Context(), 5, 100, []string{"a", "0/1", "0/2", "panic", "b"})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"a", "0/2", "b"}, known); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	})
}

func TestMemoryIsRebuiltInBoundedTime(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		r.produce(events("e", 10)...)
		r.cluster.ControlKey(int16(kmsg.Fetch), func(kmsg.Request) (kmsg.Response, error, bool) {
			r.cluster.KeepControl()
			r.cluster.SleepControl(func() { time.Sleep(30 * time.Second) })
			return nil, nil, false
		})
		began := time.Now()
		if _, err := r.remembering(t.Context(), 10, 100, nil); err != nil {
			t.Errorf("a memory that cannot be rebuilt ended the opening: %v", err)
		}
		if took := time.Since(began); took > rebuildTime+time.Second {
			t.Errorf("took %s", took)
		}
		time.Sleep(2 * time.Minute) // until the broker has answered
	})
}

func TestMemoryEndsWithItsGeneration(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		r.produce(events("e", 10)...)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := r.remembering(ctx, 10, 100, nil); err == nil {
			t.Error("a generation that has ended goes on")
		}
	})
}

func TestMemoryKeepsWhatItHasReadWhenTheBrokerFails(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		for range 3 {
			r.produce(events("e", 1500)...)
		}
		oldest := r.cluster.Fault(kfake.Fault{
			Keys: []kmsg.Key{kmsg.Fetch}, Topic: testTopic, Err: kerr.UnknownServerError, Count: -1,
			When: func(req kmsg.Request) bool {
				return req.(*kmsg.FetchRequest).Topics[0].Partitions[0].FetchOffset < 1000
			},
		})
		defer oldest.Remove()
		known, err := r.remembering(t.Context(), 4500, 10_000, []string{"e1499", "e0"})
		if err != nil || len(known) != 2 {
			t.Errorf("%v remembered, %v", known, err)
		}
	})
}

func TestMemoryReadsBackBoundedBytes(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		const n, size = 110, 700 << 10
		padding := strings.Repeat(" ", size)
		for _, id := range ids("e", 0, n) {
			r.produce(message{value: fmt.Sprintf(`{"id":%q}%s`, id, padding)})
		}
		known, err := r.remembering(t.Context(), n, 10_000, ids("e", 0, n))
		if err != nil {
			t.Fatal(err)
		}
		most := (rebuildBytes + 2*rebuildChunkBytes) / size
		if len(known) > most || len(known) < rebuildBytes/size-1 || known[len(known)-1] != "e109" {
			t.Errorf("%d records of %d bytes were read back, the last one %s", len(known), size, known[len(known)-1])
		}
	})
}

// In a crash loop no ids are read back: a record that ended the process, and is a dead letter by now, would end it again
// when it is decoded.
func TestMemoryIsNotRebuiltAfterSeveralOpenings(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		r.produce(events("e", 10)...)
		left := ledger{granted: 10, trial: -1, openings: crashLoopOpenings}
		known, err := r.rememberingUnder(t.Context(), left, 10, 100, ids("e", 0, 10))
		if err != nil || len(known) > 0 {
			t.Errorf("%v were read back: %v", known, err)
		}
		left.openings--
		if known, err := r.rememberingUnder(t.Context(), left, 10, 100, ids("e", 0, 10)); err != nil || len(known) != 10 {
			t.Errorf("%v were read back: %v", known, err)
		}
	})
}
