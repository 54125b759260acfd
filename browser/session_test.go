//go:build browser

package browser

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/leadbridge/leadbridge/browser/internal/issuer"
	"github.com/leadbridge/leadbridge/browser/internal/lab"
	"github.com/leadbridge/leadbridge/browser/internal/screen"
)

func TestSignInAndOut(t *testing.T) {
	t.Parallel()
	for _, h := range hands() {
		t.Run(h.name, func(t *testing.T) {
			t.Parallel()
			l := newLab(t, lab.Refused(0, 3), "ADMIN_TOKEN="+lab.Token)
			tab := open(t, screen.Desk, l.Page)
			tab.Expect("401")
			must(t, tab.Until(focused("#token")))
			if shown := eval[string](t, tab, "document.body.innerText"); strings.Contains(shown, "REFUSED") || strings.Contains(shown, "Dead letters") {
				t.Errorf("without a token the page shows %s", shown)
			}
			must(t, tab.Type("guessed"))
			must(t, h.act(tab, "#sign-in"))
			must(t, tab.Until(text("#token-fault", "This is not the token of this service.")))
			must(t, tab.Until(focused("#token")))
			must(t, tab.Type(lab.Token)) // what was wrong is selected, so this takes its place
			must(t, h.act(tab, "#sign-in"))
			must(t, tab.Until(text(".verdict-word", "Delivering")))
			must(t, tab.Until(text("#nav-open", "3")))
			if kept := eval[string](t, tab, "document.cookie + JSON.stringify({...localStorage, ...sessionStorage}) + location.href"); strings.Contains(kept, "token") || strings.Contains(kept, "=") {
				t.Errorf("scripts can read %s", kept)
			}

			must(t, h.act(tab, "#sign-out"))
			must(t, tab.Until(text("#token-fault", "You are signed out.")))
			must(t, tab.Until(focused("#token")))
			if status := eval[int](t, tab, `fetch("/api/state?midnight=0").then((r) => r.status)`); status != 401 {
				t.Errorf("after signing out the service answers %d", status)
			}
			must(t, tab.Go(l.Page))
			must(t, tab.Until(`document.querySelector("#token")`))
		})
	}
}

// TestSignInByOpenIDConnect goes to the issuer and back to the view that was asked for, and is told where that fails.
func TestSignInByOpenIDConnect(t *testing.T) {
	t.Parallel()
	for _, h := range hands() {
		t.Run(h.name, func(t *testing.T) {
			t.Parallel()
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
				"ADMIN_OIDC_ROLES=reveal=oncall", "ADMIN_OIDC_TITLE=Example ID")
			tab := open(t, screen.Desk, l.Page)
			tab.Expect("404") // the issuer has no icon
			there := func(user string) {
				t.Helper()
				must(t, tab.Until(focused("#sign-in-oidc")))
				if shown := eval[string](t, tab, "document.body.innerText"); !strings.Contains(shown, "Sign in with Example ID") || strings.Contains(shown, "Token") {
					t.Errorf("the page shows %s", shown)
				}
				must(t, h.act(tab, "#sign-in-oidc"))
				must(t, tab.Until(`document.querySelector("#username")`))
				eval[bool](t, tab, fmt.Sprintf(`(() => {
					document.querySelector("#username").value = %q;
					document.querySelector("#password").value = %q;
					document.querySelector("form").submit();
					return true;
				})()`, user, issuer.Password))
			}
			there(issuer.Stranger)
			must(t, tab.Until(text("#token-fault", "you have no role here")))
			must(t, tab.Go(l.Page+"/#/letters"))
			there(issuer.OnCall)
			must(t, tab.Until(text("#nav-open", "3")))
			if at := eval[string](t, tab, "location.pathname + location.search + location.hash + document.documentElement.dataset.role"); at != "/#/lettersreveal" {
				t.Errorf("signed in at %s", at)
			}
			if kept := eval[string](t, tab, "document.cookie + JSON.stringify({...localStorage, ...sessionStorage})"); kept != "{}" {
				t.Errorf("scripts can read %s", kept)
			}
			must(t, h.act(tab, "#sign-out"))
			must(t, tab.Until(text("#token-fault", "You are signed out.")))
			must(t, tab.Until(focused("#sign-in-oidc")))
		})
	}
}

func TestThemeIsKept(t *testing.T) {
	byEachHand(t, nil, func(t *testing.T, h hand, l *lab.Lab, tab *screen.Tab) {
		ground := func() string { return eval[string](t, tab, "getComputedStyle(document.body).backgroundColor") }
		must(t, tab.Until(text("#theme", "Theme: auto")))
		light := ground()
		must(t, h.act(tab, "#theme"))
		must(t, tab.Until(text("#theme", "Theme: light")))
		if ground() != light {
			t.Error("light is not what a light system shows")
		}
		must(t, h.act(tab, "#theme"))
		must(t, tab.Until(text("#theme", "Theme: dark")))
		dark := ground()
		must(t, tab.Go(l.Page))
		must(t, tab.Until(text("#theme", "Theme: dark")))
		if dark == light || ground() != dark {
			t.Errorf("light %s, dark %s, after a reload %s", light, dark, ground())
		}
	})
}
