package vibe

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

	"github.com/leadbridge/leadbridge/internal/jsonscan"
)

// envelope is the form of every answer of the CRM.
type envelope struct {
	success, data, meta, fault []byte // as JSON, parts of the answer's text; nil: the answer lacks them
}

// readEnvelope reads an answer in one pass. ok is false for a text that is not a JSON object.
func readEnvelope(text []byte) (e envelope, ok bool) {
	ok = jsonscan.IsObject(text) && jsonscan.Valid(text, func(name, value []byte) {
		switch {
		case named(name, "success"):
			e.success = value
		case named(name, "data"):
			e.data = value
		case named(name, "meta"):
			e.meta = value
		case named(name, "error"):
			e.fault = value
		}
	})
	return e, ok
}

// named reports whether a member of an answer has a name, whatever the case of its letters.
func named(member []byte, name string) bool { return strings.EqualFold(string(member), name) }

// failed reports whether an answer says that the call failed, and returns what it says about the failure. ok is false if
// the answer's parts are not of the JSON types that they should be.
func (e envelope) failed() (said complaint, failed, ok bool) {
	switch string(e.success) {
	case "", "null", "true":
	case "false":
		failed = true
	default:
		return said, false, false
	}
	if len(e.fault) == 0 || string(e.fault) == "null" {
		return said, failed, true
	}
	return said, true, json.Unmarshal(e.fault, &said) == nil
}

// complaint is what the CRM says about a failure.
type complaint struct {
	Code       text   `json:"code"`
	Message    text   `json:"message"`
	RetryAfter number `json:"retryAfter"` // seconds
}

// classify is the one place that decides which class an answer has, for reads and creates alike.
// It does not look into the answer's data.
func classify(a answer, now time.Time) Outcome {
	o := Outcome{Status: a.status, Written: a.written, Answered: a.answered, Lease: a.lease, RequestID: a.requestID}
	if a.lease != nil {
		o.Class = LeaseLost
		return o
	}
	if a.status == 0 {
		o.Code = transportCode(a.err)
		if a.written.IsZero() {
			o.Class = NotApplied
		}
		return o
	}
	o.RetryAfter = retryAfter(a.header.Get("Retry-After"), now)
	e, ok := readEnvelope(a.body)
	said, failed, readable := e.failed()
	if a.err != nil || !ok || !readable {
		o.Class = classOf(a.status, "") // an unreadable answer has no code
		if errors.Is(a.err, errTooLong) {
			o.Code = CodeTooLong
		}
		return o
	}
	o.Data = e.data
	o.complain(said)
	if a.status/100 == 2 && !failed {
		o.Class, o.Meta = Done, e.meta
		return o
	}
	o.Class = classOf(a.status, o.Code)
	return o
}

// complain sets what the CRM says about the failure.
func (o *Outcome) complain(c complaint) {
	o.Code, o.Message = PlainID(string(c.Code)), string(c.Message)
	o.RetryAfter = max(o.RetryAfter, seconds(float64(c.RetryAfter)))
}

// classOf returns the class for a status and a code. code is "" if the body is not in the CRM's form.
func classOf(status int, code string) Class {
	switch status {
	case http.StatusUnauthorized, http.StatusPaymentRequired, http.StatusForbidden,
		http.StatusNotFound, http.StatusMethodNotAllowed:
		return Credentials
	case http.StatusRequestEntityTooLarge:
		return TooLarge
	case http.StatusTooManyRequests:
		return Throttled
	case http.StatusBadRequest, http.StatusConflict, http.StatusUnprocessableEntity, http.StatusOK, http.StatusCreated:
		return classOfCode(code)
	}
	return Doubt
}

// classOfCode returns the class for a code. It is used if the status says little: for items of batches,
// or 200 with success false.
func classOfCode(code string) Class {
	switch code {
	case "CONFLICT", "ALREADY_EXISTS":
		return Refused
	case "BITRIX_ERROR":
		return Business
	case "RATE_LIMITED", "ERROR_LOOP_DETECTED":
		return Throttled
	case "BITRIX_ACCESS_DENIED", "NOT_FOUND", "ENTITY_NOT_FOUND", "METHOD_NOT_ALLOWED":
		return Credentials
	}
	switch {
	case blamesKey(code):
		return Credentials
	case strings.HasPrefix(code, "INVALID_"), strings.HasPrefix(code, "MISSING_"), strings.HasPrefix(code, "VALIDATION_"):
		return Refused // the reference's list of these codes is open
	}
	return Doubt // INTERNAL_ERROR, BITRIX_UNAVAILABLE, QUEUE_TIMEOUT and every unknown code
}

// blamesKey reports whether a code says that the key or the plan is at fault, whatever was sent.
func blamesKey(code string) bool {
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

// transportCode returns a code for a failure. The error's own text is not used, as it has addresses.
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

// text reads a string. Any other JSON value is read as its JSON text.
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

// number reads a number, also from a string. Any other value is 0.
type number float64

func (n *number) UnmarshalJSON(b []byte) error {
	f, err := strconv.ParseFloat(strings.Trim(string(b), `" `), 64)
	if err != nil || math.IsNaN(f) || math.IsInf(f, 0) {
		f = 0
	}
	*n = number(f)
	return nil
}
