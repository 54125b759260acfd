package admin

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/leadbridge/leadbridge/crmclient"
	"github.com/leadbridge/leadbridge/find"
)

// tokenOf is the token of somebody in these tests.
func tokenOf(name string) string { return "the token of " + name + " in these tests" }

// tokensText is the text of a file with tokens: name and role by turns.
func tokensText(namesAndRoles ...string) string {
	text := "tokens:\n"
	for i := 0; i < len(namesAndRoles); i += 2 {
		text += fmt.Sprintf("- {name: %s, role: %s, hash: %q}\n", namesAndRoles[i], namesAndRoles[i+1], TokenHash(tokenOf(namesAndRoles[i])))
	}
	return text
}

// withTokens is a rig whose page has these tokens; write changes the file.
func withTokens(t *testing.T, text string, test func(t *testing.T, r *rig, write func(text string))) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "tokens.yaml")
	write := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(text)
	bubble(t, func(t *testing.T, r *rig) { test(t, r, write) }, func(c *Config) { c.Token, c.TokensFile = crmclient.Secret{}, file })
}

func by(name string) func(*http.Request) { return set("Authorization", "Bearer "+tokenOf(name)) }

// TestRoles asks for everything that there is with a token of each role.
func TestRoles(t *testing.T) {
	t.Parallel()
	withTokens(t, tokensText("lena", "look", "rita", "reveal", "anna", "act"), func(t *testing.T, r *rig, _ func(string)) {
		r.seed(letterNo(0))
		needs := map[string][]string{
			"look":   {"GET /api/state", "GET /api/history", "POST /api/letters/search", "GET /api/letters/0:0", "POST /api/letters/0:0/find", "POST /api/where"},
			"reveal": {"POST /api/letters/0:0/reveal", "POST /api/letters/export"},
			"act": {
				"POST /api/replay", "POST /api/letters/0:0/preview", "POST /api/pause", "POST /api/letters/0:0/erase", "POST /api/letters/close", "POST /api/probe", "POST /api/flood/release",
			},
		}
		rank := map[string]int{"look": 1, "reveal": 2, "act": 3}
		for least, requests := range needs {
			for _, request := range requests {
				method, path, _ := strings.Cut(request, " ")
				body := map[string]string{"POST": `{"nothing":1}`}[method] // who may is told what is wrong with it
				for name, has := range map[string]string{"lena": "look", "rita": "reveal", "anna": "act"} {
					w := r.ask(method, path, body, by(name))
					if denied := w.Code == http.StatusForbidden; denied != (rank[has] < rank[least]) || w.Code == http.StatusUnauthorized {
						t.Errorf("%s by %s, who has %s: %d, needs %s", request, name, has, w.Code, least)
					}
				}
			}
		}
		w := r.ask("POST", "/api/letters/0:0/reveal", "{}", by("lena"))
		if !strings.Contains(w.Body.String(), "this needs the role reveal, and lena has look") {
			t.Errorf("%s", w.Body)
		}
		r.ask("POST", "/api/letters/0:0/reveal", "{}", by("rita"))
		denied, revealed := false, false
		for _, l := range r.audits() {
			denied = denied || l["audit"] == "denied" && l["who"] == "lena" && l["request"] == "POST /api/letters/{place}/reveal"
			revealed = revealed || l["audit"] == "reveal" && l["who"] == "rita"
		}
		if !denied || !revealed || strings.Contains(r.log.String(), "of rita in") {
			t.Errorf("denied %v, revealed %v in the audit:\n%s", denied, revealed, r.log)
		}
	})
}

