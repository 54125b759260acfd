package vibe

import (
	"encoding/json"
	"errors"
	"net/http"
	"time"
)

// Class says what an outcome means for what was asked.
type Class int

// The classes. The zero value is Doubt: what is not known to have failed may have worked.
const (
	Doubt       Class = iota // it may have been applied, or may yet be; also every code that is not known
	Done                     // the CRM did it
	Refused                  // the CRM will never accept this object
	TooLarge                 // the CRM will never accept this object, for its size
	Business                 // a rule of the portal's own refused it: worth a few tries alone
	Credentials              // the key, or what it may not see: not applied
	Throttled                // too many requests: not applied
	NotApplied               // nothing of the request was written
	LeaseLost                // the call's lease stopped it, see Outcome.Lease
)

var classNames = [...]string{"doubt", "done", "refused", "too_large", "business", "credentials", "throttled", "not_applied", "lease_lost"}

// String returns the class's name in logs, such as "not_applied".
func (c Class) String() string { return classNames[c] }

// Codes of our own. The other values of Outcome.Code are the CRM's, or say how the connection
// failed: DNS, UNREACHABLE, TLS, TIMEOUT, CONNECTION_LOST.
const (
	CodeFilterRefused = "INVALID_FILTER_FIELD" // the portal does not take a field of a filter
	CodeTooLong       = "ANSWER_TOO_LONG"      // the answer is longer than 1 MiB, which is all that is read
	CodeNoID          = "NO_ID"                // the answer to a create does not tell the new object's id
	CodeNoResult      = "NO_RESULT"            // the answer to a batch does not tell what came of the call
)

// Outcome is what came of an attempt, or of one call of a batch.
type Outcome struct {
	Class  Class
	Status int    // of HTTP; 0: no answer
	Code   string // the CRM's error code or one of ours; safe to log
	// Message is the CRM's words, up to 2 KiB. They may repeat personal data: never to be logged.
	// Our secrets are masked in it.
	Message    string
	RetryAfter time.Duration // how long the CRM asked to wait, up to an hour; 0: it did not
	RequestID  string        // the CRM's, for its support; safe to log; "": not told
	Lease      error         // with LeaseLost, the error of the call's lease

	Written  time.Time     // when the request had been written, or a part of it; zero: nothing ever was
	Answered time.Time     // when the head of the answer had come; zero: none came
	Took     time.Duration // from the beginning of the attempt to its end

	RateLimit RateLimit

	Data json.RawMessage // of the answer; it has been checked to be valid JSON
	Meta json.RawMessage // what stands beside the data of a list
	// Items are the outcomes of a batch's calls in their order; nil when the answer does not tell
	// them apart, and then the outcome is that of each. Each has the batch's status, times and
	// request id.
	Items []Outcome
	// Item reports that this is the outcome of one call of a batch whose answer came: a failure
	// says nothing about the other calls or the CRM.
	Item bool
}

// NotOffered reports whether the CRM does not know the path, as for an optional part of its API
// that a portal lacks.
func (o Outcome) NotOffered() bool {
	return o.Status == http.StatusNotFound || o.Status == http.StatusMethodNotAllowed
}

// NamesKey reports whether the failure can only be the key's or the plan's, whatever was sent.
func (o Outcome) NamesKey() bool {
	return o.Status == http.StatusUnauthorized || o.Status == http.StatusPaymentRequired || namesKey(o.Code)
}

// Created returns the outcome of a create with the id of the new object, and what its answer has
// where f puts the id of ours. An outcome of Done whose answer tells no id becomes one of Doubt
// (CodeNoID). The id is 0 unless the class is Done.
func (o Outcome) Created(f IDField) (_ Outcome, id int64, marks Marks) {
	if o.Class != Done {
		return o, 0, Marks{}
	}
	if id, marks = f.Identify(Row(o.Data)); id == 0 {
		o.Class, o.Code = Doubt, CodeNoID
	}
	return o, id, marks
}

// Fields reads the answer to [ListFields]. Its error says that the answer lists none.
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
