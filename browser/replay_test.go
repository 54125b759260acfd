//go:build browser

package browser

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/leadbridge/leadbridge/browser/internal/lab"
	"github.com/leadbridge/leadbridge/browser/internal/screen"
	"github.com/leadbridge/leadbridge/internal/await"
)

// mend is a program that makes the addresses of refused letters good.
const mend = `.email |= sub("nett$"; "net")`

// emails counts the contacts that the CRM has, by their addresses.
func emails(l *lab.Lab) map[string]int {
	counts := map[string]int{}
	for _, c := range l.CRM.Contacts() {
		for _, e := range c.Emails() {
			counts[e.Value]++
		}
	}
	return counts
}

// eventually waits for what the CRM has: the page does not say when an event arrives there.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	await.Until(t, 2*time.Minute, 20*time.Millisecond, what, is)
}

func TestEditAndReplayOneLetter(t *testing.T) {
	byEachHand(t, lab.Refused(0, 3), func(t *testing.T, h hand, l *lab.Lab, tab *screen.Tab) {
		must(t, h.act(tab, "#nav [data-view=letters]"))
		must(t, h.row(tab, "1:0", "open"))
		must(t, h.act(tab, "#edit"))
		must(t, tab.Until(`document.querySelector("dialog[open] #edit-value").value.includes("client.1@example.nett")`))
		must(t, tab.Until(focused("#edit-value")))

		must(t, tab.Press("Control+a"))
		must(t, tab.Type(`{"email": `))
		must(t, tab.Until(text("#edit-value-fault", "This is not JSON")))
		must(t, h.act(tab, "#dry-run")) // refused by the page: there is nothing to send
		must(t, tab.Until(`document.querySelector("dialog").dataset.step === "ask"`))
		must(t, h.act(tab, "#edit-value"))
		must(t, tab.Press("Control+a"))
		must(t, tab.Type(`{"fullName": "Петров Андрей", "email": "mended@example.net"}`))
		must(t, tab.Until(`document.querySelector("#edit-value-fault").textContent === ""`))
		must(t, tab.Until(text(".preview tr[data-change=changed]", "mended@example.net")))
		must(t, tab.Until(text(".preview tr[data-change=changed] .was", "client.1@example.nett")))
		must(t, tab.Until(text(".preview .change-word", "changed")))
		must(t, h.act(tab, "#dry-run"))
		must(t, tab.Until(text("#replay-title", "1 letter would be replayed")))
		must(t, tab.Until(text("#rejected", "Of it a contact can be built")))
		if sent := l.CRM.Stats().Created; sent != 0 {
			t.Errorf("the dry run made %d contacts", sent)
		}
		must(t, h.act(tab, "#confirm"))
		must(t, tab.Until(text(".dialog-said", "Replayed 1 of 1 letter.")))
		must(t, h.act(tab, "#close"))
		must(t, tab.Until(text(".state", "replayed")))
		must(t, tab.Until(`document.querySelector("#replay").disabled`))
		eventually(t, "one contact with the new address", func() bool { return emails(l)["mended@example.net"] == 1 && len(l.CRM.Contacts()) == 1 })
		if log := l.Log(); !strings.Contains(log, "replay") || strings.Contains(log, "mended@") || strings.Contains(log, "Петров") {
			t.Errorf("the log has no line of the replay, or it says whose:\n%s", log)
		}
	})
}

func TestReplaySomeThenAll(t *testing.T) {
	byEachHand(t, lab.Refused(0, 12), func(t *testing.T, h hand, l *lab.Lab, tab *screen.Tab) {
		must(t, h.act(tab, "#nav [data-view=letters]"))
		must(t, tab.Until(text(".found", "12 letters match")))
		must(t, h.row(tab, "0:0", "choose"))
		must(t, h.row(tab, "2:1", "choose"))
		must(t, h.row(tab, "1:1", "choose"))
		must(t, h.row(tab, "1:1", "choose")) // not that one, after all
		must(t, tab.Until(text(".chosen", "2 selected")))
		replayWith(t, h, tab, mend, "2 letters would be replayed", "Replayed 2 of 2 letters.")
		eventually(t, "two contacts", func() bool { return len(l.CRM.Contacts()) == 2 })
		must(t, tab.Until(text(".found", "10 letters match")))

		if h.name == "mouse" {
			must(t, tab.Click(".act-bar button"))
		} else {
			must(t, tab.TabTo(".list"))
			must(t, tab.Press("Control+a"))
		}
		must(t, tab.Until(text(".chosen", "10 selected, all that match")))
		must(t, h.row(tab, "1:1", "choose"))
		must(t, tab.Until(text(".chosen", "9 selected")))
		replayWith(t, h, tab, mend, "9 letters would be replayed", "Replayed 9 of 9 letters.")
		eventually(t, "eleven contacts", func() bool { return len(l.CRM.Contacts()) == 11 })
		must(t, tab.Until(text(".found", "1 letter matches")))
		for address, n := range emails(l) {
			if n != 1 || address == "client.4@example.net" {
				t.Errorf("%s has %d contacts", address, n)
			}
		}
	})
}

