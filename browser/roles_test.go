//go:build browser

package browser

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/leadbridge/leadbridge/admin"
	"github.com/leadbridge/leadbridge/browser/internal/issuer"
	"github.com/leadbridge/leadbridge/browser/internal/lab"
	"github.com/leadbridge/leadbridge/browser/internal/screen"
)

// offered are the acts of a view that its reader can see.
const offered = `[...document.querySelectorAll("[data-needs]")].filter((e) => e.checkVisibility()).map((e) => e.id || e.textContent).sort().join(" ")`

// Acts of one letter by the role that each needs, and what the server is asked for by them.
var (
	letterReveals = []string{"reveal"}
	letterActs    = []string{"close-letter", "close-word", "edit", "erase", "replay"}
	requests      = map[string][]string{
		"look":   {"POST /api/letters/search"},
		"reveal": {"POST /api/letters/0:0/reveal", "POST /api/letters/export"},
		"act":    {"POST /api/replay", "POST /api/letters/close", "POST /api/probe", "POST /api/pause", "POST /api/letters/0:0/erase"},
	}
)

// seesHerRole looks, without a mouse, at what somebody who has signed in with a role is offered, can reach, and is refused.
func seesHerRole(t *testing.T, tab *screen.Tab, page, role string) {
	t.Helper()
	must(t, tab.Until(text(".verdict-word", "Delivering")))
	if got := eval[string](t, tab, "document.documentElement.dataset.role"); got != role {
		t.Errorf("the page takes the role for %q", got)
	}
	if pause := strings.Contains(eval[string](t, tab, offered), "Pause"); pause != (role == "act") {
		t.Errorf("the pause is offered: %v", pause)
	}
	must(t, tab.Go(page+"/#/letters/0:0"))
	must(t, tab.Until(text("main", "CRM_REFUSED")))
	must(t, tab.Until(`document.querySelector("#reveal")`))
	var want []string
	if role != "look" {
		want = append(want, letterReveals...)
	}
	if role == "act" {
		want = append(want, letterActs...)
	}
	slices.Sort(want)
	for _, id := range want {
		must(t, tab.TabTo("#"+id))
	}
	got := eval[string](t, tab, fmt.Sprintf(`%q.split(" ").filter((id) => document.getElementById(id)?.checkVisibility()).sort().join(" ")`,
		strings.Join(append(slices.Clone(letterReveals), letterActs...), " ")))
	if got != strings.Join(want, " ") {
		t.Errorf("of a letter she is offered %q, want %q", got, want)
	}
	for range 40 { // more stops than the view has
		must(t, tab.Press("Tab"))
		if stop := eval[string](t, tab, `document.activeElement.dataset.needs ?? ""`); stop == "act" && role != "act" || stop == "reveal" && role == "look" {
			t.Fatalf("the Tab key reaches what needs %s: %s", stop, eval[string](t, tab, "document.activeElement.outerHTML"))
		}
	}
	whole := func() bool {
		return strings.Contains(eval[string](t, tab, "document.body.innerText"), "client.0@example.nett")
	}
	if whole() {
		t.Error("a person is shown before anybody asked")
	}
	if role != "look" {
		must(t, pressOn(tab, "#reveal"))
		must(t, tab.Until(text("main", "client.0@example.nett")))
	}
	// Whoever goes around the page is refused all the same. What may be done is asked for with a body that nothing takes.
	rank := []string{"look", "reveal", "act"}
	for least, all := range requests {
		may := slices.Index(rank, role) >= slices.Index(rank, least)
		for _, request := range all {
			method, path, _ := strings.Cut(request, " ")
			tab.Expect("403")
			tab.Expect("400")
			status := eval[int](t, tab, fmt.Sprintf(`fetch(%q, {method: %q, headers: {"Content-Type": "application/json"}, body: '{"nothing":1}'}).then((r) => r.status)`, path, method))
			if (status == http.StatusForbidden) == may || status == http.StatusUnauthorized {
				t.Errorf("%s is answered with %d", request, status)
			}
		}
	}
}

// TestRolesByTokens signs three people in by a file of tokens.
func TestRolesByTokens(t *testing.T) {
	t.Parallel()
	tokens := "tokens:\n"
	for _, role := range []string{"look", "reveal", "act"} {
		tokens += fmt.Sprintf("- {name: somebody who may %s, role: %s, hash: %q}\n", role, role, admin.TokenHash(lab.Token+role))
	}
	file := filepath.Join(t.TempDir(), "tokens.yaml")
	must(t, os.WriteFile(file, []byte(tokens), 0o600))
	l := newLab(t, lab.Refused(0, 3), "ADMIN_TOKENS_FILE="+file)
	for _, role := range []string{"look", "reveal", "act"} {
		t.Run(role, func(t *testing.T) { // one after the other: they share the browser's cookies
			tab := open(t, screen.Desk, l.Page)
			tab.Expect("401")
			must(t, tab.Until(focused("#token")))
			must(t, tab.Type(lab.Token+role))
			must(t, pressOn(tab, "#sign-in"))
			seesHerRole(t, tab, l.Page, role)
			must(t, pressOn(tab, "#sign-out"))
			must(t, tab.Until(text("#token-fault", "You are signed out.")))
		})
	}
}

// TestRolesByOpenIDConnect signs one person in with each role, which her group has.
func TestRolesByOpenIDConnect(t *testing.T) {
	t.Parallel()
	for _, role := range []string{"look", "reveal", "act"} {
		t.Run(role, func(t *testing.T) {
			var provider http.Handler
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { provider.ServeHTTP(w, r) }))
			t.Cleanup(server.Close)
			listener, err := net.Listen("tcp", "127.0.0.1:0") // the issuer has to know where the page will be
			must(t, err)
			page := listener.Addr().String()
			must(t, listener.Close())
			redirect := "http://" + page + "/oidc/callback"
			provider = issuer.New(server.URL, "page", "", redirect)
			l := newLab(t, lab.Refused(0, 3), "ADMIN_ADDR="+page, "ADMIN_OIDC_ISSUER="+server.URL, "ADMIN_OIDC_CLIENT_ID=page", "ADMIN_OIDC_REDIRECT_URL="+redirect,
				"ADMIN_OIDC_ROLES="+role+"=oncall")
			tab := open(t, screen.Desk, l.Page)
			tab.Expect("404") // the issuer has no icon
			must(t, pressOn(tab, "#sign-in-oidc"))
			must(t, tab.Until(`document.querySelector("#username")`))
			eval[bool](t, tab, fmt.Sprintf(`(() => {
				document.querySelector("#username").value = %q;
				document.querySelector("#password").value = %q;
				document.querySelector("form").submit();
				return true;
			})()`, issuer.OnCall, issuer.Password))
			seesHerRole(t, tab, l.Page, role)
		})
	}
}
