package webhook

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"
)

// errQueryNotSigned is answered when the event stands in a query that its sender's signature does not cover.
var errQueryNotSigned = errors.New("the request has no body, and its signature does not cover the query: send the event in the body")

// idOfTest stands for an event's id in the answer to a provider's test.
const idOfTest = "ping"

// verifyAndDecode verifies a request whose body was read, and makes its event; there is none when d.dropped says why. What
// is left to check is the source's rate and the memory. Its only I/O is that it may read secrets again.
func (s *source) verifyAndDecode(r *http.Request, media mediaType, body []byte, now time.Time) (d delivery, e event, err error) {
	textMedia, text := s.text(r, media, body)
	d.form = formOf(textMedia.name)
	if answer, asks, err := s.challenged(r, textMedia, text, now); asks {
		d.dropped, d.answer, d.id = outcomeChallenge, answer, outcomeChallenge
		return d, e, err
	}
	if !slices.Contains(s.methods, r.Method) { // a GET that came for the challenge and is not one
		return d, e, unverified{error: errUnsigned}
	}
	if err := s.verifier.verify(r, body, now); err != nil {
		if s.testUnsigned && len(text) <= maxPing && s.isUnsignedTest(textMedia, text) {
			d.dropped, d.id = outcomeIgnored, idOfTest
			return d, e, nil
		}
		return d, e, unverified{error: err}
	}
	return s.decode(r, d, media, body, now, true)
}

// text returns what a request says, and its media type: its body, or the query of its address when that is read instead.
func (s *source) text(r *http.Request, media mediaType, body []byte) (mediaType, []byte) {
	if s.readsQuery(r, body) {
		return mediaType{name: mediaForm}, s.query(r)
	}
	return media, body
}

// readsQuery reports whether the query of a request is read instead of its body: that of a GET, and of a request
// without a body where the source takes GET or has a challenge.
func (s *source) readsQuery(r *http.Request, body []byte) bool {
	takesQuery := s.challenge != nil || slices.Contains(s.methods, http.MethodGet)
	return r.Method == http.MethodGet || len(body) == 0 && takesQuery
}

// eventBody returns the text of which a verified request's event is made: the claims of a token that is the body, or else
// what text returns. The error is errQueryNotSigned.
func (s *source) eventBody(r *http.Request, media mediaType, body []byte) (mediaType, []byte, error) {
	if s.readsQuery(r, body) && r.URL.RawQuery != "" && !mayReadQuery(s.verifier) {
		return media, nil, errQueryNotSigned
	}
	media, body = s.text(r, media, body)
	if v, ok := s.verifier.(opener); ok {
		media, body = v.open(media, body)
	}
	return media, body, nil
}

// query returns the query of a request's address, without the token by which the source is verified.
func (s *source) query(r *http.Request) []byte {
	v, ok := s.verifier.(token)
	if !ok {
		return []byte(r.URL.RawQuery)
	}
	var kept []string
	for pair := range strings.SplitSeq(r.URL.RawQuery, "&") {
		if name, _, _ := strings.Cut(pair, "="); !slices.Contains(v.query, percentDecoded(name)) {
			kept = append(kept, pair)
		}
	}
	return []byte(strings.Join(kept, "&"))
}

// challenged reports whether the request is the source's challenge, and returns the answer to it. The error is that its
// token is not the right one.
func (s *source) challenged(r *http.Request, media mediaType, body []byte, now time.Time) (answer string, asks bool, err error) {
	if s.challenge == nil || len(body) > maxPing {
		return "", false, nil
	}
	c, err := s.parse(media, body)
	if err != nil && err != errEmptyBody { //nolint:errorlint // parse returns it as it is
		return "", false, nil
	}
	answer, asks, err = s.challenge.asked(r, &c, now)
	if err != nil {
		err = unverified{error: err}
	}
	return answer, asks, err
}

// decode makes the event of a request, or says in d.dropped why it makes none. d is returned with what was found out.
// demandProof is false only for a trial: then a request without the proof that its body should hold is decoded, too.
func (s *source) decode(r *http.Request, d delivery, media mediaType, body []byte, now time.Time, demandProof bool) (delivery, event, error) {
	var e event
	media, body, err := s.eventBody(r, media, body)
	if err != nil {
		return d, e, err
	}
	c, err := s.parse(media, body)
	if err != nil {
		return d, e, err
	}
	d.form, d.unreadable = c.form, c.unreadable()
	if v, ok := s.verifier.(contentVerifier); ok {
		if err := v.verifyContent(&c, now); err != nil && demandProof {
			if s.testUnsigned && len(body) <= maxPing && s.isTest(c.json()) {
				d.dropped, d.id = outcomeIgnored, idOfTest
				return d, e, nil
			}
			return d, e, unverified{error: err}
		}
	}
	trapped, redirect := s.takeControlFields(&c)
	d.redirect = redirect
	c.ignored = s.ignoreIf.anyMet(r, &c)
	if e, err = s.newEvent(r.Header, body, c, now); err != nil {
		return d, e, err
	}
	switch d.id = e.id; {
	case trapped:
		d.dropped = outcomeHoneypot
	case e.ignored:
		d.dropped = outcomeIgnored
	case e.skipped:
		d.dropped = outcomeSkipped
	}
	return d, e, nil
}
