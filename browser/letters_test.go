//go:build browser

package browser

import (
	"strings"
	"testing"

	"github.com/leadbridge/leadbridge/browser/internal/lab"
	"github.com/leadbridge/leadbridge/browser/internal/screen"
)

// some are letters of two reasons: nine refused ones, and two without a way to reach anybody.
func some() []lab.Record {
	unreachable := lab.Letter{Reason: "NO_CONTACT_POINT", EventID: "ce:/shop nobody-1", Value: `{"fullName":"Анна Смирнова","phone":"12"}`}
	another := unreachable
	another.EventID = "ce:/shop nobody-2"
	return append(lab.Refused(0, 9), unreachable.Record(0), another.Record(1))
}

func TestSearchAndFilter(t *testing.T) {
	byEachHand(t, some(), func(t *testing.T, h hand, _ *lab.Lab, tab *screen.Tab) {
		must(t, h.act(tab, "#nav [data-view=letters]"))
		must(t, tab.Until(text(".found", "11 letters match")))
		must(t, h.act(tab, "#search"))
		must(t, tab.Type("client.7@EXAMPLE"))
		must(t, tab.Until(text(".found", "1 letter matches")))
		if shown := eval[string](t, tab, `document.querySelector(".list").innerText`); strings.Contains(shown, "client.7") {
			t.Errorf("what was searched for is not masked: %s", shown)
		}
		if address := eval[string](t, tab, `location.href + document.title + JSON.stringify({...localStorage})`); strings.Contains(strings.ToLower(address), "client") {
			t.Errorf("what was searched for is in %s", address)
		}
		must(t, tab.Press("Control+a", "Backspace"))
		must(t, tab.Until(text(".found", "11 letters match")))
		must(t, h.act(tab, "[data-reason=NO_CONTACT_POINT]"))
		must(t, tab.Until(text(".found", "2 letters match")))
		must(t, h.act(tab, "[data-reason=CRM_REFUSED]"))
		must(t, tab.Until(text(".found", "11 letters match")))
		must(t, h.act(tab, "[data-reason=NO_CONTACT_POINT]"))
		must(t, tab.Until(text(".found", "9 letters match")))
		must(t, h.act(tab, "input[value=open]"))
		must(t, h.act(tab, "input[value=replayed]"))
		must(t, tab.Until(text(".found", "No letter matches these filters")))
	})
}

func TestTheOverviewLeadsToTheLettersOfAReason(t *testing.T) {
	byEachHand(t, some(), func(t *testing.T, h hand, _ *lab.Lab, tab *screen.Tab) {
		must(t, tab.Until(text(".by-reason tr.some .r-open", "9")))
		must(t, h.act(tab, `.by-reason a[href="#/letters?reason=NO_CONTACT_POINT"]`))
		must(t, tab.Until(text(".found", "2 letters match")))
	})
}

func TestALetterInFull(t *testing.T) {
	byEachHand(t, some(), func(t *testing.T, h hand, l *lab.Lab, tab *screen.Tab) {
		must(t, h.act(tab, "#nav [data-view=letters]"))
		must(t, tab.Until(text(".found", "11 letters match")))
		must(t, h.row(tab, "1:1", "open"))
		must(t, tab.Until(text("#letter-title", "Letter 1:1")))
		must(t, tab.Until(focused("#letter-title")))
		must(t, tab.Until(text("#event-value", "fullName")))
		masked := eval[string](t, tab, `document.querySelector("main").textContent`)
		for _, secret := range []string{"Петров", "Андрей", "client.4", "916"} {
			if strings.Contains(masked, secret) {
				t.Errorf("%s is shown before anybody asked for it", secret)
			}
		}
		for _, part := range []string{"400 VALIDATION_ERROR", "The e-mail address *** is not valid.", "CRM_REFUSED: the CRM does not accept", "To do: "} {
			if !strings.Contains(masked, part) {
				t.Errorf("no %q in %s", part, masked)
			}
		}
		must(t, h.act(tab, "#reveal"))
		must(t, tab.Until(text("#event-value", "client.4@example.nett")))
		way := eval[string](t, tab, `document.querySelector(".steps").textContent`)
		for _, part := range []string{"8 (916) 100-00-04", "+79161000004", "budget", "Петров", "12345678901234567890"} {
			if !strings.Contains(way, part) {
				t.Errorf("no %q in each value's way: %s", part, way)
			}
		}
		if log := l.Log(); !strings.Contains(log, "1:1") || strings.Contains(log, "client.4") {
			t.Errorf("the log has no line of the look at 1:1, or it says whose it is:\n%s", log)
		}
		must(t, tab.Until(focused("#reveal")))
		must(t, h.act(tab, "#reveal"))
		must(t, tab.Until(`!document.querySelector("#event-value").textContent.includes("client.4")`))
		must(t, h.act(tab, "#back"))
		must(t, tab.Until(focused(".list")))
		must(t, tab.Until(there("1:1")+`.classList.contains("active")`))
	})
}

// A letter of an event that became a contact after all names its card.
func TestLookInTheCRM(t *testing.T) {
	after := lab.Letter{Reason: "RETRIES_EXHAUSTED", Status: 502, Code: "BITRIX_UNAVAILABLE", Message: "The portal did not answer.", Attempts: 6, EventID: "ce:/shop late-1", Value: `{"fullName":"Анна Смирнова","email":"anna@example.com"}`}
	byEachHand(t, append(some(), after.Record(2)), func(t *testing.T, h hand, l *lab.Lab, tab *screen.Tab) {
		must(t, l.Produce(t.Context(), lab.Leads, lab.Event("ce:/shop late-1", after.Value)))
		must(t, tab.Until(text(".figure-value", "1")))
		must(t, h.act(tab, "#nav [data-view=letters]"))
		must(t, tab.Until(text(".found", "12 letters match")))
		must(t, h.row(tab, "2:3", "open"))
		must(t, h.act(tab, "#find"))
		must(t, tab.Until(`document.querySelector(".card-link")`))
		if href := eval[string](t, tab, `document.querySelector(".card-link").href`); !strings.HasPrefix(href, "https://shop.bitrix24.ru/crm/contact/details/") {
			t.Errorf("the card is at %s", href)
		}
		must(t, h.act(tab, "#back"))
		must(t, h.row(tab, "0:0", "open"))
		must(t, h.act(tab, "#find"))
		must(t, tab.Until(text("#card", "No contact in the CRM carries this event’s id.")))
	})
}
