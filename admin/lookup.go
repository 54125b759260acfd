package admin

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/leadbridge/leadbridge/consumer/header"
	"github.com/leadbridge/leadbridge/crmclient"
)

// findLimit is how long the CRM may take: a look-up waits for its turn and through holds.
const findLimit = 30 * time.Second

// lookUp asks the CRM for the contact of a letter's event.
func (s *Server) lookUp(w http.ResponseWriter, r *http.Request, by who) {
	if !decode(w, r, smallBody, &struct{}{}) {
		return
	}
	l, ok := s.find(w, r)
	if !ok {
		return
	}
	if l.EventID == "" {
		problem(w, http.StatusConflict, "the record does not say which event it is of")
		return
	}
	ctx, done := s.working(r.Context())
	defer done()
	ctx, cancel := context.WithTimeout(ctx, findLimit)
	defer cancel()
	event, _ := l.Event(s.cfg.Transformer) // its identity is known all the same
	contact, _ := l.Contact(s.cfg.Transformer)
	id, err := s.cfg.CRM.Find(ctx, crmclient.Request{
		OriginID: event.OriginID, Contact: &contact, RecordedAt: event.RecordedAt, SentWay: header.Text(l.Headers, header.Way),
	})
	s.audit("find", by).Str("place", l.Position.String()).Str("event_id", l.EventID).Bool("found", id > 0).Bool("failed", err != nil).
		Msg("page: a contact was looked up")
	out := struct {
		Found      bool   `json:"found"`
		ContactID  int64  `json:"contactId"`
		ContactURL string `json:"contactUrl"`
		Error      string `json:"error"`
	}{Found: id > 0, ContactID: id}
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		out.Error = "the CRM did not tell within 30 seconds: it is held, or busy; try again"
	case err != nil:
		out.Error = "the look-up was cut short; try again"
	case id > 0:
		out.ContactURL = s.cfg.CRM.ContactURL(id)
	}
	answer(w, out)
}