// TestNobodyFindsOutAValueByItsParts searches one letter by ever longer beginnings of its values, with each role. Every search
// is in the audit, without its text.
func TestNobodyFindsOutAValueByItsParts(t *testing.T) {
	t.Parallel()
	withTokens(t, tokensText("lena", "look", "rita", "reveal", "anna", "act"), func(t *testing.T, r *rig, _ func(string)) {
		one := letterNo(0)
		one.id, one.key = "ce:/9 0", "canary-key"
		one.value = `{"name":"Ivan Canary","email":"ivan.canary@example.org","phone":"8 (916) 123-45-67","note":"canary-note"}`
		odd := letterNo(1)
		odd.id, odd.value = "ce:/9 1", "no json, but ivan" // no contact is made of it
		r.seed(one, odd)
		values := []string{"ivan", "canary", "ivan.canary@example.org", "+79161234567", "89161234567", "canary-note", "canary-key", "json"}
		known := map[string]bool{"ivan": true, "canary": true, "ivan.canary@example.org": true, "+79161234567": true, "89161234567": true, "8 916 123-45-67": true, "ivan canary": true, "ce:/9 0": true}
		texts := []string{"8 916 123-45-67", "ivan canary", "ce:/9 0", "no json"}
		for _, value := range values {
			for n := 1; n <= len(value); n++ {
				texts = append(texts, value[:n])
			}
		}
		for _, text := range texts {
			var f struct {
				found
				Whole bool
			}
			w := r.ask("POST", "/api/letters/search", fmt.Sprintf(`{"text":%q}`, text), by("lena"))
			if err := json.Unmarshal(w.Body.Bytes(), &f); err != nil || !f.Whole || f.Cut != 0 || (f.Total > 0) != known[text] {
				t.Errorf("%q with the role look: %d %v %s", text, w.Code, err, w.Body)
			}
		}
		for _, name := range []string{"rita", "anna"} {
			w := r.ask("POST", "/api/letters/search", `{"text":"cana"}`, by(name))
			if body := w.Body.String(); !strings.Contains(body, `"total":1`) || !strings.Contains(body, `"whole":false`) {
				t.Errorf("a part of a value, by %s: %s", name, body)
			}
		}
		if w := r.ask("POST", "/api/letters/search", `{"text":" "}`, by("lena")); !strings.Contains(w.Body.String(), `"total":2`) || !strings.Contains(w.Body.String(), `"whole":false`) {
			t.Errorf("without a text: %s", w.Body)
		}
		searches := map[any]int{}
		for _, l := range r.audits() {
			if l["audit"] == "search" && l["whole"] == (l["who"] == "lena") && l["letters"] != nil {
				searches[l["who"]]++
			}
		}
		if searches["lena"] != len(texts) || searches["rita"] != 1 || searches["anna"] != 1 {
			t.Errorf("searches in the audit %v, want %d by lena and one by each other", searches, len(texts))
		}
		for _, text := range []string{"canary", "ivan", "916"} {
			if strings.Contains(strings.ToLower(r.log.String()), text) {
				t.Errorf("%q is in the log", text)
			}
		}
	})
}

// TestWhereByRole: only whoever may see people finds a lead by a part of a record that gives no contact.
func TestWhereByRole(t *testing.T) {
	t.Parallel()
	asked := map[string]bool{}
	withTokens(t, tokensText("lena", "look", "rita", "reveal", "anna", "act"), func(t *testing.T, r *rig, _ func(string)) {
		for name, whole := range map[string]bool{"lena": true, "rita": false, "anna": false} {
			r.server.cfg.Where = func(_ context.Context, _ string, _ int, whole bool) (find.Report, error) {
				asked[name] = whole
				return find.Report{}, nil
			}
			r.ask("POST", "/api/where", `{"who":"i"}`, by(name))
			if got, ok := asked[name]; got != whole || !ok {
				t.Errorf("%s: whole values only: %v, want %v", name, got, whole)
			}
		}
	})
}

