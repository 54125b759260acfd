package webhook

import (
	"net/http"
	"sync/atomic"

	"golang.org/x/text/encoding"

	"github.com/leadbridge/leadbridge/transform"
)

// source is a website or form builder that may send: one entry of the file.
type source struct {
	name         string
	verifier     verifier
	contentTypes []string          // media types in lower case
	charset      encoding.Encoding // of forms that do not say it and are not in UTF-8; nil: none
	maxBody      int64             // bytes
	eventType    string            // CloudEvents type
	id           idRule
	key          keyRule
	rate         *limiter // nil: none
	origins      []string // that a browser's script may send from; "*": all
	redirects    []string // the first is the usual one
	honeypot     string   // a field that people do not see, and so leave empty

	answer  int               // status of what was taken
	ignored map[string]string // a body of just these fields is a provider's test

	toldCharset atomic.Bool // that forms come in another charset

	mapper *transform.Transformer // nil: data passes as it came
	reader *transform.Transformer // finds e-mail and phone
}

// defaultType is the CloudEvents type of events whose source names none.
const defaultType = "leadbridge.lead"

func newSource() *source {
	return &source{
		contentTypes: []string{mediaJSON, mediaForm, mediaMultipart, mediaCloudEvent},
		maxBody:      defaultMaxBody,
		eventType:    defaultType,
		key:          keyAuto,
		answer:       http.StatusAccepted,
	}
}

// address is the CloudEvents source of its events.
func (s *source) address() string { return "/hooks/" + s.name }

// idRule tells where a provider puts the id of a delivery.
type idRule struct {
	header string
	field  []string // path in the data
}

// keyRule tells what becomes the record's key.
type keyRule string

const (
	keyAuto  keyRule = "auto"  // the e-mail, else the phone
	keyEmail keyRule = "email" // the e-mail alone
	keyPhone keyRule = "phone" // the phone, else the e-mail
	keyNone  keyRule = "none"
)
