package admin

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/rs/zerolog"

	"github.com/leadbridge/leadbridge/crmclient"
)

// TestOIDCSignIn signs in as a person does, with what of it is seen on the way, and signs out.
func TestOIDCSignIn(t *testing.T) {
	t.Parallel()
	withOIDC(t, func(t *testing.T, r *rig, f *fakeIssuer) {
		v := r.visitor()
		if body := v.ask("GET", "/api/session", "").Body.String(); !strings.Contains(body, `"signedIn":false,"role":"","oidc":{"title":"Example","alone":false,"away":false}`) {
			t.Errorf("the page is told %s", body)
		}
		w := v.ask("POST", "/api/session/oidc", "{}")
		cookies := w.Result().Cookies()
		if len(cookies) != 1 {
			t.Fatalf("%d cookies", len(cookies))
		}
		if c := cookies[0]; c.Name != "__Host-leadbridge-sign-in" || !c.Secure || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" || c.MaxAge != 600 {
			t.Errorf("cookie of the sign-in %+v", c)
		}
		address := v.begin()
		u, err := url.Parse(address)
		if err != nil || !strings.HasPrefix(address, testIssuer+"/authorize?") {
			t.Fatalf("it leads to %s", address)
		}
		q := u.Query()
		for name, want := range map[string]string{"client_id": testClient, "redirect_uri": testRedirect, "response_type": "code", "scope": "openid profile", "code_challenge_method": "S256"} {
			if q.Get(name) != want {
				t.Errorf("%s is %q, want %q", name, q.Get(name), want)
			}
		}
		if q.Get("state") == q.Get("nonce") || len(q.Get("state")) != 43 || len(q.Get("nonce")) != 43 || len(q.Get("code_challenge")) != 43 {
			t.Errorf("state, nonce and challenge: %v", q)
		}
		w = v.ask("GET", strings.TrimPrefix(f.authorise(address), "https://bridge.example"), "")
		if w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/" || v.cookies["__Host-leadbridge-sign-in"] != "" {
			t.Fatalf("back: %d %v, cookies %v", w.Code, w.Header(), v.cookies)
		}
		if v.cookies["__Host-leadbridge-session"] == "" {
			t.Errorf("cookies %v", v.cookies)
		}
		for _, c := range w.Result().Cookies() {
			if c.Name == "__Host-leadbridge-session" && (!c.Secure || !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || c.MaxAge != 4*3600) {
				t.Errorf("cookie of the session %+v", c)
			}
		}
		noHush(t, "the answer", headersOf(w)+w.Body.String())
		if v.role() != "act" {
			t.Errorf("role %q", v.role())
		}
		if f.basic[0] != [2]string{testClient, "hush-secret"} || f.tokens[0].Get("client_secret") != "" {
			t.Errorf("the client proved itself by %v and %v", f.basic, f.tokens)
		}
		v.ask("POST", "/api/probe", `{"x":1}`)
		if v.ask("DELETE", "/api/session", ""); v.role() != "" {
			t.Error("signed out, and still in")
		}
		noHush(t, "the log", r.log.String())
	})
}

