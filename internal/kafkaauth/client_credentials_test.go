package kafkaauth

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/leadbridge/leadbridge/internal/freshconn"
)

// tokenEndpoint answers with what a test wants and keeps the last form and user.
type tokenEndpoint struct {
	*httptest.Server
	status int
	answer any
	header http.Header

	form   url.Values
	user   string
	secret string
}

func newTokenEndpoint(t *testing.T, start func(http.Handler) *httptest.Server) *tokenEndpoint {
	t.Helper()
	e := &tokenEndpoint{status: http.StatusOK, answer: map[string]any{"access_token": "tok", "expires_in": 100, "token_type": "Bearer"}, header: http.Header{}}
	e.Server = start(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseForm(); err != nil {
			t.Error(err)
		}
		e.form = r.PostForm
		e.user, e.secret, _ = r.BasicAuth()
		maps.Copy(w.Header(), e.header)
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(e.status)
		if err := json.NewEncoder(w).Encode(e.answer); err != nil {
			t.Error(err)
		}
	}))
	t.Cleanup(e.Close)
	return e
}

func TestClientCredentials(t *testing.T) {
	t.Parallel()
	e := newTokenEndpoint(t, httptest.NewServer)
	file := filepath.Join(t.TempDir(), "secret")
	write(t, file, "first\n")
	source := NewClientCredentials(ClientCredentials{TokenURL: e.URL, ClientID: "bridge", SecretFile: file, Scopes: []string{"a", "b"}, Audience: "kafka"})
	token, err := source.Token(t.Context())
	if err != nil || token.Value != "tok" {
		t.Fatal(token, err)
	}
	if left := time.Until(token.Expires); left < 90*time.Second || left > 100*time.Second {
		t.Errorf("the token lasts %v", left)
	}
	if e.form.Get("grant_type") != "client_credentials" || e.form.Get("scope") != "a b" || e.form.Get("audience") != "kafka" || e.user != "bridge" || e.secret != "first" {
		t.Errorf("asked by %v, %s", e.form, e.user)
	}
	// The secret is read for each token.
	write(t, file, "second\n")
	if _, err := newFetch(e, file)(t); err != nil || e.secret != "second" {
		t.Errorf("%v with the secret %q", err, e.secret)
	}
}

func newFetch(e *tokenEndpoint, file string) func(*testing.T) (Token, error) {
	return func(t *testing.T) (Token, error) {
		return NewClientCredentials(ClientCredentials{TokenURL: e.URL, ClientID: "bridge", SecretFile: file}).Token(t.Context())
	}
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestClientSecretInTheBody is for servers that do not read the header.
func TestClientSecretInTheBody(t *testing.T) {
	t.Parallel()
	asked := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		w.Header().Set("Content-Type", "application/json")
		if r.PostFormValue("client_id") != "bridge" || r.PostFormValue("client_secret") != "s" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		_, _ = w.Write([]byte(`{"access_token":"tok","expires_in":0}`))
	}))
	t.Cleanup(server.Close)
	source := newTokenServer(ClientCredentials{TokenURL: server.URL, ClientID: "bridge", Secret: "s"})
	for range 2 {
		if token, err := source.fetch(t.Context()); err != nil || token.Value != "tok" {
			t.Fatal(token, err)
		}
	}
	if asked != 3 {
		t.Errorf("the server was asked %d times: it is not remembered how", asked)
	}
}

// TestClientAssertion is how Azure's workload identity asks.
func TestClientAssertion(t *testing.T) {
	t.Parallel()
	e := newTokenEndpoint(t, httptest.NewServer)
	file := filepath.Join(t.TempDir(), "assertion")
	write(t, file, "a.b.c")
	source := NewClientCredentials(ClientCredentials{TokenURL: e.URL, ClientID: "bridge", AssertionFile: file, Scopes: []string{"https://ns.example.com/.default"}})
	if _, err := source.Token(t.Context()); err != nil {
		t.Fatal(err)
	}
	if e.form.Get("client_assertion") != "a.b.c" || e.form.Get("client_assertion_type") != assertionType || e.form.Get("client_id") != "bridge" ||
		e.form.Has("client_secret") || e.user != "" {
		t.Errorf("asked by %v", e.form)
	}
}

