//go:build browser && (firefox || webkit)

package browser

import (
	"strings"
	"testing"

	"github.com/leadbridge/leadbridge/browser/internal/lab"
)

// other is a browser besides Chromium.
type other interface {
	Go(address string) error
	Until(expression string) error
	Click(selector string) error
	Press(names ...string) error
	Type(text string) error
	Focus(selector string) error
	Errors() []string
	Close() error
}

// worksIn signs in, looks around, changes the language, and mends and replays a letter: by the keyboard in fields and the list.
func worksIn(t *testing.T, b other, err error) {
	t.Helper()
	must(t, err)
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	l := newLab(t, lab.Refused(0, 3), "ADMIN_TOKEN="+lab.Token)
	see := func(condition string) {
		t.Helper()
		must(t, b.Until(condition))
	}
	must(t, b.Go(l.Page))
	see(focused("#token"))
	must(t, b.Type(lab.Token))
	must(t, b.Press("Enter"))
	see(text(".verdict-word", "Delivering"))
	see(text("#nav-open", "3"))
	see(`document.querySelector(".partitions tbody tr") && document.querySelector(".chart-line").getAttribute("d") !== null`)

	must(t, b.Click("#lang"))
	see(text(".verdict-word", "Доставка идёт"))
	see(focused("#lang"))
	must(t, b.Click("#nav [data-view=letters]"))
	see(text(".found", "Найдено 3 dead letters"))
	see(`document.documentElement.scrollWidth <= document.documentElement.clientWidth`)

	must(t, b.Focus(".list"))
	see(`document.querySelector(".row.active:not(.loading)")`)
	must(t, b.Press("Space"))
	see(text(".chosen", "Выбрано: 1"))
	must(t, b.Click("#replay-chosen"))
	see(`document.querySelector("dialog[open] input[value=as-is]")`)
	must(t, b.Focus("input[value=as-is]"))
	must(t, b.Press("ArrowDown"))
	see(`document.querySelector("input[value=jq]").checked`)
	must(t, b.Focus("#edit-jq"))
	must(t, b.Type(mend))
	must(t, b.Press("Control+Enter"))
	see(text("#replay-title", "Будет отправлен 1 dead letter"))
	must(t, b.Click("#confirm"))
	see(text(".dialog-said", "Отправлено 1 из 1 dead letter."))
	must(t, b.Click("#close"))
	see(text(".found", "Найдено 2 dead letters"))
	eventually(t, "one contact", func() bool { return len(l.CRM.Contacts()) == 1 })

	must(t, b.Go(l.Page+"/#/letters/"+"1:0"))
	see(`document.querySelector("#event-value")?.textContent.includes("***")`)
	must(t, b.Click("#lang"))
	see(text("#event-title", "The event as received"))
	for _, said := range b.Errors() {
		if !strings.Contains(said, "401") { // the first question whether somebody is signed in
			t.Errorf("the page says: %s", said)
		}
	}
}
