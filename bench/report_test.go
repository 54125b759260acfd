package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leadbridge/leadbridge/bench/internal/proc"
	"github.com/leadbridge/leadbridge/bench/internal/table"
)

func TestFigures(t *testing.T) {
	t.Parallel()
	rows := figuresTable([]result{
		{Title: "limits", Rate: 247.53, Ceiling: 250, Share: .99012, Requests: 900, CPU: 18.44, PeakRSS: 41.2},
		{Title: "idle", Cut: true, Rate: 20, P50: 21.6, P99: 23.45},
	})
	want := table.Table{
		{"limits", "248", "250", "99.0 %", "", "", "900", "0", "18.4", "41.2", "", ""},
		{"idle (cut)", "20.0", "", "", "", "", "0", "0", "0.00", "0.00", "21.6", "23.4"},
	}
	if diff := cmp.Diff(want, rows[1:]); diff != "" {
		t.Error(diff)
	}
}

func TestJudge(t *testing.T) {
	t.Parallel()
	verdicts := map[string]string{}
	for _, g := range judge([]result{
		{Case: "documented", Share: .96, WorstMinute429: 2},
		{Case: "instant", OfBare: .71, CPU: 31},
		{Case: "trickle", P99: 24.9, Service: 20},
		{Case: "backlog", PeakRSS: 80, Growth: 5.1},
		{Case: "slow", Share: .1},
	}) {
		verdicts[g.Case+", "+g.What] = g.Verdict + " " + g.limit()
	}
	want := map[string]string{
		"documented, share of the ceiling":             "NOT MET ≥ 0.98",
		"documented, 429 in the worst minute":          "NOT MET ≤ 1",
		"instant, share of the bare client":            "met, the aim too ≥ 0.35 (0.7)",
		"instant, µs of CPU a contact":                 "met ≤ 100 (30)",
		"trickle, p99 beyond the CRM's time, ms":       "met, the aim too ≤ 15 (5)",
		"backlog, peak RSS, MiB":                       "NOT MET ≤ 64",
		"backlog, RSS growth, MiB by 100,000 contacts": "NOT MET ≤ 5",
	}
	if diff := cmp.Diff(want, verdicts); diff != "" {
		t.Error(diff)
	}
}

// TestRulesNameCases keeps goals from being lost by a case that was renamed.
func TestRulesNameCases(t *testing.T) {
	t.Parallel()
	for _, rule := range rules() {
		if _, err := choose([]string{rule.name}, false); err != nil {
			t.Error(err)
		}
	}
}

func TestPublish(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "new")
	r := report{Version: "v1", Short: true, Machine: proc.Machine{Lateness: .52}, Results: []result{{Case: "slow", Title: "slow portal", Rate: 19, Ceiling: 19.4, Others: .5, Timeline: []point{{1, 2, 3}}}}}
	var text strings.Builder
	if err := r.publish(dir, &text); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"slow portal", "SHORT RUN", "took 50.0 % of the machine", "timers fire 0.52 ms late"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("%q is not in the text\n%s", want, text.String())
		}
	}
	data, err := os.ReadFile(filepath.Join(dir, "bench.json"))
	if err != nil {
		t.Fatal(err)
	}
	var back report
	if err := json.Unmarshal(data, &back); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(r.Results, back.Results); diff != "" {
		t.Error(diff)
	}
	svg, err := os.ReadFile(filepath.Join(dir, "bench.svg"))
	if err != nil || !strings.Contains(string(svg), "ceiling 19.4") || !strings.Contains(string(svg), "a short run") {
		t.Errorf("%v, the drawing is\n%s", err, svg)
	}
	if err := (report{}).publish(dir, &text); err == nil {
		t.Error("a run without results is published")
	}
}
