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
