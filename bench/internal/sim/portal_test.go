package sim

import (
	"math"
	"testing"
	"time"
)

func TestCeiling(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		portal   Portal
		n, slots int
		want     float64
	}{
		{"documented: 300 a minute", Documented(), 50, 2, 250},
		{"one by one", Documented(), 1, 2, 5},
		{"slow: two batches in 5.15 s", Portal{PerMinute: 300, Slots: 2, ServiceTime: 150 * time.Millisecond, ItemTime: 100 * time.Millisecond}, 50, 2, 100 / 5.15},
		{"64 in 20 ms", Portal{Slots: 64, ServiceTime: 20 * time.Millisecond}, 1, 64, 3200},
		{"fewer slots of ours", Portal{Slots: 64, ServiceTime: 20 * time.Millisecond}, 1, 2, 100},
		{"10 a second", Portal{PerMinute: 6000, PerSecond: 10}, 50, 2, 500},
		{"none", Portal{Slots: 2}, 50, 2, 0},
	} {
		if got := c.portal.Ceiling(c.n, c.slots); math.Abs(got-c.want) > 1e-6 {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}
