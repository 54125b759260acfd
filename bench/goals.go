package main

import (
	"fmt"

	"github.com/leadbridge/leadbridge/bench/internal/sim"
)

// goal is a bound that a case must keep, and an aim beyond it, with the value that was measured.
type goal struct {
	Case    string  `json:"case"`
	What    string  `json:"what"`
	Value   float64 `json:"value"`
	Bound   float64 `json:"bound"`
	Aim     float64 `json:"aim,omitzero"` // 0 for none
	AtMost  bool    `json:"at_most"`
	Verdict string  `json:"verdict"`
}

const (
	aimReached   = "met, the aim too"
	boundReached = "met"
	missed       = "NOT MET"
	notPlayed    = "NOT PLAYED"
)

// rule is a goal for the results of a case: value returns the value to compare with the bound.
type rule struct {
	name, what string
	bound, aim float64
	atMost     bool
	value      func(result) float64
}

// rules returns all goals. Shares can be compared between machines; times and memory are for a present-day machine.
func rules() []rule {
	ofCeiling := func(r result) float64 { return r.Share }
	throttled := func(r result) float64 { return float64(r.WorstMinute429) }
	return []rule{
		{"documented", "share of the ceiling", .98, 0, false, ofCeiling},
		{"documented", "429 in the worst minute", 1, 0, true, throttled},
		{"instant", "share of the bare client", .35, .7, false, func(r result) float64 { return r.OfBare }},
		{"instant", "µs of CPU a contact", 100, 30, true, func(r result) float64 { return r.CPU }},
		{"wide", "share of the ceiling", .95, 0, false, ofCeiling},
		{"trickle", "p99 beyond the CRM's time, ms", 15, 5, true, func(r result) float64 { return r.P99 - r.Service }},
		{"backlog", "peak RSS, MiB", 64, 0, true, func(r result) float64 { return r.PeakRSS }},
		{"backlog", "RSS growth, MiB by 100,000 contacts", 5, 0, true, func(r result) float64 { return r.Growth }},
		{"replicas", "share of the ceiling", .9, 0, false, ofCeiling},
		{"replicas", "requests in the busiest minute", float64(sim.Documented().PerMinute), 0, true, func(r result) float64 { return float64(r.BusiestMinute) }},
		{"replicas", "429 in the worst minute", 1, 0, true, throttled},
		{"replicas", "answers 502 over the limit", 0, 0, true, func(r result) float64 { return float64(r.OverPerSecond) }},
		{"lead", "share of the ceiling", .95, 0, false, ofCeiling},
		{"lead", "429 in the whole run", 0, 0, true, func(r result) float64 { return float64(r.Throttled) }},
		{"deal", "share of the ceiling", .95, 0, false, ofCeiling},
		{"deal", "429 in the whole run", 0, 0, true, func(r result) float64 { return float64(r.Throttled) }},
		{"deal-match", "share of the ceiling", .95, 0, false, ofCeiling},
		{"deal-match", "429 in the whole run", 0, 0, true, func(r result) float64 { return float64(r.Throttled) }},
		{"deal-trickle", "p99 beyond two CRM calls, ms", 10, 0, true, func(r result) float64 { return r.P99 - r.Service }},
	}
}

// judge compares results with the goals.
func judge(results []result) []goal {
	var goals []goal
	for _, rule := range rules() {
		for _, r := range results {
			if r.Case == rule.name {
				goals = append(goals, rule.judge(r))
			}
		}
	}
	return goals
}

func (u rule) judge(r result) goal {
	g := goal{Case: u.name, What: u.what, Value: rounded(u.value(r), 3), Bound: u.bound, Aim: u.aim, AtMost: u.atMost, Verdict: missed}
	keeps := func(limit float64) bool { return u.atMost && g.Value <= limit || !u.atMost && g.Value >= limit }
	switch {
	case u.aim != 0 && keeps(u.aim):
		g.Verdict = aimReached
	case keeps(u.bound):
		g.Verdict = boundReached
	}
	return g
}

// limit returns the bound and the aim as text.
func (g goal) limit() string {
	sign := "≥"
	if g.AtMost {
		sign = "≤"
	}
	if g.Aim == 0 {
		return fmt.Sprintf("%s %g", sign, g.Bound)
	}
	return fmt.Sprintf("%s %g (%g)", sign, g.Bound, g.Aim)
}
