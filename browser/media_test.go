//go:build browser

package browser

import (
	"fmt"
	"testing"

	"github.com/leadbridge/leadbridge/browser/internal/screen"
)

// cutOff gives the elements whose text is not to be seen in full and cannot be scrolled to.
const cutOff = `[...document.querySelectorAll("body *")].filter((e) => {
	if (!e.checkVisibility() || e.closest("svg, .unseen, .unseen-head, textarea, input")) return false;
	const s = getComputedStyle(e);
	const wide = (s.overflowX === "hidden" || s.overflowX === "clip") && e.scrollWidth > e.clientWidth + 1;
	const high = (s.overflowY === "hidden" || s.overflowY === "clip") && e.scrollHeight > e.clientHeight + 1;
	return wide || high;
}).map((e) => (e.id || e.className || e.tagName) + ": " + e.textContent.slice(0, 60))`

// outside gives the texts that reach beyond the page and whose ancestors do not scroll.
const outside = `[...document.querySelectorAll("main *, header *")].filter((e) => e.checkVisibility() && !e.children.length && e.textContent.trim() !== "" && !e.closest("svg, .unseen, .scroll, .scroll-x, .list, pre") && e.getBoundingClientRect().right > innerWidth + 1).map((e) => e.textContent.slice(0, 60))`

// TestZoom enlarges the page to 200 %: nothing is cut, and nothing has to be scrolled to the side but tables.
func TestZoom(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		locale string
		dark   bool
	}{{"en-GB", false}, {"ru-RU", true}} {
		t.Run(c.locale, func(t *testing.T) {
			t.Parallel()
			s, address := onStage(t, 200)
			tab := open(t, screen.View{Width: 640, Height: 430, Zoom: 2, Dark: c.dark, Locale: c.locale}, address)
			eachView(t, s, tab, address, func(view string) {
				t.Helper()
				drawn(t, tab)
				if wide := eval[int](t, tab, "document.documentElement.scrollWidth - document.documentElement.clientWidth"); wide > 0 {
					t.Errorf("%s: %d pixels too wide", view, wide)
				}
				for _, what := range eval[[]string](t, tab, cutOff) {
					t.Errorf("%s: cut: %s", view, what)
				}
				for _, what := range eval[[]string](t, tab, outside) {
					t.Errorf("%s: beyond the page: %s", view, what)
				}
			})
		})
	}
}

// faint gives the parts of a view that tell something by colour alone and do not stand out from what is behind them when
// colours are forced.
const faint = `(() => {
	const canvas = document.createElement("span");
	canvas.style.setProperty("background-color", "Canvas");
	document.body.append(canvas);
	const rgb = (colour) => { const c = colour.match(/[\d.]+/g).map(Number); return colour.startsWith("color(") ? c.slice(-4).map((x) => x * 255) : c; };
	const light = (colour) => { const [r, g, b] = rgb(colour).map((x) => { x /= 255; return x <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4; }); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
	const back = light(getComputedStyle(canvas).backgroundColor);
	canvas.remove();
	const contrast = (colour) => { const l = light(colour); return (Math.max(l, back) + 0.05) / (Math.min(l, back) + 0.05); };
	const alike = (one, other, property) => {
		const [a, b] = [one, other].map((s) => document.querySelector(s)).map((e) => e && getComputedStyle(e)[property]);
		return a && b && a === b ? [one + " looks like " + other + ": " + a] : [];
	};
	const parts = { ".chart-line, .spark-line": "stroke", ".chart-bars, .spark-bar:not(.none), .budget-bar rect": "fill", ".dot, .key:not(.use-idle)": "backgroundColor", ".verdict": "borderLeftColor", "[aria-pressed=true], .row[aria-selected=true] .tick": "backgroundColor" };
	return Object.entries(parts).flatMap(([selector, property]) => [...document.querySelectorAll(selector)].filter((e) => e.checkVisibility())
		.map((e) => [e, getComputedStyle(e)[property]]).filter(([, colour]) => contrast(colour) < 3)
		.map(([e, colour]) => (e.id || e.className.baseVal || e.className) + " " + property + " " + colour))
		.concat(alike("#nav a[aria-current]", "#nav a:not([aria-current])", "borderBottomColor"))
		.concat(alike(".list:focus-visible .row.active", ".row:not(.active)", "outlineStyle"));
})()`

// TestForcedColours looks at each view in the colours of a high-contrast theme of the system.
func TestForcedColours(t *testing.T) {
	t.Parallel()
	library := axe(t)
	for name, dark := range map[string]bool{"light": false, "dark": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, address := onStage(t, 200)
			tab := open(t, screen.View{Width: 1280, Height: 860, Dark: dark, Forced: true}, address)
			eachView(t, s, tab, address, func(view string) {
				t.Helper()
				for _, what := range eval[[]string](t, tab, faint) {
					t.Errorf("%s: cannot be told from the ground: %s", view, what)
				}
				for _, f := range faults(t, tab, library) {
					t.Errorf("%s: %s %s: %s %q", view, f.Impact, f.ID, f.Help, f.Nodes)
				}
			})
		})
	}
}

// moving gives the elements that change by and by, or would.
const moving = `[...document.querySelectorAll("*")].flatMap((e) => ["", "::before", "::after"].map((part) => [e, part, getComputedStyle(e, part || null)]))
	.filter(([, , s]) => s.transitionDuration.split(", ").some((d) => parseFloat(d) > 0) || s.animationName !== "none" || s.scrollBehavior === "smooth")
	.map(([e, part]) => (e.id || e.className.baseVal || e.className || e.tagName) + part).concat(document.getAnimations().map(String))`

// TestMotion has nothing move for whoever does not want that.
func TestMotion(t *testing.T) {
	t.Parallel()
	s, address := onStage(t, 200)
	tab := open(t, screen.Desk, address)
	eachView(t, s, tab, address, func(view string) {
		t.Helper()
		for _, what := range eval[[]string](t, tab, moving) {
			t.Errorf("%s: moves: %s", view, what)
		}
	})
	// The query finds what moves: others have a short change of colour.
	other := open(t, screen.View{Width: 1280, Height: 860, Moving: true}, address)
	must(t, other.Until(`document.querySelector("#lang").textContent !== ""`))
	if n := eval[int](t, other, fmt.Sprintf("%s.length", moving)); n == 0 {
		t.Error("nothing moves for anybody")
	}
}