// TestOIDCRolesAndNames signs in with other claims and settings.
func TestOIDCRolesAndNames(t *testing.T) {
	t.Parallel()
	groups := func(value any) func(map[string]any) { return func(c map[string]any) { c["groups"] = value } }
	for name, tt := range map[string]struct {
		claims func(map[string]any)
		change func(*OIDC)
		role   string // "": none
		who    string // in the audit
		why    string // in the log
	}{
		"one group":                {claims: groups([]string{"readers"}), role: "look", who: "anna"},
		"several, the highest":     {claims: groups([]string{"support", "readers"}), role: "reveal", who: "anna"},
		"one text":                 {claims: groups("admins"), role: "act", who: "anna"},
		"no group of ours":         {claims: groups([]string{"sales", "Oncall", "oncall "}), who: "anna", why: "no value of the claim groups has a role"},
		"no group":                 {claims: groups([]string{}), who: "anna", why: "no value of the claim groups has a role"},
		"no claim":                 {claims: groups(nil), who: "anna", why: "the ID token has no claim groups"},
		"groups that are no texts": {claims: groups([]any{1, map[string]any{"name": "oncall"}}), who: "anna", why: "no value of the claim groups"},
		"roles in a claim": {
			claims: func(c map[string]any) { c["realm_access"] = map[string]any{"roles": []string{"support"}} },
			change: func(o *OIDC) { o.RolesClaim = "realm_access.roles" }, role: "reveal", who: "anna",
		},
		"a claim of a client with dots": {
			claims: func(c map[string]any) {
				c["resource_access"] = map[string]any{"my.client": map[string]any{"roles": []string{"support"}}, "my": map[string]any{"client": map[string]any{"roles": []string{"oncall"}}}}
			},
			change: func(o *OIDC) { o.RolesClaim = "/resource_access/my.client/roles" }, role: "reveal", who: "anna",
		},
		"a claim with slashes and tildes": {
			claims: func(c map[string]any) { c["a/b"] = map[string]any{"c~d": []string{"readers"}} },
			change: func(o *OIDC) { o.RolesClaim = "/a~1b/c~0d" }, role: "look", who: "anna",
		},
		"a pointer to nothing": {change: func(o *OIDC) { o.RolesClaim = "/resource_access/my.client/roles" }, who: "anna", why: "the ID token has no claim /resource_access/my.client/roles"},
		"a pointer through a text": {
			claims: func(c map[string]any) { c["resource_access"] = "my.client" },
			change: func(o *OIDC) { o.RolesClaim = "/resource_access/my.client/roles" }, who: "anna", why: "the ID token has no claim /resource_access/my.client/roles",
		},
		"not verified, by a pointer": {
			claims: func(c map[string]any) { c["email_verified"] = false },
			change: func(o *OIDC) { o.NameClaim = "/email" }, why: "e-mail address is verified",
		},
		"a name like that of a token": {claims: func(c map[string]any) { c["preferred_username"] = "bearer" }, role: "act", who: "bearer"},
		"a claim with dots": {
			claims: func(c map[string]any) { c["https://example.com/roles"] = []string{"readers"} },
			change: func(o *OIDC) { o.RolesClaim = "https://example.com/roles" }, role: "look", who: "anna",
		},
		"another name":    {change: func(o *OIDC) { o.NameClaim = "sub" }, role: "act", who: "hush-subject"},
		"no name":         {claims: func(c map[string]any) { c["preferred_username"] = nil }, why: "the claim preferred_username of ADMIN_OIDC_NAME_CLAIM is missing"},
		"a number":        {claims: func(c map[string]any) { c["preferred_username"] = 7 }, why: "ADMIN_OIDC_NAME_CLAIM is missing"},
		"a long name":     {claims: func(c map[string]any) { c["preferred_username"] = strings.Repeat("a", 65) }, why: "longer than 64 bytes"},
		"a line end":      {claims: func(c map[string]any) { c["preferred_username"] = "anna\nact" }, why: "cannot be printed"},
		"a verified mail": {change: func(o *OIDC) { o.NameClaim = "email" }, role: "act", who: "hush@example.com"},
		"verified, as a text": {
			claims: func(c map[string]any) { c["email_verified"] = "true" },
			change: func(o *OIDC) { o.NameClaim = "email" }, role: "act", who: "hush@example.com",
		},
		"not verified": {
			claims: func(c map[string]any) { c["email_verified"] = false },
			change: func(o *OIDC) { o.NameClaim = "email" }, why: "e-mail address is verified",
		},
		"a role by a mail, nothing said": {
			claims: func(c map[string]any) { c["email_verified"] = nil },
			change: func(o *OIDC) { o.RolesClaim = "email" }, why: "e-mail address is verified",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			withOIDC(t, func(t *testing.T, r *rig, f *fakeIssuer) {
				f.claims = tt.claims
				v := r.visitor()
				to := v.back(f.authorise(v.begin()))
				if got := v.role(); got != tt.role || (to == "/") != (tt.role != "") {
					t.Errorf("role %q, want %q; it leads to %s", got, tt.role, to)
				}
				v.ask("POST", "/api/letters/search", `{"text":"x"}`) // it is audited
				log := r.log.String()
				switch {
				case tt.why != "" && !strings.Contains(log, tt.why):
					t.Errorf("the log does not say %q:\n%s", tt.why, log)
				case tt.who != "" && !strings.Contains(log, `"who":"oidc:`+tt.who+`"`):
					t.Errorf("%s is not in the audit:\n%s", tt.who, log)
				}
				if tt.who == "" || tt.who == "anna" {
					noHush(t, "the log", log)
				}
			}, func(c *Config) {
				if tt.change != nil {
					tt.change(c.OIDC)
				}
			})
		})
	}
}

