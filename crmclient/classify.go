package crmclient

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/leadbridge/leadbridge/internal/jsontext"
)

// class says what an outcome means for the event.
type class int

const (
	classDoubt       class = iota // it may have been applied, or may yet be; also every code that we do not know
	classDone                     // the CRM says where the contact is
	classRefused                  // this contact, for ever
	classTooLarge                 // this contact, for its size
	classBusiness                 // the portal's own rule: a few tries alone, then refused
	classCredentials              // our key, or what the key may not see: not applied
	classThrottled                // not applied, nobody's fault
	classNotApplied               // nothing was written
	classLeaseLost                // the lease stopped it
	classStopped                  // none: the caller asked for an early end
	classSplit                    // refused in a batch or with all of it: not applied, goes again alone or with fewer
	classAgain                    // not applied: goes again as it was
)

var classNames = [...]string{"doubt", "done", "refused", "too_large", "business", "credentials", "throttled", "not_applied", "lease_lost", "stopped", "split", "again"}

func (c class) String() string { return classNames[c] }

// outcome is an answer, understood. An item of a batch has one of its own.
type outcome struct {
	class      class
	status     int
	code       string // the CRM's, or one of ours for the transport
	message    string // the CRM's words: may repeat personal data, never logged
	retryAfter time.Duration
	written    time.Time // see answer
	answered   time.Time // see answer
	lease      error
	requestID  string          // the CRM's, for its support
	data       json.RawMessage // of an answer
	parts      []jsontext.Part // of a batch's answer
	extra      json.RawMessage // "meta" of an answer with success

	id      int64 // of the contact, when done
	marks   identified
	charged bool // the failed attempt counts against the event
	held    bool // a hold says when to try again
	floods  int  // that had ended when the create left
	item    bool // an item's own failure: it says nothing about the CRM

	items  int     // creates that were in the request
	whole  bool    // they failed together
	cohort *cohort // of those of them that are in doubt
}

// envelope is the CRM's answer, whatever it is.
type envelope struct {
	success    *bool
	data, meta json.RawMessage
	parts      []jsontext.Part // the answer's
	complaint  *complaint
}

// complaint is what the CRM says of a failure.
type complaint struct {
	Code       text   `json:"code"`
	Message    text   `json:"message"`
	RetryAfter number `json:"retryAfter"`
}

// parseEnvelope reads an answer, in one pass, as deep as is wanted. What its data says is left
// to others.
func parseEnvelope(body []byte, depth int) (e envelope, ok bool) {
	parts, ok := jsontext.Parts(body, depth)
	e.parts = parts
	if !ok || !jsontext.IsObject(body) {
		return e, false
	}
	decode := func(value []byte, into any) { ok = ok && json.Unmarshal(value, into) == nil }
	for _, p := range parts {
		if p.Depth > 1 {
			continue
		}
		switch strings.ToLower(string(p.Name)) {
		case "success":
			decode(p.Value, &e.success)
		case "data":
			e.data = p.Value
		case "meta":
			e.meta = p.Value
		case "error":
			decode(p.Value, &e.complaint)
		}
	}
	return e, ok
}

// classify is the one place that decides what an answer means, for reads and
// creates alike; created looks at the id of a create on top.
func classify(a answer, now time.Time) outcome {
	o := outcome{status: a.status, written: a.written, answered: a.answered, lease: a.lease, requestID: a.requestID}
	if a.lease != nil {
		o.class = classLeaseLost
		return o
	}
	if a.status == 0 {
		o.code = transportCode(a.err)
		if a.written.IsZero() {
			o.class = classNotApplied
		}
		return o
	}
	o.retryAfter = retryAfter(a.header.Get("Retry-After"), now)
	depth := 1
	if a.items > 0 {
		depth = batchDepth
	}
	e, ok := parseEnvelope(a.body, depth)
	if a.err != nil || !ok {
		o.class = classOf(a.status, "")
		if errors.Is(a.err, errTooLong) {
			o.code = codeTooLong
		}
		return o
	}
	o.data, o.parts = e.data, e.parts
	if e.complaint != nil {
		o.code, o.message = plainID(string(e.complaint.Code)), string(e.complaint.Message)
		o.retryAfter = max(o.retryAfter, seconds(float64(e.complaint.RetryAfter)))
	}
	failed := e.complaint != nil || (e.success != nil && !*e.success)
	if a.status/100 == 2 && !failed {
		o.class, o.extra = classDone, e.meta
		return o
	}
	o.class = classOf(a.status, o.code)
	return o
}

// codeTooLong says that an answer was longer than we read.
const codeTooLong = "ANSWER_TOO_LONG"

// created is classify for a create: done only when the answer tells the id.
func created(a answer, w way, now time.Time) outcome {
	o := classify(a, now)
	o.takeID(w)
	return o
}

