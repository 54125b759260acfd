package main

import (
	"io"
	"strings"
	"testing"

	"github.com/leadbridge/leadbridge/crmclient"
)

func TestCommandLine(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{
		"a target that is none": {"-target", "company"},
		"a match that is none":  {"-match", "name"},
		"blind by match":        {"-match", "email", "-blind", "email"},
		"no number":             {"-events", "many"},
		"a flag that is none":   {"-what"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if code := run(append(args, "-dir", t.TempDir()), io.Discard, io.Discard); code != exitUsage {
				t.Errorf("exit code %d", code)
			}
		})
	}
	for _, c := range []struct {
		args  []string
		soaks bool
		again string
	}{
		{[]string{"-seed", "7", "-target", "lead", "-duration", "90s"}, false, "make chaos TARGET=lead MATCH=off DURATION=1m30s SEED=7 BROKERS=1"},
		{[]string{"-seed", "7", "-target", "deal", "-match", "email,phone"}, false, "make chaos TARGET=deal MATCH=email,phone DURATION=2m0s SEED=7 BROKERS=1"},
		{[]string{"-seed", "7", "-events", "10", "-brokers", "3"}, true, "make soak TARGET=contact MATCH=off EVENTS=10 KILLS=0 SEED=7 BROKERS=3"},
		{[]string{"-seed", "7", "-kills", "2"}, true, "make soak TARGET=contact MATCH=off EVENTS=0 KILLS=2 SEED=7 BROKERS=1"},
	} {
		o, err := parse(append(c.args, "-dir", t.TempDir()), io.Discard)
		if err != nil || o.soaks() != c.soaks || o.again() != c.again {
			t.Errorf("%v: %v, soaks %v, %q", c.args, err, o.soaks(), o.again())
		}
	}
	if o, err := parse([]string{"-dir", t.TempDir()}, io.Discard); err != nil || o.seed == 0 {
		t.Errorf("no seed is drawn: %v", err)
	}
}

// TestVerdictTellsWhatToDo shows breaches and faults, and the command that deals the same blows.
func TestVerdictTellsWhatToDo(t *testing.T) {
	t.Parallel()
	o := options{dir: t.TempDir(), seed: 7, target: crmclient.TargetDeal, match: matchOff, events: 5, brokers: 1}
	h := open(t, o)
	h.keep(t, o, 9, 3, false)
	v := verdict{breaches: []string{"a commit went back"}, history: h, audit: audited(9)}
	for _, want := range []string{"9 records: 9 events", "a commit went back", "| 1 | 1.0 | 9 | 9 |", "AUDIT FAILED. Seed 7", "Again: make soak TARGET=deal MATCH=off EVENTS=5"} {
		if text := v.text(o); !strings.Contains(text, want) {
			t.Errorf("it does not say %q:\n%s", want, text)
		}
	}
}