// replayWith replays what is selected, changed by a program, and says what is to be read.
func replayWith(t *testing.T, h hand, tab *screen.Tab, program, tried, did string) {
	t.Helper()
	must(t, h.act(tab, "#replay-chosen"))
	must(t, h.act(tab, "input[value=jq]"))
	must(t, h.act(tab, "#edit-jq"))
	must(t, tab.Type(program))
	must(t, h.act(tab, "#dry-run"))
	must(t, tab.Until(text("#replay-title", tried)))
	must(t, h.act(tab, "#confirm"))
	must(t, tab.Until(text(".dialog-said", did)))
	must(t, h.act(tab, "#close"))
	must(t, tab.Until(`!document.querySelector("dialog[open]")`))
	must(t, tab.Until(focused("#replay-chosen, #main")))
}

func TestAWrongProgramIsToldBesideIt(t *testing.T) {
	byEachHand(t, lab.Refused(0, 3), func(t *testing.T, h hand, _ *lab.Lab, tab *screen.Tab) {
		tab.Expect("400")
		must(t, h.act(tab, "#nav [data-view=letters]"))
		must(t, h.row(tab, "0:0", "choose"))
		must(t, h.act(tab, "#replay-chosen"))
		must(t, h.act(tab, "input[value=jq]"))
		must(t, h.act(tab, "#edit-jq"))
		must(t, tab.Type(`.email |= nosuchthing`))
		must(t, h.act(tab, "#dry-run"))
		must(t, tab.Until(text("#edit-jq-fault", "nosuchthing")))
		must(t, tab.Until(focused("#edit-jq")))
		must(t, tab.Press("Escape"))
		must(t, tab.Until(`!document.querySelector("dialog[open]")`))
		must(t, tab.Until(focused("#replay-chosen")))
	})
}

// A replay that is stopped says what it did. Run again it does the rest, and no event twice.
func TestStopAReplayAndRunItAgain(t *testing.T) {
	const all = 60
	byEachHand(t, lab.Refused(0, all), func(t *testing.T, h hand, l *lab.Lab, tab *screen.Tab) {
		must(t, h.act(tab, "#nav [data-view=letters]"))
		must(t, tab.Until(text(".found", "60 letters match")))
		must(t, tab.TabTo(".list"))
		must(t, tab.Press("Control+a"))
		must(t, h.act(tab, "#replay-chosen"))
		must(t, h.act(tab, "input[value=jq]"))
		must(t, h.act(tab, "#edit-jq"))
		must(t, tab.Type(mend))
		must(t, h.act(tab, "#rate"))
		must(t, tab.Press("Control+a"))
		must(t, tab.Type("5"))
		must(t, h.act(tab, "#dry-run"))
		must(t, h.act(tab, "#confirm"))
		must(t, tab.Until(`parseInt(document.querySelector(".progress-line").textContent) >= 3`))
		must(t, tab.Press("Escape")) // does not hide what goes on
		must(t, tab.Until(text(".dialog-said", "It is still running: stop it first.")))
		must(t, h.act(tab, "#stop"))
		must(t, tab.Until(text("#replay-title", "The replay was interrupted")))
		said := eval[string](t, tab, `document.querySelector(".dialog-said").textContent`)
		var done, of int
		if _, err := fmt.Sscanf(said, "You stopped it. %d of %d letters had been replayed", &done, &of); err != nil || done < 3 || done >= all || of != all {
			t.Fatalf("it says %q", said)
		}
		must(t, h.act(tab, "#run-again"))
		must(t, tab.Until(text("#replay-title", "would be replayed")))
		var rest int
		title := eval[string](t, tab, `document.querySelector("#replay-title").textContent`)
		if _, err := fmt.Sscanf(title, "%d letters would be replayed", &rest); err != nil || rest > all-done || rest < all-done-10 {
			t.Errorf("after %d of %d: %q", done, all, title)
		}
		must(t, h.act(tab, "#confirm"))
		must(t, tab.Until(text(".dialog-said", fmt.Sprintf("Replayed %d of %d letters.", rest, rest))))
		must(t, h.act(tab, "#close"))
		must(t, tab.Until(text(".found", "No letter matches")))
		eventually(t, "sixty contacts", func() bool { return len(l.CRM.Contacts()) >= all })
		for address, n := range emails(l) {
			if n != 1 {
				t.Errorf("%s has %d contacts", address, n)
			}
		}
	})
}