// TestOIDCTokensThatAreNotAccepted has the issuer, or somebody in its place, give wrong tokens. Nobody is let in by one, and
// the log says which it was, with nothing of it.
func TestOIDCTokensThatAreNotAccepted(t *testing.T) {
	t.Parallel()
	claim := func(name string, value any) func(*fakeIssuer) {
		return func(f *fakeIssuer) { f.claims = func(c map[string]any) { c[name] = value } }
	}
	stranger, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	text := base64.RawURLEncoding.EncodeToString
	for name, tt := range map[string]struct {
		change func(*fakeIssuer)
		why    string // "": it is accepted
	}{
		"good":                    {func(*fakeIssuer) {}, ""},
		"another nonce":           {claim("nonce", "x"), "its nonce is not ours"},
		"no nonce":                {claim("nonce", nil), "its nonce is not ours"},
		"another audience":        {claim("aud", "other-client"), "is for another client"},
		"no audience":             {claim("aud", nil), "is for another client"},
		"two audiences":           {claim("aud", []string{testClient, "other-client"}), "is for another client"},
		"one audience twice":      {claim("aud", []string{testClient, testClient}), ""},
		"made for another one":    {claim("azp", "other-client"), "is for another client"},
		"made for us":             {claim("azp", testClient), ""},
		"another issuer":          {claim("iss", "https://evil.example"), "is of another issuer"},
		"the issuer with a slash": {claim("iss", testIssuer+"/"), "is of another issuer"},
		"expired":                 {claim("exp", 1), "has expired"},
		"without an end":          {claim("exp", nil), "has expired"},
		"of the distant future":   {claim("nbf", 1e11), "is not valid yet"},
		"a clock a bit behind": {func(f *fakeIssuer) {
			f.claims = func(c map[string]any) { c["nbf"] = time.Now().Add(4 * time.Minute).Unix() }
		}, ""},
		"no number as its end":     {claim("exp", "hush"), "the ID token is not valid"},
		"a stranger's key":         {func(f *fakeIssuer) { f.sign = signedBy(jose.ES256, stranger, "one") }, "is not signed by a key of the issuer"},
		"a stranger's key, no kid": {func(f *fakeIssuer) { f.sign = signedBy(jose.ES256, stranger, "") }, "is not signed by a key of the issuer"},
		"alg none": {func(f *fakeIssuer) {
			f.sign = func(payload []byte) string { return text([]byte(`{"alg":"none"}`)) + "." + text(payload) + "." }
		}, "is not signed in a way that is accepted"},
		"alg none, as ES256": {func(f *fakeIssuer) {
			f.sign = func(payload []byte) string {
				return text([]byte(`{"alg":"ES256","kid":"one"}`)) + "." + text(payload) + "."
			}
		}, "is not signed by a key of the issuer"},
		"HS256 with the public key": {func(f *fakeIssuer) {
			public, err := x509.MarshalPKIXPublicKey(f.key.Public())
			if err != nil {
				t.Fatal(err)
			}
			f.sign = signedBy(jose.HS256, public, "one")
		}, "is not signed in a way that is accepted"},
		"a key in the token": {func(f *fakeIssuer) {
			f.sign = func(payload []byte) string {
				signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: stranger}, &jose.SignerOptions{EmbedJWK: true})
				if err != nil {
					t.Fatal(err)
				}
				jws, _ := signer.Sign(payload)
				out, _ := jws.CompactSerialize()
				return out
			}
		}, "is not signed by a key of the issuer"},
		"no token": {func(f *fakeIssuer) {
			f.answer = func(w http.ResponseWriter) bool {
				_, err := w.Write([]byte(`{"access_token":"hush-access","token_type":"Bearer"}`))
				return err == nil
			}
		}, "gave no ID token"},
		"no JWT": {func(f *fakeIssuer) { f.sign = func([]byte) string { return "hush" } }, "is not signed in a way that is accepted"},
		"an error": {func(f *fakeIssuer) {
			f.answer = func(w http.ResponseWriter) bool {
				w.WriteHeader(http.StatusUnauthorized)
				_, err := w.Write([]byte(`{"error":"invalid_client","error_description":"hush"}`))
				return err == nil
			}
		}, "does not take the code (401 invalid_client)"},
		"an error that is a secret": {func(f *fakeIssuer) {
			f.answer = func(w http.ResponseWriter) bool {
				w.WriteHeader(http.StatusInternalServerError)
				_, err := w.Write([]byte(`{"error":"hush hush"}`))
				return err == nil
			}
		}, "does not take the code (500)"},
		"a page": {func(f *fakeIssuer) {
			f.answer = func(w http.ResponseWriter) bool {
				_, err := w.Write([]byte("<html>hush"))
				return err == nil
			}
		}, "something that is not a token"},
		"a redirect": {func(f *fakeIssuer) {
			f.answer = func(w http.ResponseWriter) bool {
				w.Header().Set("Location", "https://evil.example/")
				w.WriteHeader(http.StatusTemporaryRedirect)
				return true
			}
		}, "does not take the code (307)"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			withOIDC(t, func(t *testing.T, r *rig, f *fakeIssuer) {
				f.change(tt.change)
				v := r.visitor()
				to := v.back(f.authorise(v.begin()))
				if in := v.role() != "" || to == "/" || v.cookies[hostPrefix+cookieName] != ""; in != (tt.why == "") {
					t.Errorf("let in: %v; it leads to %s", in, to)
				}
				log := r.log.String()
				if !strings.Contains(log, tt.why) {
					t.Errorf("the log does not say %q:\n%s", tt.why, log)
				}
				noHush(t, "the log", log)
				if tt.why != "" && to != "/#sign-in=issuer" {
					t.Errorf("it leads to %s", to)
				}
			})
		})
	}
}

