//go:build browser

package browser

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/leadbridge/leadbridge/browser/internal/screen"
	"github.com/leadbridge/leadbridge/browser/internal/stage"
)

// everyText gives all texts of a document, those for screen readers and in attributes included.
const everyText = `(() => {
	const all = [document.title];
	const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT, (node) => node.parentElement.closest("noscript, script") ? NodeFilter.FILTER_REJECT : NodeFilter.FILTER_ACCEPT);
	while (texts.nextNode()) all.push(texts.currentNode.data);
	for (const node of document.body.querySelectorAll("*")) {
		for (const name of ["aria-label", "aria-valuetext", "placeholder", "title", "alt"]) if (node.hasAttribute(name)) all.push(node.getAttribute(name));
	}
	return all.filter((text) => /\p{L}/u.test(text));
})()`

// notWords are what is no word of a language: codes, settings, times, zones, and the name of the product. The rest of the
// list is what the stage sends: a value of an event, a name in Kafka or in the CRM, the words of the CRM.
var notWords = []*regexp.Regexp{
	regexp.MustCompile(`⟦[^⟦⟧]*⟧`),
	regexp.MustCompile(`[A-Z][A-Z0-9]*_[A-Z0-9_]+`),
	regexp.MustCompile(`\b\d{1,2} (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sept?|Oct|Nov|Dec)\b`),
	regexp.MustCompile(`Europe/Berlin \(GMT[+-]\d+\)`),
	regexp.MustCompile(`leadbridge(-[0-9a-f]{4}-[a-z])?`),
	regexp.MustCompile(`\bv[0-9.]+\b`),
	regexp.MustCompile(`leads(\.dlt)?|shop\.bitrix24\.ru|\bm-1\b|dlt-(reason|version)|Example ID`),
	regexp.MustCompile(`А\*\*\* П\*\*\*|a\*\*\*@example\.com|ce:/shop order-\d+`),
	regexp.MustCompile(`(?s)\{.*\}`), // an event and a contact as JSON
	regexp.MustCompile(`a\.petrov@example\.com|[aA]nna(@example\.nett?)?|Buyer|MOBILE|WORK`),
	regexp.MustCompile(`The e-mail address \*\*\* is not valid\.|\*\*\* is wrong|there is no usable phone number and no usable e-mail address`),
	regexp.MustCompile(`\b(fullName|phone|email|budget|name|post)\b`), // fields
}

// unmarked returns what is left of texts without marks and data.
func unmarked(texts []string) []string {
	var left []string
	for _, text := range texts {
		rest := text
		for _, not := range notWords {
			rest = not.ReplaceAllString(rest, " ")
		}
		if regexp.MustCompile(`\pL`).MatchString(rest) && !slices.Contains(left, text) {
			left = append(left, text)
		}
	}
	return left
}

// eachView brings the page into each of its views, one after another, and calls look in each. It needs a stage with 200
// letters.
func eachView(t *testing.T, s *stage.Stage, tab *screen.Tab, address string, look func(view string)) {
	t.Helper()
	must(t, tab.Until(`document.querySelector(".verdict").dataset.state === "delivering" && document.querySelector(".partitions tbody tr")`))
	look("overview")
	s.Set(stage.Waiting())
	must(t, tab.Until(`document.querySelector(".wait")`))
	look("overview, events wait")
	held := stage.Held()
	held["waiting"] = []map[string]any{{"why": "flood", "events": 7, "since": held["holds"].([]map[string]any)[0]["since"]}}
	s.Set(held)
	must(t, tab.Until(`document.querySelector(".verdict").dataset.state === "held" && !document.querySelector("#release-flood").hidden`))
	must(t, tab.Click("#release-flood"))
	must(t, tab.Click("#probe"))
	must(t, tab.Until(`document.querySelector(".acts-said").textContent !== ""`))
	look("overview, held")
	s.Set(stage.Replicas())
	must(t, tab.Until(`document.querySelector(".replicas tbody tr") && document.querySelector(".history-holds").textContent !== ""`))
	must(t, tab.Click("#where"))
	must(t, tab.Type("8 (916) 732-89-66"))
	must(t, tab.Press("Enter"))
	must(t, tab.Until(`document.querySelectorAll(".where-found li").length === 3`))
	look("overview, all replicas, a lead found")
	must(t, tab.Go(address+"/#/letters"))
	must(t, tab.Until(`document.querySelector(".list").getAttribute("aria-rowcount") === "201"`))
	must(t, tab.TabTo(".list"))
	must(t, tab.Press("ArrowDown", "Space"))
	must(t, tab.Until(`document.querySelector("[role=row][aria-selected=true]")`))
	must(t, tab.Click("#export-chosen"))
	look("letters, one selected")
	must(t, tab.TabTo(".list"))
	must(t, tab.Press("Enter"))
	must(t, tab.Until(`document.querySelector("#event-value")`))
	must(t, tab.Click("#close-letter"))
	look("letter")
	must(t, tab.Click("#edit"))
	must(t, tab.Until(`document.querySelector("dialog[open] #edit-value") && document.querySelector(".preview tr[data-change=changed]")`))
	look("edit")
	must(t, tab.Click("#dry-run"))
	must(t, tab.Until(`document.querySelector("#confirm")`))
	look("dry run")
	must(t, tab.Click("#confirm"))
	must(t, tab.Until(`document.querySelector("#close")`))
	look("replayed")
	must(t, tab.Click("#close"))
	must(t, tab.Until(`!document.querySelector("dialog[open]")`))
	s.SignedOut("Example ID")
	must(t, tab.Go(address+"/#sign-in=role"))
	eval[bool](t, tab, `location.reload(), true`)
	must(t, tab.Until(`document.querySelector("#token-fault")?.textContent`))
	look("sign in")
}

