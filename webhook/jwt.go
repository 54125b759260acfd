package webhook

import (
	"bytes"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// jwtAlgorithms are those that are accepted, all of them signatures by a private key: the key that verifies cannot sign,
// and a token cannot declare itself unsigned.
var jwtAlgorithms = []jose.SignatureAlgorithm{jose.RS256, jose.RS384, jose.RS512, jose.PS256, jose.PS384, jose.PS512, jose.ES256, jose.ES384, jose.ES512, jose.EdDSA}

// signedToken verifies a JSON Web Token, which is the body, or stands in a header. The secrets
// are public keys: a JSON Web Key Set, a JSON Web Key, or PEM.
//
// Source: RFC 7519, RFC 7517.
type signedToken struct {
	secrets   *secrets
	header    string // "": the body is the token, and its claims are the data
	prefix    string // before the token in the header
	tolerance time.Duration
}

func (signedToken) scheme() string { return "Bearer" }

func (signedToken) signedID(http.Header) string { return "" }

// before verifies a token in a header. One in the body is verified later.
func (v signedToken) before(r *http.Request, now time.Time) error {
	if v.header == "" {
		return nil
	}
	return v.verify(r, nil, now)
}

func (v signedToken) verify(r *http.Request, body []byte, now time.Time) error {
	text := jwtText(body)
	if v.header != "" {
		given, ok := cutPrefixFold(r.Header.Get(v.header), v.prefix)
		text = ""
		if ok {
			text = given
		}
	}
	if text == "" {
		return errNoToken
	}
	token, err := jwt.ParseSigned(text, jwtAlgorithms)
	if err != nil {
		return errBadJWT
	}
	var claims jwt.Claims
	fits := v.secrets.any(now, func(keys []byte) bool {
		set, err := publicKeys(keys)
		return err == nil && anyKey(token, set, &claims)
	})
	switch {
	case !fits:
		return errBadJWT
	case !v.inTime(claims, now):
		return errTimestamp
	}
	return nil
}

// anyKey reads the claims of a token that one of the keys has signed; false: none has.
func anyKey(token *jwt.JSONWebToken, set jose.JSONWebKeySet, claims *jwt.Claims) bool {
	for _, key := range set.Keys {
		if id := token.Headers[0].KeyID; id != "" && key.KeyID != "" && id != key.KeyID {
			continue
		}
		if token.Claims(key.Key, claims) == nil {
			return true
		}
	}
	return false
}

// inTime reports whether a token is valid at now. One without an expiry is valid for the tolerance after it was issued.
func (v signedToken) inTime(c jwt.Claims, now time.Time) bool {
	if c.Expiry == nil && c.IssuedAt != nil && !within(c.IssuedAt.Time().Unix(), now, v.tolerance) {
		return false
	}
	return c.ValidateWithLeeway(jwt.Expected{Time: now}, v.tolerance) == nil
}

// open returns the claims of a token that was verified; the body itself when the token stood in a header.
func (v signedToken) open(media mediaType, body []byte) (mediaType, []byte) {
	if v.header != "" {
		return media, body
	}
	var claims json.RawMessage
	token, err := jwt.ParseSigned(jwtText(body), jwtAlgorithms)
	if err != nil || token.UnsafeClaimsWithoutVerification(&claims) != nil {
		return mediaType{name: mediaJSON}, nil
	}
	return mediaType{name: mediaJSON}, claims
}

// jwtText returns the token in a body, which may be a JSON string.
func jwtText(body []byte) string {
	return strings.Trim(string(bytes.TrimSpace(body)), `"`)
}

var errNoKeys = errors.New("holds no public key")

// keySet returns the keys if there are any. In environment variables, line ends of PEM are often written as \n.
func keySet(text string) ([]byte, error) {
	if text == "" {
		return nil, errEmpty
	}
	keys := []byte(strings.ReplaceAll(text, `\n`, "\n"))
	if _, err := publicKeys(keys); err != nil {
		return nil, errNoKeys
	}
	return keys, nil
}

// publicKeys reads a JSON Web Key Set, a JSON Web Key, or public keys and certificates in PEM.
func publicKeys(text []byte) (set jose.JSONWebKeySet, err error) {
	if jsonInside(text) {
		var one jose.JSONWebKey
		if json.Unmarshal(text, &set) != nil || len(set.Keys) == 0 {
			if err := json.Unmarshal(text, &one); err != nil {
				return set, err
			}
			set.Keys = []jose.JSONWebKey{one}
		}
	} else {
		for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
			key, err := publicKey(block)
			if err != nil {
				return set, err
			}
			set.Keys = append(set.Keys, jose.JSONWebKey{Key: key})
		}
	}
	for _, key := range set.Keys {
		if !key.IsPublic() {
			return set, errNoKeys // with a private or a shared key in it, whoever can read the file could sign
		}
	}
	if len(set.Keys) == 0 {
		return set, errNoKeys
	}
	return set, nil
}

func publicKey(block *pem.Block) (any, error) {
	switch block.Type {
	case "CERTIFICATE":
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, err
		}
		return cert.PublicKey, nil
	case "RSA PUBLIC KEY":
		return x509.ParsePKCS1PublicKey(block.Bytes)
	}
	return x509.ParsePKIXPublicKey(block.Bytes)
}