// TestOIDCAttacksOnTheWay brings back what another browser, another time or another page has begun.
func TestOIDCAttacksOnTheWay(t *testing.T) {
	t.Parallel()
	withOIDC(t, func(t *testing.T, r *rig, f *fakeIssuer) {
		exchanges := func() int {
			f.mu.Lock()
			defer f.mu.Unlock()
			return len(f.tokens)
		}
		refused := func(what string, v *visitor, address, code string) {
			t.Helper()
			time.Sleep(failureLogEvery) // so that the log has each failure
			before := exchanges()
			if to := v.back(address); to != "/#sign-in="+code || v.cookies[hostPrefix+cookieName] != "" {
				t.Errorf("%s: it leads to %s, cookies %v", what, to, v.cookies)
			}
			if code != refusedIssuer && exchanges() != before {
				t.Errorf("%s: the code was redeemed", what)
			}
		}
		mallory, anna := r.visitor(), r.visitor()
		mallorys := f.authorise(mallory.begin())
		refused("a code for a browser that began nothing", anna, mallorys, refusedAttempt)
		anna.begin()
		refused("a code and state of another browser", anna, mallorys, refusedAttempt)

		// The code of another browser with one's own state: PKCE and nonce are of that one.
		anna = r.visitor()
		annas := anna.begin()
		own, _ := url.Parse(annas)
		stolen, _ := url.Parse(mallorys)
		q := stolen.Query()
		q.Set("state", own.Query().Get("state"))
		refused("another's code with one's own state", anna, OIDCPath+"?"+q.Encode(), refusedIssuer)

		anna = r.visitor()
		back := f.authorise(anna.begin())
		kept := anna.cookies["__Host-leadbridge-sign-in"]
		if to := anna.back(back); to != "/" {
			t.Fatalf("a good sign-in leads to %s", to)
		}
		again := r.visitor()
		again.cookies["__Host-leadbridge-sign-in"] = kept
		refused("a state that was used, with its cookie", again, back, refusedAttempt)

		late := r.visitor()
		back = f.authorise(late.begin())
		time.Sleep(attemptTime)
		refused("too late", late, back, refusedAttempt)
		late.begin()
		seconds, random, _ := strings.Cut(late.cookies["__Host-leadbridge-sign-in"], ".")
		late.cookies["__Host-leadbridge-sign-in"] = "9" + seconds + "." + random
		refused("with a later time in the cookie", late, back, refusedAttempt)

		other := r.visitor()
		back = f.authorise(other.begin())
		refused("the answer of another issuer", other, strings.Replace(back, url.QueryEscape(testIssuer), url.QueryEscape("https://evil.example"), 1), refusedIssuer)
		none := r.visitor()
		state, _ := url.Parse(none.begin())
		refused("refused there", none, OIDCPath+"?error=access_denied&error_description=hush&state="+state.Query().Get("state"), refusedThere)
		none = r.visitor()
		state, _ = url.Parse(none.begin())
		refused("refused there by no code", none, OIDCPath+"?error=hush+hush&state="+state.Query().Get("state"), refusedThere)
		refused("an error without a state", r.visitor(), OIDCPath+"?error=access_denied", refusedAttempt)

		// Nothing in the answer leads to a stranger's host.
		for _, name := range []string{"redirect_uri", "next", "return_to", "url", "RelayState"} {
			v := r.visitor()
			back := f.authorise(v.begin())
			if to := v.back(back + "&" + name + "=https://evil.example"); to != "/" {
				t.Errorf("%s leads to %s", name, to)
			}
			refused(name+" in an answer that is refused", r.visitor(), back+"&"+name+"=https://evil.example", refusedAttempt)
		}
		forged := r.visitor()
		w := forged.ask("POST", "/api/session/oidc", "{}", host("evil.example"), set("X-Forwarded-Host", "evil.example"))
		if strings.Contains(w.Body.String(), "evil") {
			t.Errorf("the host of the request is in %s", w.Body)
		}
		for name, change := range map[string]func(*http.Request){
			"another site": set("Sec-Fetch-Site", "cross-site"), "another origin": set("Origin", "https://evil.example"), "a form": set("Content-Type", "text/plain"),
		} {
			if w := forged.ask("POST", "/api/session/oidc", "{}", change); w.Code != http.StatusForbidden && w.Code != http.StatusUnsupportedMediaType {
				t.Errorf("%s begins a sign-in: %d", name, w.Code)
			}
		}
		noHush(t, "the log", r.log.String())
	})
}

