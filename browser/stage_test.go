//go:build browser

package browser

import (
	"fmt"
	"strings"
	"testing"

	"github.com/leadbridge/leadbridge/browser/internal/screen"
	"github.com/leadbridge/leadbridge/browser/internal/stage"
)

func TestTheFirstScreenSaysWhatHoldsIt(t *testing.T) {
	t.Parallel()
	s, address := onStage(t, 3)
	tab := open(t, screen.Desk, address)
	must(t, tab.Until(`document.querySelector(".verdict-word").textContent === "Delivering"`))
	s.Set(stage.Held())
	must(t, tab.Until(`document.querySelector(".verdict-word").textContent === "Held"`))
	text := eval[string](t, tab, `document.querySelector(".verdict").innerText`)
	for _, part := range []string{"The CRM does not take our key", "401 KEY_EXPIRED", "for 1 h 23 min", "Next probe in", "To do: Give a working key", "The dead-letter topic takes nothing"} {
		if !strings.Contains(text, part) {
			t.Errorf("no %q in:\n%s", part, text)
		}
	}
}

// Nothing is held, and yet events wait: the first screen says so, and never shows what nobody knows as 0.
func TestTheFirstScreenSaysWhatWaits(t *testing.T) {
	t.Parallel()
	s, address := onStage(t, 3)
	tab := open(t, screen.Desk, address)
	must(t, tab.Until(`document.querySelector(".verdict-text").textContent === "Nothing holds it. Nothing to do."`))
	for name, c := range map[string]struct {
		state map[string]any
		parts []string
	}{
		"suspects":     {stage.Waiting(), []string{"Delivering", "161 events wait", "Until ", "For: an earlier owner", "1 event waits"}},
		"no partition": {stage.Unknown(), []string{"No partition", "it is not known how many", "for 2"}},
	} {
		s.Set(stage.Delivering())
		must(t, tab.Until(`!document.querySelector(".wait")`))
		s.Set(c.state)
		must(t, tab.Until(`document.querySelector(".wait")`))
		text := eval[string](t, tab, `document.querySelector(".verdict").innerText`)
		for _, part := range c.parts {
			if !strings.Contains(text, part) {
				t.Errorf("%s: no %q in:\n%s", name, part, text)
			}
		}
		if strings.Contains(text, "Nothing to do") || strings.Contains(text, "Nothing holds") {
			t.Errorf("%s: false calm:\n%s", name, text)
		}
		lag := eval[string](t, tab, `document.querySelector(".figure-value").textContent`)
		if known := c.state["lag"] != nil; known == (lag == "Not known") {
			t.Errorf("%s: the lag is %q", name, lag)
		}
	}
}

// What the person on duty does by hand, by mouse and by keyboard: a probe, the release of a flood, a closing with a word.
func TestActsOnDuty(t *testing.T) {
	t.Parallel()
	for name, press := range map[string]func(tab *screen.Tab, id string) error{
		"mouse": func(tab *screen.Tab, id string) error { return tab.Click(id) },
		"keyboard": func(tab *screen.Tab, id string) error {
			if err := tab.TabTo(id); err != nil {
				return err
			}
			return tab.Press("Enter")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, address := onStage(t, 12)
			tab := open(t, screen.Desk, address)
			state := stage.Held()
			state["waiting"] = []map[string]any{{"why": "flood", "events": 7, "since": state["started"]}}
			s.Set(state)
			must(t, tab.Until(`!document.querySelector("#probe").hidden && !document.querySelector("#release-flood").hidden`))
			must(t, press(tab, "#probe"))
			must(t, tab.Until(`document.querySelector(".acts-said").textContent === "The CRM is tried now."`))
			must(t, press(tab, "#release-flood"))
			must(t, tab.Until(`document.querySelector(".acts-said").textContent.startsWith("Press again")`))
			must(t, press(tab, "#release-flood"))
			must(t, tab.Until(`document.querySelector(".acts-said").textContent === "7 letters written."`))
			if link := eval[string](t, tab, `document.querySelector(".hold-letters:not([hidden])").getAttribute("href")`); link != "#/letters?reason=RETRIES_EXHAUSTED&code=KEY_EXPIRED" {
				t.Errorf("the hold's letters are at %s", link)
			}

			tab = open(t, screen.Desk, address+"/#/letters/0:9")
			must(t, tab.Until(`document.querySelector("#close-letter:not([disabled])")`))
			must(t, press(tab, "#close-letter"))
			must(t, tab.Until(`document.querySelector(".letter-said").textContent.startsWith("Say in a word") && document.activeElement.id === "close-word"`))
			must(t, tab.Type("a test"))
			must(t, press(tab, "#close-letter"))
			must(t, tab.Until(`document.querySelector(".letter-said").textContent.startsWith("Closed.")`))
		})
	}
}

