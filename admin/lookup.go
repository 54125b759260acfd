package admin

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/leadbridge/leadbridge/consumer/header"
	"github.com/leadbridge/leadbridge/crmclient"
	"github.com/leadbridge/leadbridge/dlt"
	"github.com/leadbridge/leadbridge/internal/phrase"
	"github.com/leadbridge/leadbridge/transform"
)

// findLimit is how long a look-up may take. It waits for its turn in the CRM's budget, and while the CRM is held.
const findLimit = 30 * time.Second

// find asks the CRM for the contact of a letter's event.
func (s *Server) find(w http.ResponseWriter, r *http.Request, by caller) {
	if !decode(w, r, smallBody, &struct{}{}) {
		return
	}
	l, ok := s.requestedLetter(w, r)
	if !ok {
		return
	}
	if l.State == dlt.StateErased {
		refuse(w, http.StatusConflict, phrase.New("erased_not_looked_up", "the letter was erased: nothing of it is looked up"))
		return
	}
	if l.EventID == "" {
		refuse(w, http.StatusConflict, phrase.New("no_event_id", "the record does not say which event it is of"))
		return
	}
	ctx, done := s.working(r.Context())
	defer done()
	ctx, cancel := context.WithTimeout(ctx, findLimit)
	defer cancel()
	event, _ := l.Event(s.cfg.Transformer) // its id is known even when it cannot be decoded
	contact, _ := l.Contact(s.cfg.Transformer)
	way := header.Text(l.Headers, header.OriginField)
	if !crmclient.CanBeOriginField(way) {
		way = ""
	}
	made, err := s.whatBecame(ctx, crmclient.Request{
		OriginID: event.OriginID, Contact: &contact, Target: s.targetOf(event), RecordedAt: event.RecordedAt, SentIDField: way, IDFieldFromHeader: true,
	})
	found := made != crmclient.Made{}
	s.audit("find", by).Str("place", l.Position.String()).Str("event_id", transform.PublicID(l.EventID)).Bool("found", found).Bool("failed", err != nil).
		Msg("page: a contact was looked up")
	out := struct {
		Found     bool   `json:"found"`
		ContactID int64  `json:"contactId"`
		LeadID    int64  `json:"leadId,omitempty"`
		DealID    int64  `json:"dealId,omitempty"`
		CardURL   string `json:"cardUrl,omitempty"` // of the deal, else the lead, else the contact
		cardURLs
		Error string `json:"error"`
		// ErrorSaid is Error in the form in which the page says it in its reader's language.
		ErrorSaid []phrase.Sentence `json:"errorSaid,omitempty"`
	}{Found: found, ContactID: made.ContactID, LeadID: made.LeadID, DealID: made.DealID}
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		out.ErrorSaid = phrase.New("crm_late", "the CRM did not answer within 30 seconds: delivery is held, or the CRM is busy; try again")
	case err != nil:
		out.ErrorSaid = phrase.New("look_up_cut", "the look-up was cut short; try again")
	case found:
		out.cardURLs, out.CardURL = s.addresses(made)
	}
	out.Error = phrase.Text(out.ErrorSaid).String()
	answer(w, out)
}

// madeFinder is a CRM that looks up leads and deals too, such as [crmclient.Creator].
type madeFinder interface {
	FindMade(ctx context.Context, r crmclient.Request) (crmclient.Made, error)
	CardURL(made crmclient.Made) string
}

// whatBecame looks up what an event became in the CRM.
func (s *Server) whatBecame(ctx context.Context, r crmclient.Request) (crmclient.Made, error) {
	if crm, ok := s.cfg.CRM.(madeFinder); ok {
		return crm.FindMade(ctx, r)
	}
	id, err := s.cfg.CRM.Find(ctx, r)
	return crmclient.Made{ContactID: id}, err
}

// addresses returns the addresses of all cards of what an event became, and of the one that shows it best.
func (s *Server) addresses(made crmclient.Made) (all cardURLs, best string) {
	if made.ContactID > 0 {
		all.ContactURL = s.cfg.CRM.ContactURL(made.ContactID)
	}
	crm, ok := s.cfg.CRM.(madeFinder)
	if !ok {
		return all, all.ContactURL
	}
	all.LeadURL, all.DealURL = crm.CardURL(crmclient.Made{LeadID: made.LeadID}), crm.CardURL(crmclient.Made{DealID: made.DealID})
	return all, crm.CardURL(made)
}

// targetOf returns what an event says that it becomes; "" when it does not say.
func (s *Server) targetOf(e transform.Event) crmclient.Target {
	plan, _ := s.cfg.Transformer.Plan(e) // when it fails, the target is ""
	return plan.Target
}
