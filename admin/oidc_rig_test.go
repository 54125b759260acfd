package admin

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/leadbridge/leadbridge/crmclient"
)

const (
	testIssuer   = "https://login.example.com/realm"
	testClient   = "leadbridge-page"
	testRedirect = "https://bridge.example" + OIDCPath
)

// fakeIssuer is an OpenID Connect server that signs what a test wants, and is asked without a network.
type fakeIssuer struct {
	mu       sync.Mutex
	away     error
	hangs    bool                                    // until whoever asks leaves
	hung     int                                     // how many requests have hung
	document func(map[string]any)                    // changes the discovery document
	claims   func(map[string]any)                    // changes the claims of the next tokens
	sign     func(payload []byte) string             // makes the token; nil: with the key
	key      *ecdsa.PrivateKey                       // signs
	kid      string                                  // its id
	codes    map[string]url.Values                   // what a code was asked for with
	tokens   []url.Values                            // the requests for tokens
	basic    [][2]string                             // client and secret of their headers
	answer   func(w http.ResponseWriter) (done bool) // answers a request for a token instead
	asked    []string                                // paths
}

func newFakeIssuer(t *testing.T) *fakeIssuer {
	t.Helper()
	f := &fakeIssuer{codes: map[string]url.Values{}}
	f.rotate(t, "one")
	return f
}

// rotate has other keys than before.
func (f *fakeIssuer) rotate(t *testing.T, kid string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.key, f.kid = key, kid
}

// RoundTrip answers a request of the page.
func (f *fakeIssuer) RoundTrip(r *http.Request) (*http.Response, error) {
	f.mu.Lock()
	hangs := f.hangs
	if hangs {
		f.hung++
	}
	f.mu.Unlock()
	if hangs {
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked = append(f.asked, r.URL.Path)
	if f.away != nil {
		return nil, f.away
	}
	w := httptest.NewRecorder()
	w.Header().Set("Content-Type", "application/json")
	switch r.URL.Path {
	case "/realm/.well-known/openid-configuration":
		document := map[string]any{
			"issuer": testIssuer, "authorization_endpoint": testIssuer + "/authorize", "token_endpoint": testIssuer + "/token", "jwks_uri": testIssuer + "/keys",
			"id_token_signing_alg_values_supported": []string{"ES256", "HS256", "none"},
		}
		if f.document != nil {
			f.document(document)
		}
		_ = json.NewEncoder(w).Encode(document)
	case "/realm/keys":
		_ = json.NewEncoder(w).Encode(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: f.key.Public(), KeyID: f.kid, Algorithm: "ES256", Use: "sig"}}})
	case "/realm/token":
		_ = r.ParseForm()
		f.tokens = append(f.tokens, r.PostForm)
		if id, secret, ok := r.BasicAuth(); ok {
			f.basic = append(f.basic, [2]string{id, secret})
		}
		f.token(w, r.PostForm)
	default:
		w.WriteHeader(http.StatusNotFound)
	}
	return w.Result(), nil
}

// token redeems a code, once, as RFC 7636 wants it.
func (f *fakeIssuer) token(w http.ResponseWriter, form url.Values) {
	if f.answer != nil && f.answer(w) {
		return
	}
	asked, known := f.codes[form.Get("code")]
	delete(f.codes, form.Get("code"))
	sum := sha256.Sum256([]byte(form.Get("code_verifier")))
	if !known || asked.Get("code_challenge_method") != "S256" || base64.RawURLEncoding.EncodeToString(sum[:]) != asked.Get("code_challenge") ||
		asked.Get("redirect_uri") != form.Get("redirect_uri") {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = w.Write([]byte(`{"error":"invalid_grant","error_description":"hush"}`))
		return
	}
	all := map[string]any{
		"iss": testIssuer, "aud": testClient, "sub": "hush-subject", "nonce": asked.Get("nonce"), "iat": time.Now().Unix(), "exp": time.Now().Add(5 * time.Minute).Unix(),
		"preferred_username": "anna", "email": "hush@example.com", "email_verified": true, "groups": []string{"hush-group", "oncall"},
	}
	if f.claims != nil {
		f.claims(all)
	}
	maps.DeleteFunc(all, func(_ string, v any) bool { return v == nil })
	payload, _ := json.Marshal(all)
	sign := f.sign
	if sign == nil {
		sign = signedBy(jose.ES256, f.key, f.kid)
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"access_token": "hush-access", "refresh_token": "hush-refresh", "token_type": "Bearer", "expires_in": 300, "id_token": sign(payload)})
}