// TestAllTextsAreOfTheTable shows every view with the words of the table in marks: nothing else may be read.
func TestAllTextsAreOfTheTable(t *testing.T) {
	t.Parallel()
	s, address := onStage(t, 200)
	s.MarkWords()
	tab := open(t, screen.Desk, address)
	eachView(t, s, tab, address, func(view string) {
		t.Helper()
		texts := eval[[]string](t, tab, everyText)
		for _, text := range unmarked(texts) {
			t.Errorf("%s: %q is not of the table", view, text)
		}
		if marked := strings.Count(strings.Join(texts, ""), "⟦"); marked < 5 {
			t.Errorf("%s: %d marks", view, marked)
		}
	})
}

// TestLanguage changes the language by each hand; it is kept, and numbers and times follow it.
func TestLanguage(t *testing.T) {
	t.Parallel()
	for _, h := range hands() {
		t.Run(h.name, func(t *testing.T) {
			t.Parallel()
			_, address := onStage(t, 3)
			tab := open(t, screen.Desk, address)
			must(t, tab.Until(text(".verdict-word", "Delivering")))
			must(t, tab.Until(text(".figure-value", "48,211")))
			must(t, h.act(tab, "#lang"))
			must(t, tab.Until(text(".verdict-word", "Доставка идёт")))
			must(t, tab.Until(focused("#lang")))
			must(t, tab.Until(`document.querySelector(".chart-line").getAttribute("d").length > 100`))
			if is := eval[string](t, tab, `[document.documentElement.lang, document.title, document.querySelector("#lang").lang, document.querySelector("#nav").getAttribute("aria-label")].join("; ")`); is != "ru; Обзор – leadbridge; en; Разделы" {
				t.Errorf("the document is %s", is)
			}
			must(t, tab.Until(text(".figure-value", "48\u00a0211")))
			must(t, tab.Until(text(".figure-value", "2,1 с")))
			must(t, tab.Until(text(".chart .unseen", "dead letters")))
			must(t, tab.Go(address+"/#/letters"))
			eval[bool](t, tab, `location.reload(), true`)
			must(t, tab.Until(text(".found", "Найдено 3 dead letters")))
			must(t, h.act(tab, "#lang"))
			must(t, tab.Until(text(".found", "3 letters match")))
			if kept := eval[string](t, tab, `localStorage.getItem("leadbridge.lang") + document.documentElement.lang`); kept != "enen" {
				t.Errorf("kept: %s", kept)
			}
		})
	}
}

// TestTheBrowsersLanguage is that of a reader who has chosen none.
func TestTheBrowsersLanguage(t *testing.T) {
	t.Parallel()
	for locale, word := range map[string]string{"ru-RU": "Доставка идёт", "de-DE": "Delivering", "en-GB": "Delivering"} {
		_, address := onStage(t, 3)
		tab := open(t, screen.View{Width: 1280, Height: 860, Locale: locale}, address)
		must(t, tab.Until(text(".verdict-word", word)))
	}
}

// TestRussianNumbers have the form of the noun that a number asks for.
func TestRussianNumbers(t *testing.T) {
	t.Parallel()
	s, address := onStage(t, 3)
	tab := open(t, screen.View{Width: 1280, Height: 860, Locale: "ru-RU"}, address)
	for n, words := range map[int]string{1: "Ждёт 1 событие", 3: "Ждут 3 события", 11: "Ждут 11 событий", 21: "Ждёт 21 событие", 1240: "Ждут 1\u00a0240 событий"} {
		state := stage.Waiting()
		state["waiting"] = []map[string]any{{"why": "suspect", "events": n, "since": "2026-11-28T03:43:00Z"}}
		s.Set(state)
		must(t, tab.Until(text(".wait .hold-title", words)))
	}
}
