package vibe

import (
	"encoding/json"
	"errors"
	"net/http"
	"time"
)

// Class says what became of a call.
type Class int

// The classes. The zero value is Doubt: a call that is not known to have failed may have worked.
const (
	Doubt       Class = iota // it may have been applied, or may be later; also every unknown code
	Done                     // the CRM did it
	Refused                  // the CRM will never accept this object
	TooLarge                 // the CRM will never accept this object, because of its size
	Business                 // a rule of the portal refused it; a few further tries, alone, may succeed
	Credentials              // the key is not valid, or may not do or see this: not applied
	Throttled                // too many requests: not applied
	NotApplied               // nothing of the request was written
	LeaseLost                // the caller lost its right to send (Call.Lease) before the request was whole: not applied
)

var classNames = [...]string{"doubt", "done", "refused", "too_large", "business", "credentials", "throttled", "not_applied", "lease_lost"}

// String returns the class's name in logs, such as "not_applied".
func (c Class) String() string { return classNames[c] }

// Codes of our own. The other values of Outcome.Code are the CRM's, or say how the connection
// failed: DNS, UNREACHABLE, TLS, TIMEOUT, CONNECTION_LOST.
const (
	CodeFilterRefused = "INVALID_FILTER_FIELD" // the portal does not take a field of a filter
	CodeTooLong       = "ANSWER_TOO_LONG"      // the answer is longer than 1 MiB, which is all that is read
	CodeNoID          = "NO_ID"                // the answer to a create lacks the new object's id
	CodeNoResult      = "NO_RESULT"            // the answer to a batch does not say what became of the call
)

// Outcome is what became of an attempt, or of one call of a batch.
type Outcome struct {
	Class  Class
	Status int    // the HTTP status; 0: no answer
	Code   string // the CRM's error code or one of ours; safe to log
	// Message is the CRM's text, up to 2 KiB. It may repeat personal data, so it must not be logged.
	// Our secrets are masked in it.
	Message    string
	RetryAfter time.Duration // how long the CRM asked to wait, up to an hour; 0: it did not
	RequestID  string        // the CRM's id of the request, for its support; safe to log; "": not known
	Lease      error         // with LeaseLost: what Call.Lease returned; else nil

	Written  time.Time     // when the request, or a part of it, had been written; zero: nothing was written
	Answered time.Time     // when the head of the answer had come; zero: it did not come
	Took     time.Duration // from the beginning of the attempt to its end

	RateLimit RateLimit

	Data json.RawMessage // the answer's data; it has been checked to be valid JSON
	Meta json.RawMessage // the answer's meta, which lists have
	// Items are the outcomes of a batch's calls in their order, each with the batch's status, times and
	// request id. If it is nil, the answer says nothing about single calls, and the outcome is that of
	// each call.
	Items []Outcome
	// Item says that this is the outcome of one call of an answered batch, so that a failure says nothing
	// about the other calls or the CRM. If it is false, this is the outcome of a whole request.
	Item bool
}

// NotOffered reports whether the CRM does not know the path, for example of an optional part of its API
// that a portal lacks.
func (o Outcome) NotOffered() bool {
	return o.Status == http.StatusNotFound || o.Status == http.StatusMethodNotAllowed
}

// BlamesKey reports whether the key or the plan must be at fault, whatever was sent.
func (o Outcome) BlamesKey() bool {
	return o.Status == http.StatusUnauthorized || o.Status == http.StatusPaymentRequired || blamesKey(o.Code)
}

// Created returns the outcome of a create, the id of the new object, and the values of the fields that may carry the event's
// id, see [Marks]. If the class is Done but the answer lacks the object's id, the outcome becomes Doubt (CodeNoID).
// The id is 0 unless the class is Done.
func (o Outcome) Created(f IDField) (_ Outcome, id int64, marks Marks) {
	if o.Class != Done {
		return o, 0, Marks{}
	}
	if id, marks = f.Identify(Row(o.Data)); id == 0 {
		o.Class, o.Code = Doubt, CodeNoID
	}
	return o, id, marks
}

// Fields reads the answer to [ListFields]. Its error says that the answer lists no fields.
func (o Outcome) Fields() (Fields, error) {
	var data struct {
		Fields map[string]struct {
			IsReadOnly bool `json:"isReadOnly"`
		} `json:"fields"`
	}
	if err := json.Unmarshal(o.Data, &data); err != nil || len(data.Fields) == 0 {
		return Fields{}, errors.New("no fields in the answer")
	}
	fields := make(map[string]field, len(data.Fields))
	for name, f := range data.Fields {
		fields[foldField(name)] = field{name: name, readOnly: f.IsReadOnly}
	}
	return Fields{byName: fields}, nil
}
