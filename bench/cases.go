package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/leadbridge/leadbridge/bench/internal/sim"
)

// trialCase is a case: a service, a CRM and a load to measure.
type trialCase struct {
	Name  string
	Title string

	Target   string // CRM_TARGET; "" for contact
	Match    string // CRM_MATCH; "" for off
	Portal   sim.Portal
	Batch    int // CRM_BATCH_SIZE
	Slots    int // CRM_SLOTS
	Replicas int
	// Partitions of the topic; 0 for [partitions].
	Partitions int

	// The load: Backlog records at once, or a trickle.
	Backlog int
	Trickle trickle

	// The part of a run that counts begins WarmUp after the first contact, and takes Measure. If Measure is 0, it is the
	// part between the first and the last tenth of the contacts.
	WarmUp, Measure time.Duration

	Limit time.Duration // a run that takes longer is ended then
	Poll  time.Duration // between two readings of the simulator's counts
	Every time.Duration // between two samples of the processes
	Bare  int           // contacts that the bare client creates; 0 if it does not run
}

// trickle is a load that leaves the service idle most of the time.
type trickle struct {
	PerSecond int
	Skip      int // how many of the first leads do not count
	Leads     int // in all; 0 for no trickle
}

// steps returns how many requests an event takes, one after another: its creates, and the look-up of its person.
func (c trialCase) steps() int {
	steps := 1
	if c.Target == targetDeal {
		steps++
	}
	if c.Match != "" {
		steps++
	}
	return steps
}

// ceiling returns how many events a second a perfect client can deliver; 0 if the portal sets no limit.
func (c trialCase) ceiling() float64 {
	return c.Portal.Ceiling(c.Batch, c.Slots) / float64(c.steps())
}

// Targets of events.
const (
	targetLead = "lead"
	targetDeal = "deal" // a contact, and a deal with it
)

// partitions of a case's topic. They are more than replicas, as in any real topic.
const partitions = 4

// parts returns how many partitions the case's topic has.
func (c trialCase) parts() int { return cmp.Or(c.Partitions, partitions) }

// cases returns all cases, in the order of the table.
func cases() []trialCase {
	steady := func(c trialCase) trialCase {
		c.WarmUp, c.Measure, c.Limit = time.Minute, 2*time.Minute, 5*time.Minute
		c.Poll, c.Every = time.Second, time.Second
		return c
	}
	quick := func(c trialCase) trialCase {
		c.Limit, c.Poll, c.Every = 3*time.Minute, 100*time.Millisecond, 100*time.Millisecond
		return c
	}
	// A new group looks its first records up, which takes a few seconds.
	fast := func(c trialCase) trialCase {
		c = quick(c)
		c.WarmUp, c.Measure = 10*time.Second, 20*time.Second
		return c
	}
	ms := time.Millisecond
	unlimited := sim.Portal{Slots: 64, ServiceTime: 20 * ms}
	return []trialCase{
		steady(trialCase{Name: "documented", Title: "documented limits", Portal: sim.Documented(), Batch: 50, Slots: 2, Replicas: 1, Backlog: 60_000, Bare: 7_500}),
		steady(trialCase{Name: "one-by-one", Title: "documented limits, one by one", Portal: sim.Documented(), Batch: 1, Slots: 2, Replicas: 1, Backlog: 3_000, Bare: 100}),
		quick(trialCase{Name: "instant", Title: "instant CRM", Batch: 50, Slots: 2, Replicas: 1, Backlog: 100_000, Bare: 100_000}),
		fast(trialCase{Name: "wide", Title: "20 ms CRM, 64 slots, one by one", Portal: unlimited, Batch: 1, Slots: 64, Replicas: 1, Backlog: 120_000, Bare: 20_000}),
		quick(trialCase{Name: "backlog", Title: "backlog of 200,000, instant CRM", Batch: 50, Slots: 2, Replicas: 1, Partitions: 6, Backlog: 200_000}),
		{Name: "trickle", Title: "idle trickle, 20 a second, 20 ms CRM", Portal: sim.Portal{ServiceTime: 20 * ms}, Batch: 50, Slots: 2, Replicas: 1,
			Trickle: trickle{PerSecond: 20, Skip: 100, Leads: 1_300}, Limit: 3 * time.Minute, Poll: 250 * ms, Every: time.Second},
		steady(trialCase{Name: "replicas", Title: "documented limits, two replicas", Portal: sim.Documented(), Batch: 50, Slots: 2, Replicas: 2, Backlog: 60_000}),
		steady(trialCase{Name: "lead", Title: "leads, documented limits", Target: targetLead, Portal: sim.Documented(), Batch: 50, Slots: 2, Replicas: 1, Backlog: 60_000}),
		steady(trialCase{Name: "deal", Title: "deals, documented limits", Target: targetDeal, Portal: sim.Documented(), Batch: 50, Slots: 2, Replicas: 1, Backlog: 30_000}),
		steady(trialCase{Name: "deal-match", Title: "deals, each person looked for first, documented limits", Target: targetDeal, Match: "email,phone", Portal: sim.Documented(), Batch: 50, Slots: 2, Replicas: 1, Backlog: 20_000}),
		{Name: "deal-trickle", Title: "idle trickle of deals, 20 a second, 20 ms CRM", Target: targetDeal, Portal: sim.Portal{ServiceTime: 20 * ms}, Batch: 50, Slots: 2, Replicas: 1,
			Trickle: trickle{PerSecond: 20, Skip: 100, Leads: 1_300}, Limit: 3 * time.Minute, Poll: 250 * ms, Every: time.Second},
		steady(trialCase{Name: "slow", Title: "slow portal, 100 ms an item", Portal: slow(), Batch: 50, Slots: 2, Replicas: 1, Backlog: 6_000, Bare: 400}),
	}
}

func slow() sim.Portal {
	p := sim.Documented()
	p.ItemTime = 100 * time.Millisecond
	return p
}

// short returns a case with smaller counts and shorter times, which is enough to see that everything works.
func (c trialCase) short() trialCase {
	c.Bare /= 5
	c.Trickle.Skip /= 5
	c.Trickle.Leads /= 5
	if c.timed() {
		c.WarmUp, c.Measure = 5*time.Second, 10*time.Second
	} else {
		c.Backlog /= 5
		c.Limit = min(c.Limit, 30*time.Second)
	}
	return c
}

// timed reports whether the clock ends a run, and not the last contact.
func (c trialCase) timed() bool { return c.Measure > 0 }

// choose returns the cases with these names; all cases if there are no names.
func choose(names []string, short bool) ([]trialCase, error) {
	all := cases()
	for _, name := range names {
		if !slices.ContainsFunc(all, func(c trialCase) bool { return c.Name == name }) {
			return nil, fmt.Errorf("there is no case %q; there are\n%s", name, listing())
		}
	}
	var chosen []trialCase
	for _, c := range all {
		if len(names) > 0 && !slices.Contains(names, c.Name) {
			continue
		}
		if short {
			c = c.short()
		}
		chosen = append(chosen, c)
	}
	return chosen, nil
}

// listing returns the names and titles of all cases, one on each line.
func listing() string {
	var b strings.Builder
	for _, c := range cases() {
		fmt.Fprintf(&b, "  %-12s %s\n", c.Name, c.Title)
	}
	return strings.TrimRight(b.String(), "\n")
}