// TestOIDCSessionsAreNew: a sign-in takes no session that the browser had before, and ends after its time, with what runs.
func TestOIDCSessionsAreNew(t *testing.T) {
	t.Parallel()
	withOIDC(t, func(t *testing.T, r *rig, f *fakeIssuer) {
		v := r.visitor()
		const planted = "a session that somebody planted"
		v.cookies[hostPrefix+cookieName] = planted
		v.back(f.authorise(v.begin()))
		if v.cookies[hostPrefix+cookieName] == planted || v.role() != "act" {
			t.Fatalf("role %q", v.role())
		}
		first := v.cookies[hostPrefix+cookieName]
		if v.back(f.authorise(v.begin())); v.cookies[hostPrefix+cookieName] == first {
			t.Error("two sign-ins have one session")
		}
		ended := make(chan error, 1)
		handler := r.server.authorised(roleAct, func(_ http.ResponseWriter, req *http.Request, _ caller) {
			<-req.Context().Done()
			ended <- context.Cause(req.Context())
		})
		go handler(newStreamed(), r.request("POST", "/api/any", "{}", unset("Authorization"), func(req *http.Request) {
			req.AddCookie(&http.Cookie{Name: hostPrefix + cookieName, Value: v.cookies[hostPrefix+cookieName]})
		}))
		time.Sleep(r.server.cfg.OIDC.Session - time.Second)
		synctest.Wait()
		if v.role() != "act" || len(ended) > 0 {
			t.Error("the session ended early")
		}
		time.Sleep(time.Second + 2*admittedEvery)
		synctest.Wait()
		if v.role() != "" || len(ended) != 1 || !errors.Is(<-ended, errRevoked) || !strings.Contains(r.log.String(), `"audit":"revoked","who":"oidc:anna"`) {
			t.Errorf("role %q after the session's time:\n%s", v.role(), r.log)
		}
	})
}

// TestOIDCIssuerAway: nobody waits for an issuer that does not answer. It is asked again, the page says it, and sign-ins by
// tokens go on. Once discovered it is used while its discovery fails.
func TestOIDCIssuerAway(t *testing.T) {
	t.Parallel()
	withOIDC(t, func(t *testing.T, r *rig, f *fakeIssuer) {
		f.change(func(f *fakeIssuer) { f.away = errors.New("connection refused") })
		defer r.run()()
		v := r.visitor()
		if body := v.ask("GET", "/api/session", "").Body.String(); !strings.Contains(body, `"away":true`) {
			t.Errorf("the page is told %s", body)
		}
		if w := v.ask("POST", "/api/session/oidc", "{}"); w.Code != http.StatusServiceUnavailable || !strings.Contains(w.Body.String(), "Example cannot be reached") {
			t.Errorf("%d %s", w.Code, w.Body)
		}
		if w := r.ask("POST", "/api/session", `{"token":"`+testToken+`"}`); w.Code != http.StatusNoContent {
			t.Errorf("a token while the issuer is away: %d", w.Code)
		}
		time.Sleep(10 * time.Minute)
		asked := func() int {
			f.mu.Lock()
			defer f.mu.Unlock()
			return len(f.asked)
		}
		if n := asked(); n < 20 || n > 26 { // 1, 2, 4, 8, 16 seconds, and then each 30
			t.Errorf("asked %d times in ten minutes", n)
		}
		if log := r.log.String(); strings.Count(log, "cannot be used") != 1 || !strings.Contains(log, "it does not answer (connection refused)") {
			t.Errorf("log %s", log)
		}
		f.change(func(f *fakeIssuer) { f.away = nil })
		time.Sleep(lastIssuerPause)
		synctest.Wait()
		if body := v.ask("GET", "/api/session", "").Body.String(); !strings.Contains(body, `"away":false`) {
			t.Errorf("the page is told %s", body)
		}
		n := asked()
		v.back(f.authorise(v.begin()))
		if v.role() != "act" || asked() != n+2 { // code and keys; no discovery
			t.Errorf("role %q, asked %v", v.role(), f.asked[n:])
		}
		f.change(func(f *fakeIssuer) { f.document = func(d map[string]any) { d["issuer"] = "https://evil.example" } })
		time.Sleep(discoveredFor)
		later := r.visitor()
		if later.back(f.authorise(later.begin())); later.role() != "act" {
			t.Errorf("what was discovered is not used while discovery fails: %s", r.log)
		}
		f.change(func(f *fakeIssuer) { f.away = errors.New("gone") })
		gone := r.visitor()
		if to := gone.back(f.authorise(gone.begin())); to != "/#sign-in=issuer" || !strings.Contains(r.log.String(), "the issuer does not answer (gone)") {
			t.Errorf("it leads to %s: %s", to, r.log)
		}
	})
}

