package probe

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// reply is the outcome of a request, or of one call of a batch.
type reply struct {
	status     int // 0: no answer; of a call in a batch: 200, or 0 with its code
	code       string
	data       json.RawMessage
	body       []byte // all of it
	header     http.Header
	retryAfter time.Duration
	took       time.Duration
	size       int // bytes of the answer
	err        error
	missing    bool // of a call in a batch: the answer says nothing of it
}

// envelope is the outside of every answer.
type envelope struct {
	Data  json.RawMessage `json:"data"`
	Error struct {
		Code       string  `json:"code"`
		RetryAfter float64 `json:"retryAfter"`
	} `json:"error"`
}

func readReply(status int, h http.Header, body []byte) reply {
	r := reply{status: status, header: h, size: len(body), body: body}
	var e envelope
	if err := json.Unmarshal(body, &e); err != nil && status < http.StatusBadRequest {
		r.code = codeNoJSON
		return r
	}
	r.data, r.code = e.Data, plainID(e.Error.Code)
	seconds := e.Error.RetryAfter
	if n, ok := header(h, "Retry-After"); ok {
		seconds = max(seconds, float64(n))
	}
	r.retryAfter = time.Duration(min(seconds, 120) * float64(time.Second))
	return r
}

// ok reports whether the request did what it asked for.
func (r reply) ok() bool {
	return r.err == nil && !r.missing && r.code == "" && r.status >= 200 && r.status < 300
}

// doubtful reports whether the request may have taken effect although no answer says so.
func (r reply) doubtful() bool { return r.missing || r.err != nil || r.status >= 500 }

// untold reports whether a create may have made something although its answer, which has this id or 0, does not tell what.
func (r reply) untold(id int64) bool {
	return id == 0 && (r.doubtful() || r.ok() || r.code == codeNoJSON)
}

// codeNoJSON is the code of an answer of success that is not JSON.
const codeNoJSON = "NO_JSON"

// notOffered reports whether the portal has no such path.
func (r reply) notOffered() bool {
	return r.status == http.StatusNotFound || r.status == http.StatusMethodNotAllowed || r.status == http.StatusNotImplemented
}

// answer returns the part of a reply that a profile keeps.
func (r reply) answer() Answer {
	if r.status == 0 && r.code == "" {
		return Answer{Code: "NO_ANSWER"}
	}
	return Answer{Status: r.status, Code: r.code}
}

// row is one record as an answer shows it: values by folded field names.
type row map[string]json.RawMessage

// row reads the record of an answer.
func (r reply) row() row { return readRow(r.data) }

func readRow(text json.RawMessage) row {
	var given map[string]json.RawMessage
	if json.Unmarshal(text, &given) != nil {
		return nil
	}
	out := make(row, len(given))
	for name, value := range given {
		out[fold(name)] = value
	}
	return out
}

// rows returns the records of an answer. ok is false when it has no list.
func (r reply) rows() (rows []row, ok bool) {
	var list []json.RawMessage
	text := r.data
	if len(bytes.TrimSpace(text)) > 0 && bytes.TrimSpace(text)[0] == '{' { // {"items": […]}
		var inside struct{ Items json.RawMessage }
		_ = json.Unmarshal(text, &inside)
		text = inside.Items
	}
	if !r.ok() || json.Unmarshal(text, &list) != nil || list == nil {
		return nil, false
	}
	for _, one := range list {
		rows = append(rows, readRow(one))
	}
	return rows, true
}

// id returns the record's number, 0 when it has none.
func (r row) id() int64 {
	n, _ := strconv.ParseInt(strings.Trim(string(r["id"]), `"`), 10, 64)
	return n
}

// text returns the value of a field that is a text, in any spelling of the field's name; "" when there is none.
func (r row) text(name string) string {
	var s string
	_ = json.Unmarshal(r[fold(name)], &s)
	return s
}

// fold returns a field's name so that UF_CRM_X, ufCrm_X and ufCrmX are equal.
func fold(name string) string {
	folded := strings.ToLower(strings.ReplaceAll(name, "_", ""))
	if strings.HasPrefix(folded, "ufcrm") {
		return folded
	}
	return name
}

// plainID returns a text from outside if it is an identifier, and UNREADABLE otherwise: a profile must not have texts
// that may be somebody's data.
func plainID(s string) string {
	odd := func(r rune) bool {
		return r != '_' && r != '-' && r != '.' && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	}
	if len(s) > 64 || strings.ContainsFunc(s, odd) {
		return "UNREADABLE"
	}
	return s
}