// The page's first field says where a person's lead is; whom somebody looks for is in no address.
func TestWhereIsThisLead(t *testing.T) {
	t.Parallel()
	for name, press := range map[string]func(tab *screen.Tab) error{
		"mouse":    func(tab *screen.Tab) error { return tab.Click("#where-go") },
		"keyboard": func(tab *screen.Tab) error { return tab.Press("Enter") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, address := onStage(t, 3)
			tab := open(t, screen.Desk, address)
			must(t, tab.Until(`document.querySelector("#where")`))
			must(t, tab.TabTo("#where"))
			must(t, tab.Type("8 (916) 732-89-66"))
			must(t, press(tab))
			must(t, tab.Until(`document.querySelectorAll(".where-found li").length === 3`))
			text := eval[string](t, tab, `document.querySelector(".where").innerText`)
			for _, part := range []string{"3 events found.", "waits in the topic behind 12 others, record 1:4711", "letter 0:9, CRM_REFUSED *** is wrong", "is a contact", "contact 77"} {
				if !strings.Contains(text, part) {
					t.Errorf("no %q in:\n%s", part, text)
				}
			}
			if at := eval[string](t, tab, `location.href`); strings.Contains(at, "916") {
				t.Errorf("the address names a person: %s", at)
			}
		})
	}
}

// On a phone the list shows the CRM's words.
func TestPhonesShowTheWords(t *testing.T) {
	t.Parallel()
	_, address := onStage(t, 8)
	tab := open(t, screen.Hand, address+"/#/letters")
	must(t, tab.Until(`document.querySelector(".row .c-words")`))
	if shown := eval[bool](t, tab, `[...document.querySelectorAll(".row .c-words")].some((w) => w.textContent.includes("not valid") && w.getBoundingClientRect().height > 8)`); !shown {
		t.Error("no words of the CRM are shown")
	}
}

// On a screen of any width nothing moves when new numbers come, whatever they are.
func TestUpdatesMoveNothing(t *testing.T) {
	t.Parallel()
	for name, view := range map[string]screen.View{"desk": screen.Desk, "phone": screen.Hand} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, address := onStage(t, 3)
			tab := open(t, view, address)
			must(t, tab.Until(`document.querySelector(".verdict-word").textContent === "Delivering" && document.querySelectorAll(".partitions tbody tr").length === 6`))
			forgetShifts(t, tab)
			grown := stage.Delivering()
			grown["lagSeconds"], grown["lag"] = 86461.0, 123456789
			grown["rate"] = map[string]any{"perSecond": 34189.4}
			grown["createdToday"] = map[string]any{"count": 12345678, "since": grown["started"]}
			for i, parts := range []map[string]any{stage.Held(), grown, stage.Held(), stage.Delivering()} {
				parts["version"] = fmt.Sprintf("v%d", i)
				s.Set(parts)
				must(t, tab.Until(fmt.Sprintf(`document.querySelector(".verdict-more").textContent.includes("v%d")`, i)))
			}
			noShifts(t, tab)
		})
	}
}

