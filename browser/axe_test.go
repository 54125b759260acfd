//go:build browser

package browser

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/leadbridge/leadbridge/browser/internal/screen"
	"github.com/leadbridge/leadbridge/browser/internal/stage"
)

// fault is what axe-core found.
type fault struct {
	ID     string   `json:"id"`
	Impact string   `json:"impact"`
	Help   string   `json:"help"`
	Nodes  []string `json:"nodes"`
}

// axeRun gives the faults that keep people from using a page.
const axeRun = `axe.run(document, { resultTypes: ["violations"] }).then((found) => found.violations
	.filter((v) => v.impact === "serious" || v.impact === "critical")
	.map((v) => ({ id: v.id, impact: v.impact, help: v.help, nodes: v.nodes.map((n) => n.target.join(" ") + ": " + n.failureSummary) })))`

// axe is the text of axe-core, which make test-browser fetches.
func axe(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("AXE_DIR")
	if dir == "" {
		t.Fatal("AXE_DIR is not set: run make test-browser, which fetches axe-core")
	}
	text, err := os.ReadFile(filepath.Clean(filepath.Join(dir, "axe.min.js")))
	must(t, err)
	return string(text)
}

// faults looks at what is on the screen.
func faults(t *testing.T, tab *screen.Tab, library string) []fault {
	t.Helper()
	eval[bool](t, tab, library+"\n;typeof window.axe === 'object'")
	return eval[[]fault](t, tab, axeRun)
}

func TestAxeFindsNoSeriousFault(t *testing.T) {
	t.Parallel()
	library := axe(t)
	for name, view := range map[string]screen.View{
		"light":       screen.Desk,
		"dark":        {Width: 1280, Height: 860, Dark: true},
		"phone":       screen.Hand,
		"phone, dark": {Width: 360, Height: 740, Phone: true, Dark: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, address := onStage(t, 200)
			tab := open(t, view, address)
			look := func(what string) {
				t.Helper()
				for _, f := range faults(t, tab, library) {
					t.Errorf("%s: %s %s: %s %q", what, f.Impact, f.ID, f.Help, f.Nodes)
				}
				if wide := eval[int](t, tab, "document.documentElement.scrollWidth - document.documentElement.clientWidth"); wide > 0 {
					t.Errorf("%s: %d pixels too wide", what, wide)
				}
			}
			must(t, tab.Until(`document.querySelector(".verdict-word").textContent === "Delivering" && document.querySelector(".partitions tbody tr")`))
			look("overview")
			s.Set(stage.Replicas())
			must(t, tab.Until(`document.querySelector(".history-holds").textContent.includes("What held it") && document.querySelector(".replicas tbody tr")`))
			look("overview, all replicas")
			s.Set(stage.Held())
			must(t, tab.Until(`document.querySelector(".verdict-word").textContent === "Held"`))
			look("overview, held")
			must(t, tab.Go(address+"/#/letters"))
			must(t, tab.Until(`document.querySelector(".found").textContent === "200 letters match"`))
			look("letters")
			must(t, tab.TabTo(".list"))
			must(t, tab.Press("ArrowDown", "Space"))
			must(t, tab.Until(`document.querySelector("[role=row][aria-selected=true]")`))
			look("letters, one selected")
			must(t, tab.Press("Enter"))
			must(t, tab.Until(`document.querySelector("#event-value")`))
			look("letter")
			must(t, tab.Click("#edit"))
			must(t, tab.Until(`document.querySelector("dialog[open] #edit-value")`))
			look("edit")
			must(t, tab.Press("Control+Enter"))
			must(t, tab.Until(`document.querySelector("#confirm")`))
			look("dry run")
		})
	}
}

// The library must be able to find a fault: this one is made.
func TestAxeFindsAFaultThatIsThere(t *testing.T) {
	t.Parallel()
	_, address := onStage(t, 1)
	tab := open(t, screen.Desk, address)
	must(t, tab.Until(`document.querySelector(".verdict-word")`))
	eval[bool](t, tab, `document.querySelector("#main").append(document.createElement("button")), true`)
	if found := fmt.Sprint(faults(t, tab, axe(t))); !strings.Contains(found, "button-name") {
		t.Errorf("found %s", found)
	}
}
