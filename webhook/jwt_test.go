package webhook

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// signer makes tokens.
type signer struct {
	t   *testing.T
	key any
	alg jose.SignatureAlgorithm
	id  string
}

func (s signer) sign(claims any) string {
	s.t.Helper()
	maker, err := jose.NewSigner(jose.SigningKey{Algorithm: s.alg, Key: jose.JSONWebKey{Key: s.key, KeyID: s.id}}, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		s.t.Fatal(err)
	}
	object, err := maker.Sign(payload)
	if err != nil {
		s.t.Fatal(err)
	}
	text, err := object.CompactSerialize()
	if err != nil {
		s.t.Fatal(err)
	}
	return text
}

func inPEM(t *testing.T, key any) string {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}

// TestJWT: a token in the body or in a header is good when one of the keys signed it, by an
// algorithm of public keys, and in time.
func TestJWT(t *testing.T) {
	t.Parallel()
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	set, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{
		{Key: other.Public(), KeyID: "old", Algorithm: "RS256"}, {Key: private.Public(), KeyID: "new", Algorithm: "RS256"}, {Key: curve.Public(), KeyID: "curve"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	public := inPEM(t, private.Public())
	secrets := map[string]string{"PEM": public, "ESCAPED": strings.ReplaceAll(public, "\n", `\n`), "/jwks.json": string(set)}
	sources, err := ParseSources([]byte(`sources:
- {name: pem, verify: {type: jwt, secrets_env: PEM}}
- {name: escaped, verify: {type: jwt, secrets_env: ESCAPED, tolerance: 1m}}
- {name: set, verify: {type: jwt, secrets_files: /jwks.json, header: Authorization}}
`), environment(secrets))
	if err != nil {
		t.Fatal(err)
	}
	now := time.Unix(1_700_000_000, 0)
	good := map[string]any{"data": "x", "iat": now.Unix(), "exp": now.Unix() + 60}
	by := func(key any, alg jose.SignatureAlgorithm, id string) signer { return signer{t, key, alg, id} }
	ours := by(private, jose.RS256, "")
	at := func(claims string) map[string]any {
		var m map[string]any
		if err := json.Unmarshal([]byte(claims), &m); err != nil {
			t.Fatal(err)
		}
		return m
	}
	unsigned := "eyJhbGciOiJub25lIn0.eyJkYXRhIjoieCJ9."
	for name, c := range map[string]struct {
		source, body, header string
		want                 error
	}{
		"PEM":                 {"pem", ours.sign(good), "", nil},
		"as JSON text":        {"pem", `"` + ours.sign(good) + `"` + "\n", "", nil},
		"escaped PEM":         {"escaped", ours.sign(good), "", nil},
		"RS512":               {"pem", by(private, jose.RS512, "").sign(good), "", nil},
		"another key":         {"pem", by(other, jose.RS256, "").sign(good), "", errBadJWT},
		"the key as a secret": {"pem", by([]byte(public), jose.HS256, "").sign(good), "", errBadJWT},
		"unsigned":            {"pem", unsigned, "", errBadJWT},
		"changed":             {"pem", ours.sign(good)[:40] + "A" + ours.sign(good)[41:], "", errBadJWT},
		"no token":            {"pem", "{}", "", errBadJWT},
		"nothing":             {"pem", "", "", errNoToken},
		"only in the header":  {"pem", "", ours.sign(good), errNoToken},
		"expired":             {"pem", ours.sign(at(`{"exp":1699999699}`)), "", errTimestamp},
		"just not expired":    {"pem", ours.sign(at(`{"exp":1699999701}`)), "", nil},
		"old, no expiry":      {"pem", ours.sign(at(`{"iat":1699999699}`)), "", errTimestamp},
		"not yet":             {"pem", ours.sign(at(`{"nbf":1700000301}`)), "", errTimestamp},
		"shorter tolerance":   {"escaped", ours.sign(at(`{"exp":1699999701}`)), "", errTimestamp},
		"no times":            {"pem", ours.sign(at(`{"a":1}`)), "", nil},
		"set":                 {"set", "{}", "Bearer " + by(private, jose.RS256, "new").sign(good), nil},
		"set, another key":    {"set", "{}", "bearer " + by(other, jose.RS256, "old").sign(good), nil},
		"set, a curve":        {"set", "{}", "Bearer " + by(curve, jose.ES256, "").sign(good), nil},
		"set, wrong id":       {"set", "{}", "Bearer " + by(private, jose.RS256, "old").sign(good), errBadJWT},
		"set, in the body":    {"set", ours.sign(good), "", errNoToken},
	} {
		v := sources.byName[c.source].verifier
		r := request("Authorization", c.header)
		err := v.verify(r, []byte(c.body), now)
		if !errors.Is(err, c.want) || (err == nil) != (c.want == nil) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
		if c.source == "set" && c.header == "" && v.before(r, now) == nil {
			t.Errorf("%s: its body is read", name)
		}
		if c.source == "pem" && c.want == nil {
			media, claims := v.(opener).open(mediaType{name: "text/plain"}, []byte(c.body))
			if media.name != mediaJSON || !json.Valid(claims) {
				t.Errorf("%s: no claims", name)
			}
		}
	}
	for name, text := range map[string]string{
		"private key": string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(private)})), "no keys": "{}", "shared key": `{"keys":[{"kty":"oct","k":"aHVzaA"}]}`, "text": "hush", "empty set": `{"keys":[]}`,
	} {
		_, err := ParseSources([]byte("sources: [{name: x, verify: {type: jwt, secrets_env: KEY}}]"), environment(map[string]string{"KEY": text}))
		if err == nil || !strings.Contains(err.Error(), "holds no public key") || strings.Contains(err.Error(), "hush") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
