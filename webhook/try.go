package webhook

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/leadbridge/leadbridge/crmclient"
	"github.com/leadbridge/leadbridge/transform"
)

// Trial says what the gate would make of a saved request.
type Trial struct {
	Proof   string // why its sender is not proven to be permitted; "": it is proven
	Outcome string // as in leadbridge_ingest_requests_total: taken, ignored, …, or the status of an error
	Status  int    // of the answer
	Answer  string // its body
	EventID string // "": there is no event
	Key     string // of the record; "": none
	Value   []byte // of the record; nil: none is written
}

// Try returns what the gate would make of a request to the source of that name; it writes nothing. A request whose sender
// is not proven is read on as if it were, and Proof says what is missing: saved requests are old, and their
// secrets may be elsewhere. The body is read whole. The error is that there is no such source,
// or that the body cannot be read.
func (s *Sources) Try(name string, r *http.Request, now time.Time) (Trial, error) {
	one := s.byName[name]
	if one == nil {
		return Trial{}, fmt.Errorf("there is no source %q: the file has %s", name, strings.Join(s.Names(), ", "))
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return Trial{}, err
	}
	return one.try(r, body, now), nil
}

func (s *source) try(r *http.Request, body []byte, now time.Time) (t Trial) {
	media, err := s.accepts(r)
	var d delivery
	var e event
	switch {
	case !slices.Contains(s.methods, r.Method) && s.challenge == nil:
		t.Status, t.Outcome, t.Answer = http.StatusMethodNotAllowed, outcomeMethod, "this source takes "+strings.Join(s.methods, " and ")
		return t
	case err == nil && int64(len(body)) > s.maxBody:
		err = errTooLarge
	case err == nil:
		d, e, err = s.verifyAndDecode(r, media, body, now)
	}
	if unproven, ok := errors.AsType[unverified](err); ok {
		t.Proof = unproven.Error()
		d, e, err = s.decode(r, delivery{}, media, body, now, false)
	}
	t.Outcome = outcomeOf(err, d)
	w := &recorder{header: http.Header{}}
	if err != nil {
		answerProblem(w, problemOf(err, s))
	} else {
		s.answerTaken(w, r, d)
	}
	t.Status, t.Answer = w.status, strings.TrimSpace(w.body.String())
	if err == nil && d.dropped == "" {
		t.EventID, t.Key, t.Value = e.id, string(e.key), e.value
	}
	return t
}

// recorder keeps an answer.
type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (w *recorder) Header() http.Header            { return w.header }
func (w *recorder) WriteHeader(status int)         { w.status = status }
func (w *recorder) Write(text []byte) (int, error) { return w.body.Write(text) }

// logEvent logs what would have been written, with names, phone numbers and addresses of people masked.
func (g *Gate) logEvent(s *source, e event) {
	var contact crmclient.Contact
	if decoded, err := s.reader.Decode(transform.Record{Value: e.value}); err == nil {
		contact, _ = s.reader.Contact(decoded) // what is not a contact is masked by itself
	}
	g.cfg.Log.Info().Str("source", s.name).Str("key", transform.MaskKey(e.key, e.value, contact)).
		RawJSON("event", []byte(transform.Mask(e.value, contact))).Msg("dry run: this event would be written")
}
