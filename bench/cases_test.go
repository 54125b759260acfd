package main

import (
	"io"
	"testing"
	"time"

	"github.com/leadbridge/leadbridge/bench/internal/sim"
)

func TestCasesAreWhole(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	check := func(c trialCase) {
		switch {
		case c.Title == "" || c.Batch < 1 || c.Slots < 1 || c.Replicas < 1 || c.parts()%c.Replicas != 0:
			t.Errorf("%s lacks something: %+v", c.Name, c)
		case (c.Backlog == 0) == (c.Trickle.Leads == 0):
			t.Errorf("%s has no load, or two", c.Name)
		case c.Poll < time.Millisecond || c.Every < c.Poll || c.Limit < c.WarmUp+c.Measure:
			t.Errorf("%s: its times do not fit", c.Name)
		case c.Target != "" && c.Bare > 0:
			t.Errorf("%s: the bare client makes contacts", c.Name)
		case c.timed() && float64(c.Backlog) < c.ceiling()*(c.WarmUp+c.Measure).Seconds():
			t.Errorf("%s: a service at the ceiling is done before its time is over", c.Name)
		}
	}
	for _, c := range cases() {
		if seen[c.Name] {
			t.Errorf("%s is there twice", c.Name)
		}
		seen[c.Name] = true
		check(c)
		check(c.short())
	}
}

func TestCommandLine(t *testing.T) {
	t.Parallel()
	o, err := parse([]string{"--case", "slow,documented", "--case", "trickle", "--short", "--env", "WINDOW=8"}, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	// The order is the table's.
	if len(o.cases) != 3 || o.cases[0].Name != "documented" || o.cases[2].Name != "slow" || o.cases[0].WarmUp >= time.Minute {
		t.Errorf("cases %+v", o.cases)
	}
	if all, err := parse(nil, io.Discard); err != nil || len(all.cases) != len(cases()) {
		t.Errorf("without cases: %d, %v", len(all.cases), err)
	}
	for _, bad := range [][]string{{"--case", "none"}, {"--env", "WINDOW"}, {"more"}, {"--what"}} {
		if _, err := parse(bad, io.Discard); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
	if code := status([]string{"--help"}, io.Discard, io.Discard); code != 0 {
		t.Errorf("help ends with %d", code)
	}
	if code := status([]string{"--binary", "/no/such/file"}, io.Discard, io.Discard); code != 1 {
		t.Errorf("a missing binary ends with %d", code)
	}
}

func TestCeilingOfTargets(t *testing.T) {
	t.Parallel()
	for target, want := range map[string]float64{"": 250, targetLead: 250, targetDeal: 125} {
		if got := (trialCase{Target: target, Portal: sim.Documented(), Batch: 50, Slots: 2}).ceiling(); got != want {
			t.Errorf("%q: %v, want %v", target, got, want)
		}
	}
	matched := trialCase{Target: targetDeal, Match: "email", Portal: sim.Documented(), Batch: 50, Slots: 2}
	if got := matched.ceiling(); got < 83 || got > 84 {
		t.Errorf("deals whose persons are looked for: %v, want 83.3", got)
	}
}
