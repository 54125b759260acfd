package main

import (
	"testing"
	"time"
)

func TestCeiling(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		portal   portal
		n, slots int
		want     float64
	}{
		{"documented: 300 a minute", documented(), 50, 2, 250},
		{"one by one", documented(), 1, 2, 5},
		{"slow: two batches in 5.15 s", slow(), 50, 2, 100 / 5.15},
		{"64 in 20 ms", portal{Slots: 64, ServiceTime: 20 * time.Millisecond}, 1, 64, 3200},
		{"fewer slots of ours", portal{Slots: 64, ServiceTime: 20 * time.Millisecond}, 1, 2, 100},
		{"10 a second", portal{PerMinute: 6000, PerSecond: 10}, 50, 2, 500},
		{"none", portal{Slots: 2}, 50, 2, 0},
	} {
		if got := c.portal.ceiling(c.n, c.slots); rounded(got, 6) != rounded(c.want, 6) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

func TestCeilingOfTargets(t *testing.T) {
	t.Parallel()
	for target, want := range map[string]float64{"": 250, targetLead: 250, targetDeal: 125} {
		if got := (trialCase{Target: target, Portal: documented(), Batch: 50, Slots: 2}).ceiling(); got != want {
			t.Errorf("%q: %v, want %v", target, got, want)
		}
	}
	matched := trialCase{Target: targetDeal, Match: "email", Portal: documented(), Batch: 50, Slots: 2}
	if got := matched.ceiling(); got < 83 || got > 84 {
		t.Errorf("deals whose persons are looked for: %v, want 83.3", got)
	}
}
