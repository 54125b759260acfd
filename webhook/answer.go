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
	Type       string        `json:"type"` // always about:blank: the status says what kind it is
	Title      string        `json:"title"`
	Status     int           `json:"status"`
	Detail     string        `json:"detail"`
	unread     bool          // the body may not have been read to its end; false: it was read
	retryAfter time.Duration // 0: the answer names none
	scheme     string        // for WWW-Authenticate of a 401; "": the answer names none
}

// tooMany is the error of a request over the source's rate.
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
	overRate, isOverRate := errors.AsType[tooMany](err)
	unproven, isUnproven := errors.AsType[unverified](err)
	switch {
	case isUnproven:
		p.Status, p.scheme, p.unread = http.StatusUnauthorized, s.verifier.scheme(), unproven.unread
	case errors.Is(err, errManyUnderWay):
		p.Status, p.retryAfter, p.unread = http.StatusTooManyRequests, retryLater, true
	case isOverRate:
		p.Status, p.retryAfter, p.Detail = http.StatusTooManyRequests, overRate.wait, "this source sends more than it may: send again later"
	case errors.Is(err, errMediaType), errors.Is(err, errEncoding):
		p.Status, p.unread = http.StatusUnsupportedMediaType, true
	case errors.Is(err, errTooSlow):
		p.Status, p.unread = http.StatusRequestTimeout, true
	case errors.Is(err, errTooLarge), errors.Is(err, errEventTooLarge), errors.Is(err, errRecordTooLarge):
		p.Status, p.unread = http.StatusRequestEntityTooLarge, true
	case errors.Is(err, errOurs):
		p.Status = http.StatusInternalServerError
	case errors.Is(err, errOverloaded), errors.Is(err, errNotAcknowledged):
		p.Status, p.retryAfter, p.unread = http.StatusServiceUnavailable, retryLater, true
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
	if p.unread { // the rest of the body would stand where the server looks for the next request
		h.Set("Connection", "close")
	}
	answerJSON(w, "application/problem+json", p.Status, p)
}

func answerJSON(w http.ResponseWriter, contentType string, status int, body any) {
	text, _ := json.Marshal(body) // structs of texts and numbers never fail
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

// A connection that is closed with bytes unread is reset, and the reset may overtake the answer. So the rest of a body
// that is not taken is read and dropped: at most so many bytes, and for so long.
const (
	lingerBytes = 16 << 20
	lingerTime  = 2 * time.Second
)

// answerRefused answers a request that was not taken, and then reads what is left of its body.
func answerRefused(w http.ResponseWriter, r *http.Request, p problem) {
	nothingLeft := !p.unread || r.ContentLength == 0
	tooSlow := p.Status == http.StatusRequestTimeout // it was waited for long enough
	if nothingLeft || tooSlow {
		answerProblem(w, p)
		return
	}
	control := http.NewResponseController(w)
	duplex := control.EnableFullDuplex() == nil // without it the server reads the body before it sends the answer
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

// answerTaken answers a request that was not refused: a challenge with its answer, a form of a page with a redirect if
// the source has one, and all others as the source says.
func (s *source) answerTaken(w http.ResponseWriter, r *http.Request, d delivery) {
	ofPage := d.form != formJSON && !wantsJSON(r)
	switch {
	case d.answer != "":
		answerText(w, mediaText+"; charset=utf-8", http.StatusOK, []byte(d.answer))
	case ofPage && len(s.redirects) > 0:
		s.redirect(w, d.redirect)
	case s.answer.body != "":
		answerText(w, s.answer.contentType, s.answer.status, []byte(s.answer.body))
	default:
		answerJSON(w, "application/json", s.answer.status, taken{d.id})
	}
}

// redirect sends a browser on to the address that the form asked for, if the source has it, else to the source's first.
func (s *source) redirect(w http.ResponseWriter, asked string) {
	to := s.redirects[0]
	if slices.Contains(s.redirects, asked) {
		to = asked
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

// allowedMethods returns the source's methods, GET where its provider tries the address by it, and OPTIONS, as a list
// in one header.
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
