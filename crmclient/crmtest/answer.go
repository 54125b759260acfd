package crmtest

import (
	"fmt"
	"maps"
	"net/http"
	"strconv"
)

// failure is the error of an answer.
type failure struct {
	Status      int    `json:"-"`
	Code        string `json:"code"`
	Message     string `json:"message"`
	Hint        string `json:"hint,omitempty"`
	UserMessage string `json:"userMessage,omitempty"`
	RetryAfter  int    `json:"retryAfter,omitempty"` // seconds
	fault       string // the injected fault that caused it, for the counts
}

func invalid(code, format string, args ...any) *failure {
	return &failure{Status: http.StatusBadRequest, Code: code, Message: fmt.Sprintf(format, args...)}
}

// answer is the answer of a call.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// envelope is the form of every answer.
type envelope struct {
	Success bool
	Data    any // nil: left out, likewise below
	Meta    any
	Error   *failure
}

func answered(status int, e envelope) answer {
	return answer{status: status, header: http.Header{"Content-Type": {"application/json; charset=utf-8"}}, body: e.text()}
}

// text returns the envelope as JSON. Objects in it are JSON already and are copied, because
// encoding/json would read all of them again.
func (e envelope) text() []byte {
	b := make([]byte, 0, 256+e.size())
	b = strconv.AppendBool(append(b, `{"success":`...), e.Success)
	if e.Data != nil {
		b = appendValue(append(b, `,"data":`...), e.Data)
	}
	if e.Meta != nil {
		b = appendValue(append(b, `,"meta":`...), e.Meta)
	}
	if e.Error != nil {
		b = appendValue(append(b, `,"error":`...), e.Error)
	}
	return append(b, '}')
}

// size estimates the length of the data.
func (e envelope) size() int {
	switch data := e.Data.(type) {
	case rendered:
		return len(data)
	case *batchData:
		return data.size()
	}
	return 0
}

// appendValue adds a part of an answer.
func appendValue(b []byte, v any) []byte {
	switch v := v.(type) {
	case rendered:
		return append(b, v...)
	case *batchData:
		return v.append(b)
	}
	return appendJSON(b, v)
}

func failed(f *failure) answer {
	a := answered(f.Status, envelope{Error: f})
	if f.RetryAfter > 0 {
		a.header.Set("Retry-After", strconv.Itoa(f.RetryAfter))
	}
	return a
}

// write sends the answer, or half of its body.
func (a answer) write(w http.ResponseWriter, half bool) {
	h := w.Header()
	maps.Copy(h, a.header)
	if bodyless := a.status == http.StatusNoContent || a.status == http.StatusNotModified; !bodyless {
		h.Set("Content-Length", strconv.Itoa(len(a.body)))
	}
	w.WriteHeader(a.status)
	if !half {
		_, _ = w.Write(a.body) // the client may have gone
		return
	}
	_, _ = w.Write(a.body[:len(a.body)/2])
	_ = http.NewResponseController(w).Flush()
	panic(http.ErrAbortHandler) // net/http breaks the connection off
}

// cut ends the connection without an answer, by a reset if reset is set.
func cut(w http.ResponseWriter, reset bool) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler) // HTTP/2, a recorder
	}
	if l, ok := conn.(interface{ SetLinger(int) error }); ok && reset {
		_ = l.SetLinger(0)
	}
	_ = conn.Close()
}
