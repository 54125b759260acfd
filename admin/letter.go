package admin

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/leadbridge/leadbridge/consumer/header"
	"github.com/leadbridge/leadbridge/crmclient"
	"github.com/leadbridge/leadbridge/dlt"
	"github.com/leadbridge/leadbridge/transform"
)

// letter is one dead letter in full.
type letter struct {
	Place    string    `json:"place"`
	At       time.Time `json:"at"`
	State    dlt.State `json:"state"`
	Reason   string    `json:"reason"`
	Status   int       `json:"status"`
	Code     string    `json:"code"`
	Message  string    `json:"message"`
	Attempts int       `json:"attempts"`
	Replays  int       `json:"replays"`
	Copies   int       `json:"copies"`
	EventID  string    `json:"eventId"`
	Original original  `json:"original"`

	Key          *string       `json:"key"`   // null: none
	Value        *string       `json:"value"` // text; Base64 when ValueBinary
	ValueBinary  bool          `json:"valueBinary"`
	ValueOmitted bool          `json:"valueOmitted"` // the broker refused the letter with it
	Headers      []headerField `json:"headers"`

	Contact  json.RawMessage `json:"contact"`  // as it would be sent; null: none can be built
	Rejected string          `json:"rejected"` // why not
	Mapped   bool            `json:"mapped"`   // the steps begin at what MAPPING_FILE makes of the event
	Steps    []letterStep    `json:"steps"`
	Advice   string          `json:"advice"`
	Masked   bool            `json:"masked"`
	Editable bool            `json:"editable"`
}

type original struct {
	Topic     string `json:"topic"`
	Partition int    `json:"partition"`
	Offset    int64  `json:"offset"`
	Timestamp string `json:"timestamp"`
}

type headerField struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// letterStep is the way of one value into the contact.
type letterStep struct {
	Field   string            `json:"field"`
	Key     string            `json:"key"`
	Input   string            `json:"input"`
	Value   string            `json:"value"`
	Outcome transform.Outcome `json:"outcome"`
	Why     string            `json:"why"`
}

// hidden stands for what tells of a person.
const hidden = "***"

// letter answers with one letter, masked.
func (s *Server) letter(w http.ResponseWriter, r *http.Request, _ who) {
	if l, ok := s.find(w, r); ok {
		answer(w, s.told(l, false))
	}
}

// reveal answers with one letter as it is, and notes who asked.
func (s *Server) reveal(w http.ResponseWriter, r *http.Request, by who) {
	if !decode(w, r, smallBody, &struct{}{}) {
		return
	}
	if l, ok := s.find(w, r); ok {
		s.audit("reveal", by).Str("place", l.Position.String()).Str("event_id", l.EventID).Msg("page: a letter was revealed")
		answer(w, s.told(l, true))
	}
}

// find reads the letter that a request names; it has answered when it is not ok.
func (s *Server) find(w http.ResponseWriter, r *http.Request) (l dlt.Letter, ok bool) {
	place, err := dlt.ParsePosition(r.PathValue("place"))
	if err != nil {
		problem(w, http.StatusBadRequest, "a place of a letter is partition:offset, such as 0:15")
		return l, false
	}
	ctx, cancel := context.WithTimeout(r.Context(), lettersLimit)
	defer cancel()
	if err = s.letters.refresh(ctx); err == nil {
		l, err = s.letters.shelf.Letter(ctx, place)
	}
	switch {
	case errors.Is(err, dlt.ErrNoLetter):
		problem(w, http.StatusNotFound, "no letter lies there any more: retention deletes old ones")
	case err != nil:
		problem(w, http.StatusServiceUnavailable, readProblem(err, s.cfg.Kafka))
	}
	return l, err == nil
}

// told writes a letter for the page.
func (s *Server) told(l dlt.Letter, whole bool) letter {
	event, undecoded := l.Event(s.cfg.Transformer)
	x := transform.Explanation{Err: undecoded}
	if undecoded == nil {
		x = s.cfg.Transformer.Explain(event)
	}
	out := letter{
		Place: l.Position.String(), At: l.At.UTC(), State: l.State, Reason: l.Reason, Status: l.Status, Code: l.Code, Message: l.Message,
		Attempts: l.Attempts, Replays: l.Replays, Copies: l.Copies, EventID: l.EventID, Original: original(l.Original),
		ValueOmitted: l.ValueOmitted(), Mapped: x.Mapped, Advice: onPage(l.Advice()), Masked: !whole,
		Editable: l.State == dlt.StateOpen && l.EventID != "" && !l.ValueOmitted() && utf8.Valid(l.Value),
	}
	m := masker{x.Contact, whole}
	if l.Key != nil {
		key := m.text(string(l.Key))
		out.Key = &key
	}
	out.Value, out.ValueBinary = m.value(l.Value)
	out.Headers = m.headers(l.Headers)
	out.Steps = m.steps(x.Steps)
	out.Contact, out.Rejected = m.contact(x)
	return out
}

// masker writes what is told of an event, hiding persons unless all is asked for.
type masker struct {
	person crmclient.Contact
	whole  bool
}

func (m masker) text(text string) string {
	if m.whole {
		return strings.ToValidUTF8(text, "\uFFFD")
	}
	return transform.MaskText(text, m.person)
}

func (m masker) value(value []byte) (text *string, binary bool) {
	shown := ""
	switch {
	case value == nil:
		return nil, false
	case !m.whole:
		shown = transform.Mask(value, m.person)
	case utf8.Valid(value):
		shown = string(value)
	default:
		return new(base64.StdEncoding.EncodeToString(value)), true
	}
	return &shown, false
}

// traceHeaders are headers of the event that tell of a request, not of a person.
var traceHeaders = map[string]bool{"traceparent": true, "tracestate": true, "webhook-id": true, "idempotency-key": true, "content-type": true}

// headers are ours and those of tracing; all of them when nothing is masked.
func (m masker) headers(all []transform.Header) []headerField {
	out := make([]headerField, 0, len(all))
	for _, h := range all {
		if m.whole || strings.HasPrefix(h.Key, header.Prefix) || traceHeaders[strings.ToLower(h.Key)] {
			out = append(out, headerField{h.Key, strings.ToValidUTF8(string(h.Value), "\uFFFD")})
		}
	}
	return out
}

func (m masker) steps(steps []transform.Step) []letterStep {
	out := make([]letterStep, 0, len(steps))
	for _, s := range steps {
		one := letterStep{s.Field, m.text(s.Key), s.Input, s.Value, s.Outcome, s.Why}
		for _, text := range []*string{&one.Input, &one.Value} {
			switch {
			case *text == "":
			case s.Personal && !m.whole:
				*text = hidden
			default:
				*text = m.text(*text)
			}
		}
		out = append(out, one)
	}
	return out
}

// contact is what would be sent, or why nothing would.
func (m masker) contact(x transform.Explanation) (json.RawMessage, string) {
	if r, ok := errors.AsType[*transform.Rejection](x.Err); ok {
		return json.RawMessage("null"), string(r.Reason) + ": " + r.Message
	}
	text, err := json.Marshal(x.Contact)
	if err != nil {
		return json.RawMessage("null"), "the contact cannot be written as JSON"
	}
	if !m.whole {
		text = []byte(transform.Mask(text, x.Contact))
	}
	return text, ""
}
