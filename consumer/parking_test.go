package consumer

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/leadbridge/leadbridge/crmclient"
)

func offsetsOf(records []*parkedRecord) []int64 {
	var offsets []int64
	for _, r := range records {
		offsets = append(offsets, r.offset)
	}
	return offsets
}

func TestParkedRecordsComeWhenTheyAreDue(t *testing.T) {
	now := time.UnixMilli(1_790_000_000_000)
	closed, open := make(chan struct{}), make(chan struct{})
	close(closed)
	var k parking
	for _, r := range []*parkedRecord{
		{offset: 30, why: crmclient.WaitBackoff, due: now},
		{offset: 10, why: crmclient.WaitBackoff, due: now.Add(time.Second)},
		{offset: 20, why: crmclient.WaitBackoff, due: now.Add(time.Hour), ready: closed},
		{offset: 40, why: waitLetter, ready: open},
		{offset: 50, why: waitOrder, ready: open},
		{offset: 60, why: crmclient.WaitDoubt, due: now.Add(time.Minute), ready: open},
	} {
		k.park(r)
	}
	if next, opened := k.nextDue(); !next.Equal(now) || len(opened) != 2 {
		t.Errorf("next %v, %d channels", next, len(opened))
	}
	if got := offsetsOf(k.takeDue(now, 1)); !slices.Equal(got, []int64{20}) {
		t.Errorf("the first due is %v", got)
	}
	if got := offsetsOf(k.takeDue(now, 10)); !slices.Equal(got, []int64{30}) {
		t.Errorf("then %v", got)
	}
	if got := k.takeDue(now.Add(time.Second), 0); len(got) > 0 {
		t.Errorf("%v were taken without room", offsetsOf(got))
	}
	close(open)
	if got := offsetsOf(k.takeDue(now.Add(time.Second), 10)); !slices.Equal(got, []int64{10, 40, 50, 60}) {
		t.Errorf("at last %v", got)
	}
	if len(k.records) > 0 {
		t.Errorf("%v are left", offsetsOf(k.records))
	}
}

// However they are parked and taken, each comes back once, in order within a take, and not before its time.
func TestParkingKeepsEachRecordOnce(t *testing.T) {
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 5))
		now := time.UnixMilli(0)
		var k parking
		due := map[int64]time.Time{}
		for range 200 {
			now = now.Add(time.Duration(r.IntN(1000)) * time.Millisecond)
			if offset := r.Int64N(1000); r.IntN(2) == 0 && due[offset].IsZero() {
				due[offset] = now.Add(time.Duration(r.IntN(20_000)) * time.Millisecond)
				k.park(&parkedRecord{offset: offset, why: crmclient.WaitBackoff, due: due[offset]})
			}
			taken := offsetsOf(k.takeDue(now, r.IntN(4)))
			if !slices.IsSorted(taken) {
				t.Fatalf("seed %d: taken in the order %v", seed, taken)
			}
			for _, offset := range taken {
				if due[offset].IsZero() || due[offset].After(now) {
					t.Fatalf("seed %d: %d was taken at %v, due at %v", seed, offset, now, due[offset])
				}
				delete(due, offset)
			}
			if next, _ := k.nextDue(); len(k.records) != len(due) || len(due) > 0 && next.IsZero() {
				t.Fatalf("seed %d: %d parked, want %d", seed, len(k.records), len(due))
			}
		}
	}
}

// parkedUntilFull parks records by a pattern until no more are dispatched.
func parkedUntilFull(window int, parks func(offset int64) (parks, sent bool)) (n int, l ledger, at int64) {
	s := partitionState{window: window, end: noEnd, spanRoom: ledgerBytes - ledgerHead, commits: commitState{ahead: window}, progress: newProgress(1_000_000, ledger{})}
	offset := int64(1_000_000)
	for full := false; !full; offset++ {
		s.progress.dispatch(offset, time.Time{}, false)
		parked, sent := parks(offset)
		if !parked {
			s.progress.finish(offset)
			continue
		}
		s.progress.park(offset, sent)
		n++
		full = s.noteParkingFull(offset + 1)
	}
	for range window / 2 { // what the window may add meanwhile
		s.progress.dispatch(offset, time.Time{}, false)
		s.progress.dispatch(offset+1, time.Time{}, false)
		s.progress.finish(offset)
		offset += 2
	}
	at = s.progress.position()
	l = ledger{horizon: time.Now(), trial: -1, originField: "UF_CRM_LEADBRIDGE_EVENT_ID", openings: 3}
	l.spans, l.granted = s.progress.spans(offset + int64(window))
	return n, l, at
}

func TestHowManyRecordsCanBeParked(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for name, tt := range map[string]struct {
		parks func(int64) (parks, sent bool)
		least int
	}{
		"all":                             {func(int64) (bool, bool) { return true, false }, maxParked},
		"all, each second one sent":       {func(o int64) (bool, bool) { return true, o%2 == 0 }, 1200},
		"in runs of ten":                  {func(o int64) (bool, bool) { return o%20 < 10, false }, maxParked},
		"each second one":                 {func(o int64) (bool, bool) { return o%2 == 0, false }, 1200},
		"one in ten, at random":           {func(int64) (bool, bool) { return r.IntN(10) == 0, false }, 1200},
		"one in a thousand, at random":    {func(int64) (bool, bool) { return r.IntN(1000) == 0, false }, 800},
		"half, at random, sent at random": {func(int64) (bool, bool) { return r.IntN(2) == 0, r.IntN(2) == 0 }, 1500},
	} {
		t.Run(name, func(t *testing.T) {
			n, l, at := parkedUntilFull(256, tt.parks)
			t.Logf("%d records can be parked, %d spans", n, len(l.spans))
			if n < tt.least {
				t.Errorf("%d records can be parked, want %d at least", n, tt.least)
			}
			got, err := decodeLedger(at, l.encode(at))
			if err != nil || len(got.spans) != len(l.spans) {
				t.Errorf("%d of %d spans came back, %v: some were joined", len(got.spans), len(l.spans), err)
			}
		})
	}
}