func TestTenThousandLetters(t *testing.T) {
	t.Parallel()
	_, address := onStage(t, 10_000)
	tab := open(t, screen.Desk, address+"/#/letters")
	must(t, tab.Until(`document.querySelector(".found").textContent === "10,000 letters match"`))
	nodes := eval[int](t, tab, `document.querySelectorAll("*").length`)
	must(t, tab.TabTo(".list"))
	must(t, tab.Press("End"))
	must(t, tab.Until(`document.querySelector(".row.active .c-place").textContent === "0:0"`))
	if in := eval[bool](t, tab, `(() => {
		const row = document.querySelector(".row.active").getBoundingClientRect(), list = document.querySelector(".list").getBoundingClientRect();
		return row.top >= list.top && row.bottom <= list.bottom;
	})()`); !in {
		t.Error("the last letter is not in sight")
	}
	if is := eval[string](t, tab, `document.querySelector(".row.active").getAttribute("aria-rowindex") + " of " + document.querySelector(".list").getAttribute("aria-rowcount")`); is != "10001 of 10001" {
		t.Errorf("the last row is %s", is)
	}
	for _, keys := range []string{"PageUp", "ArrowUp", "Home", "PageDown", "End"} {
		must(t, tab.Press(keys))
		must(t, tab.Until(`document.querySelector(".row.active:not(.loading)")?.id === document.querySelector(".list").getAttribute("aria-activedescendant")`))
	}
	// Some rows above and below may be added, but never as many as were scrolled past.
	if now := eval[int](t, tab, `document.querySelectorAll("*").length`); now > nodes+1000 || now > 2000 {
		t.Errorf("%d elements in the document, at first %d", now, nodes)
	}
}

// The answer to an old question must not overwrite that to a new one.
func TestALateAnswerIsDropped(t *testing.T) {
	t.Parallel()
	s, address := onStage(t, 40)
	let := s.Slow("order-1")
	tab := open(t, screen.Desk, address+"/#/letters")
	must(t, tab.Until(`document.querySelector(".found").textContent === "40 letters match"`))
	must(t, tab.Click("#search"))
	must(t, tab.Type("order-1"))
	s.Asked(t.Context(), "order-1")
	must(t, tab.Type("2"))
	must(t, tab.Until(`document.querySelector(".found").textContent === "1 letter matches"`))
	let()
	eval[bool](t, tab, `fetch("/api/session").then((r) => r.ok)`) // on its way behind the late answer
	drawn(t, tab)
	if found := eval[string](t, tab, `document.querySelector(".found").textContent`); found != "1 letter matches" {
		t.Errorf("after the late answer: %s", found)
	}
}

// Whoever may not see people is told why a part of a value is not found.
func TestNothingFoundWithTheRoleLook(t *testing.T) {
	t.Parallel()
	s, address := onStage(t, 40)
	s.OnlyLook()
	tab := open(t, screen.Desk, address+"/#/letters")
	must(t, tab.Until(`document.querySelector(".found").textContent === "40 letters match"`))
	must(t, tab.Click("#search"))
	must(t, tab.Type("order-1"))
	must(t, tab.Until(`document.querySelector(".found").textContent.startsWith("No letter matches these filters. With the role look a text is found as a whole only: ")`))
}

func TestARunThatIsCutSaysWhatWasDone(t *testing.T) {
	t.Parallel()
	s, address := onStage(t, 10)
	tab := open(t, screen.Desk, address+"/#/letters")
	must(t, tab.TabTo(".list"))
	must(t, tab.Until(`document.querySelectorAll(".row .c-place").length >= 10`))
	must(t, tab.Press("Control+a"))
	must(t, tab.TabTo("#replay-chosen"))
	must(t, tab.Press("Enter"))
	cut := s.HoldReplays()
	tab.Expect("ERR_INCOMPLETE_CHUNKED_ENCODING")
	must(t, tab.Click("#dry-run"))
	must(t, tab.Click("#confirm"))
	must(t, tab.Until(`document.querySelector(".progress-line").textContent === "5 of 10 letters"`))
	cut()
	must(t, tab.Until(`document.querySelector("#run-again")`))
	if said := eval[string](t, tab, `document.querySelector(".dialog-said").textContent`); !strings.Contains(said, "connection was lost") || !strings.Contains(said, "5 of 10 letters had been replayed") {
		t.Errorf("it says %q", said)
	}
	must(t, tab.Click("#run-again"))
	must(t, tab.Click("#confirm"))
	must(t, tab.Click("#close"))
	must(t, tab.Until(`!document.querySelector("dialog[open]")`))
}