// TestAnswersOfTokenServers are read in all forms that are in use, and the token lasts as long as it says itself or as the
// server says, whichever is shorter.
func TestAnswersOfTokenServers(t *testing.T) {
	t.Parallel()
	in := func(d time.Duration) string {
		claims := fmt.Sprintf(`{"exp":%d}`, time.Now().Add(d).Unix())
		return "e30." + base64.RawURLEncoding.EncodeToString([]byte(claims)) + ".sig"
	}
	for name, c := range map[string]struct {
		kind, answer string
		want         time.Duration
	}{
		"a number":                       {"application/json", `{"access_token":"tok","expires_in":100}`, 100 * time.Second},
		"a text":                         {"application/json", `{"access_token":"tok","expires_in":"100"}`, 100 * time.Second},
		"nothing":                        {"application/json", `{"access_token":"tok"}`, unknownLife},
		"null":                           {"application/json", `{"access_token":"tok","expires_in":null}`, unknownLife},
		"nothing, and a token that says": {"application/json", `{"access_token":"` + in(time.Hour) + `"}`, time.Hour},
		"more than the token":            {"application/json", `{"access_token":"` + in(time.Minute) + `","expires_in":3600}`, time.Minute},
		"less than the token":            {"application/json", `{"access_token":"` + in(time.Hour) + `","expires_in":100}`, 100 * time.Second},
		"clocks differ":                  {"application/json", `{"access_token":"` + in(-time.Hour) + `","expires_in":100}`, 100 * time.Second},
		"JSON as plain text":             {"text/plain; charset=utf-8", `{"access_token":"tok","expires_in":100}`, 100 * time.Second},
		"a form":                         {"text/plain", `access_token=tok&expires_in=100`, 100 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", c.kind)
				_, _ = io.WriteString(w, c.answer)
			}))
			t.Cleanup(server.Close)
			token, err := NewClientCredentials(ClientCredentials{TokenURL: server.URL, ClientID: "b", Secret: "s"}).Token(t.Context())
			if err != nil || token.Value == "" || !strings.Contains(c.answer, token.Value) {
				t.Fatal(token, err)
			}
			if left := time.Until(token.Expires); left > c.want || left < c.want-10*time.Second {
				t.Errorf("the token lasts %v, want %v", left, c.want)
			}
		})
	}
}

// TestTokenServersThatRefuse are told by what to do about it, without what they write.
func TestTokenServersThatRefuse(t *testing.T) {
	t.Parallel()
	fault := func(code string) map[string]any {
		return map[string]any{"error": code, "error_description": "s3cret of person@example.com", "error_uri": "https://s3cret.example.com"}
	}
	for name, c := range map[string]struct {
		status int
		answer any
		want   string
	}{
		"client":         {401, fault("invalid_client"), "(401 invalid_client): look at KAFKA_OAUTH_CLIENT_ID"},
		"scope":          {400, fault("invalid_scope"), "look at KAFKA_OAUTH_SCOPE"},
		"audience":       {403, fault("access_denied"), "look at KAFKA_OAUTH_AUDIENCE"},
		"anything":       {400, fault("s3cret text"), "(400): look at KAFKA_OAUTH_TOKEN_URL"},
		"refused by 200": {200, fault("unauthorized_client"), "KAFKA_OAUTH_CLIENT_ID"},
		"overload":       {503, "s3cret", "has no token for us (503)"},
		"a redirect":     {307, "s3cret", "it redirects"},
		"a wrong place":  {404, "s3cret", "(404): look at KAFKA_OAUTH_TOKEN_URL"},
		"no token":       {200, map[string]any{"s3cret": "x"}, "not a token: look at KAFKA_OAUTH_TOKEN_URL"},
		"no JSON":        {200, "s3cret", "not a token"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := newTokenEndpoint(t, httptest.NewServer)
			e.status, e.answer = c.status, c.answer
			e.header.Set("Location", "http://127.0.0.1:1/s3cret")
			_, err := NewClientCredentials(ClientCredentials{TokenURL: e.URL + "/s3cret?a=s3cret", ClientID: "b", Secret: "s3cret"}).Token(t.Context())
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "s3cret") || Advice(err) == "" {
				t.Errorf("error %v, want %q in it", err, c.want)
			}
		})
	}
}

