package admin

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

// The values of a person: those that are masked in answers, and what else must not get into
// logs and headers.
var (
	persons  = []string{"Canaryname", "canary.mail", "9161234567", "123-45-67"}
	canaries = append([]string{"canary-key", "canary-note", "canary-search", "canary-edit"}, persons...)
)

// TestNothingOfAPersonGetsOut does everything that the page can do with letters of one person,
// well and badly, and looks for them in the log and in the headers of answers.
func TestNothingOfAPersonGetsOut(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, r *rig) {
		defer r.run()()
		one, two := letterNo(0), letterNo(1)
		for _, l := range []*aLetter{&one, &two} {
			l.key = "canary.mail@example.com canary-key"
			l.value = `{"name":"Canaryname","email":"canary.mail@example.com","phone":"8 916 123-45-67","note":"canary-note"}`
		}
		two.value += "canary-note"
		r.seed(one, two)
		r.crm.hangs = true
		edit := `{"places":["0:0"],"edit":{"place":"0:0","value":"{\"email\":\"canary-edit@example.com\"}"}}`
		var answers []http.Header
		for _, req := range []struct{ method, path, body string }{
			{"GET", "/api/state", ""},
			{"POST", "/api/letters/search", `{"text":"canary-search"}`},
			{"POST", "/api/letters/search", `{"text":"canary-search"`},
			{"POST", "/api/letters/search", `{"canary-search":1}`},
			{"POST", "/api/letters/search", `{"states":["canary-search"]}`},
			{"GET", "/api/letters/0:0", ""},
			{"GET", "/api/letters/1:0", ""},
			{"POST", "/api/letters/0:0/reveal", "{}"},
			{"POST", "/api/letters/0:0/find", "{}"},
			{"POST", "/api/replay", with(edit, `"dryRun":true`)},
			{"POST", "/api/replay", with(edit, `"confirm":"canary-edit"`)},
			{"POST", "/api/replay", `{"places":["0:0"],"edit":{"place":"0:0","value":"canary-edit"},"dryRun":true}`},
			{"POST", "/api/replay", `{"places":["0:0","1:0"],"jq":"error(\"canary-edit\")","dryRun":true}`},
			{"POST", "/api/replay", `{"places":["1:0"],"jq":"canary-edit(","dryRun":true}`},
			{"POST", "/api/letters/0:0/preview", `{"value":"{\"email\":\"canary-edit@example.com\"}"}`},
			{"POST", "/api/letters/0:0/preview", `{"jq":"error(\"canary-edit\")"}`},
			{"POST", "/api/session", `{"token":"canary-key"}`},
		} {
			w := r.ask(req.method, req.path, req.body)
			answers = append(answers, w.Header())
			whole := strings.HasSuffix(req.path, "/reveal") || strings.HasSuffix(req.path, "/preview")
			for _, canary := range persons {
				if !whole && strings.Contains(w.Body.String(), canary) {
					t.Errorf("%s %s tells %s: %s", req.method, req.path, canary, w.Body)
				}
			}
		}
		dry, _ := r.replayed(with(edit, `"dryRun":true`))
		r.replayed(with(edit, `"confirm":"`+dry.Confirm+`"`))
		time.Sleep(10 * time.Second)
		log := r.log.String()
		for _, canary := range append(canaries, testToken) {
			if strings.Contains(log, canary) {
				t.Errorf("the log tells %s:\n%s", canary, log)
			}
			for _, h := range answers {
				for name, values := range h {
					if strings.Contains(strings.Join(values, " "), canary) {
						t.Errorf("the header %s tells %s", name, canary)
					}
				}
			}
		}
		if !strings.Contains(log, `"audit":"replay"`) || !strings.Contains(log, `"audit":"reveal"`) {
			t.Errorf("the log lacks audit lines:\n%s", log)
		}
	})
}
