package webhook

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"
)

// errQueryNotSigned says that an event stands in a query that its sender's signature does not cover.
var errQueryNotSigned = errors.New("the request has no body, and its signature does not cover the query: send the event in the body")

// verifyAndDecode verifies a request whose body was read, and makes its event. Of an event that it returns, only rate and
// memory are still to be checked. Its only I/O is that it may read secrets again.
func (s *source) verifyAndDecode(r *http.Request, media mediaType, body []byte, now time.Time) (d delivery, e event, err error) {
	saidMedia, said := s.reading(r, media, body)
	d.form = formOf(saidMedia.name)
	if answer, asks, err := s.challenged(r, saidMedia, said, now); asks {
		d.dropped, d.answer, d.id = outcomeChallenge, answer, outcomeChallenge
		return d, e, err
	}
	if !slices.Contains(s.methods, r.Method) {
		return d, e, unverified{errUnsigned, false}
	}
	if err := s.verifier.verify(r, body, now); err != nil {
		if s.ignoreUnsigned && len(said) <= maxPing && s.isUnsignedTest(saidMedia, said) {
			d.dropped, d.id = outcomeIgnored, "ping"
			return d, e, nil
		}
		return d, e, unverified{err, false}
	}
	return s.decode(r, d, media, body, now, true)
}

// reading returns what a request says: its body, or the query of its address where it has none.
func (s *source) reading(r *http.Request, media mediaType, body []byte) (mediaType, []byte) {
	if s.readsQuery(r, body) {
		return mediaType{name: mediaForm}, s.query(r)
	}
	return media, body
}

// readsQuery reports whether a request says in its query what others say in their body.
func (s *source) readsQuery(r *http.Request, body []byte) bool {
	takesQuery := s.challenge != nil || slices.Contains(s.methods, http.MethodGet)
	return r.Method == http.MethodGet || len(body) == 0 && takesQuery
}

// eventBody returns what a verified request's event is made of: what the request says, unwrapped. The error is
// errQueryNotSigned.
func (s *source) eventBody(r *http.Request, media mediaType, body []byte) (mediaType, []byte, error) {
	if s.readsQuery(r, body) && r.URL.RawQuery != "" && !mayTake(s.verifier, http.MethodGet) {
		return media, nil, errQueryNotSigned
	}
	media, body = s.reading(r, media, body)
	if v, ok := s.verifier.(opener); ok {
		media, body = v.open(media, body)
	}
	return media, body, nil
}

// query returns the query of a request's address, without the token that it may hold.
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

// challenged returns the answer to a provider that tries the address, and reports whether the request does.
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
		err = unverified{err, false}
	}
	return answer, asks, err
}

// decode makes the event of a request. Where demandProof is false, a request that lacks the proof that its body should
// hold is not turned away.
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
			if s.ignoreUnsigned && len(body) <= maxPing && s.isTest(c.json()) {
				d.dropped, d.id = outcomeIgnored, "ping"
				return d, e, nil
			}
			return d, e, unverified{err, false}
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
