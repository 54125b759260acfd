//go:build attack

package attack

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/leadbridge/leadbridge/crmclient/crmtest"
)

const pageToken = "0123456789abcdef0123456789abcdef"

// startPage starts the service with the page.
func (r *rig) startPage(more map[string]string) *process {
	r.t.Helper()
	env := map[string]string{"ADMIN_ADDR": "127.0.0.1:0", "ADMIN_TOKEN": pageToken}
	maps.Copy(env, more)
	return r.startService(env)
}

func bearer(more ...string) []string {
	return append([]string{"Authorization", "Bearer " + pageToken}, more...)
}

// TestHostilePrograms sends programs that would take the compiler all memory, its stack or a core: each is
// refused, each leaves an audit line, and the process is there afterwards.
func TestHostilePrograms(t *testing.T) {
	t.Parallel()
	r := newRig(t, crmtest.Options{UserFields: true})
	p := r.startPage(nil)
	r.produce("leads", `{"name":"bad"}`)
	r.delivered(p)
	programs := map[string]string{
		"brackets":        strings.Repeat("[", 200_000),
		"more brackets":   strings.Repeat("[", 1_400_000),
		"nested":          strings.Repeat("(", 5000) + "1" + strings.Repeat(")", 5000),
		"a long sum":      strings.Repeat("1+", 100_000) + "1",
		"a sum in 16 KiB": strings.Repeat("1+", 8000) + "1",
		"texts in texts":  strings.Repeat(`"\(`, 3000) + "1" + strings.Repeat(`)"`, 3000),
		"no program":      "{",
	}
	for name, program := range programs {
		body, _ := json.Marshal(map[string]any{"places": []string{"0:0"}, "dryRun": true, "jq": program})
		if a := send(t, "POST", p.admin+"/api/replay", string(body), bearer()...); a.status != 400 || !strings.Contains(a.body, `"field":"jq"`) {
			t.Errorf("%s: %d %.200s", name, a.status, a.body)
		}
	}
	// These compile; their runs are bounded, and see nothing of the machine.
	for name, program := range map[string]string{
		"endless": "until(false; .)", "a huge text": `"x" * 1000000000`, "a huge list": "[range(1e9)]", "recursion": "def f: [f]; f",
		"environment": "$ENV | tojson", "environment of jq": "env", "input": "input", "a file": `import "a" as a; .`, "halt": "halt", "debug": `debug("x")`,
	} {
		body, _ := json.Marshal(map[string]any{"places": []string{"0:0"}, "dryRun": true, "jq": program})
		if a := send(t, "POST", p.admin+"/api/replay", string(body), bearer()...); strings.Contains(a.body, pageToken) || strings.Contains(a.body, `"replayed":1`) && name != "debug" {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
	p.stop()
	if n := strings.Count(p.logged(), "a dry run was asked for"); n != len(programs)+10 {
		t.Errorf("%d audit lines", n)
	}
}

// TestErased asks for an erased letter in every way: nothing of it is told.
func TestErased(t *testing.T) {
	t.Parallel()
	r := newRig(t, crmtest.Options{UserFields: true})
	p := r.startPage(nil)
	r.produce("leads", `{"name":"Canary Zacharias","comment":"canary words"}`, "webhook-id", "one", "canary-header", "canary")
	r.produce("leads", `{"name":"somebody else"}`)
	r.delivered(p)
	find := func(body string) answer {
		return send(t, "POST", p.admin+"/api/letters/search", body, bearer()...)
	}
	if a := find(`{"text":"canary"}`); !strings.Contains(a.body, `"total":1`) {
		t.Fatalf("before: %s", a.body)
	}
	var id string
	for _, l := range r.records("leads.dlt") {
		if strings.Contains(l.value, "Canary") {
			id = l.headers["dlt-event-id"]
		}
	}
	if stdout, stderr, code := r.run(nil, "dlt", "replay", "--erase", "--event-id", id); code != 0 {
		t.Fatalf("erase: %d %s %s", code, stdout, stderr)
	}
	eventually(t, "the page knows", p, func() bool { return strings.Contains(find(`{"states":["erased"]}`).body, `"total":1`) })
	told := map[string]string{
		"search for erased": find(`{"states":["erased"]}`).body, "search by text": find(`{"states":["erased"],"text":"canary"}`).body, "search for all": find(`{}`).body,
		"letter": send(t, "GET", p.admin+"/api/letters/0:0", "", bearer()...).body,
		"reveal": send(t, "POST", p.admin+"/api/letters/0:0/reveal", "{}", bearer()...).body,
		"find":   send(t, "POST", p.admin+"/api/letters/0:0/find", "{}", bearer()...).body,
	}
	for what, args := range map[string][]string{"show": {"show", "0:0"}, "show --unmask": {"show", "--unmask", "0:0"}, "show as JSON": {"show", "--unmask", "--output", "json", "0:0"}, "list": {"list", "--state", "all"}, "export": {"export"}} {
		stdout, stderr, _ := r.run(nil, append([]string{"dlt"}, args...)...)
		told[what] = stdout + stderr
	}
	for what, text := range told {
		if lower := strings.ToLower(text); strings.Contains(lower, "canary") || strings.Contains(lower, "zacharias") || strings.Contains(lower, "z.") {
			t.Errorf("%s tells of an erased letter: %s", what, text)
		}
	}
	if !strings.Contains(told["search by text"], `"total":0`) {
		t.Errorf("a search finds it: %s", told["search by text"])
	}
	p.stop()
}

// TestGuesses: what others guess keeps the right token out neither at the sign-in nor as a bearer; wrong and
// old tokens leave lines without tokens.
func TestGuesses(t *testing.T) {
	t.Parallel()
	r := newRig(t, crmtest.Options{UserFields: true})
	file := filepath.Join(t.TempDir(), "token")
	write := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("a token that was in force before")
	p := r.startPage(map[string]string{"ADMIN_TOKEN": "", "ADMIN_TOKEN_FILE": file})
	old := []string{"Authorization", "Bearer a token that was in force before"}
	if a := send(t, "GET", p.admin+"/api/state", "", old...); a.status != 200 {
		t.Fatalf("the token in force: %d", a.status)
	}
	write(pageToken)
	eventually(t, "the old token ends", p, func() bool { return send(t, "GET", p.admin+"/api/state", "", old...).status == 401 })
	for n := range 12 {
		a := send(t, "POST", p.admin+"/api/session", `{"token":"hunter`+strconv.Itoa(n)+`"}`)
		if a.status != 401 && a.status != 429 {
			t.Errorf("a guess: %d", a.status)
		}
	}
	if a := send(t, "POST", p.admin+"/api/session", `{"token":"hunter"}`); a.status != 429 || a.header.Get("Retry-After") == "" {
		t.Errorf("a guess too many: %d", a.status)
	}
	if a := send(t, "POST", p.admin+"/api/session", `{"token":"`+pageToken+`"}`); a.status != 204 {
		t.Errorf("the right token: %d %s", a.status, a.body)
	}
	if a := send(t, "GET", p.admin+"/api/state", "", bearer()...); a.status != 200 {
		t.Errorf("the right bearer: %d", a.status)
	}
	write("")
	eventually(t, "an emptied file lets nobody in", p, func() bool { return send(t, "GET", p.admin+"/api/state", "", bearer()...).status != 200 })
	p.stop()
	if log := p.logged(); !strings.Contains(log, "old bearer token") || strings.Contains(log, "hunter") || strings.Contains(log, "that was in force before") {
		t.Errorf("log:\n%s", p.tail())
	}
}

// TestOtherSites asks as the page of another site would, and by a name that somebody's DNS points here.
func TestOtherSites(t *testing.T) {
	t.Parallel()
	r := newRig(t, crmtest.Options{UserFields: true})
	p := r.startPage(nil)
	search := p.admin + "/api/letters/search"
	for name, headers := range map[string][]string{
		"another site":     bearer("Sec-Fetch-Site", "cross-site"),
		"a neighbour":      bearer("Sec-Fetch-Site", "same-site"),
		"another origin":   bearer("Origin", "https://evil.example"),
		"no origin":        bearer("Origin", "null"),
		"as a form":        bearer("Content-Type", "application/x-www-form-urlencoded"),
		"as plain text":    bearer("Content-Type", "text/plain"),
		"token in the URL": {"Content-Type", "application/json"},
	} {
		if a := send(t, "POST", search+"?token="+pageToken, "{}", headers...); a.status < 400 || a.header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s: %d", name, a.status)
		}
	}
	page := send(t, "GET", p.admin+"/", "")
	policy := page.header.Get("Content-Security-Policy")
	if !strings.Contains(policy, "default-src 'none'") || !strings.Contains(policy, "require-trusted-types-for 'script'") || strings.Contains(policy, "unsafe") ||
		page.header.Get("X-Content-Type-Options") != "nosniff" || page.header.Get("X-Frame-Options") != "DENY" {
		t.Errorf("the page's headers %v", page.header)
	}
	// What a letter holds comes as JSON, and is never a page by itself.
	r.produce("leads", `{"name":"<script>alert(1)</script>"}`)
	r.delivered(p)
	if a := send(t, "POST", p.admin+"/api/letters/0:0/reveal", "{}", bearer()...); a.header.Get("Content-Type") != "application/json; charset=utf-8" || strings.Contains(a.body, "<script>") {
		t.Errorf("%s: %s", a.header.Get("Content-Type"), a.body)
	}
	p.stop()

	open := newRig(t, crmtest.Options{UserFields: true}).startPage(map[string]string{"ADMIN_TOKEN": ""})
	for _, host := range []string{"evil.example", "127.0.0.1.evil.example", "localhost.evil.example:8081", "10.0.0.1"} {
		if a := send(t, "GET", open.admin+"/api/state", "", "Host", host); a.status != 403 {
			t.Errorf("by the name %s: %d", host, a.status)
		}
	}
	if a := send(t, "GET", open.admin+"/api/state", "", "X-Forwarded-For", "203.0.113.9"); a.status != 403 {
		t.Errorf("through a proxy: %d", a.status)
	}
	open.stop()
}
