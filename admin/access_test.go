package admin

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leadbridge/leadbridge/crmclient"
)

func set(name, value string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set(name, value) }
}

func unset(name string) func(*http.Request) { return func(r *http.Request) { r.Header.Del(name) } }

func host(name string) func(*http.Request) { return func(r *http.Request) { r.Host = name } }

type route struct{ method, path, body string }

// routes are all of the API that need the token, with a body that they take.
var routes = []route{
	{"GET", "/api/state", ""},
	{"GET", "/api/live", ""},
	{"GET", "/api/history", ""},
	{"POST", "/api/letters/search", "{}"},
	{"GET", "/api/letters/0:0", ""},
	{"POST", "/api/letters/0:0/reveal", "{}"},
	{"POST", "/api/letters/0:0/find", "{}"},
	{"POST", "/api/letters/0:0/preview", "{}"},
	{"POST", "/api/replay", `{"places":["0:0"],"dryRun":true}`},
	{"GET", "/api/nothing", ""},
}

// TestOnlyWhoMay tries every route with every kind of visitor.
func TestOnlyWhoMay(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, r *rig) {
		r.seed(letterNo(0))
		for name, c := range map[string]struct {
			change []func(*http.Request)
			status int // 0: let in
		}{
			"nobody":             {[]func(*http.Request){unset("Authorization")}, 401},
			"empty token":        {[]func(*http.Request){set("Authorization", "Bearer ")}, 401},
			"another scheme":     {[]func(*http.Request){set("Authorization", "Basic "+testToken)}, 401},
			"made-up session":    {[]func(*http.Request){unset("Authorization"), set("Cookie", cookieName+"=1")}, 401},
			"token as session":   {[]func(*http.Request){unset("Authorization"), set("Cookie", cookieName+"="+testToken)}, 401},
			"bearer":             {nil, 0},
			"bearer, lower case": {[]func(*http.Request){set("Authorization", "bearer "+testToken)}, 0},
			"the page itself":    {[]func(*http.Request){set("Sec-Fetch-Site", "same-origin"), set("Origin", "http://bridge.example")}, 0},
			"typed by a person":  {[]func(*http.Request){set("Sec-Fetch-Site", "none")}, 0},
			"another site":       {[]func(*http.Request){set("Sec-Fetch-Site", "cross-site")}, 403},
			"a neighbour's site": {[]func(*http.Request){set("Sec-Fetch-Site", "same-site")}, 403},
			"another host":       {[]func(*http.Request){host("evil.example")}, 0}, // it has the token
		} {
			for _, route := range routes {
				if c.status == 0 && route.path == "/api/live" {
					continue // shown by TestLive
				}
				w := r.ask(route.method, route.path, route.body, c.change...)
				if c.status != 0 && w.Code != c.status || c.status == 0 && (w.Code == 401 || w.Code == 403) {
					t.Errorf("%s, %s %s: %d, want %d", name, route.method, route.path, w.Code, c.status)
				}
				if w.Code == 401 && (w.Header().Get("WWW-Authenticate") == "" || !strings.Contains(w.Body.String(), `"status":401`)) {
					t.Errorf("%s, %s: no problem details: %s", name, route.path, w.Body)
				}
			}
			// What changes something is not for an Origin of others either, whatever else is said.
			w := r.ask("POST", "/api/letters/search", "{}", append(c.change, set("Origin", "https://other.example"), unset("Sec-Fetch-Site"))...)
			if w.Code != 403 {
				t.Errorf("%s, from the origin of another: %d", name, w.Code)
			}
		}
	})
}

