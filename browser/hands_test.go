//go:build browser

package browser

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/leadbridge/leadbridge/browser/internal/lab"
	"github.com/leadbridge/leadbridge/browser/internal/screen"
)

// hand is a way to use the page.
type hand struct {
	name string
	// act does what a button, link, box or field is for; for a field, that is to be ready to
	// be typed into.
	act func(tab *screen.Tab, selector string) error
	// row does something with the letter of a place: "open" or "choose".
	row func(tab *screen.Tab, place, what string) error
}

func hands() []hand {
	return []hand{
		{"mouse", (*screen.Tab).Click, clickRow},
		{"keyboard", pressOn, pressRow},
	}
}

// byEachHand runs a test once with the mouse and once with the keyboard, each with a
// service, a broker and a CRM of its own.
func byEachHand(t *testing.T, letters []lab.Record, test func(t *testing.T, h hand, l *lab.Lab, tab *screen.Tab)) {
	t.Parallel()
	for _, h := range hands() {
		t.Run(h.name, func(t *testing.T) {
			t.Parallel()
			l := newLab(t, letters)
			test(t, h, l, open(t, screen.Desk, l.Page))
		})
	}
}

// newLab is a lab with letters, in which the service runs.
func newLab(t *testing.T, letters []lab.Record, env ...string) *lab.Lab {
	t.Helper()
	binary := os.Getenv("LEADBRIDGE")
	if binary == "" {
		t.Fatal("LEADBRIDGE is not set: run make test-browser, which builds it")
	}
	l, err := lab.Start(binary, env...)
	must(t, err)
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	must(t, l.Produce(ctx, lab.Letters, letters...))
	must(t, l.Serve(ctx))
	return l
}

// pressOn reaches an element by Tab and presses what works it. Of radio buttons one has
// the Tab stop, and the arrows choose among them.
func pressOn(tab *screen.Tab, selector string) error {
	if err := tab.Until(fmt.Sprintf("(() => { const e = document.querySelector(%q); return e && !e.disabled && e.checkVisibility(); })()", selector)); err != nil {
		return err
	}
	kind, err := screen.Eval[string](tab, fmt.Sprintf(`(() => { const e = document.querySelector(%q); return e.matches("input, textarea, select") ? e.type : "button"; })()`, selector))
	if err != nil {
		return err
	}
	if kind == "radio" {
		return arrowTo(tab, selector)
	}
	if err := tab.TabTo(selector); err != nil {
		return err
	}
	switch kind {
	case "button":
		return tab.Press("Enter")
	case "checkbox":
		return tab.Press("Space")
	default:
		return nil
	}
}

func arrowTo(tab *screen.Tab, selector string) error {
	if err := tab.TabTo("input[type=radio]"); err != nil {
		return err
	}
	for range 10 {
		is, err := screen.Eval[bool](tab, fmt.Sprintf("document.querySelector(%q).checked", selector))
		if err != nil || is {
			return err
		}
		if err := tab.Press("ArrowDown"); err != nil {
			return err
		}
	}
	return fmt.Errorf("the arrows do not reach %s", selector)
}

// there says, in the page, which row shows a place.
func there(place string) string {
	return fmt.Sprintf(`[...document.querySelectorAll(".row")].find((row) => row.querySelector(".c-place").textContent === %q)`, place)
}

func clickRow(tab *screen.Tab, place, what string) error {
	part := ".c-who"
	if what == "choose" {
		part = ".c-tick"
	}
	if err := tab.Until(there(place)); err != nil {
		return err
	}
	id, err := screen.Eval[string](tab, there(place)+".id")
	if err != nil {
		return err
	}
	return tab.Click("#" + id + " " + part)
}

func pressRow(tab *screen.Tab, place, what string) error {
	if err := tab.TabTo(".list"); err != nil {
		return err
	}
	if err := tab.Until(there(place)); err != nil {
		return err
	}
	for range 200 {
		at, err := screen.Eval[int](tab, fmt.Sprintf(`Number(%s.getAttribute("aria-rowindex")) - Number(document.querySelector(".row.active").getAttribute("aria-rowindex"))`, there(place)))
		if err != nil {
			return err
		}
		key := "ArrowDown"
		switch {
		case at == 0 && what == "choose":
			return tab.Press("Space")
		case at == 0:
			return tab.Press("Enter")
		case at < 0:
			key = "ArrowUp"
		}
		if err := tab.Press(key); err != nil {
			return err
		}
	}
	return fmt.Errorf("the arrows do not reach letter %s", place)
}
