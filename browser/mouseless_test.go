//go:build browser

package browser

import (
	"fmt"
	"strings"
	"testing"

	"github.com/leadbridge/leadbridge/browser/internal/screen"
)

func TestTheFirstStopSkipsToTheContent(t *testing.T) {
	t.Parallel()
	_, address := onStage(t, 3)
	tab := open(t, screen.Desk, address)
	must(t, tab.Until(text(".verdict-word", "Delivering")))
	must(t, tab.Press("Tab"))
	must(t, tab.Until(focused("#skip")))
	if in := eval[bool](t, tab, `document.activeElement.getBoundingClientRect().top >= 0`); !in {
		t.Error("the link is not to be seen when it has the focus")
	}
	must(t, tab.Press("Enter"))
	must(t, tab.Until(focused("#main")))
	must(t, tab.Press("Tab"))
	must(t, tab.Until(focused("#where")))
}

// Where the focus is can be seen at each stop, and the stops follow one another as they stand.
func TestEachStopIsSeen(t *testing.T) {
	t.Parallel()
	_, address := onStage(t, 30)
	for path, ready := range map[string]string{
		"/":              text(".verdict-word", "Delivering"),
		"/#/letters":     text(".found", "30 letters match"),
		"/#/letters/0:0": `document.querySelector("#event-value")`,
	} {
		tab := open(t, screen.Desk, address+path)
		must(t, tab.Until(ready))
		eval[bool](t, tab, `document.activeElement.blur() ?? true`)
		stops := 0
		before := -1.0
		for {
			must(t, tab.Press("Tab"))
			name := eval[string](t, tab, `document.activeElement === document.body ? "" : document.activeElement.id || document.activeElement.className || document.activeElement.tagName`)
			if name == "" || stops > 0 && name == "skip" {
				break
			}
			stops++
			if seen := eval[bool](t, tab, `(() => { const s = getComputedStyle(document.activeElement); return s.outlineStyle !== "none" && parseFloat(s.outlineWidth) >= 2; })()`); !seen {
				t.Errorf("%s: the focus on %s cannot be seen", path, name)
			}
			// In main, as far as it has one column, what comes later stands lower.
			top := eval[float64](t, tab, `document.activeElement.closest("main") ? document.activeElement.getBoundingClientRect().bottom + scrollY : -1`)
			if top >= 0 && top < before-200 {
				t.Errorf("%s: %s comes after what stands %v pixels lower", path, name, before-top)
			}
			before = max(before, top)
		}
		if stops < 8 {
			t.Errorf("%s has %d stops", path, stops)
		}
	}
}

func TestReadAChart(t *testing.T) {
	t.Parallel()
	_, address := onStage(t, 3)
	tab := open(t, screen.Desk, address)
	must(t, tab.Until(`document.querySelector(".chart-line").getAttribute("d").length > 100`))
	must(t, tab.TabTo(".chart-plot"))
	must(t, tab.Press("ArrowLeft", "ArrowLeft"))
	must(t, tab.Until(`/^\d\d:\d\d:\d\d$/.test(document.querySelector(".chart-when").textContent)`))
	said := eval[string](t, tab, `document.querySelector(".chart-plot").getAttribute("aria-valuetext")`)
	shown := eval[string](t, tab, `document.querySelector(".chart-when").textContent + ": " + document.querySelector(".chart-value").textContent`)
	if said != shown {
		t.Errorf("it shows %q and says %q", shown, said)
	}
	if words := eval[string](t, tab, `document.getElementById(document.querySelector(".chart-plot").getAttribute("aria-labelledby")).textContent`); !strings.HasPrefix(words, "Lag: ") || !strings.Contains(words, "at most") {
		t.Errorf("the chart is called %q", words)
	}
	must(t, tab.Press("Tab"))
	must(t, tab.Until(text(".chart-when", "now")))
	must(t, tab.Hover(".chart:nth-child(2) .chart-plot"))
	must(t, tab.Until(fmt.Sprintf(`/^\d\d:\d\d:\d\d$/.test(document.querySelector(%q).textContent)`, ".chart:nth-child(2) .chart-when")))
}