// signedBy signs with a key.
func signedBy(algorithm jose.SignatureAlgorithm, key any, kid string) func([]byte) string {
	return func(payload []byte) string {
		signer, err := jose.NewSigner(jose.SigningKey{Algorithm: algorithm, Key: jose.JSONWebKey{Key: key, KeyID: kid}}, nil)
		if err != nil {
			panic(err)
		}
		jws, err := signer.Sign(payload)
		if err != nil {
			panic(err)
		}
		text, err := jws.CompactSerialize()
		if err != nil {
			panic(err)
		}
		return text
	}
}

// authorise is what the issuer does when somebody has signed in there: it returns where the browser is sent.
func (f *fakeIssuer) authorise(address string) (back string) {
	u, _ := url.Parse(address)
	asked := u.Query()
	code := "hush-code-" + rand.Text()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.codes[code] = asked
	return asked.Get("redirect_uri") + "?" + url.Values{"code": {code}, "state": {asked.Get("state")}, "iss": {testIssuer}}.Encode()
}

func (f *fakeIssuer) change(change func(*fakeIssuer)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change(f)
}

// testOIDC are the settings of these tests.
func testOIDC(t *testing.T) *OIDC {
	t.Helper()
	roles, err := ParseOIDCRoles("look=readers, reveal=support, act=oncall, act=admins")
	if err != nil {
		t.Fatal(err)
	}
	return &OIDC{
		Issuer: testIssuer, ClientID: testClient, ClientSecret: crmclient.Secret{Value: "hush-secret"}, RedirectURL: testRedirect, Scopes: []string{"openid", "profile"},
		NameClaim: "preferred_username", RolesClaim: "groups", Roles: roles, Title: "Example", Session: 4 * time.Hour,
	}
}

// withOIDC is a rig whose page has OpenID Connect, and the token as well, unless change says otherwise.
func withOIDC(t *testing.T, test func(t *testing.T, r *rig, f *fakeIssuer), change ...func(*Config)) {
	t.Helper()
	change = append([]func(*Config){func(c *Config) { c.OIDC = testOIDC(t) }}, change...)
	bubble(t, func(t *testing.T, r *rig) {
		f := newFakeIssuer(t)
		r.server.oidc.client.Transport = f
		test(t, r, f)
	}, change...)
}

// visitor is a person with a browser, at the page.
type visitor struct {
	r       *rig
	cookies map[string]string
}

func (r *rig) visitor() *visitor { return &visitor{r, map[string]string{}} }

// ask makes a request with the browser's cookies, and keeps those that the answer sets.
func (v *visitor) ask(method, path, body string, change ...func(*http.Request)) *httptest.ResponseRecorder {
	w := v.r.ask(method, path, body, append([]func(*http.Request){unset("Authorization"), func(r *http.Request) {
		for name, value := range v.cookies {
			r.AddCookie(&http.Cookie{Name: name, Value: value})
		}
	}}, change...)...)
	for _, c := range w.Result().Cookies() {
		if v.cookies[c.Name] = c.Value; c.MaxAge < 0 {
			delete(v.cookies, c.Name)
		}
	}
	return w
}

// begin presses the button, and returns where the page goes.
func (v *visitor) begin() string {
	v.r.t.Helper()
	w := v.ask("POST", "/api/session/oidc", "{}")
	var at struct{ URL string }
	if err := json.Unmarshal(w.Body.Bytes(), &at); err != nil || w.Code != http.StatusOK {
		v.r.t.Fatalf("the sign-in does not begin: %d %s", w.Code, w.Body)
	}
	return at.URL
}

// back comes back from the issuer, and returns where the page leads then.
func (v *visitor) back(address string) string {
	v.r.t.Helper()
	w := v.ask("GET", strings.TrimPrefix(address, "https://bridge.example"), "")
	if w.Code != http.StatusSeeOther {
		v.r.t.Fatalf("the issuer's answer is answered with %d %s", w.Code, w.Body)
	}
	return w.Header().Get("Location")
}

// role returns the role that the page says the visitor has; "": none.
func (v *visitor) role() string {
	var state struct{ Role string }
	_ = json.Unmarshal(v.ask("GET", "/api/session", "").Body.Bytes(), &state)
	return state.Role
}

// noHush fails where something of a sign-in is in a text.
func noHush(t *testing.T, what, text string) {
	t.Helper()
	for _, secret := range []string{"hush", "eyJ"} {
		if strings.Contains(text, secret) {
			t.Errorf("%s has %q in it:\n%s", what, secret, text)
		}
	}
}

// headersOf are the headers of an answer as a text.
func headersOf(w *httptest.ResponseRecorder) string {
	var b bytes.Buffer
	_ = w.Header().Write(&b)
	return b.String()
}
