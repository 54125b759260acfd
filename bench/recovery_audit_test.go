package main

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leadbridge/leadbridge/internal/audit"
)

// TestAuditFindsEveryBreach has one lead of each fate.
func TestAuditFindsEveryBreach(t *testing.T) {
	t.Parallel()
	began := time.Now()
	after := func(s float64) time.Time { return began.Add(time.Duration(s * float64(time.Second))) }
	bad := marked(refusedMarker)
	e := evidence{
		sent: []sentLead{
			{0, fresh(), audit.Place{Partition: 0, Offset: 0}, after(0)},       // delivered
			{1, fresh(), audit.Place{Partition: 0, Offset: 1}, after(1)},       // delivered twice
			{2, fresh(), audit.Place{Partition: 0, Offset: 2}, after(0)},       // a wrong letter
			{3, fresh(), audit.Place{Partition: 0, Offset: 3}, after(0)},       // lost
			{4, fresh(), audit.Place{Partition: 0, Offset: 5}, after(2)},       // still on its way
			{5, fresh(), audit.Place{Partition: 1, Offset: 0}, after(0)},       // delivered after the case's time
			{6, fresh(), audit.Place{Partition: 1, Offset: 1}, after(0)},       // met a fault of its own
			{7, bad, audit.Place{Partition: 1, Offset: 2}, after(0)},           // a letter
			{8, bad, audit.Place{Partition: 1, Offset: 3}, after(0)},           // lost
			{9, bad, audit.Place{Partition: 1, Offset: 9}, after(0)},           // still on its way
			{10, background(), audit.Place{Partition: 1, Offset: 5}, after(0)}, // delivered
			{11, background(), audit.Place{Partition: 1, Offset: 8}, after(0)}, // still on its way
		},
		held: map[int][]time.Time{
			0: {after(.5)}, 1: {after(3), after(4)}, 5: {after(60)}, 6: {after(9)}, 10: {after(1)},
		},
		troubled:  map[int]bool{6: true},
		letters:   map[audit.Place]int{{Offset: 2}: 1, {Partition: 1, Offset: 2}: 2},
		committed: []int64{4, 6},
		over:      after(50),
		killed:    after(.7),
	}
	want := recoveryResult{
		Leads: 6, First: seconds{.5, false}, InFlight: 6, InFlightMax: seconds{49.3, true}, P50: seconds{48, true}, P90: seconds{50, true}, P99: seconds{50, true}, Max: seconds{50, true}, Undelivered: 4,
		Troubled: 1, Background: 2, BackgroundOpen: 1, Bad: 3, LettersRight: 1, LettersWrong: 1, Twice: 1, Lost: 2,
	}
	if diff := cmp.Diff(want, e.audit()); diff != "" {
		t.Error(diff)
	}
}

// TestAuditAfterTroubleOfAll counts waits from the end of trouble that all have to wait for.
func TestAuditAfterTroubleOfAll(t *testing.T) {
	t.Parallel()
	began := time.Now()
	e := evidence{
		sent: []sentLead{{0, fresh(), audit.Place{Partition: 0, Offset: 0}, began}, {1, fresh(), audit.Place{Partition: 0, Offset: 1}, began.Add(20 * time.Second)}, {2, fresh(), audit.Place{Partition: 0, Offset: 2}, began}},
		held: map[int][]time.Time{
			0: {began.Add(13 * time.Second)}, 1: {began.Add(22 * time.Second)}, 2: {began.Add(9 * time.Second)}, // the last one in the midst of it
		},
		troubled: map[int]bool{0: true}, committed: []int64{3}, cleared: began.Add(10 * time.Second), over: began.Add(time.Minute),
	}
	r := e.audit()
	if r.Leads != 3 || r.P50.Value != 2 || r.First.Value != 2 || r.Max.Value != 3 || r.Undelivered != 0 || r.Troubled != 0 {
		t.Errorf("%+v", r)
	}
}

func TestWaits(t *testing.T) {
	t.Parallel()
	waits := []wait{{5 * time.Second, false}, {time.Second, true}, {time.Second, false}, {2 * time.Second, true}}
	slices.SortFunc(waits, wait.compare)
	got := []string{at(waits, .25).String(), at(waits, .5).String(), at(waits, .75).String(), at(waits, 1).String(), at(nil, .5).String()}
	if diff := cmp.Diff([]string{"1.00", "5.00", "> 1.00", "> 2.00", "0.00"}, got); diff != "" {
		t.Error(diff)
	}
}