func TestTokenServersThatAreAway(t *testing.T) {
	t.Parallel()
	_, err := NewClientCredentials(ClientCredentials{TokenURL: "http://127.0.0.1:1/s3cret", ClientID: "b", Secret: "s3cret"}).Token(t.Context())
	if err == nil || !strings.Contains(err.Error(), "the token server 127.0.0.1:1 does not answer (") || strings.Contains(err.Error(), "s3cret") {
		t.Errorf("got %v", err)
	}
}

func TestTokenServersCertificate(t *testing.T) {
	t.Parallel()
	e := newTokenEndpoint(t, httptest.NewTLSServer)
	c := ClientCredentials{TokenURL: e.URL, ClientID: "b", Secret: "s"}
	if _, err := NewClientCredentials(c).Token(t.Context()); err == nil || !strings.Contains(err.Error(), "KAFKA_OAUTH_CA_FILE") {
		t.Errorf("an unknown authority: %v", err)
	}
	c.Authorities = func() *x509.CertPool {
		pool := x509.NewCertPool()
		pool.AddCert(e.Certificate())
		return pool
	}
	if _, err := NewClientCredentials(c).Token(t.Context()); err != nil {
		t.Errorf("a known authority: %v", err)
	}
}

// TestTokenServersCertificateBehindAProxy goes to a token server through a proxy, which must not change whom is trusted.
func TestTokenServersCertificateBehindAProxy(t *testing.T) {
	t.Parallel()
	e := newTokenEndpoint(t, httptest.NewTLSServer)
	passed := make(chan string, 2)
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { tunnel(t, w, r, passed) }))
	t.Cleanup(proxy.Close)
	address, err := url.Parse(proxy.URL)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(e.Certificate())
	for name, c := range map[string]struct {
		authorities func() *x509.CertPool
		want        string // in the error; "": there is none
	}{
		"a known authority":    {func() *x509.CertPool { return pool }, ""},
		"an unknown authority": {nil, "KAFKA_OAUTH_CA_FILE"},
	} {
		s := newTokenServer(ClientCredentials{TokenURL: e.URL, ClientID: "b", Secret: "s", Authorities: c.authorities})
		answers, _ := s.client.Transport.(jsonAnswers)
		transport, ok := answers.RoundTripper.(freshconn.Transport)
		if !ok {
			t.Fatalf("the transport is a %T of a %T", s.client.Transport, answers.RoundTripper)
		}
		transport.Proxy = http.ProxyURL(address)
		s.client.Transport = jsonAnswers{transport}
		if _, err := s.fetch(t.Context()); (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
		if to := <-passed; to != e.Listener.Addr().String() {
			t.Errorf("%s: the proxy was asked for %s", name, to)
		}
	}
}

// tunnel is a proxy that connects a client with what it asks for.
func tunnel(t *testing.T, w http.ResponseWriter, r *http.Request, passed chan<- string) {
	t.Helper()
	passed <- r.Host
	there, err := net.Dial("tcp", r.Host)
	if err != nil {
		t.Error(err)
		return
	}
	defer there.Close()
	w.WriteHeader(http.StatusOK)
	here, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		t.Error(err)
		return
	}
	defer here.Close()
	go func() {
		_, _ = io.Copy(there, here)
		_ = there.Close()
	}()
	_, _ = io.Copy(here, there)
}

func TestTokenFile(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "token")
	for _, text := range []string{"", "\n"} {
		write(t, file, text)
		if _, err := TokenFile(file).Token(t.Context()); Advice(err) == "" {
			t.Errorf("%q: %v", text, err)
		}
	}
	for _, text := range []string{"one", "two\n"} {
		write(t, file, text)
		if token, err := TokenFile(file).Token(t.Context()); err != nil || token.Value != strings.TrimSpace(text) {
			t.Errorf("%q: %v, %v", text, token, err)
		}
	}
	if _, err := TokenFile(file + ".none").Token(t.Context()); Advice(err) == "" || !strings.Contains(err.Error(), "no such file") {
		t.Errorf("no file: %v", err)
	}
}
