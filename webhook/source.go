package webhook

import (
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/text/encoding"

	"github.com/leadbridge/leadbridge/transform"
)

// source is a website or form builder that may send: one entry of the file.
type source struct {
	name         string
	topic        string // "": the gate's own
	schema       uint32 // id of the JSON Schema by which its events are framed; 0: they are not
	verifier     verifier
	secrets      *secrets          // of the verifier; nil: none
	methods      []string          // POST, GET or both
	contentTypes []string          // media types in lower case
	charset      encoding.Encoding // of bodies that do not say it and are not in UTF-8; nil: none
	lenient      bool              // JSON of hand-made templates is repaired
	maxBody      int64             // bytes
	buffer       int64             // bytes of bodies under way; 0: an even share
	eventType    string            // CloudEvents type
	id           idRule
	key          keyRule
	rate         *limiter // nil: none
	origins      []string // that a browser's script may send from; "*": all
	redirects    []string // the first is the usual one
	honeypot     string   // a field that people do not see, and so leave empty

	answer    answered          // to what was taken
	challenge *challenge        // nil: none
	ignored   map[string]string // a body of just these fields is a provider's test
	ignoreIf  conditions        // bodies that meet one of them are no leads

	challengeSecrets *secrets // of the challenge, where they are others; nil: none

	ignoreUnsigned bool // that test comes without a signature or token

	allowed      []string // fields with rights that count, by the CRM's names; see transform
	named        []string // further ones, that the mapping names
	passUnmapped bool     // an event that the mapping fails on goes on as it came

	toldCharset atomic.Bool // it was logged that a body is not in UTF-8
	unverified  pacedCount  // requests that were answered 401

	mapper *transform.Transformer // nil: data passes as it came
	reader *transform.Transformer // finds e-mail and phone
}

// pacedCount counts what is logged once in a while, however often it comes.
type pacedCount struct {
	mu     sync.Mutex
	count  int // since the last line
	logged time.Time
}

// due counts one more, and reports whether a line is due now, and for how many it stands.
func (p *pacedCount) due(now time.Time) (count int, due bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.count++
	if !p.logged.IsZero() && now.Sub(p.logged) < unverifiedLogEvery {
		return 0, false
	}
	count, p.count, p.logged = p.count, 0, now
	return count, true
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
	header     string
	field      []string // path in the data
	cloudEvent bool     // from anybody's CloudEvents too, not only from those of senders that are verified
}

// keyRule says what becomes the record's key.
type keyRule string

const (
	keyAuto  keyRule = "auto"  // the e-mail, else the phone
	keyEmail keyRule = "email" // the e-mail alone
	keyPhone keyRule = "phone" // the phone, else the e-mail
	keyNone  keyRule = "none"
)

// unmappedMeans says what becomes of an event that the mapping fails on.
func (s *source) unmappedMeans() string {
	if s.passUnmapped {
		return "it goes to Kafka as it came"
	}
	return "it becomes a dead letter MAPPING_FAILED"
}