// TestOIDCVisitorsWhoLeave: whoever begins sign-ins and leaves while the issuer is asked has it asked no more often than others,
// and does not keep them from it.
func TestOIDCVisitorsWhoLeave(t *testing.T) {
	t.Parallel()
	withOIDC(t, func(t *testing.T, r *rig, f *fakeIssuer) {
		f.change(func(f *fakeIssuer) { f.hangs = true })
		asked := func() int {
			f.mu.Lock()
			defer f.mu.Unlock()
			return f.hung
		}
		for range 600 {
			ctx, leave := context.WithTimeout(t.Context(), 100*time.Millisecond)
			r.handler.ServeHTTP(httptest.NewRecorder(), r.request("POST", "/api/session/oidc", "{}").WithContext(ctx))
			<-ctx.Done()
			leave()
		}
		if n := asked(); n == 0 || n > 6 { // each takes five seconds, with a growing pause behind it
			t.Errorf("the issuer was asked %d times in a minute", n)
		}
		f.change(func(f *fakeIssuer) { f.hangs = false })
		time.Sleep(lastIssuerPause + issuerTime)
		r.visitor().begin()
		if log := r.log.String(); strings.Count(log, "cannot be used") != 1 {
			t.Errorf("log %s", log)
		}
	})
}

// TestOIDCCodesAreBounded: a peer that brings back made-up codes has the issuer asked for a few of them only, and keeps nobody at
// another address out, nor whoever has a token. Good codes do not count.
func TestOIDCCodesAreBounded(t *testing.T) {
	t.Parallel()
	withOIDC(t, func(t *testing.T, r *rig, f *fakeIssuer) {
		asked := func() int {
			f.mu.Lock()
			defer f.mu.Unlock()
			return len(f.tokens)
		}
		from := func(peer string) func(*http.Request) { return func(r *http.Request) { r.RemoteAddr = peer + ":1" } }
		back := func(v *visitor, peer string, code func(state string) string) string {
			u, _ := url.Parse(f.authorise(v.begin()))
			if code != nil {
				u.RawQuery = code(u.Query().Get("state"))
			}
			return v.ask("GET", OIDCPath+"?"+u.RawQuery, "", from(peer)).Header().Get("Location")
		}
		for range 3 * guesses {
			if to := back(r.visitor(), "192.0.2.1", nil); to != "/" {
				t.Fatalf("a good code leads to %s", to)
			}
		}
		made := func(state string) string { return url.Values{"state": {state}, "code": {"made up"}}.Encode() }
		before := asked()
		busy := 0
		for range 100 {
			if back(r.visitor(), "192.0.2.9", made) == "/#sign-in=busy" {
				busy++
			}
		}
		if n := asked() - before; n != guesses || busy != 100-guesses {
			t.Errorf("the issuer was asked for %d made-up codes, %d were too many", n, busy)
		}
		if to := back(r.visitor(), "192.0.2.1", nil); to != "/" {
			t.Errorf("somebody elsewhere is led to %s", to)
		}
		if w := r.ask("POST", "/api/session", `{"token":"`+testToken+`"}`, from("192.0.2.9")); w.Code != http.StatusNoContent {
			t.Errorf("a token of the same address: %d", w.Code)
		}
		if w := r.ask("POST", "/api/session", `{"token":"wrong"}`, from("192.0.2.9")); w.Code != http.StatusUnauthorized {
			t.Errorf("a wrong token of the same address: %d", w.Code)
		}
		time.Sleep(guessEvery)
		if to := back(r.visitor(), "192.0.2.9", nil); to != "/" {
			t.Errorf("later a good code of the same address leads to %s", to)
		}
	})
}

// TestSecureCookieOfTheRedirectHost: a proxy that says nothing of https is known by the redirect URL; a page at another host, as by
// a forwarded port, has a cookie that comes back.
func TestSecureCookieOfTheRedirectHost(t *testing.T) {
	t.Parallel()
	withOIDC(t, func(t *testing.T, r *rig, _ *fakeIssuer) {
		for at, want := range map[string]string{"bridge.example": "__Host-leadbridge-session", "127.0.0.1:8083": "leadbridge-session"} {
			_, c := r.session(host(at))
			if c.Name != want || c.Secure != strings.HasPrefix(want, "__Host-") {
				t.Errorf("at %s: cookie %+v", at, c)
			}
		}
	})
}

