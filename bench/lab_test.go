package main

import (
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/leadbridge/leadbridge/bench/internal/broker"
	"github.com/leadbridge/leadbridge/bench/internal/sim"
)

// TestTrials runs each kind of trial, as small as it gets, with the binary of this
// tree. It looks at counts only: times are nobody's business in a test.
func TestTrials(t *testing.T) {
	t.Parallel()
	binary := filepath.Join(t.TempDir(), "leadbridge")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "../cmd/leadbridge").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	b, err := broker.Open("")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	l := &lab{binary: binary, broker: b, progress: t.Output()}
	if version, err := l.version(t.Context()); err != nil || version == "" {
		t.Errorf("version %q, %v", version, err)
	}
	t.Run("group", func(t *testing.T) { // the broker outlives what runs in it
		t.Run("recovery", func(t *testing.T) {
			t.Parallel()
			checkRecovery(t, l)
		})
		for name, change := range map[string]func(*trialCase){
			"backlog":  func(c *trialCase) { c.Backlog, c.Bare = 100, 40 },
			"trickle":  func(c *trialCase) { c.Trickle = trickle{PerSecond: 10, Skip: 5, Leads: 20} },
			"replicas": func(c *trialCase) { c.Backlog, c.Replicas = 200, 2 },
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				c := quickTrial(name)
				change(&c)
				checkTrial(t, l, c)
			})
		}
	})
}

// quickTrial has two seconds of work for its service: a machine that is busy with other tests
// must have looked at it twice in between, or there is nothing to measure.
func quickTrial(name string) trialCase {
	return trialCase{
		Name: name, Title: name, Portal: sim.Portal{ServiceTime: 100 * time.Millisecond}, Batch: 2, Slots: 2, Replicas: 1,
		Limit: time.Minute, Poll: 5 * time.Millisecond, Every: 5 * time.Millisecond,
	}
}

func checkTrial(t *testing.T, l *lab, c trialCase) {
	t.Helper()
	r, err := l.try(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	want := c.Backlog + c.Trickle.Leads
	if r.Created != want || r.Cut || r.Requests == 0 || r.PeakRSS == 0 || r.Rate <= 0 || len(r.Timeline) == 0 || (r.Bare > 0) != (c.Bare > 0) {
		t.Errorf("%d leads came to %+v", want, r)
	}
	if r.SimCPU < 0 || r.BenchCPU < 0 || r.Others < 0 || r.BusiestMinute != r.Requests {
		t.Errorf("what took part is %+v", r)
	}
	if c.Trickle.Leads > 0 && (r.Latencies != c.Trickle.Leads-c.Trickle.Skip || r.P50 <= 0 || r.P99 < r.P50) {
		t.Errorf("%d latencies, p50 %v, p99 %v", r.Latencies, r.P50, r.P99)
	}
}
