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
	"github.com/leadbridge/leadbridge/internal/phrase"
	"github.com/leadbridge/leadbridge/transform"
)

// letter is a dead letter as the page shows it.
type letter struct {
	Place    string    `json:"place"`
	At       time.Time `json:"at"`
	State    dlt.State `json:"state"`
	Word     string    `json:"word"`            // why it was closed
	Marked   time.Time `json:"marked,omitzero"` // when it was closed or replayed
	Source   string    `json:"source"`
	Reason   string    `json:"reason"`
	Status   int       `json:"status"`
	Code     string    `json:"code"`
	Message  string    `json:"message"`
	Attempts int       `json:"attempts"`
	Replays  int       `json:"replays"`
	Copies   int       `json:"copies"`
	EventID  string    `json:"eventId"`
	Original original  `json:"original"`

	Key          *string       `json:"key"`   // null when there is none
	Value        *string       `json:"value"` // text, or Base64 with ValueBinary
	ValueBinary  bool          `json:"valueBinary"`
	ValueOmitted bool          `json:"valueOmitted"` // the letter was written without it, as the broker refused it
	Headers      []headerField `json:"headers"`

	Contact  json.RawMessage `json:"contact"`  // as it would be sent; null when none can be made
	Rejected string          `json:"rejected"` // why none can be made
	Mapped   bool            `json:"mapped"`   // the steps begin with the result of MAPPING_FILE
	Steps    []letterStep    `json:"steps"`
	Advice   string          `json:"advice"`
	// AdviceSaid is Advice in the form in which the page says it in its reader's language.
	AdviceSaid []phrase.Sentence `json:"adviceSaid,omitempty"`
	Masked     bool              `json:"masked"`
	Editable   bool              `json:"editable"`
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

// letterStep says how one value came into the contact.
type letterStep struct {
	Field   string            `json:"field"`
	Key     string            `json:"key"`
	Input   string            `json:"input"`
	Value   string            `json:"value"`
	Outcome transform.Outcome `json:"outcome"`
	Why     phrase.Text       `json:"why"`
	WhySaid []phrase.Sentence `json:"whySaid,omitempty"` // Why in the form in which the page says it in its reader's language
}

// hidden is what is shown instead of a person's values.
const hidden = "***"

// letter answers with one letter, masked.
func (s *Server) letter(w http.ResponseWriter, r *http.Request, _ caller) {
	if l, ok := s.requestedLetter(w, r); ok {
		answer(w, s.render(l, false))
	}
}

// reveal answers with one unmasked letter, and logs who asked for it.
func (s *Server) reveal(w http.ResponseWriter, r *http.Request, by caller) {
	if !decode(w, r, smallBody, &struct{}{}) {
		return
	}
	if l, ok := s.requestedLetter(w, r); ok {
		s.audit("reveal", by).Str("place", l.Position.String()).Str("event_id", transform.PublicID(l.EventID)).Msg("page: a letter was revealed")
		answer(w, s.render(l, true))
	}
}

// requestedLetter reads the letter that a request names. When that fails, it answers the request and returns false.
func (s *Server) requestedLetter(w http.ResponseWriter, r *http.Request) (l dlt.Letter, ok bool) {
	place, err := dlt.ParsePosition(r.PathValue("place"))
	if err != nil {
		refuse(w, http.StatusBadRequest, phrase.New("no_place", "a place of a letter is partition:offset, such as 0:15"))
		return l, false
	}
	ctx, cancel := context.WithTimeout(r.Context(), lettersLimit)
	defer cancel()
	if err = s.letters.refresh(ctx); err == nil {
		l, err = s.letters.shelf.Letter(ctx, place)
	}
	switch {
	case errors.Is(err, dlt.ErrNoLetter):
		refuse(w, http.StatusNotFound, noLetter())
	case err != nil:
		refuse(w, http.StatusServiceUnavailable, s.letters.problem(err))
	}
	return l, err == nil
}

// noLetter says that there is no letter at a place.
func noLetter() phrase.Text {
	return phrase.New("no_letter", "no letter lies there any more: retention deletes old ones")
}

// erased says that a letter was erased.
func erased() phrase.Text {
	return phrase.New("erased", "the letter was erased: nothing of it is shown")
}

// render returns a letter as the page shows it, masked unless whole is set.
func (s *Server) render(l dlt.Letter, whole bool) letter {
	event, undecoded := l.Event(s.cfg.Transformer)
	x := transform.Explanation{Err: undecoded}
	switch {
	case l.State == dlt.StateErased:
		x.Err = &transform.Rejection{Reason: "ERASED", Message: erased().String()}
	case undecoded == nil:
		x = s.cfg.Transformer.Explain(event)
	}
	out := letter{
		Place: l.Position.String(), At: l.At.UTC(), State: l.State, Word: l.Word, Marked: l.Marked.UTC(), Source: l.Source(), Reason: l.Reason, Status: l.Status, Code: l.Code, Message: l.Message,
		Attempts: l.Attempts, Replays: l.Replays, Copies: l.Copies, EventID: l.EventID, Original: original(l.Original),
		ValueOmitted: l.ValueOmitted(), Mapped: x.Mapped, Advice: onPage(l.Advice()), AdviceSaid: l.Advice(), Masked: !whole,
		Editable: (l.State == dlt.StateOpen || l.State == dlt.StateClosed) && l.EventID != "" && !l.ValueOmitted() && utf8.Valid(l.Value),
	}
	framed, why := l.Unframed(s.cfg.Transformer)
	m := masker{x.Contact, whole}
	if l.Key != nil {
		key := m.key(l.Key, l.Value)
		if framed != nil {
			key = m.key(l.Key, framed)
		}
		out.Key = &key
	}
	switch {
	case framed != nil: // it cannot be edited, as an edit would remove the frame
		out.Value, out.ValueBinary = m.value(framed)
		out.Editable = false
	case why != "":
		out.Value, out.Editable = new("("+why+")"), false
	default:
		out.Value, out.ValueBinary = m.value(l.Value)
	}
	out.Headers = m.headers(l.Headers)
	out.Steps = m.steps(x.Steps)
	out.Contact, out.Rejected = m.contact(x)
	return out
}

// masker masks the parts of an event for the page, unless whole is set.
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

// key returns a record's key, masked as its value is.
func (m masker) key(key, value []byte) string {
	if m.whole {
		return m.text(string(key))
	}
	return transform.MaskKey(key, value, m.person)
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

// traceHeaders are headers of events that are about a request, not about a person.
var traceHeaders = map[string]bool{"traceparent": true, "tracestate": true, "webhook-id": true, "idempotency-key": true, "content-type": true}

// headers returns the headers that are shown: ours and those of tracing, or all when nothing is masked.
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
		one := letterStep{s.Field, m.text(s.Key), s.Input, s.Value, s.Outcome, s.Why, s.Why}
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

// contact returns the contact that would be sent, or why none would be.
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