// takeID reads what a new contact's answer tells; done without an id is doubt.
func (o *outcome) takeID(w way) {
	if o.class != classDone {
		return
	}
	if o.id, o.marks = w.identify(row(o.data)); o.id == 0 {
		o.class, o.code = classDoubt, "NO_ID"
	}
}

// classOf decides by status and code. code is "" when the body was not the CRM's.
func classOf(status int, code string) class {
	switch status {
	case http.StatusUnauthorized, http.StatusPaymentRequired, http.StatusForbidden,
		http.StatusNotFound, http.StatusMethodNotAllowed:
		return classCredentials
	case http.StatusRequestEntityTooLarge:
		return classTooLarge
	case http.StatusTooManyRequests:
		return classThrottled
	case http.StatusBadRequest, http.StatusConflict, http.StatusUnprocessableEntity, http.StatusOK, http.StatusCreated:
		return classOfCode(code)
	}
	return classDoubt
}

// classOfCode decides where the status says little: success false with 200, an item of a batch.
func classOfCode(code string) class {
	switch code {
	case "CONFLICT", "ALREADY_EXISTS":
		return classRefused
	case "BITRIX_ERROR":
		return classBusiness
	case "RATE_LIMITED", "ERROR_LOOP_DETECTED":
		return classThrottled
	case "BITRIX_ACCESS_DENIED", "NOT_FOUND", "ENTITY_NOT_FOUND", "METHOD_NOT_ALLOWED":
		return classCredentials
	}
	switch {
	case namesKey(code):
		return classCredentials
	case strings.HasPrefix(code, "INVALID_"), strings.HasPrefix(code, "MISSING_"), strings.HasPrefix(code, "VALIDATION_"):
		return classRefused // the reference's list of them is open
	}
	return classDoubt // INTERNAL_ERROR, BITRIX_UNAVAILABLE, QUEUE_TIMEOUT and what we have never seen
}

// namesKey tells whether a code is about the key, whatever is sent with it.
func namesKey(code string) bool {
	switch code {
	case "MISSING_API_KEY", "INVALID_API_KEY", "INVALID_APP_KEY", "WRONG_KEY_TYPE", "OAUTH_REQUIRED",
		"MANAGEMENT_KEY_NO_ENTITY_ACCESS", "WRITE_BLOCKED_READONLY_KEY", "IP_NOT_ALLOWED":
		return true
	}
	for _, prefix := range [...]string{"TOKEN_", "KEY_", "SCOPE_", "BILLING_"} {
		if strings.HasPrefix(code, prefix) {
			return true
		}
	}
	return false
}

// blamesKey tells whether an outcome can only be the key's fault.
func (o outcome) blamesKey() bool {
	return o.status == http.StatusUnauthorized || o.status == http.StatusPaymentRequired || namesKey(o.code)
}

// transportCode names a failure without its words, which hold addresses.
func transportCode(err error) string {
	if _, ok := errors.AsType[*net.DNSError](err); ok {
		return "DNS"
	}
	op, isOp := errors.AsType[*net.OpError](err)
	switch {
	case errors.Is(err, errTimeout):
		return "TIMEOUT"
	case isOp && op.Op == "dial":
		return "UNREACHABLE"
	case isTLS(err):
		return "TLS"
	}
	return "CONNECTION_LOST"
}

// text reads a string liberally: whatever else stands there is taken as it is written.
type text string

func (t *text) UnmarshalJSON(b []byte) error {
	var s string
	if json.Unmarshal(b, &s) == nil {
		*t = text(s)
	} else {
		*t = text(bytes.TrimSpace(b))
	}
	return nil
}

// number reads a number liberally, also as a string; what is none is 0.
type number float64

func (n *number) UnmarshalJSON(b []byte) error {
	f, err := strconv.ParseFloat(strings.Trim(string(b), `" `), 64)
	if err != nil || math.IsNaN(f) || math.IsInf(f, 0) {
		f = 0
	}
	*n = number(f)
	return nil
}

// maxRetryAfter bounds what a portal can make us wait in one go.
const maxRetryAfter = time.Hour

// retryAfter reads the header's two forms, seconds and a date.
func retryAfter(header string, now time.Time) time.Duration {
	header = strings.TrimSpace(header)
	if f, err := strconv.ParseFloat(header, 64); err == nil {
		return seconds(f)
	}
	if at, err := http.ParseTime(header); err == nil {
		return seconds(at.Sub(now).Seconds())
	}
	return 0
}

func seconds(f float64) time.Duration {
	if !(f > 0) { // NaN too
		return 0
	}
	return time.Duration(min(f, maxRetryAfter.Seconds()) * float64(time.Second))
}
