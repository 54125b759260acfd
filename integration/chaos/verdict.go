package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/leadbridge/leadbridge/internal/audit"
)

// verdict is what came of a run.
type verdict struct {
	audit    audit.Audit
	history  *history
	breaches []string                     // noticed meanwhile
	effort   string                       // what was done to whom, how often
	story    func(origin string) []string // what the CRM was asked about an event
}

// good tells whether every promise was kept.
func (v verdict) good() bool {
	return len(v.breaches) == 0 && v.audit.Good()
}

// shownFaults are told in full.
const shownFaults = 20

// text tells it, the breaches in full.
func (v verdict) text(o options) string {
	var b strings.Builder
	c := v.audit.Counts
	fmt.Fprintf(&b, "\n%d records: %d events, %d repeats, %d tombstones\n%d contacts, %d leads, %d deals, %d comments, %d letters; %d events were given to a contact of their person\n%s\n",
		c.Records, c.Events, c.Repeats, c.Tombstones, c.Contacts, c.Leads, c.Deals, c.Comments, c.Letters, c.Matched, v.effort)
	kinds := map[string]int{}
	for i, f := range v.audit.Faults {
		if kinds[f.Kind]++; i < shownFaults {
			fmt.Fprintf(&b, "%-10s %s\n", f.Kind, f.Text)
			for _, line := range v.story(f.Origin) {
				fmt.Fprintf(&b, "           %s\n", line)
			}
		}
	}
	for _, breach := range v.breaches {
		fmt.Fprintf(&b, "breach     %s\n", breach)
	}
	for _, kind := range slices.Sorted(maps.Keys(kinds)) {
		fmt.Fprintf(&b, "%s: %d\n", kind, kinds[kind])
	}
	if v.history != nil && o.soaks() {
		fmt.Fprintf(&b, "\n%s\n", v.history.report())
	}
	if v.good() {
		fmt.Fprintf(&b, "Audit passed: each event is exactly what its target says, or dead letters of one event id. Seed %d, logs in %s\n", o.seed, o.dir)
	} else {
		fmt.Fprintf(&b, "AUDIT FAILED. Seed %d, logs in %s\nAgain: %s\n", o.seed, o.dir, o.again())
	}
	return b.String()
}
