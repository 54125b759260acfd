package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"hash"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// verifier tells whether a request comes from who may send. Its error, for 401,
// is in our words and holds nothing of the request.
type verifier interface {
	verify(r *http.Request, body []byte, now time.Time) error
	// scheme is the challenge of a 401 (RFC 9110, 11.6.1); "" when it never answers so.
	scheme() string
}

var (
	errUnsigned     = errors.New("the request is not signed, or its signature is incomplete")
	errBadSignature = errors.New("the signature does not fit the body and the secret")
	errTimestamp    = errors.New("the timestamp is too far from now: look at the sender's clock, and do not send old requests again")
	errNoToken      = errors.New("the request has no token")
	errBadToken     = errors.New("the token is not the right one")
)

// anybody lets every request in.
type anybody struct{}

func (anybody) verify(*http.Request, []byte, time.Time) error { return nil }
func (anybody) scheme() string                                { return "" }

// standard verifies as Standard Webhooks 1.0.0 says (symmetric signatures, v1).
//
// Source: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
type standard struct {
	secrets   *secrets // keys, decoded
	tolerance time.Duration
}

func (standard) scheme() string { return "StandardWebhooks" }

// Headers of Standard Webhooks.
const (
	headerID        = "Webhook-Id"
	headerTimestamp = "Webhook-Timestamp"
	headerSignature = "Webhook-Signature"
)

func (v standard) verify(r *http.Request, body []byte, now time.Time) error {
	id, sent, list := r.Header.Get(headerID), r.Header.Get(headerTimestamp), r.Header.Get(headerSignature)
	if id == "" || sent == "" || list == "" {
		return errUnsigned
	}
	seconds, err := strconv.ParseInt(sent, 10, 64)
	if err != nil {
		return errUnsigned
	}
	var given [][]byte
	for one := range strings.FieldsSeq(list) {
		if text, ok := strings.CutPrefix(one, "v1,"); ok {
			if mac, err := base64.StdEncoding.DecodeString(text); err == nil {
				given = append(given, mac)
			}
		}
	}
	fits := v.secrets.any(now, func(key []byte) bool {
		want := mac(sha256.New, key, []byte(id), dot, []byte(sent), dot, body)
		return containsEqual(given, want)
	})
	if !fits {
		return errBadSignature
	}
	// Who has no secret does not learn what our clock says. Times beyond a
	// duration's 292 years are too far away, not wrapped around.
	if away := now.Unix() - seconds; away > int64(v.tolerance/time.Second) || away < -int64(v.tolerance/time.Second) {
		return errTimestamp
	}
	return nil
}

var dot = []byte(".")

// containsEqual compares with all, whatever it finds.
func containsEqual(list [][]byte, want []byte) bool {
	found := 0
	for _, one := range list {
		found |= subtle.ConstantTimeCompare(one, want)
	}
	return found == 1
}

func mac(algorithm func() hash.Hash, key []byte, parts ...[]byte) []byte {
	h := hmac.New(algorithm, key)
	for _, part := range parts {
		_, _ = h.Write(part) // a hash never fails
	}
	return h.Sum(nil)
}

// signature verifies an HMAC of the body in a header, as GitHub sends it.
type signature struct {
	secrets   *secrets
	header    string
	prefix    string // "": the algorithm's name and =, which may be missing
	algorithm algorithm
	encoding  string // hex or base64; "": either, as their lengths differ
}

// algorithm is a hash by its usual name.
type algorithm struct {
	name string
	size int // of a sum, in bytes
	new  func() hash.Hash
}

func (signature) scheme() string { return "HMAC" }

func (v signature) verify(r *http.Request, body []byte, now time.Time) error {
	text := strings.TrimSpace(r.Header.Get(v.header))
	if v.prefix == "" {
		text, _ = cutPrefixFold(text, v.algorithm.name+"=")
	} else {
		var ok bool
		if text, ok = cutPrefixFold(text, v.prefix); !ok {
			return errUnsigned
		}
	}
	given, err := v.decode(text)
	if err != nil || len(given) == 0 {
		return errUnsigned
	}
	if !v.secrets.any(now, func(key []byte) bool { return hmac.Equal(given, mac(v.algorithm.new, key, body)) }) {
		return errBadSignature
	}
	return nil
}

// cutPrefixFold is strings.CutPrefix that takes letters of both cases for the same.
func cutPrefixFold(text, prefix string) (after string, found bool) {
	if len(text) < len(prefix) || !strings.EqualFold(text[:len(prefix)], prefix) {
		return text, false
	}
	return text[len(prefix):], true
}

func (v signature) decode(text string) ([]byte, error) {
	if v.encoding == "hex" || v.encoding == "" && len(text) == hex.EncodedLen(v.algorithm.size) {
		return hex.DecodeString(text)
	}
	return base64.RawStdEncoding.DecodeString(strings.TrimRight(text, "="))
}

// token verifies a shared secret that the sender puts into a header or the query.
type token struct {
	secrets *secrets
	header  string // "": none
	prefix  string // before the token in the header
	query   string // "": none
}

func (token) scheme() string { return "Bearer" }

func (v token) verify(r *http.Request, _ []byte, now time.Time) error {
	given := v.given(r)
	if len(given) == 0 {
		return errNoToken
	}
	fits := v.secrets.any(now, func(key []byte) bool {
		want := sha256.Sum256(key)
		return containsEqual(given, want[:])
	})
	if !fits {
		return errBadToken
	}
	return nil
}

// given are the hashes of what the header and the query hold: hashes are of one
// length, so that the comparison does not tell that of the token.
func (v token) given(r *http.Request) (list [][]byte) {
	add := func(text string) {
		if text != "" {
			sum := sha256.Sum256([]byte(text))
			list = append(list, sum[:])
		}
	}
	if v.header != "" {
		if text, ok := cutPrefixFold(r.Header.Get(v.header), v.prefix); ok {
			add(text)
		}
	}
	if v.query != "" {
		add(r.URL.Query().Get(v.query))
	}
	return list
}
