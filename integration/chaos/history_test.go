package main

import (
	"errors"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/leadbridge/leadbridge/crmclient"
	"github.com/leadbridge/leadbridge/internal/audit"
)

// audited is an audit that accounts for so many events since the start of the run.
func audited(events int) audit.Audit {
	return audit.Audit{Counts: audit.Counts{Records: events, Events: events, Contacts: events}}
}

func open(t *testing.T, o options) *history {
	t.Helper()
	h, err := openHistory(o)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func (h *history) keep(t *testing.T, o options, events, kills int, good bool) {
	t.Helper()
	r := round{Number: h.next(), Seed: o.seed, Target: o.target, Seconds: 60, Kills: kills, Good: good, Rest: usage{RSS: float64(20 + h.next()), Goroutines: 50}}
	if err := h.add(r, audited(events)); err != nil {
		t.Fatal(err)
	}
}

// TestInterruptedSoakGoesOn counts the rounds of earlier runs, whose audits began anew with each.
func TestInterruptedSoakGoesOn(t *testing.T) {
	t.Parallel()
	o := options{dir: t.TempDir(), seed: 7, target: crmclient.TargetDeal, events: 1000, kills: 6}
	h := open(t, o)
	h.keep(t, o, 300, 2, true)
	h.keep(t, o, 500, 2, true)
	if h.enough(o) {
		t.Error("500 of 1000 events are enough")
	}
	if seed := keptSeed(o.dir); seed != 7 {
		t.Errorf("seed %d", seed)
	}
	h = open(t, o)
	if h.next() != 2 || !strings.Contains(h.String(), "2 rounds with 500 events and 4 kills") {
		t.Errorf("goes on with round %d%v", h.next(), h)
	}
	h.keep(t, o, 600, 1, true)
	if h.enough(o) {
		t.Error("5 of 6 kills are enough")
	}
	h.keep(t, o, 601, 1, true)
	if sum, kills := h.total(); !h.enough(o) || sum.Events != 1101 || kills != 6 {
		t.Errorf("%d events and %d kills, enough: %v", sum.Events, kills, h.enough(o))
	}
	if _, err := openHistory(o); !errors.Is(err, errSpent) {
		t.Errorf("a soak that has ended goes on: %v", err)
	}
	if report := h.report(); !strings.Contains(report, "1101 events in 4 minutes and 2 runs") {
		t.Error(report)
	}
}

func TestSoakThatFailedDoesNotGoOn(t *testing.T) {
	t.Parallel()
	o := options{dir: t.TempDir(), seed: 7, target: crmclient.TargetLead, events: 1000}
	open(t, o).keep(t, o, 300, 2, false)
	if _, err := openHistory(o); !errors.Is(err, errSpent) {
		t.Errorf("got %v", err)
	}
}

func TestSoakOfAnotherSeedIsNotMixedIn(t *testing.T) {
	t.Parallel()
	o := options{dir: t.TempDir(), seed: 7, target: crmclient.TargetLead, events: 1000}
	open(t, o).keep(t, o, 300, 2, true)
	o.seed = 8
	if _, err := openHistory(o); err == nil {
		t.Error("it goes on")
	}
}

func TestDamagedHistoryIsToldApart(t *testing.T) {
	t.Parallel()
	o := options{dir: t.TempDir()}
	if err := os.WriteFile(open(t, o).file, []byte("{\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := openHistory(o); err == nil {
		t.Error("it is taken")
	}
}

// TestGrowthOfTheConsumerThatStays leaves out the first round, and runs that were shorter.
func TestGrowthOfTheConsumerThatStays(t *testing.T) {
	t.Parallel()
	o := options{dir: t.TempDir(), events: 1}
	h := open(t, o)
	for i := range 7 {
		h.keep(t, o, 100*(i+1), 0, true) // a MiB more in each minute
	}
	if hours, rss, goroutines := h.growth(); hours < 0.09 || hours > 0.11 || rss < 59.9 || rss > 60.1 || goroutines != 0 {
		t.Errorf("%v hours, %v MiB and %v goroutines an hour", hours, rss, goroutines)
	}
}

func TestTwoRunsDoNotShareADirectory(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first, err := openBook(dir, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := openBook(dir, io.Discard); !errors.Is(err, errInUse) {
		t.Errorf("a second run: %v", err)
	}
	first.close()
	again, err := openBook(dir, io.Discard)
	if err != nil {
		t.Fatalf("when the first has ended: %v", err)
	}
	again.close()
}
