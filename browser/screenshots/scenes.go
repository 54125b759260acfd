package main

import (
	"fmt"

	"github.com/leadbridge/leadbridge/browser/internal/lab"
	"github.com/leadbridge/leadbridge/browser/internal/screen"
	"github.com/leadbridge/leadbridge/crmclient/crmtest"
)

// scene is a picture: a screen, and how it comes to show what it is to show.
type scene struct {
	name string
	view screen.View
	full bool // the whole document, not the screen
	set  func(t *screen.Tab, l *lab.Lab) error
}

func scenes() []scene {
	light := screen.View{Width: 1280, Height: 800}
	dark := screen.View{Width: 1280, Height: 800, Dark: true}
	return []scene{
		{"overview-light", light, true, overview},
		{"overview-dark", dark, true, overview},
		{"overview-phone", screen.Hand, false, overview},
		{"overview-ru-light", screen.View{Width: 1280, Height: 800, Locale: "ru-RU"}, true, overview},
		{"overview-ru-dark", screen.View{Width: 1280, Height: 800, Locale: "ru-RU", Dark: true}, true, overview},
		{"letters-light", light, false, letters},
		{"letters-dark", dark, false, letters},
		{"letters-phone", screen.Hand, false, letters},
		{"letter-light", light, true, letter},
		{"letter-dark", dark, true, letter},
		{"replay-light", light, false, replay},
		{"replay-dark", dark, false, replay},
		{"edit-light", light, false, edit},
		{"edit-dark", dark, false, edit},
		{"held-light", light, false, held},
		{"held-dark", dark, false, held},
		{"held-phone", screen.Hand, false, held},
	}
}

func (s scene) take(b *screen.Browser, l *lab.Lab, out string) error {
	tab, err := b.Open(s.view)
	if err != nil {
		return err
	}
	defer tab.Close()
	if err := tab.Go(l.Page); err != nil {
		return err
	}
	if err := s.set(tab, l); err != nil {
		return err
	}
	shot := tab.Shot
	if s.full {
		shot = tab.Full
	}
	png, err := shot()
	if err != nil {
		return err
	}
	return save(out, "page-"+s.name, png)
}

// text is a condition: an element's text contains something.
func text(selector, part string) string {
	return fmt.Sprintf(`[...document.querySelectorAll(%q)].some((e) => e.textContent.includes(%q))`, selector, part)
}

// steps does one after another.
func steps(all ...func() error) error {
	for _, step := range all {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

func until(t *screen.Tab, condition string) func() error {
	return func() error { return t.Until(condition) }
}

func click(t *screen.Tab, selector string) func() error {
	return func() error { return t.Click(selector) }
}

func overview(t *screen.Tab, _ *lab.Lab) error {
	return steps(
		until(t, `document.querySelector(".verdict[data-state=delivering]")`),
		until(t, `document.querySelector(".chart-line").getAttribute("d").length > 100`),
		// The lines of the partitions begin when the page is opened.
		until(t, `document.querySelector(".spark-line").getAttribute("d").split("L").length > 25`),
	)
}

func letters(t *screen.Tab, _ *lab.Lab) error {
	return steps(
		click(t, "#nav [data-view=letters]"),
		click(t, "[data-reason=CRM_REFUSED]"),
		click(t, "[data-reason=RETRIES_EXHAUSTED]"),
		until(t, text(".row .c-words", "The e-mail address")),
		// By keys: on a phone the bar at the bottom may stand over a row.
		func() error { return t.TabTo(".list") },
		func() error { return t.Press("ArrowDown", "Space", "ArrowDown", "Space") },
		until(t, text(".chosen", "2 selected")),
		until(t, `(document.activeElement.blur(), document.querySelector(".list").scrollTo(0, 0), scrollTo(0, 0), true)`),
	)
}

func letter(t *screen.Tab, _ *lab.Lab) error {
	return steps(
		click(t, "#nav [data-view=letters]"),
		click(t, "[data-reason=CRM_REFUSED]"),
		until(t, text("#letter-3 .c-words", "The e-mail address")),
		click(t, "#letter-3 .c-who"),
		click(t, "#reveal"),
		until(t, text("#event-value", "@example.nett")),
	)
}

func edit(t *screen.Tab, l *lab.Lab) error {
	return steps(
		func() error { return letter(t, l) },
		click(t, "#edit"),
		until(t, `document.querySelector("dialog[open] #edit-value")`),
		func() error { return t.Press("Control+a") },
		func() error {
			return t.Type(`{"fullName": "Петров Андрей", "phone": "8 (916) 100-00-01", "email": "client.1@example.net", "position": "Закупки"}`)
		},
		until(t, text(".preview tr[data-change=changed] .is", "client.1@example.net")),
		until(t, text(".preview .change-word", "added")),
	)
}

func replay(t *screen.Tab, _ *lab.Lab) error {
	return steps(
		click(t, "#nav [data-view=letters]"),
		click(t, "[data-reason=CRM_REFUSED]"),
		until(t, text(".row .c-words", "The e-mail address")),
		until(t, text(".act-bar button", "Select all 34")),
		click(t, ".act-bar button"),
		click(t, "#replay-chosen"),
		click(t, "input[value=jq]"),
		click(t, "#edit-jq"),
		func() error { return t.Type(`.email |= sub("nett$"; "net")`) },
		click(t, "#dry-run"),
		until(t, `document.querySelector("#confirm")`),
	)
}

func held(t *screen.Tab, l *lab.Lab) error {
	if err := l.CRM.SetFaults(crmtest.Faults{BadKey: 1}); err != nil {
		return err
	}
	return steps(
		until(t, text(".verdict-word", "Held")),
		until(t, text(".hold-probe", "Next probe")),
		until(t, `document.querySelector(".spark-line").getAttribute("d").split("L").length > 12`),
	)
}