// TestGuessesAreBounded guesses tokens, in both ways: a peer that fails too often is told to wait, and
// nobody else; the right token lets in all the time. Each peer's failures leave a line, without a token.
func TestGuessesAreBounded(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, r *rig) {
		from := func(address string) func(*http.Request) {
			return func(req *http.Request) { req.RemoteAddr = address }
		}
		signIn := func(token, address string) int {
			w := r.ask("POST", "/api/session", `{"token":"`+token+`"}`, unset("Authorization"), from(address))
			if w.Code == http.StatusTooManyRequests {
				if wait, err := strconv.Atoi(w.Header().Get("Retry-After")); err != nil || wait < 1 {
					t.Errorf("Retry-After %q", w.Header().Get("Retry-After"))
				}
			}
			return w.Code
		}
		for n := range guesses {
			if code := signIn("hunter"+strconv.Itoa(n), "192.0.2.7:1"); code != 401 {
				t.Fatalf("guess %d: %d", n, code)
			}
		}
		began := time.Now()
		if code := signIn("one more", "192.0.2.7:2"); code != 429 || time.Since(began) != failureDelay {
			t.Errorf("after %d guesses: %d, %v", guesses, code, time.Since(began))
		}
		if w := r.ask("GET", "/api/state", "", set("Authorization", "Bearer hunter"), from("192.0.2.7:3")); w.Code != 429 {
			t.Errorf("a wrong bearer after %d guesses: %d", guesses, w.Code)
		}
		for _, address := range []string{"192.0.2.7:4", "192.0.2.8:1"} { // the guesser's own proxy may be ours
			if code := signIn(testToken, address); code != 204 {
				t.Errorf("the right token from %s: %d", address, code)
			}
			if w := r.ask("GET", "/api/state", "", from(address)); w.Code != 200 {
				t.Errorf("the right bearer from %s: %d", address, w.Code)
			}
		}
		if code := signIn("a typing error", "192.0.2.8:2"); code != 401 {
			t.Errorf("another peer's first mistake: %d", code)
		}
		for n := range guesses {
			signIn("guess"+strconv.Itoa(n), "[2001:db8::"+strconv.Itoa(n+1)+"]:1")
		}
		if code := signIn("more", "[2001:db8::ffff:1]:1"); code != 429 {
			t.Errorf("another address of one customer: %d", code)
		}
		time.Sleep(guessEvery)
		if code := signIn("again", "192.0.2.7:5"); code != 401 {
			t.Errorf("a while later: %d", code)
		}
		log := r.log.String()
		if !strings.Contains(log, "wrong token") || !strings.Contains(log, "192.0.2.8") || strings.Contains(log, "hunter") || strings.Contains(log, "guess") {
			t.Errorf("log %s", log)
		}
	})
}

// TestPeersAreBounded fails from more addresses than are remembered.
func TestPeersAreBounded(t *testing.T) {
	t.Parallel()
	g := guard{tokens: tokens{one: crmclient.Secret{Value: testToken}}}
	for n := range maxPeers + 100 {
		g.check("wrong "+strconv.Itoa(n), "peer "+strconv.Itoa(n))
	}
	if len(g.peers) > maxPeers+1 {
		t.Errorf("%d peers are remembered", len(g.peers))
	}
	if _, right, wait := g.check(testToken, "another"); !right || wait != 0 {
		t.Errorf("the right token: %t %v", right, wait)
	}
}

// TestAnOldTokenLeavesALine polls with a token that is not in force any more: it is no guess, and
// is told as what it is.
func TestAnOldTokenLeavesALine(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "token")
	write := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("the old token of these tests")
	bubble(t, func(t *testing.T, r *rig) {
		old := set("Authorization", "Bearer the old token of these tests")
		if w := r.ask("GET", "/api/state", "", old); w.Code != 200 {
			t.Fatalf("the token in force: %d", w.Code)
		}
		write(testToken)
		time.Sleep(tokenAge)
		for range 3 * guesses {
			if w := r.ask("GET", "/api/state", "", old); w.Code != 401 {
				t.Fatalf("an old token: %d", w.Code)
			}
		}
		if w := r.ask("GET", "/api/state", ""); w.Code != 200 {
			t.Errorf("the token in force: %d", w.Code)
		}
		if log := r.log.String(); strings.Count(log, "old bearer token") != 1 || strings.Contains(log, "of these tests") {
			t.Errorf("log %s", log)
		}
		time.Sleep(failureLogEvery)
		r.ask("GET", "/api/state", "", old)
		if log := r.log.String(); strings.Count(log, "old bearer token") != 2 || !strings.Contains(log, `"failures":30`) {
			t.Errorf("log %s", log)
		}
	}, func(c *Config) { c.Token = crmclient.Secret{File: file} })
}