// TestTokensFileIsReadAgain takes somebody out, gives somebody else another role, and breaks the file.
func TestTokensFileIsReadAgain(t *testing.T) {
	t.Parallel()
	withTokens(t, tokensText("lena", "look", "anna", "act"), func(t *testing.T, r *rig, write func(string)) {
		signIn := func(name string) func(*http.Request) {
			w := r.ask("POST", "/api/session", `{"token":"`+tokenOf(name)+`"}`, unset("Authorization"))
			if w.Code != http.StatusNoContent {
				t.Fatalf("%s: %d", name, w.Code)
			}
			c := w.Result().Cookies()[0]
			return func(req *http.Request) {
				req.Header.Del("Authorization")
				req.AddCookie(&http.Cookie{Name: c.Name, Value: c.Value})
			}
		}
		lena, anna := signIn("lena"), signIn("anna")
		role := func(who func(*http.Request)) string {
			return strings.TrimSpace(r.ask("GET", "/api/session", "", who).Body.String())
		}
		const look, act, out = `{"needed":true,"signedIn":true,"role":"look"}`, `{"needed":true,"signedIn":true,"role":"act"}`, `{"needed":true,"signedIn":false,"role":""}`
		step := func(what, text string, wait time.Duration, wantLena, wantAnna string) {
			t.Helper()
			if text != "" {
				write(text)
			}
			time.Sleep(wait)
			if l, a := role(lena), role(anna); l != wantLena || a != wantAnna {
				t.Errorf("%s: lena %s, anna %s; want %s and %s", what, l, a, wantLena, wantAnna)
			}
		}
		step("at first", "", 0, look, act)
		step("roles changed", tokensText("lena", "act", "anna", "look"), tokenAge, act, look)
		step("one is gone", tokensText("anna", "act"), tokenAge, out, act)
		if w := r.ask("GET", "/api/state", "", by("lena")); w.Code != http.StatusUnauthorized {
			t.Errorf("a token that was taken out: %d", w.Code)
		}
		step("back, but signed out", tokensText("lena", "look", "anna", "act"), tokenAge, out, act)
		step("broken", "tokens: [{name: anna}]", tokenAge, out, act)
		step("broken for long", "", tokenKept+tokenAge, out, out)
		step("mended", tokensText("lena", "look", "anna", "act"), tokenAge, out, act)
		step("empty", "\n", tokenAge, out, out)
		if log := r.log.String(); strings.Count(log, "ADMIN_TOKENS_FILE is wrong at token 1") != 1 || strings.Count(log, "ADMIN_TOKENS_FILE is empty") != 1 {
			t.Errorf("log %s", log)
		}
	})
}

func TestTokensFilesThatCannotBeUsed(t *testing.T) {
	t.Parallel()
	hash, other := TokenHash("a"), TokenHash("b")
	for name, tt := range map[string]struct{ text, want string }{
		"good":                       {tokensText("a", "look", "b", "act"), ""},
		"no list":                    {"{}", "not YAML"},
		"empty list":                 {"tokens: []", "not YAML"},
		"no YAML":                    {"tokens: [", "not YAML"},
		"two documents":              {tokensText("a", "look") + "---\n" + tokensText("b", "act"), "not YAML"},
		"unknown field":              {"tokens: [{name: a, role: look, token: secret}]", "not YAML"},
		"no name":                    {`tokens: [{role: look, hash: "` + hash + `"}]`, "token 1: the name"},
		"long name":                  {`tokens: [{name: ` + strings.Repeat("a", 65) + `, role: look, hash: "` + hash + `"}]`, "token 1: the name"},
		"control":                    {`tokens: [{name: "a\nb", role: look, hash: "` + hash + `"}]`, "token 1: the name"},
		"like one of OpenID Connect": {`tokens: [{name: "OIDC:anna", role: look, hash: "` + hash + `"}]`, "token 1: the name is bearer"},
		"like one without a name":    {`tokens: [{name: bearer, role: look, hash: "` + hash + `"}]`, "token 1: the name is bearer"},
		"like a session":             {`tokens: [{name: session 0a1b2c3d, role: look, hash: "` + hash + `"}]`, "token 1: the name is bearer"},
		"nearly like them":           {tokensText("bearers", "look", "oidc-robot", "act", "sessions", "look"), ""},
		"no such role":               {`tokens: [{name: a, role: root, hash: "` + hash + `"}]`, "token 1: the role"},
		"no role":                    {`tokens: [{name: a, hash: "` + hash + `"}]`, "token 1: the role"},
		"a token":                    {`tokens: [{name: a, role: look, hash: "my secret"}]`, "token 1: the hash"},
		"short hash":                 {`tokens: [{name: a, role: look, hash: "` + hash[:40] + `"}]`, "token 1: the hash"},
		"name twice":                 {`tokens: [{name: a, role: look, hash: "` + hash + `"}, {name: a, role: act, hash: "` + other + `"}]`, "token 2: the name or the hash"},
		"hash twice":                 {`tokens: [{name: a, role: look, hash: "` + hash + `"}, {name: b, role: act, hash: "` + hash + `"}]`, "token 2: the name or the hash"},
	} {
		err := CheckTokens([]byte(tt.text))
		if (err == nil) != (tt.want == "") || err != nil && (!strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "secret")) {
			t.Errorf("%s: %v, want %q", name, err, tt.want)
		}
	}
}
