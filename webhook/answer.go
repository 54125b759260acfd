package webhook

import (
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// problem is an error for whoever sends (RFC 9457). It holds nothing of the request.
type problem struct {
	Type       string        `json:"type"` // always about:blank: the status says it
	Title      string        `json:"title"`
	Status     int           `json:"status"`
	Detail     string        `json:"detail"`
	retryAfter time.Duration // 0: not told
	scheme     string        // of a 401
}

// unverified is a request that does not come from who may send.
type unverified struct{ error }

func (u unverified) Unwrap() error { return u.error }

// tooMany is a request over the source's rate.
type tooMany struct{ wait time.Duration }

func (tooMany) Error() string { return "over the source's rate" }

var (
	errMediaType = errors.New("this source does not take such a content type")
	errCharset   = errors.New("only UTF-8 is read: send the form in it")
	errEncoding  = errors.New("compressed bodies are not read: send it as it is")
)

// retryLater is what senders are told when Kafka does not take the event.
const retryLater = 5 * time.Second

// problemOf tells an error to the sender.
func problemOf(err error, s *source) problem {
	p := problem{Status: http.StatusBadRequest, Detail: err.Error()}
	many, over := errors.AsType[tooMany](err)
	_, bad := errors.AsType[unverified](err)
	switch {
	case bad:
		p.Status, p.scheme = http.StatusUnauthorized, s.verifier.scheme()
	case over:
		p.Status, p.retryAfter, p.Detail = http.StatusTooManyRequests, many.wait, "this source sends more than it may: send again later"
	case errors.Is(err, errMediaType), errors.Is(err, errCharset), errors.Is(err, errEncoding):
		p.Status = http.StatusUnsupportedMediaType
	case errors.Is(err, errTooSlow):
		p.Status = http.StatusRequestTimeout
	case errors.Is(err, errTooLarge), errors.Is(err, errEventTooLarge), errors.Is(err, errRecordTooLarge):
		p.Status = http.StatusRequestEntityTooLarge
	case errors.Is(err, errOurs):
		p.Status = http.StatusInternalServerError
	case errors.Is(err, errNoRoom), errors.Is(err, errNotAcknowledged):
		p.Status, p.retryAfter = http.StatusServiceUnavailable, retryLater
	}
	return p
}

func answerProblem(w http.ResponseWriter, p problem) {
	p.Type, p.Title = "about:blank", http.StatusText(p.Status)
	h := w.Header()
	if p.retryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(int(math.Ceil(p.retryAfter.Seconds()))))
	}
	if p.scheme != "" {
		h.Set("WWW-Authenticate", p.scheme)
	}
	switch p.Status {
	case http.StatusRequestTimeout, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType:
		// What of the body is still to come is not waited for.
		h.Set("Connection", "close")
	}
	answerJSON(w, "application/problem+json", p.Status, p)
}

func answerJSON(w http.ResponseWriter, contentType string, status int, body any) {
	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the client has gone: nobody is left to be told
}

// taken is the answer to a webhook that Kafka has.
type taken struct {
	ID string `json:"id"` // the CloudEvent's
}

// answerTaken answers 202; a plain HTML form gets a page to go on with.
func (s *source) answerTaken(w http.ResponseWriter, r *http.Request, d delivery) {
	if len(s.redirects) == 0 || d.form == formJSON || wantsJSON(r) {
		answerJSON(w, "application/json", http.StatusAccepted, taken{d.id})
		return
	}
	to := s.redirects[0]
	if slices.Contains(s.redirects, d.redirect) {
		to = d.redirect
	}
	w.Header().Set("Location", to)
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusSeeOther)
}

// wantsJSON tells a script, which would follow a redirect in vain, from a form.
func wantsJSON(r *http.Request) bool {
	return strings.Contains(r.Header.Get("Accept"), "json") || r.Header.Get("Sec-Fetch-Mode") == "cors"
}

// accepts tells how the body is written, before any of it is read.
func (s *source) accepts(r *http.Request) (media, boundary string, err error) {
	if encoding := r.Header.Get("Content-Encoding"); encoding != "" && !strings.EqualFold(encoding, "identity") {
		return "", "", errEncoding
	}
	media, boundary, utf8 := contentType(r.Header.Get("Content-Type"))
	if !slices.Contains(s.contentTypes, media) {
		return "", "", errMediaType
	}
	if !utf8 {
		return "", "", errCharset
	}
	return media, boundary, nil
}

// allowOrigin lets a browser's script see the answer, when the source says so.
func (s *source) allowOrigin(w http.ResponseWriter, r *http.Request) {
	if len(s.origins) == 0 {
		return
	}
	w.Header().Add("Vary", "Origin")
	switch origin := r.Header.Get("Origin"); {
	case slices.Contains(s.origins, "*"):
		w.Header().Set("Access-Control-Allow-Origin", "*")
	case origin != "" && slices.Contains(s.origins, origin):
		w.Header().Set("Access-Control-Allow-Origin", origin)
	default:
		return
	}
	w.Header().Set("Access-Control-Expose-Headers", "Retry-After")
}

// preflight answers what a browser asks before it lets a script send.
func (s *source) preflight(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Allow", "POST, OPTIONS")
	if h.Get("Access-Control-Allow-Origin") != "" {
		h.Set("Access-Control-Allow-Methods", "POST")
		h.Set("Access-Control-Allow-Headers", s.allowedHeaders())
		h.Set("Access-Control-Max-Age", "600")
	}
	w.WriteHeader(http.StatusNoContent)
}

func (s *source) allowedHeaders() string {
	names := []string{"Content-Type", headerID, headerTimestamp, headerSignature}
	if s.id.header != "" {
		names = append(names, s.id.header)
	}
	if v, ok := s.verifier.(token); ok && v.header != "" {
		names = append(names, v.header)
	}
	return strings.Join(names, ", ")
}
