package oidc

import (
	"bytes"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/leadbridge/leadbridge/admin"
	"github.com/leadbridge/leadbridge/browser/internal/issuer"
	"github.com/leadbridge/leadbridge/crmclient"
)

const clientID, secret = "leadbridge-page", "hush-secret"

// switched is a handler that can be exchanged; without one, connections break.
type switched struct {
	mu sync.Mutex
	h  http.Handler
}

func (s *switched) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	h := s.h
	s.mu.Unlock()
	if h == nil {
		panic(http.ErrAbortHandler)
	}
	h.ServeHTTP(w, r)
}

func (s *switched) set(h http.Handler) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.h = h
}

// rig is a page and an issuer.
type rig struct {
	t      *testing.T
	page   string // its address
	log    lockedBuffer
	server switched // of the issuer
	issuer string   // its address
	secret string   // of the client
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// newRig serves page and issuer; with "" the client is a public one. The issuer is away until open is called.
func newRig(t *testing.T, secret string, change func(*admin.OIDC)) *rig {
	t.Helper()
	r := &rig{t: t}
	provider := httptest.NewServer(&r.server)
	t.Cleanup(provider.Close)
	r.issuer = provider.URL + "/"
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r.page = "http://" + listener.Addr().String()
	roles, err := admin.ParseOIDCRoles("look=readers,act=oncall")
	if err != nil {
		t.Fatal(err)
	}
	cfg := &admin.OIDC{
		Issuer: r.issuer, ClientID: clientID, ClientSecret: crmclient.Secret{Value: secret}, RedirectURL: r.page + admin.OIDCPath,
		Scopes: []string{"openid", "profile", "email"}, NameClaim: "email", RolesClaim: "groups", Roles: roles, Title: "Example", Session: time.Hour,
	}
	if change != nil {
		change(cfg)
	}
	s, err := admin.New(admin.Config{OIDC: cfg, Log: zerolog.New(&r.log)})
	if err != nil {
		t.Fatal(err)
	}
	page := &httptest.Server{Listener: listener, Config: &http.Server{Handler: s.Handler(), ReadHeaderTimeout: time.Minute}}
	page.Start()
	t.Cleanup(page.Close)
	r.secret = secret
	return r
}

// open has the issuer serve, with new keys each time.
func (r *rig) open() {
	r.server.set(issuer.New(r.issuer, clientID, r.secret, r.page+admin.OIDCPath))
}

// person is somebody with a browser.
type person struct {
	r    *rig
	http *http.Client
	seen []*url.URL // where the browser was sent
}

func (r *rig) person() *person {
	jar, err := cookiejar.New(nil)
	if err != nil {
		r.t.Fatal(err)
	}
	p := &person{r: r}
	transport := &http.Transport{}
	r.t.Cleanup(transport.CloseIdleConnections)
	p.http = &http.Client{Jar: jar, Transport: transport, CheckRedirect: func(next *http.Request, _ []*http.Request) error {
		p.seen = append(p.seen, next.URL)
		return nil
	}}
	return p
}

// do makes a request and reads its answer.
func (p *person) do(method, address, kind, body string) (status int, text string) {
	p.r.t.Helper()
	req, err := http.NewRequestWithContext(p.r.t.Context(), method, address, strings.NewReader(body))
	if err != nil {
		p.r.t.Fatal(err)
	}
	req.Header.Set("Content-Type", kind)
	res, err := p.http.Do(req)
	if err != nil {
		p.r.t.Fatal(err)
	}
	defer res.Body.Close()
	content, err := io.ReadAll(res.Body)
	if err != nil {
		p.r.t.Fatal(err)
	}
	return res.StatusCode, string(content)
}

// begin presses the button; with an address the browser goes there next.
func (p *person) begin() (status int, address string) {
	p.r.t.Helper()
	status, text := p.do("POST", p.r.page+"/api/session/oidc", "application/json", "{}")
	var at struct{ URL string }
	_ = json.Unmarshal([]byte(text), &at)
	return status, at.URL
}

var hidden = regexp.MustCompile(`name="id" value="([^"]+)"`)

// signIn goes through the whole sign-in, and returns the last address at which the browser was.
func (p *person) signIn(user, password string) string {
	p.r.t.Helper()
	status, address := p.begin()
	if status != http.StatusOK {
		p.r.t.Fatalf("the sign-in does not begin: %d", status)
	}
	_, form := p.do("GET", address, "", "")
	id := hidden.FindStringSubmatch(form)
	if id == nil {
		p.r.t.Fatalf("the issuer shows no form: %s", form)
	}
	p.do("POST", p.r.issuer+"login/username", "application/x-www-form-urlencoded", url.Values{"id": {id[1]}, "username": {user}, "password": {password}}.Encode())
	return p.seen[len(p.seen)-1].String()
}

func (p *person) role() string {
	p.r.t.Helper()
	_, text := p.do("GET", p.r.page+"/api/session", "", "")
	var state struct{ Role string }
	if err := json.Unmarshal([]byte(text), &state); err != nil {
		p.r.t.Fatalf("%v: %s", err, text)
	}
	return state.Role
}

// TestSignInAtARealServer signs in with a secret, and with PKCE alone.
func TestSignInAtARealServer(t *testing.T) {
	t.Parallel()
	for name, secret := range map[string]string{"with a secret": secret, "public": ""} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, secret, nil)
			r.open()
			anna := r.person()
			if at := anna.signIn(issuer.OnCall, issuer.Password); at != r.page+"/" || anna.role() != "act" {
				t.Errorf("it leads to %s, role %q: %s", at, anna.role(), &r.log)
			}
			if !strings.Contains(r.log.String(), `"who":"oidc:test-user@zitadel.ch","role":"act"`) {
				t.Errorf("log %s", &r.log)
			}
			nobody := r.person()
			if at := nobody.signIn(issuer.Stranger, issuer.Password); at != r.page+"/#sign-in=role" || nobody.role() != "" {
				t.Errorf("without a group it leads to %s, role %q", at, nobody.role())
			}
			wrong := r.person()
			if at := wrong.signIn(issuer.OnCall, "guessed"); strings.HasPrefix(at, r.page) || wrong.role() != "" {
				t.Errorf("a wrong password leads to %s, role %q", at, wrong.role())
			}
			for _, leak := range []string{"hush", "verysecure", "eyJ", "code=", "state="} {
				if strings.Contains(r.log.String(), leak) {
					t.Errorf("%q is in the log: %s", leak, &r.log)
				}
			}
			if anna.do("DELETE", r.page+"/api/session", "application/json", "{}"); anna.role() != "" {
				t.Error("signed out, and still in")
			}
		})
	}
}

