//go:build browser

package browser

import (
	"strings"
	"testing"

	"github.com/leadbridge/leadbridge/browser/internal/screen"
	"github.com/leadbridge/leadbridge/browser/internal/stage"
)

// Without a state topic nothing of other replicas and of what was is there.
func TestNoHistoryWithoutStateTopic(t *testing.T) {
	t.Parallel()
	_, address := onStage(t, 3)
	tab := open(t, screen.Desk, address)
	must(t, tab.Until(`document.querySelector(".partitions tbody tr")`))
	if shown := eval[bool](t, tab, `[".history", ".replicas"].some((s) => document.querySelector(s).checkVisibility())`); shown {
		t.Error("a history is shown")
	}
	if owner := eval[string](t, tab, `document.querySelector(".p-owner").textContent`); owner != "here" {
		t.Errorf("the owner is %q", owner)
	}
}

// The history of all replicas over a range that is picked by the keyboard, the replicas, and the owners by their hosts.
func TestHistoryOfAllReplicas(t *testing.T) {
	t.Parallel()
	s, address := onStage(t, 3)
	tab := open(t, screen.Desk, address)
	must(t, tab.Until(`document.querySelector(".partitions tbody tr")`))
	s.Set(stage.Replicas())
	must(t, tab.Until(`document.querySelector(".history-holds").textContent.includes("What held it")`))
	replicas := eval[string](t, tab, `document.querySelector(".replicas").innerText`)
	for _, part := range []string{"leadbridge-6c9f-a (this page's)", "0-3", "The CRM does not answer as it should", "stopped at", "2 there, 1 gone"} {
		if !strings.Contains(replicas, part) {
			t.Errorf("no %q in:\n%s", part, replicas)
		}
	}
	owners := eval[[]string](t, tab, `[...document.querySelectorAll("td.p-owner")].map((td) => td.textContent)`)
	if owners[0] != "leadbridge-6c9f-a, here" || owners[5] != "leadbridge-6c9f-b" {
		t.Errorf("owners %q", owners)
	}
	words := func() string {
		return eval[string](t, tab, `[...document.querySelectorAll(".history .chart .unseen")].map((e) => e.textContent).join("; ")`)
	}
	day := words()
	for _, part := range []string{"Deliveries: ", "New dead letters: 10 letters", "Highest lag: at most 12 s", "Held: 25 min 00 s"} {
		if !strings.Contains(day, part) {
			t.Errorf("no %q in %s", part, day)
		}
	}
	must(t, tab.TabTo(`.history select`))
	must(t, tab.Press("End")) // the last range
	must(t, tab.Until(`document.querySelector(".history .chart-ticks span").textContent.match(/[A-Z][a-z]{2}/)`))
	if month := words(); !strings.Contains(month, "Held: 10 h 00 min") || month == day {
		t.Errorf("a month: %s", month)
	}
	must(t, tab.TabTo(`.history .chart-plot`))
	must(t, tab.Press("Home"))
	if read := eval[string](t, tab, `document.querySelector(".history .chart-plot").getAttribute("aria-valuetext")`); !strings.HasPrefix(read, "until ") {
		t.Errorf("the first step is read as %q", read)
	}
	if paths := eval[int](t, tab, `document.querySelector(".history .chart-line[d*='L']").getAttribute("d").split("M").length - 1`); paths != 2 {
		t.Errorf("the line of lag has %d parts, want 2: nothing is known of the time between", paths)
	}
}
