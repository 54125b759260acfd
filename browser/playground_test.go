//go:build browser

package browser

import (
	"os"
	"testing"

	"github.com/leadbridge/leadbridge/browser/internal/lab"
	"github.com/leadbridge/leadbridge/browser/internal/screen"
)

// newPlayground is a demo that was kept, without leads of its own.
func newPlayground(t *testing.T) *lab.Playground {
	t.Helper()
	binary := os.Getenv("LEADBRIDGE")
	if binary == "" {
		t.Fatal("LEADBRIDGE is not set: run make test-browser, which builds it")
	}
	p, err := lab.StartPlayground(t.Context(), binary, 0)
	must(t, err)
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

// fill puts a text in the place of a field's.
func fill(t *testing.T, h hand, tab *screen.Tab, field, words string) {
	t.Helper()
	must(t, h.act(tab, field))
	must(t, tab.Press("Control+a"))
	if words == "" {
		must(t, tab.Press("Backspace"))
		return
	}
	must(t, tab.Type(words))
}

// submit presses what sends a form, and waits for the document with which that is answered. The old document goes on until then:
// it tells the same news, and what is typed into it, or is to be clicked where it has it, is lost.
func submit(t *testing.T, tab *screen.Tab, press func(tab *screen.Tab, selector string) error, button string) {
	t.Helper()
	eval[bool](t, tab, "window.old = true")
	must(t, press(tab, button))
	must(t, tab.Await(`!window.old && document.readyState === "complete"`))
	drawn(t, tab) // it is scrolled to its fragment then
}

// TestPlayground sends leads from the form to the card, through a hold and a dead letter, and back from the operators' page.
func TestPlayground(t *testing.T) {
	t.Parallel()
	for _, h := range hands() {
		t.Run(h.name, func(t *testing.T) {
			t.Parallel()
			tab := open(t, screen.Desk, newPlayground(t).URL)
			fill(t, h, tab, "#name", "Boris Green")
			submit(t, tab, h.act, ".lead-form button")
			must(t, tab.Await(text(".fates li[data-state=contact]", "Boris Green")))
			must(t, tab.Await(text("#contact-1", "+79161234567 (mobile)")))

			submit(t, tab, h.act, "[aria-describedby=does-key]")
			must(t, tab.Await(text("[aria-describedby=does-key]", "(on)")))
			fill(t, h, tab, "#email", "held@example.com")
			submit(t, tab, h.act, ".lead-form button")
			must(t, tab.Await(text("#state", "Held: credentials")))
			submit(t, tab, h.act, "#trouble .primary")
			must(t, tab.Await(text("#contact-2", "held@example.com")))
			must(t, tab.Await(text("#state", "Delivering")))

			fill(t, h, tab, "#phone", "")
			submit(t, tab, h.act, ".lead-form button")
			must(t, tab.Await(text(".fates li[data-state=letter]", "NO_CONTACT_POINT")))
			if lost := eval[[]string](t, tab, `[...document.querySelectorAll("#live a, #live button")].filter((e) => !e.id).map((e) => e.textContent)`); len(lost) > 0 {
				t.Errorf("what is read anew takes the focus from %q", lost)
			}
			must(t, h.act(tab, ".fates a[href*=letters]"))
			must(t, tab.Await(`document.querySelector("#event-value")`))
			must(t, h.act(tab, "#nav-playground"))
			must(t, tab.Await(text("h1", "From a form to the card")))
		})
	}
}

// TestPlaygroundWithoutScripts sends a lead in a browser that runs none.
func TestPlaygroundWithoutScripts(t *testing.T) {
	t.Parallel()
	p := newPlayground(t)
	tab := open(t, screen.Desk, p.URL)
	must(t, tab.WithoutScripts())
	must(t, tab.Go(p.URL))
	must(t, tab.Await(text(".note", "does not refresh by itself")))
	must(t, tab.Click(".lead-form button"))
	must(t, tab.Await(text(".fates li h3", "")))
	eventually(t, "the card is there after a refresh", func() bool {
		must(t, tab.Go(p.URL))
		return eval[bool](t, tab, `document.querySelector("#contact-1") !== null`)
	})
}

// TestPlaygroundHasNoSeriousFault looks at the playground as TestAxeFindsNoSeriousFault looks at the operators' page.
func TestPlaygroundHasNoSeriousFault(t *testing.T) {
	t.Parallel()
	library := axe(t)
	p := newPlayground(t)
	for name, view := range map[string]screen.View{"light": screen.Desk, "dark": {Width: 1280, Height: 860, Dark: true}, "phone": screen.Hand} {
		t.Run(name, func(t *testing.T) {
			tab := open(t, view, p.URL)
			look := func(what string) {
				t.Helper()
				for _, f := range faults(t, tab, library) {
					t.Errorf("%s: %s %s: %s %q", what, f.Impact, f.ID, f.Help, f.Nodes)
				}
				if wide := eval[int](t, tab, "document.documentElement.scrollWidth - document.documentElement.clientWidth"); wide > 0 {
					t.Errorf("%s: %d pixels too wide", what, wide)
				}
			}
			must(t, tab.Await(`document.querySelector("#state")`))
			look("at first")
			submit(t, tab, (*screen.Tab).Click, "[aria-describedby=does-refuse]")
			must(t, tab.Await(text("[aria-describedby=does-refuse]", "(on)")))
			submit(t, tab, (*screen.Tab).Click, ".lead-form button")
			must(t, tab.Await(`document.querySelector(".fates li[data-state=letter]")`))
			submit(t, tab, (*screen.Tab).Click, "#trouble .primary")
			must(t, tab.Await(text("#trouble", "There is none now")))
			submit(t, tab, (*screen.Tab).Click, "[aria-describedby=does-outage]")
			must(t, tab.Await(text("[aria-describedby=does-outage]", "(on)")))
			submit(t, tab, (*screen.Tab).Click, ".lead-form button")
			must(t, tab.Await(`document.querySelector(".state[data-held=true]")`))
			look("with trouble")
			submit(t, tab, (*screen.Tab).Click, "#trouble .primary")
			must(t, tab.Await(`document.querySelector(".state[data-held=false]") && document.querySelector(".fates li[data-state=contact]")`))
			look("delivered")
		})
	}
}
