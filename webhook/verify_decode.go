package webhook

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

// verifyAndDecode verifies a request whose body was read, and makes its event. These are all decisions of the gate
// before it writes. Its only I/O is that it may read secrets again.
func (s *source) verifyAndDecode(r *http.Request, media mediaType, body []byte, now time.Time) (d delivery, e event, err error) {
	media, body = s.reading(r, media, body)
	d.form = formOf(media.name)
	if answer, asks, err := s.challenged(r, media, body, now); asks {
		d.dropped, d.answer, d.id = outcomeChallenge, answer, outcomeChallenge
		return d, e, err
	}
	if !slices.Contains(s.methods, r.Method) {
		return d, e, unverified{errUnsigned, false}
	}
	if err := s.verifier.verify(r, body, now); err != nil {
		if s.ignoreUnsigned && len(body) <= maxPing && s.isUnsignedTest(media, body) {
			d.dropped, d.id = outcomeIgnored, "ping"
			return d, e, nil
		}
		return d, e, unverified{err, false}
	}
	if v, ok := s.verifier.(opener); ok {
		media, body = v.open(media, body)
	}
	return s.decode(r, d, media, body, now, true)
}

// reading returns what a request says: its body, or the query of its address where it has none.
func (s *source) reading(r *http.Request, media mediaType, body []byte) (mediaType, []byte) {
	byQuery := s.challenge != nil || slices.Contains(s.methods, http.MethodGet)
	if r.Method == http.MethodGet || len(body) == 0 && byQuery {
		return mediaType{name: mediaForm}, s.query(r)
	}
	return media, body
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

// decode makes the event of a body. Where proven is false, what the body itself proves is not asked for.
func (s *source) decode(r *http.Request, d delivery, media mediaType, body []byte, now time.Time, proven bool) (delivery, event, error) {
	var e event
	c, err := s.parse(media, body)
	if err != nil {
		return d, e, err
	}
	d.form, d.unreadable = c.form, c.unreadable()
	if v, ok := s.verifier.(contentVerifier); ok {
		if err := v.verifyContent(&c, now); err != nil && proven {
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
