package webhook

import (
	"encoding/json"
	"errors"
	"io"
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
	errCharset   = errors.New("the charset is not known, or not UTF-8 where JSON is said to come: send it in UTF-8")
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
	text, _ := json.Marshal(body) // ours never fail
	text = append(text, '\n')
	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Content-Length", strconv.Itoa(len(text)))
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write(text) // the client has gone: nobody is left to be told
}

// What is read of a body that is not taken, and for how long: a connection that is
// closed with bytes unread is reset, and that may overtake the answer.
const (
	lingerBytes = 16 << 20
	lingerTime  = 2 * time.Second
)

// answerRefused answers what was perhaps not read to its end.
func answerRefused(w http.ResponseWriter, r *http.Request, p problem) {
	switch p.Status {
	case http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType, http.StatusServiceUnavailable:
	default: // it was read, or it does not come
		answerProblem(w, p)
		return
	}
	control := http.NewResponseController(w)
	duplex := control.EnableFullDuplex() == nil // else the server reads first
	answerProblem(w, p)
	if !duplex || control.Flush() != nil {
		return
	}
	_ = control.SetReadDeadline(time.Now().Add(lingerTime))
	_, _ = io.CopyN(io.Discard, r.Body, lingerBytes)
}

// taken is the answer to a webhook that Kafka has.
type taken struct {
	ID string `json:"id"` // the CloudEvent's
}

// answerTaken answers as the source says, else 202; a plain HTML form gets a page to go on with.
func (s *source) answerTaken(w http.ResponseWriter, r *http.Request, d delivery) {
	if len(s.redirects) == 0 || d.form == formJSON || wantsJSON(r) {
		answerJSON(w, "application/json", s.answer, taken{d.id})
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
func (s *source) accepts(r *http.Request) (mediaType, error) {
	for _, encoding := range r.Header.Values("Content-Encoding") {
		if encoding != "" && !strings.EqualFold(encoding, "identity") {
			return mediaType{}, errEncoding
		}
	}
	m := contentType(r.Header.Get("Content-Type"))
	switch {
	case !slices.Contains(s.contentTypes, m.name):
		return m, errMediaType
	case !m.readable():
		return m, errCharset
	}
	return m, nil
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