// TestOIDCDiscovery reads discovery documents that cannot be used.
func TestOIDCDiscovery(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		document func(map[string]any)
		want     string // "": it is used
	}{
		"good":               {func(map[string]any) {}, ""},
		"another issuer":     {func(d map[string]any) { d["issuer"] = testIssuer + "/" }, "names another issuer, \\\"https://login.example.com/realm/\\\": set ADMIN_OIDC_ISSUER"},
		"tokens in plain":    {func(d map[string]any) { d["token_endpoint"] = "http://login.example.com/token" }, "not https://"},
		"keys in plain":      {func(d map[string]any) { d["jwks_uri"] = "http://login.example.com/keys" }, "not https://"},
		"a script":           {func(d map[string]any) { d["authorization_endpoint"] = "javascript:alert(1)" }, "not https://"},
		"no keys":            {func(d map[string]any) { delete(d, "jwks_uri") }, "missing or not https://"},
		"no document at all": {func(d map[string]any) { d["issuer"] = 7 }, "has no discovery document"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			withOIDC(t, func(t *testing.T, r *rig, f *fakeIssuer) {
				f.document = tt.document
				w := r.visitor().ask("POST", "/api/session/oidc", "{}")
				if (w.Code == http.StatusOK) != (tt.want == "") || !strings.Contains(r.log.String(), tt.want) {
					t.Errorf("%d, log %s", w.Code, r.log)
				}
			})
		})
	}
}

// TestOIDCKeysAreRotated signs with new keys, without a restart; the old ones do not count an hour later.
func TestOIDCKeysAreRotated(t *testing.T) {
	t.Parallel()
	withOIDC(t, func(t *testing.T, r *rig, f *fakeIssuer) {
		signIn := func() string {
			v := r.visitor()
			v.back(f.authorise(v.begin()))
			return v.role()
		}
		if signIn() != "act" {
			t.Fatal("the first key is not taken")
		}
		f.rotate(t, "two")
		if signIn() != "act" {
			t.Errorf("a new key is not taken: %s", r.log)
		}
		// A key that the issuer has withdrawn, without anybody signing in by a new one.
		leaked := f.key
		f.rotate(t, "three")
		time.Sleep(time.Hour)
		f.change(func(f *fakeIssuer) { f.sign = signedBy(jose.ES256, leaked, "two") })
		if signIn() != "" {
			t.Error("an old key is taken an hour later")
		}
	})
}

// TestOIDCClients proves who we are by what there is: a file's secret as it is now, a body where the issuer wants it, nothing.
func TestOIDCClients(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "secret")
	write := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("hush-one\n")
	signIn := func(r *rig, f *fakeIssuer) string {
		v := r.visitor()
		v.back(f.authorise(v.begin()))
		return v.role()
	}
	withOIDC(t, func(t *testing.T, r *rig, f *fakeIssuer) {
		signIn(r, f)
		write("hush-two")
		if signIn(r, f) != "act" || f.basic[0][1] != "hush-one" || f.basic[1][1] != "hush-two" {
			t.Errorf("secrets %v", f.basic)
		}
		write(" ")
		if signIn(r, f) != "" || !strings.Contains(r.log.String(), "ADMIN_OIDC_CLIENT_SECRET_FILE cannot be read, or is empty") {
			t.Errorf("log %s", r.log)
		}
	}, func(c *Config) { c.OIDC.ClientSecret = crmclient.Secret{File: file} })
	withOIDC(t, func(t *testing.T, r *rig, f *fakeIssuer) {
		f.document = func(d map[string]any) { d["token_endpoint_auth_methods_supported"] = []string{"client_secret_post"} }
		if signIn(r, f) != "act" || len(f.basic) > 0 || f.tokens[0].Get("client_secret") != "hush-secret" {
			t.Errorf("%v %v", f.basic, f.tokens)
		}
	})
	withOIDC(t, func(t *testing.T, r *rig, f *fakeIssuer) {
		if signIn(r, f) != "act" || len(f.basic) > 0 || f.tokens[0].Has("client_secret") || f.tokens[0].Get("client_id") != testClient || len(f.tokens[0].Get("code_verifier")) != 43 {
			t.Errorf("%v %v", f.basic, f.tokens)
		}
	}, func(c *Config) { c.OIDC.ClientSecret = crmclient.Secret{} })
}