// TestLoopbackWithoutToken lets whoever is on the machine in, by a name of the machine only.
func TestLoopbackWithoutToken(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, r *rig) {
		for name, status := range map[string]int{
			"localhost": 200, "LOCALHOST:8081": 200, "127.0.0.1": 200, "127.1.2.3:8081": 200, "[::1]:8081": 200, "[::1]": 200,
			"bridge.example": 403, "127.0.0.1.evil.example": 403, "localhost.evil.example:8081": 403, "10.0.0.1": 403, "": 403, "0.0.0.0": 403,
		} {
			for _, path := range []string{"/", "/api/state", "/api/session"} {
				if w := r.ask("GET", path, "", unset("Authorization"), host(name)); w.Code != status {
					t.Errorf("%q %s: %d, want %d", name, path, w.Code, status)
				}
			}
		}
		for _, name := range []string{"X-Forwarded-For", "Forwarded", "Via", "X-Real-IP"} {
			if w := r.ask("GET", "/api/state", "", unset("Authorization"), host("127.0.0.1:8081"), set(name, "10.0.0.1")); w.Code != 403 {
				t.Errorf("through a proxy that says %s: %d", name, w.Code)
			}
		}
		if w := r.ask("GET", "/api/session", "", host("localhost")); strings.TrimSpace(w.Body.String()) != `{"needed":false,"signedIn":true,"role":"act"}` {
			t.Errorf("the page is told %s", w.Body)
		}
		if w := r.ask("POST", "/api/session", `{"token":"any"}`, host("localhost")); w.Code != http.StatusNoContent || len(w.Result().Cookies()) > 0 {
			t.Errorf("a sign-in that nobody needs: %d", w.Code)
		}
	}, func(c *Config) { c.Token = crmclient.Secret{} })
}

// session signs in and gives what carries the session.
func (r *rig) session(change ...func(*http.Request)) (func(*http.Request), *http.Cookie) {
	r.t.Helper()
	w := r.ask("POST", "/api/session", `{"token":"`+testToken+`"}`, append(change, unset("Authorization"))...)
	cookies := w.Result().Cookies()
	if w.Code != http.StatusNoContent || len(cookies) != 1 {
		r.t.Fatalf("sign in: %d, %d cookies", w.Code, len(cookies))
	}
	return func(req *http.Request) {
		req.Header.Del("Authorization")
		req.AddCookie(&http.Cookie{Name: cookies[0].Name, Value: cookies[0].Value})
	}, cookies[0]
}

func TestSession(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, r *rig) {
		with, c := r.session()
		if !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || c.Path != "/" || c.Secure || strings.Contains(c.Value, testToken) || len(c.Value) < 32 {
			t.Errorf("cookie %+v", c)
		}
		for _, proto := range []string{"https", "HTTPS", "https, http"} {
			_, c := r.session(set("X-Forwarded-Proto", proto))
			if !c.Secure || c.Name != "__Host-leadbridge-session" || c.Path != "/" || c.Domain != "" {
				t.Errorf("behind a proxy that says %s: cookie %+v", proto, c)
			}
			// Whoever owns another host of the domain can set a cookie without the prefix: it does not count.
			own := func(name string) int {
				return r.ask("GET", "/api/state", "", unset("Authorization"), set("X-Forwarded-Proto", proto), set("Cookie", name+"="+c.Value)).Code
			}
			if with, without := own(c.Name), own(cookieName); with != 200 || without != 401 {
				t.Errorf("%s: with the prefix %d, without it %d", proto, with, without)
			}
			if w := r.ask("DELETE", "/api/session", "", unset("Authorization"), set("X-Forwarded-Proto", proto), set("Cookie", c.Name+"="+c.Value)); own(c.Name) != 401 || w.Result().Cookies()[0].Name != c.Name {
				t.Errorf("%s: signing out leaves the session, or deletes another cookie", proto)
			}
		}
		other, _ := r.session()
		in := func(with func(*http.Request)) bool { return r.ask("GET", "/api/state", "", with).Code == 200 }
		if !in(with) || !in(other) {
			t.Error("a session does not let in")
		}
		if w := r.ask("DELETE", "/api/session", "", with); w.Code != 204 || in(with) || !in(other) {
			t.Errorf("signed out (%d): it lets in %v, another session %v", w.Code, in(with), in(other))
		}
		time.Sleep(sessionTime - time.Minute)
		if !in(other) {
			t.Error("a session ended early")
		}
		time.Sleep(2 * time.Minute)
		if in(other) {
			t.Error("a session does not end")
		}
		if strings.Contains(r.log.String(), c.Value) || strings.Contains(r.log.String(), testToken) {
			t.Errorf("the log tells a secret: %s", r.log)
		}
	})
}

