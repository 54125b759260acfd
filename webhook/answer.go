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

// problem is an error for the sender (RFC 9457), without any part of the request.
type problem struct {
	Type       string        `json:"type"` // always about:blank: the status says it
	Title      string        `json:"title"`
	Status     int           `json:"status"`
	Detail     string        `json:"detail"`
	unread     bool          // the body was not read
	retryAfter time.Duration // 0: the answer names none
	scheme     string        // of a 401
}

// unverified is a request that does not come from who may send.
type unverified struct {
	error
	unread bool // its body was not read
}

func (u unverified) Unwrap() error { return u.error }

// tooMany is a request over the source's rate.
type tooMany struct{ wait time.Duration }

func (tooMany) Error() string { return "over the source's rate" }

var (
	errMediaType    = errors.New("this source does not take such a content type")
	errManyUnderWay = errors.New("too many requests of this sender are under way: send again later")
	errEncoding     = errors.New("compressed bodies are not read: send it as it is")
)

// retryLater is the Retry-After of an answer when Kafka does not take the event.
const retryLater = 5 * time.Second

// problemOf returns the problem that a sender is answered for an error.
func problemOf(err error, s *source) problem {
	p := problem{Status: http.StatusBadRequest, Detail: err.Error()}
	many, over := errors.AsType[tooMany](err)
	stranger, bad := errors.AsType[unverified](err)
	switch {
	case bad:
		p.Status, p.scheme, p.unread = http.StatusUnauthorized, s.verifier.scheme(), stranger.unread
	case errors.Is(err, errManyUnderWay):
		p.Status, p.retryAfter, p.unread = http.StatusTooManyRequests, retryLater, true
	case over:
		p.Status, p.retryAfter, p.Detail = http.StatusTooManyRequests, many.wait, "this source sends more than it may: send again later"
	case errors.Is(err, errMediaType), errors.Is(err, errEncoding):
		p.Status = http.StatusUnsupportedMediaType
	case errors.Is(err, errTooSlow):
		p.Status = http.StatusRequestTimeout
	case errors.Is(err, errTooLarge), errors.Is(err, errEventTooLarge), errors.Is(err, errRecordTooLarge):
		p.Status = http.StatusRequestEntityTooLarge
	case errors.Is(err, errOurs):
		p.Status = http.StatusInternalServerError
	case errors.Is(err, errOverloaded), errors.Is(err, errNotAcknowledged):
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
		p.unread = true
	}
	if p.unread { // what of the body is still to come is not waited for
		h.Set("Connection", "close")
	}
	answerJSON(w, "application/problem+json", p.Status, p)
}

func answerJSON(w http.ResponseWriter, contentType string, status int, body any) {
	text, _ := json.Marshal(body) // ours never fail
	answerText(w, contentType, status, append(text, '\n'))
}

func answerText(w http.ResponseWriter, contentType string, status int, text []byte) {
	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Content-Length", strconv.Itoa(len(text)))
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write(text) // on an error the client has gone
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
		p.unread = true
	}
	if !p.unread || r.ContentLength == 0 { // it was read, or it does not come
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
	switch plain := len(s.redirects) > 0 && d.form != formJSON && !wantsJSON(r); {
	case d.answer != "":
		answerText(w, mediaText+"; charset=utf-8", http.StatusOK, []byte(d.answer))
		return
	case !plain && s.answer.body != "":
		answerText(w, s.answer.contentType, s.answer.status, []byte(s.answer.body))
		return
	case !plain:
		answerJSON(w, "application/json", s.answer.status, taken{d.id})
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

// wantsJSON reports whether a script sends the request, which has no use for a redirect, and not a form.
func wantsJSON(r *http.Request) bool {
	return strings.Contains(r.Header.Get("Accept"), "json") || r.Header.Get("Sec-Fetch-Mode") == "cors"
}

// accepts returns the media type of the body, before any of it is read.
func (s *source) accepts(r *http.Request) (mediaType, error) {
	for _, encoding := range r.Header.Values("Content-Encoding") {
		if encoding != "" && !strings.EqualFold(encoding, "identity") {
			return mediaType{}, errEncoding
		}
	}
	m := contentType(r.Header.Get("Content-Type"))
	if r.Method != http.MethodGet && !slices.Contains(s.contentTypes, m.name) {
		return m, errMediaType
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
	h.Set("Allow", s.allowedMethods())
	if h.Get("Access-Control-Allow-Origin") != "" {
		h.Set("Access-Control-Allow-Methods", strings.Join(s.methods, ", "))
		h.Set("Access-Control-Allow-Headers", s.allowedHeaders())
		h.Set("Access-Control-Max-Age", "600")
	}
	w.WriteHeader(http.StatusNoContent)
}

// allowedMethods are those of the source, and GET where its provider tries the address by it.
func (s *source) allowedMethods() string {
	names := slices.Clone(s.methods)
	if s.challenge != nil && !slices.Contains(names, http.MethodGet) {
		names = append(names, http.MethodGet)
	}
	return strings.Join(append(names, http.MethodOptions), ", ")
}

func (s *source) allowedHeaders() string {
	names := []string{"Content-Type", headerID, headerTimestamp, headerSignature}
	if s.id.header != "" {
		names = append(names, s.id.header)
	}
	switch v := s.verifier.(type) {
	case token:
		names = append(names, v.header)
	case signedToken:
		names = append(names, v.header)
	case signature:
		names = append(names, v.header, v.sent.header)
	}
	names = slices.DeleteFunc(names, func(name string) bool { return name == "" })
	return strings.Join(names, ", ")
}