// TestOIDCAlone: without tokens nobody gets in by one, and not by a loopback address either.
func TestOIDCAlone(t *testing.T) {
	t.Parallel()
	withOIDC(t, func(t *testing.T, r *rig, f *fakeIssuer) {
		for _, token := range []string{"", testToken} {
			if w := r.ask("POST", "/api/session", `{"token":"`+token+`"}`, host("localhost")); w.Code != http.StatusUnauthorized || len(w.Result().Cookies()) > 0 {
				t.Errorf("the token %q: %d", token, w.Code)
			}
			if w := r.ask("GET", "/api/state", "", host("localhost"), set("Authorization", "Bearer "+token)); w.Code != http.StatusUnauthorized {
				t.Errorf("the bearer token %q: %d", token, w.Code)
			}
		}
		v := r.visitor()
		if body := v.ask("GET", "/api/session", "").Body.String(); !strings.Contains(body, `"needed":true`) || !strings.Contains(body, `"alone":true`) {
			t.Errorf("the page is told %s", body)
		}
		if v.back(f.authorise(v.begin())); v.role() != "act" {
			t.Errorf("role %q", v.role())
		}
	}, func(c *Config) { c.Token = crmclient.Secret{} })
}

// TestNoOIDC: where it is off, its paths are as if they were not there.
func TestNoOIDC(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, r *rig) {
		for path, method := range map[string]string{"/api/session/oidc": "POST", OIDCPath + "?code=a&state=b": "GET"} {
			if w := r.visitor().ask(method, path, ""); w.Code != http.StatusNotFound || len(w.Result().Cookies()) > 0 {
				t.Errorf("%s: %d", path, w.Code)
			}
		}
	})
}

// TestOIDCAttemptsAreBounded brings back more states than are remembered, and more codes at a time than are redeemed.
func TestOIDCAttemptsAreBounded(t *testing.T) {
	t.Parallel()
	withOIDC(t, func(t *testing.T, r *rig, f *fakeIssuer) {
		s := r.server.oidc
		now := time.Now()
		for range maxUsed + 10 {
			cookie := s.newAttempt(now)
			if _, ok := s.came(cookie, s.attempt(cookie).state, now); !ok {
				t.Fatal("a good state is refused")
			}
		}
		if len(s.used) > maxUsed {
			t.Errorf("%d states are remembered", len(s.used))
		}
		for range maxExchanges {
			s.exchanges <- struct{}{}
		}
		v := r.visitor()
		if to := v.back(f.authorise(v.begin())); to != "/#sign-in=busy" {
			t.Errorf("it leads to %s", to)
		}
		for range maxExchanges {
			<-s.exchanges
		}
	})
}

func TestOIDCRolesThatCannotBeUsed(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"look=a,act=b":            "",
		" look = a , act = b=c ":  "",
		"":                        "part 1 is not ROLE=VALUE",
		"look=a,":                 "part 2 is not ROLE=VALUE",
		"look":                    "part 1 is not ROLE=VALUE",
		"look=":                   "part 1 is not ROLE=VALUE",
		"root=a":                  "part 1 is wrong: the role is none of",
		"look=a,reveal=b,act=a":   "part 3 is wrong: an earlier part is about the same value",
		"look=a,=hush@example.co": "part 2 is wrong: the role is none of",
	} {
		roles, err := ParseOIDCRoles(text)
		if (err == nil) != (want == "") || err != nil && (!strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hush")) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
		if text == " look = a , act = b=c " && (roles.of([]string{"b=c"}) != roleAct || roles.of([]string{"", "a"}) != roleLook) {
			t.Errorf("%q: %v", text, roles)
		}
	}
}

// TestOIDCTrust reaches an issuer by TLS, with and without its authority, and reads no endless answer.
func TestOIDCTrust(t *testing.T) {
	t.Parallel()
	var address string
	endless := false
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = fmt.Fprintf(w, `{"issuer":%[1]q,"authorization_endpoint":"%[1]s/a","token_endpoint":"%[1]s/t","jwks_uri":"%[1]s/k"`, address)
		for endless {
			if _, err := w.Write(bytes.Repeat([]byte(" "), 1<<16)); err != nil {
				return
			}
		}
		_, _ = w.Write([]byte("}"))
	}))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	defer server.Close()
	address = server.URL
	trusted := x509.NewCertPool()
	trusted.AddCert(server.Certificate())
	discover := func(authority func() *x509.CertPool) error {
		cfg := testOIDC(t)
		cfg.Issuer, cfg.Authority = address, authority
		_, err := newIssuer(cfg, zerolog.Nop()).discover(t.Context())
		return err
	}
	if err := discover(func() *x509.CertPool { return trusted }); err != nil {
		t.Errorf("with its authority: %v", err)
	}
	for name, authority := range map[string]func() *x509.CertPool{"of the system": nil, "none in the file": func() *x509.CertPool { return nil }} {
		if err := discover(authority); err == nil || !strings.Contains(err.Error(), "ADMIN_OIDC_CA_FILE names whom to trust") {
			t.Errorf("authorities %s: %v", name, err)
		}
	}
	endless = true
	if err := discover(func() *x509.CertPool { return trusted }); err == nil || !strings.Contains(err.Error(), "has no discovery document") {
		t.Errorf("an endless answer: %v", err)
	}
}
