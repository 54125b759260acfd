package webhook

import (
	"sync/atomic"

	"golang.org/x/text/encoding"

	"github.com/leadbridge/leadbridge/transform"
)

// source is a website or form builder that may send: one entry of the file.
type source struct {
	name         string
	topic        string // "": the gate's own
	schema       uint32 // id of the JSON Schema in the frame of its events; 0: they have no frame
	verifier     verifier
	secrets      *secrets          // the verifier's; nil: it has none
	methods      []string          // POST, GET or both
	contentTypes []string          // media types in lower case
	charset      encoding.Encoding // of bodies that name none and are not valid UTF-8; nil: bytes that are not UTF-8 become U+FFFD
	lenient      bool              // JSON that is not valid, as of hand-made templates, is repaired; false: it is refused
	maxBody      int64             // bytes
	buffer       int64             // bytes for all its bodies that are being read or written to Kafka; 0: an even share
	eventType    string            // CloudEvents type
	id           idRule
	key          keyRule
	rate         *limiter // of events; nil: no limit
	origins      []string // of the pages whose scripts may see the answer; "*": all
	redirects    []string // where people who sent a form may be sent on to; the first unless the form names another
	honeypot     string   // a field that people do not see, and so leave empty; "": none

	answer answered // for a webhook that was taken

	challenge        *challenge // nil: none
	challengeSecrets *secrets   // the challenge's own; nil: it has none, or the verifier's

	test         map[string]string // fields and values of the provider's test: a body of just these makes no event; nil: none
	testUnsigned bool              // the test needs no signature or token; false: it is verified like any request
	ignoreIf     conditions        // a body that meets one of them makes no event

	mapper          *transform.Transformer // nil: data passes as it came
	passUnmapped    bool                   // an event that the mapping fails on is written as it came; false: it becomes a dead letter
	allowed         []string               // fields with rights that the sender may set, by the CRM's names; see transform
	allowedByMapper []string               // fields with rights that the mapping's program names: it may set them, too
	reader          *transform.Transformer // reads the event that was made, as the service will: for the record's key

	charsetLogged atomic.Bool // it was logged that a body is not in UTF-8
	unverified    pacedCount  // requests that were answered 401
}

// address is the CloudEvents source of its events.
func (s *source) address() string { return "/hooks/" + s.name }

// answered is the answer for a webhook that was taken.
type answered struct {
	status      int
	body        string // "": the event's id as JSON
	contentType string // of the body
}

// idRule says where a provider puts the id of a delivery.
type idRule struct {
	header     string   // "": in none
	field      []string // path in the data; nil: in none
	cloudEvent bool     // the id of a CloudEvent counts even if its sender is not verified; false: only if the sender is verified
}

// keyRule says what becomes the record's key.
type keyRule string

const (
	keyAuto  keyRule = "auto"  // the e-mail, else the phone
	keyEmail keyRule = "email" // the e-mail alone
	keyPhone keyRule = "phone" // the phone, else the e-mail
	keyNone  keyRule = "none"
)

// fateOfUnmapped says, for the log, what becomes of an event that the mapping fails on.
func (s *source) fateOfUnmapped() string {
	if s.passUnmapped {
		return "it goes to Kafka as it came"
	}
	return "it becomes a dead letter MAPPING_FAILED"
}
