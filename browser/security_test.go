//go:build browser

package browser

import (
	"fmt"
	"strings"
	"testing"

	"github.com/segmentio/kafka-go"

	"github.com/leadbridge/leadbridge/browser/internal/lab"
	"github.com/leadbridge/leadbridge/browser/internal/screen"
)

// attacks are texts that run canary where something takes them for markup or script.
func attacks(where string) string {
	return strings.NewReplacer("WHERE", where).Replace(
		`<img src=x onerror="canary('WHERE')"><svg/onload=canary('WHERE')></script><script>canary('WHERE')</script>` +
			`"'><iframe srcdoc="<script>parent.canary('WHERE')</script>"></iframe>javascript:canary('WHERE'){{canary('WHERE')}}`)
}

// Whoever can write an event, or answer for the CRM, writes on this page.
func TestNothingOfAnEventRuns(t *testing.T) {
	t.Parallel()
	quoted := func(where string) string { return fmt.Sprintf("%q", attacks(where)) }
	evil := lab.Letter{
		Reason: "CRM_REFUSED", Status: 400, Code: attacks("code"), Message: attacks("message"), Attempts: 1,
		EventID: "ce:/shop " + attacks("id"), Key: attacks("key"),
		Value: `{"fullName":` + quoted("name") + `,"email":` + quoted("email") + `,"phone":` + quoted("phone") + `,` + quoted("field") + `:` + quoted("value") + `}`,
		Headers: []kafka.Header{
			{Key: attacks("header"), Value: []byte(attacks("header value"))},
			{Key: "traceparent", Value: []byte(attacks("trace"))},
		},
	}
	unknown := lab.Letter{Reason: attacks("reason"), EventID: "ce:/shop 2", Value: attacks("no JSON")}
	foreign := lab.Record{Partition: 2, Key: attacks("foreign key"), Value: attacks("foreign value")}
	l := newLab(t, []lab.Record{evil.Record(0), unknown.Record(1), foreign})
	tab := open(t, screen.Desk, l.Page)
	must(t, tab.Until(text(".by-reason th", "canary('reason')")))
	must(t, tab.Go(l.Page+"/#/letters"))
	must(t, tab.Until(text(".found", "3 letters match")))
	must(t, tab.Until(text(".row .c-words", "canary('message')")))
	for _, place := range []string{"0:0", "1:0", "2:0"} {
		must(t, clickRow(tab, place, "open"))
		must(t, tab.Until(text("#letter-title", place)))
		must(t, tab.Click("#reveal"))
		must(t, tab.Until(text("#event-value", "canary(")))
		must(t, tab.Click("#back"))
	}
	must(t, clickRow(tab, "0:0", "open"))
	must(t, tab.Click("#edit"))
	must(t, tab.Until(`document.querySelector("#edit-value").value.includes("canary('name')")`))
	must(t, tab.Click("#dry-run"))
	must(t, tab.Until(text("#replay-title", "1 letter would be replayed")))
	must(t, tab.Press("Escape"))
	must(t, tab.Click("#back"))
	must(t, tab.Until(focused(".list")))
	must(t, tab.Press("Control+a"))
	must(t, tab.Click("#replay-chosen"))
	must(t, tab.Click("#dry-run"))
	must(t, tab.Until(text(".left", "does not say where it came from")))
	// A script that was taken in runs at once or when its picture has failed to load: the page
	// has drawn since. What it must not do is looked at when the test ends.
	drawn(t, tab)
	if made := eval[int](t, tab, `document.querySelectorAll("iframe, main img, main script, svg[onload]").length`); made != 0 {
		t.Errorf("%d elements were made of an event", made)
	}
}

// The canary sings where it is let: the test above can fail.
func TestTheCanarySings(t *testing.T) {
	t.Parallel()
	l := newLab(t, nil)
	tab := open(t, screen.Desk, l.Page)
	eval[bool](t, tab, `window.canary("here"), true`)
	if sung := eval[[]string](t, tab, `window.seen.canary.splice(0)`); len(sung) != 1 {
		t.Errorf("it sang %q", sung)
	}
	// An attack that is taken in as markup is stopped by the policy, which says so.
	eval[bool](t, tab, `(() => { try { document.body.innerHTML = "<img src=x onerror=canary(1)>"; return false; } catch { return true; } })()`)
	must(t, tab.Until(`window.seen.violations.length > 0`))
	if seen := eval[string](t, tab, `window.seen.violations.splice(0).join()`); !strings.Contains(seen, "require-trusted-types-for") {
		t.Errorf("the policy says %s", seen)
	}
	tab.Expect("Trusted")
	tab.Expect("trusted")
}

func TestThePolicy(t *testing.T) {
	t.Parallel()
	l := newLab(t, nil, "ADMIN_TOKEN="+lab.Token)
	for _, path := range []string{"/", "/assets/main.js", "/assets/base.css"} {
		policy, err := l.Header(t.Context(), path, "Content-Security-Policy")
		must(t, err)
		if strings.Contains(policy, "unsafe") {
			t.Errorf("%s: %s", path, policy)
		}
		for _, part := range []string{"default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"} {
			if !strings.Contains(policy, part) {
				t.Errorf("%s: no %s in %s", path, part, policy)
			}
		}
	}
}