// TestWhatARealServerRefuses: a secret or an address that the server does not know, and an answer that comes twice.
func TestWhatARealServerRefuses(t *testing.T) {
	t.Parallel()
	r := newRig(t, secret, func(o *admin.OIDC) { o.ClientSecret.Value = "another" })
	r.open()
	p := r.person()
	if at := p.signIn(issuer.OnCall, issuer.Password); at != r.page+"/#sign-in=issuer" || !strings.Contains(r.log.String(), "does not take the code (401 invalid_client)") {
		t.Errorf("with a wrong secret it leads to %s: %s", at, &r.log)
	}

	r = newRig(t, secret, func(o *admin.OIDC) { o.RedirectURL = "http://127.0.0.1:1" + admin.OIDCPath })
	r.open()
	p = r.person()
	_, address := p.begin()
	if status, text := p.do("GET", address, "", ""); status != http.StatusBadRequest {
		t.Errorf("an address that is not registered: %d %s", status, text)
	}

	r = newRig(t, secret, nil)
	r.open()
	p = r.person()
	p.signIn(issuer.OnCall, issuer.Password)
	var back string
	for _, at := range p.seen {
		if at.Path == admin.OIDCPath {
			back = at.String()
		}
	}
	thief := r.person()
	thief.do("GET", back, "", "")
	p.do("GET", back, "", "")
	if at := p.seen[len(p.seen)-1].String(); at != r.page+"/#sign-in=attempt" || thief.role() != "" || p.role() != "act" {
		t.Errorf("the same answer again leads to %s, roles %q and %q", at, thief.role(), p.role())
	}
}

// TestARealServerComesAndChangesItsKeys: it is away at first, and is restarted with other keys.
func TestARealServerComesAndChangesItsKeys(t *testing.T) {
	t.Parallel()
	r := newRig(t, secret, nil)
	p := r.person()
	if status, _ := p.begin(); status != http.StatusServiceUnavailable {
		t.Errorf("the issuer is away: %d", status)
	}
	r.open()
	for status := 0; status != http.StatusOK; status, _ = p.begin() { // it is asked again within a second
		if t.Context().Err() != nil {
			t.Fatal("it is not asked again")
		}
		<-time.After(50 * time.Millisecond)
	}
	for range 2 {
		r.open()
		p := r.person()
		if at := p.signIn(issuer.OnCall, issuer.Password); at != r.page+"/" || p.role() != "act" {
			t.Errorf("with new keys it leads to %s: %s", at, &r.log)
		}
	}
}
