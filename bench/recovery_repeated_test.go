package main

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leadbridge/leadbridge/bench/internal/program"
)

// runOf is a run of a case whose longest wait is as given.
func runOf(name string, longest float64) recoveryResult {
	return recoveryResult{Case: name, Leads: 5, Met: true, MustBe: "longest ≤ 2 s", First: seconds{longest / 2, false}, Max: seconds{longest, false}}
}

func TestRepeatedRuns(t *testing.T) {
	t.Parallel()
	results := []recoveryResult{runOf("a", 1), runOf("b", 4), runOf("a", 1.5), runOf("a", .5), runOf("a", 1.2)}
	results[2].InFlight, results[2].InFlightMax = 3, seconds{9, true}
	once, repeated := split(byCase(results))
	if len(once) != 1 || once[0].Case != "b" || len(repeated) != 1 {
		t.Fatalf("once %+v, repeated %+v", once, repeated)
	}
	row := repeatedTable(repeated)[1]
	if diff := cmp.Diff([]string{"a", "4", "20", "0.50", "0.75", "1.00", "1.50", "3", "0.00", "> 9.00", "0", "0", "0", "0", "longest ≤ 2 s", boundReached}, row); diff != "" {
		t.Error(diff)
	}
	for want, change := range map[string]func(*recoveryResult){
		missed:    func(r *recoveryResult) { r.Met = false },
		notPlayed: func(r *recoveryResult) { r.Error = "no broker" },
	} {
		changed := runs{runOf("a", 1), runOf("a", 1), runOf("a", 1)}
		change(&changed[1])
		if got := changed.verdict(); got != want {
			t.Errorf("verdict %s, not %s", got, want)
		}
	}
}

func TestRunsAgainstABaseline(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	before := recoveryReport{Results: []recoveryResult{runOf("a", 2), runOf("a", 2), runOf("a", 9), runOf("quick", .1)}}
	if _, _, err := program.SaveJSON(dir, "recovery.json", before); err != nil {
		t.Fatal(err)
	}
	b, err := readBaseline(filepath.Join(dir, "recovery.json"))
	if err != nil {
		t.Fatal(err)
	}
	open := runOf("a", 1)
	open.Max.AtLeast = true
	for name, c := range map[string]struct {
		results []recoveryResult
		worse   string // case
	}{
		"as before":                      {before.Results, ""},
		"half more, and a bad run":       {[]recoveryResult{runOf("a", 3), runOf("a", 3), runOf("a", 60)}, ""},
		"more than half":                 {[]recoveryResult{runOf("a", 3.1), runOf("a", 3.1), runOf("a", 1)}, "case a"},
		"a wait that is not over":        {[]recoveryResult{open}, "case a"},
		"less than the machine explains": {[]recoveryResult{runOf("quick", .5)}, ""},
		"a case that is new":             {[]recoveryResult{runOf("new", 99)}, ""},
	} {
		err := b.compare(c.results)
		if (err != nil) != (c.worse != "") || err != nil && !strings.Contains(err.Error(), c.worse) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
