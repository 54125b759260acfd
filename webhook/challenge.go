package webhook

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

// challenge describes the request by which a provider checks, once, that the address is ours. It makes no event.
type challenge struct {
	when    conditions // a challenge meets all of them; nil: a request with the field echo is one
	empty   bool       // a request without a body or query is a challenge, too; false: it is none
	echo    []string   // path of the field whose value is the answer; nil: the answer is not taken from the request
	answer  string     // the answer without echo; "": that of the source
	token   []string   // path of the field with the provider's token; nil: none is required
	secrets *secrets   // the token must be one of these
}

// maxEcho is the longest answer in bytes that repeats a value of the request.
const maxEcho = 1 << 10

// asked reports whether a request is a challenge, and returns the answer; "": the source's own. The error is errBadToken, or nil.
func (ch *challenge) asked(r *http.Request, c *content, now time.Time) (answer string, asks bool, err error) {
	if ch == nil || !ch.asks(r, c) {
		return "", false, nil
	}
	if ch.token != nil {
		given := c.text(ch.token)
		if given == "" || !ch.secrets.equal(now, [][]byte{hashed(given)}) {
			return "", true, errBadToken
		}
	}
	answer = ch.answer
	if ch.echo != nil {
		answer = c.text(ch.echo)
	}
	return answer, true, nil
}

func (ch *challenge) asks(r *http.Request, c *content) bool {
	if c.isEmpty() {
		return ch.empty
	}
	if ch.echo != nil {
		if text := c.text(ch.echo); text == "" || len(text) > maxEcho || strings.ContainsAny(text, "\r\n") {
			return false
		}
	}
	return (ch.when != nil || ch.echo != nil) && ch.when.met(r, c)
}

// isEmpty reports whether the body, or the query, has neither JSON nor fields.
func (c *content) isEmpty() bool { return len(c.data) == 0 && len(c.fields) == 0 }

// headerField begins the name of a condition on a header, as in templates.
const headerField = "header:"

// conditions are values of fields or headers.
type conditions []condition

// condition is met by a field that has one of the values.
type condition struct {
	header string // "": it is of a field
	field  []string
	values []string
}

// anyValue stands for every value that is not empty.
const anyValue = "*"

// met reports whether all conditions are met; an empty list is.
func (list conditions) met(r *http.Request, c *content) bool {
	return !slices.ContainsFunc(list, func(one condition) bool { return !one.met(r, c) })
}

// anyMet reports whether one of the conditions is met.
func (list conditions) anyMet(r *http.Request, c *content) bool {
	return slices.ContainsFunc(list, func(one condition) bool { return one.met(r, c) })
}

func (one condition) met(r *http.Request, c *content) bool {
	text := r.Header.Get(one.header)
	if one.header == "" {
		text = c.text(one.field)
	}
	return slices.ContainsFunc(one.values, func(value string) bool { return text == value || value == anyValue && text != "" })
}
