package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"hash"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// verifier reports, by an error, that a request does not come from a permitted sender. The error is answered with
// 401; it holds nothing of the request.
type verifier interface {
	// before checks what can be checked before the body is read, so that the body of a stranger takes no memory. A
	// request that it lets pass is not verified yet: verify is called in any case.
	before(r *http.Request, now time.Time) error
	// verify checks the whole proof (that of a contentVerifier is checked later). It repeats the checks of before, as a request
	// that before rejected may come here too: where unsigned requests are ignored, or challenges are answered.
	verify(r *http.Request, body []byte, now time.Time) error
	// signedID returns the delivery's id if the signature covers it, else "".
	signedID(h http.Header) string
	// scheme returns what WWW-Authenticate of a 401 names (RFC 9110, 11.6.1); "" if the verifier rejects nothing.
	scheme() string
}

// contentVerifier is a verifier whose proof stands in a field of the body. Its verify lets every request pass:
// verifyContent decides, once the body is parsed.
type contentVerifier interface {
	// verifyContent checks the proof, and removes it from the content, so that it is not written to Kafka.
	verifyContent(c *content, now time.Time) error
}

// opener is a verifier whose proof wraps the data.
type opener interface {
	// open returns the data of a body that was verified, and their type.
	open(media mediaType, body []byte) (mediaType, []byte)
}

var (
	errUnsigned     = errors.New("the request is not signed, or its signature is incomplete")
	errBadSignature = errors.New("the signature does not fit the body and the secret")
	errTimestamp    = errors.New("the timestamp is too far from now: look at the sender's clock, and do not send old requests again")
	errNoToken      = errors.New("the request has no token")
	errBadToken     = errors.New("the token is not the right one")
	errBadJWT       = errors.New("the JSON Web Token is not signed by one of the keys, or not whole")
)

// anybody verifies nothing: it lets every request in.
type anybody struct{}

func (anybody) before(*http.Request, time.Time) error         { return nil }
func (anybody) verify(*http.Request, []byte, time.Time) error { return nil }
func (anybody) signedID(http.Header) string                   { return "" }
func (anybody) scheme() string                                { return "" }

// standard verifies as Standard Webhooks 1.0.0 says (symmetric signatures, v1).
//
// Source: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
type standard struct {
	secrets   *secrets // decoded from Base64
	tolerance time.Duration
}

func (standard) scheme() string { return "StandardWebhooks" }

// Headers of Standard Webhooks.
const (
	headerID        = "Webhook-Id"
	headerTimestamp = "Webhook-Timestamp"
	headerSignature = "Webhook-Signature"
)

// signatureHeaders are the names of the three headers: those of the standard, and the older ones of Svix, from which the
// standard comes and whose customers still send them.
var signatureHeaders = [...][3]string{
	{headerID, headerTimestamp, headerSignature},
	{"Svix-Id", "Svix-Timestamp", "Svix-Signature"},
}

// signed are the signature's headers of one request.
type signed struct{ id, sent, list string }

// signedBy reads the first complete set of the headers.
func signedBy(h http.Header) (signed, bool) {
	for _, names := range signatureHeaders {
		s := signed{h.Get(names[0]), h.Get(names[1]), h.Get(names[2])}
		if s.id != "" && s.sent != "" && s.list != "" {
			return s, true
		}
	}
	return signed{}, false
}

func (v standard) before(r *http.Request, now time.Time) error {
	s, ok := signedBy(r.Header)
	if !ok {
		return errUnsigned
	}
	seconds, err := strconv.ParseInt(s.sent, 10, 64)
	if err != nil {
		return errUnsigned
	}
	if !within(seconds, now, v.tolerance) {
		return errTimestamp
	}
	if len(s.signatures()) == 0 {
		return errBadSignature
	}
	return nil
}

// within reports whether a Unix time in seconds is no further from now than the tolerance. It compares integers, as a
// [time.Duration] overflows after 292 years.
func within(seconds int64, now time.Time, tolerance time.Duration) bool {
	most := int64(tolerance / time.Second)
	return seconds >= now.Unix()-most && seconds <= now.Unix()+most
}

// signatures returns the well-formed signatures of version 1.
func (s signed) signatures() (list [][]byte) {
	for one := range strings.FieldsSeq(s.list) {
		if text, ok := strings.CutPrefix(one, "v1,"); ok {
			if mac, err := base64.StdEncoding.DecodeString(text); err == nil && len(mac) == sha256.Size {
				list = append(list, mac)
			}
		}
	}
	return list
}

func (v standard) verify(r *http.Request, body []byte, now time.Time) error {
	if err := v.before(r, now); err != nil {
		return err
	}
	s, _ := signedBy(r.Header)
	given := s.signatures()
	fits := v.secrets.any(now, func(key []byte) bool {
		want := mac(sha256.New, key, []byte(s.id), dot, []byte(s.sent), dot, body)
		return containsEqual(given, want)
	})
	if !fits {
		return errBadSignature
	}
	return nil
}

func (standard) signedID(h http.Header) string {
	s, _ := signedBy(h)
	return s.id
}

var dot = []byte(".")

// containsEqual reports whether one of the list is want. It compares with all of them, so that its time shows nothing.
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