// TestNewTokenEndsSessions changes the token's file.
func TestNewTokenEndsSessions(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "token")
	write := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(testToken + "\n")
	bubble(t, func(t *testing.T, r *rig) {
		with, _ := r.session()
		in := func() bool { return r.ask("GET", "/api/state", "", with).Code == 200 }
		if err := os.Remove(file); err != nil { // being replaced
			t.Fatal(err)
		}
		time.Sleep(tokenKept - tokenAge)
		if !in() {
			t.Error("a file that is being replaced signs everybody out")
		}
		time.Sleep(2 * tokenAge)
		if in() {
			t.Error("a token whose file was deleted lets in for ever")
		}
		write(testToken)
		time.Sleep(tokenAge)
		if !in() {
			t.Error("the same token again signs everybody out")
		}
		write("\n")
		time.Sleep(tokenAge)
		if in() {
			t.Error("an empty file lets somebody in")
		}
		if log := r.log.String(); strings.Count(log, "cannot be read") != 1 || strings.Count(log, "is empty") != 1 {
			t.Errorf("log %s", log)
		}
		write("another token of these tests")
		time.Sleep(2 * tokenAge)
		if in() {
			t.Error("a session outlived its token")
		}
		if w := r.ask("GET", "/api/state", ""); w.Code != 401 {
			t.Errorf("the old token: %d", w.Code)
		}
		if w := r.ask("GET", "/api/state", "", set("Authorization", "Bearer another token of these tests")); w.Code != 200 {
			t.Errorf("the new token: %d", w.Code)
		}
	}, func(c *Config) { c.Token = crmclient.Secret{File: file} })
}

// TestSessionsAreBounded signs in more often than there is room.
func TestSessionsAreBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := sessions{byID: map[digest]session{}}
		holds := func(id string) bool {
			_, ok := s.of(id)
			return ok
		}
		begin := func(name, peer string) string {
			time.Sleep(time.Millisecond) // each ends later than the one before
			return s.begin(holder{name: name}, peer)
		}
		anna, stranger := begin("anna", "192.0.2.1"), begin("", "192.0.2.2")
		own := begin("lena", "192.0.2.3")
		for range 3 * maxOwnSessions { // one person, from everywhere
			begin("lena", fmt.Sprint("192.0.2.", len(s.byID)))
		}
		if n := len(s.byID); n != 2+maxOwnSessions || holds(own) || !holds(anna) || !holds(stranger) {
			t.Errorf("%d sessions; the oldest of her own %v, those of others %v %v", n, holds(own), holds(anna), holds(stranger))
		}
		var last string
		for n := range maxSessions + 100 { // many people who come again and again
			last = begin(fmt.Sprint("person ", n%(2*maxSessions/maxOwnSessions)), "192.0.2.4")
		}
		if n := len(s.byID); n != maxSessions || !holds(anna) || !holds(stranger) || !holds(last) {
			t.Errorf("%d sessions; the last %v, those of others %v %v", n, holds(last), holds(anna), holds(stranger))
		}
		for n := range maxSessions + 100 { // one token without a name, from as many addresses as there are
			last = begin("", fmt.Sprint("address ", n))
		}
		if n := len(s.byID); n != maxSessions || !holds(last) {
			t.Errorf("%d sessions; the last %v", n, holds(last))
		}
	})
}

