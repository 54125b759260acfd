package webhook

import (
	"crypto/sha256"
	"net/http"
	"slices"
	"time"
)

// token verifies a shared secret that the sender puts into a header or the query.
type token struct {
	secrets *secrets
	header  string   // the header that may hold the token; "": none
	prefix  string   // before the token in the header
	query   []string // names of the query parameters that may hold the token; nil: none
}

func (token) scheme() string { return "Bearer" }

func (token) signedID(http.Header) string { return "" }

func (v token) before(r *http.Request, now time.Time) error { return v.verify(r, nil, now) }

func (v token) verify(r *http.Request, _ []byte, now time.Time) error {
	given := v.given(r)
	if len(given) == 0 {
		return errNoToken
	}
	if !v.secrets.equal(now, given) {
		return errBadToken
	}
	return nil
}

// given returns the hashes of the tokens in the header and the query. Hashes are all of one
// length, so that the time of a comparison does not show how long the secret is.
func (v token) given(r *http.Request) (list [][]byte) {
	add := func(text string) {
		if text != "" {
			list = append(list, hashed(text))
		}
	}
	if v.header != "" {
		if text, ok := cutPrefixFold(r.Header.Get(v.header), v.prefix); ok {
			add(text)
		}
	}
	for name, values := range r.URL.Query() {
		if slices.Contains(v.query, name) {
			add(values[0])
		}
	}
	return list
}

func hashed(text string) []byte {
	sum := sha256.Sum256([]byte(text))
	return sum[:]
}

// equal reports whether one of the hashes is that of one of the secrets.
func (s *secrets) equal(now time.Time, hashes [][]byte) bool {
	return s.any(now, func(key []byte) bool {
		want := sha256.Sum256(key)
		return containsEqual(hashes, want[:])
	})
}

// bodyToken verifies a shared secret that the sender puts into a field of the body. The proof
// comes with what the body says: see [contentVerifier].
type bodyToken struct {
	anybody
	secrets *secrets
	field   []string // its path in the data
}

func (bodyToken) scheme() string { return "Bearer" }

// verifyContent takes the token out of the data: a secret does not go on.
func (v bodyToken) verifyContent(c *content, now time.Time) error {
	given := c.takeField(v.field)
	switch {
	case given == "":
		return errNoToken
	case !v.secrets.equal(now, [][]byte{hashed(given)}):
		return errBadToken
	}
	return nil
}
