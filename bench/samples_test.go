package main

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// ramp are samples of one a second: nothing for 3 s, then 10 contacts a second with a
// request and 2 ms of CPU each.
func ramp(seconds int) []sample {
	var all []sample
	for i := range seconds + 1 {
		n := max(0, i-3) * 10
		all = append(all, sample{at: time.Duration(i) * time.Second, created: n, calls: n, cpu: time.Duration(n) * 2 * time.Millisecond, rss: 1 << 20})
	}
	return all
}

func TestSteadyWindow(t *testing.T) {
	t.Parallel()
	w, err := steady(ramp(20), 5*time.Second, 10*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	// The first contacts are seen after 4 s.
	if w.from.at != 9*time.Second || w.to.at != 19*time.Second {
		t.Errorf("from %s to %s, want 9s to 19s", w.from.at, w.to.at)
	}
	got := []float64{w.contactsPerSecond(), w.requestsPerMinute(), w.cpuPerContact()}
	if diff := cmp.Diff([]float64{10, 600, 2000}, got); diff != "" {
		t.Error(diff)
	}
}

func TestMiddleWindow(t *testing.T) {
	t.Parallel()
	w, err := middle(ramp(13))
	if err != nil {
		t.Fatal(err)
	}
	if w.from.created != 10 || w.to.created != 90 {
		t.Errorf("from %d to %d contacts, want 10 to 90", w.from.created, w.to.created)
	}
}

func TestWindowsOfShortRuns(t *testing.T) {
	t.Parallel()
	stuck := []sample{{created: 5}, {at: time.Minute, created: 5}, {at: 2 * time.Minute, created: 5}}
	for name, window := range map[string]func() (window, error){
		"no samples":          func() (window, error) { return middle(nil) },
		"no samples, steady":  func() (window, error) { return steady(nil, 0, time.Second) },
		"no contacts":         func() (window, error) { return middle(ramp(3)) },
		"no contacts, steady": func() (window, error) { return steady(ramp(3), 0, time.Second) },
		"in the warm-up":      func() (window, error) { return steady(ramp(10), 10*time.Second, time.Second) },
		"no progress":         func() (window, error) { return steady(stuck, time.Second, time.Hour) },
	} {
		if _, err := window(); !errors.Is(err, errTooShort) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestGrowth(t *testing.T) {
	t.Parallel()
	var samples []sample
	for i := range 101 { // 3 MiB by 100,000 contacts, and up and down around that
		rss := int64(50<<20) + int64(i)*3<<20/100 + int64(i%2)*8<<20
		samples = append(samples, sample{at: time.Duration(i) * time.Second, created: i * 1000, rss: rss})
	}
	samples[0].rss, samples[100].rss = 0, 1<<30 // outside
	if got := growth(samples, window{samples[1], samples[99]}); got < 2.9 || got > 3.1 {
		t.Errorf("it grows by %.2f MiB, want 3", got)
	}
	if got := growth(samples[:1], window{samples[0], samples[0]}); got != 0 {
		t.Errorf("one sample grows by %.2f", got)
	}
}

func TestBusiestMinute(t *testing.T) {
	t.Parallel()
	var samples []sample
	calls := 0
	for i := range 181 { // 2 a second, 5 a second in the second minute
		if calls += 2; i > 60 && i <= 120 {
			calls += 3
		}
		samples = append(samples, sample{at: time.Duration(i) * time.Second, calls: calls})
	}
	count := func(s sample) int { return s.calls }
	if got := busiestMinute(samples, count); got != 300 {
		t.Errorf("%d in the busiest minute, want 300", got)
	}
	if got := busiestMinute(samples[5:20], count); got != 40 {
		t.Errorf("%d in less than a minute, want all 40", got)
	}
}

func TestOthers(t *testing.T) {
	t.Parallel()
	w := window{to: sample{at: 10 * time.Second, cpu: 4 * time.Second, simCPU: 2 * time.Second, benchCPU: 3 * time.Second, machineCPU: 11 * time.Second}}
	if got := w.others(2); got != .1 {
		t.Errorf("others took %.2f, want 0.1", got)
	}
	w.to.machineCPU = 8 * time.Second // ticks are coarse
	if got := w.others(2); got != 0 {
		t.Errorf("others took %.2f, want 0", got)
	}
}

func TestSeries(t *testing.T) {
	t.Parallel()
	points := series(ramp(20), 10)
	if len(points) != 10 {
		t.Fatalf("%d points, want 10", len(points))
	}
	if diff := cmp.Diff([]point{{1, 0, 1}, {3, 5, 1}, {5, 10, 1}}, points[:3]); diff != "" {
		t.Error(diff)
	}
	if got := series(ramp(0), 10); got != nil {
		t.Errorf("of one sample: %v", got)
	}
	if got := series(ramp(3), 10); len(got) != 3 {
		t.Errorf("%d points of 4 samples, want 3", len(got))
	}
}