// TestHeadersEverywhere looks at every route, good and bad.
func TestHeadersEverywhere(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, r *rig) {
		all := slices.Concat(routes, []route{
			{"GET", "/", ""}, {"GET", "/assets/main.js", ""}, {"GET", "/assets/none.js", ""}, {"GET", "/none", ""},
			{"GET", "/api/session", ""}, {"DELETE", "/api/state", ""},
		})
		for _, route := range all {
			if route.path == "/api/live" {
				continue
			}
			w := r.ask(route.method, route.path, route.body)
			policy := w.Header().Get("Content-Security-Policy")
			for _, part := range []string{
				"default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self'", "connect-src 'self'", "base-uri 'none'",
				"form-action 'none'", "frame-ancestors 'none'", "require-trusted-types-for 'script'",
			} {
				if !strings.Contains(policy+";", part+";") {
					t.Errorf("%s: policy %q lacks %s", route.path, policy, part)
				}
			}
			if strings.Contains(policy, "unsafe") {
				t.Errorf("%s: policy %q", route.path, policy)
			}
			for name, value := range map[string]string{"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "X-Frame-Options": "DENY"} {
				if got := w.Header().Get(name); got != value {
					t.Errorf("%s: %s %q", route.path, name, got)
				}
			}
			if cache := w.Header().Get("Cache-Control"); strings.HasPrefix(route.path, "/api") && cache != "no-store" {
				t.Errorf("%s may be stored: %q", route.path, cache)
			}
			if w.Header().Get("Access-Control-Allow-Origin") != "" {
				t.Errorf("%s opens itself to other origins", route.path)
			}
		}
	})
}

// TestAssets serves the page's files with their types, and nothing for a path that leads out.
func TestAssets(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, r *rig) {
		for path, kind := range map[string]string{"/": "text/html", "/assets/main.js": "text/javascript", "/assets/base.css": "text/css", "/assets/icon.svg": "image/svg+xml"} {
			w := r.ask("GET", path, "", unset("Authorization"))
			tag := w.Header().Get("ETag")
			if w.Code != 200 || !strings.HasPrefix(w.Header().Get("Content-Type"), kind) || tag == "" || w.Body.Len() == 0 {
				t.Errorf("%s: %d %v", path, w.Code, w.Header())
			}
			if again := r.ask("GET", path, "", set("If-None-Match", tag)); again.Code != 304 || again.Body.Len() > 0 {
				t.Errorf("%s again: %d", path, again.Code)
			}
		}
		for _, path := range []string{"/assets/", "/assets/..%2fpage.go", "/assets/../page.go", "/page/main.js", "/index.html"} {
			if w := r.ask("GET", path, ""); w.Code == 200 {
				t.Errorf("%s: 200", path)
			}
		}
	})
}

// TestOnlyJSON refuses what a form of another site could send.
func TestOnlyJSON(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, r *rig) {
		for body, c := range map[string]struct {
			kind   string
			status int
		}{
			`{}`:                              {"text/plain", 415},
			`{} `:                             {"application/x-www-form-urlencoded", 415},
			`{"text":""}`:                     {"application/json; charset=utf-8", 200},
			`{"txt":""}`:                      {"application/json", 400},
			`[]`:                              {"application/json", 400},
			`{} {}`:                           {"application/json", 400},
			`{"states":["lost"]}`:             {"application/json", 400},
			`{"except":["x"]}`:                {"application/json", 400},
			`{"limit":1001}`:                  {"application/json", 400},
			`{"since":"yesterday"}`:           {"application/json", 400},
			`{"since":"","until":null}`:       {"application/json", 200},
			strings.Repeat(" ", 1<<16) + "{}": {"application/json", 413},
		} {
			if w := r.ask("POST", "/api/letters/search", body, set("Content-Type", c.kind)); w.Code != c.status {
				t.Errorf("%.30q as %s: %d %s, want %d", body, c.kind, w.Code, w.Body, c.status)
			}
		}
	})
}
