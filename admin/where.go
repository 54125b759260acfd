package admin

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/leadbridge/leadbridge/dlt"
	"github.com/leadbridge/leadbridge/find"
	"github.com/leadbridge/leadbridge/internal/phrase"
)

const (
	// whereLimit is how long a search for a lead may take. A search reads the whole topic.
	whereLimit = time.Minute
	// whereEvents is how many events a search shows.
	whereEvents = 20
	// maxWho is the longest text that is searched for, in bytes.
	maxWho = 500
)

// Where looks for leads, and returns at most limit of them; see [find.Finder]. whole is [find.Config].NoTextSearch.
type Where func(ctx context.Context, who string, limit int, whole bool) (find.Report, error)

// foundLead is an event that was found, without personal data.
type foundLead struct {
	EventID   string     `json:"eventId"`
	By        find.By    `json:"by"`
	State     find.State `json:"state"`
	Record    string     `json:"record"` // the place of its newest record, as partition:offset; "" when retention has deleted them
	At        time.Time  `json:"at,omitzero"`
	Before    int64      `json:"before"` // how many records before it in its partition are not done
	Letter    string     `json:"letter"` // the place of its letter; "" when it has none
	Reason    string     `json:"reason"`
	Words     string     `json:"words"`
	ClosedAt  time.Time  `json:"closedAt,omitzero"`
	Closed    string     `json:"closed,omitempty"` // why its letter was closed
	ContactID int64      `json:"contactId"`
	LeadID    int64      `json:"leadId"`
	DealID    int64      `json:"dealId"`
	CardURL   string     `json:"cardUrl"` // of the deal, else the lead, else the contact
	KnownBy   string     `json:"knownBy"`
	cardURLs
}

// cardURLs are the addresses of the cards of what an event became, each "" where there is none, or it is not known.
type cardURLs struct {
	ContactURL string `json:"contactUrl"`
	LeadURL    string `json:"leadUrl"`
	DealURL    string `json:"dealUrl"`
}

// where answers with what became of a person's lead. The text that is searched is personal data, and not logged.
func (s *Server) where(w http.ResponseWriter, r *http.Request, by caller) {
	var body struct {
		Who string `json:"who"`
	}
	if !decode(w, r, smallBody, &body) {
		return
	}
	text := strings.TrimSpace(body.Who)
	if text == "" || len(text) > maxWho {
		fieldProblem(w, http.StatusBadRequest, "who", phrase.New("no_who", "give a phone number, an e-mail address, a name, an event id, the number or address of a card, or partition:offset"))
		return
	}
	if !s.searching.TryLock() {
		refuse(w, http.StatusConflict, phrase.New("search_runs", "another search runs: wait until it has ended"))
		return
	}
	defer s.searching.Unlock()
	ctx, done := s.working(r.Context())
	defer done()
	ctx, cancel := context.WithTimeout(ctx, whereLimit)
	defer cancel()
	report, err := s.cfg.Where(ctx, text, whereEvents, by.role < roleReveal)
	s.audit("where", by).Int("events", len(report.Events)).Bool("failed", err != nil).Msg("page: a lead was looked for")
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		refuse(w, http.StatusServiceUnavailable, phrase.New("search_late", "the topic could not be read in a minute: leadbridge find has no such limit"))
		return
	case err != nil:
		refuse(w, http.StatusServiceUnavailable, s.letters.problem(err))
		return
	}
	answer(w, struct {
		Events []foundLead `json:"events"` // newest first
		More   bool        `json:"more"`
		Since  time.Time   `json:"since,omitzero"` // the time of the oldest record of the log
		NoCRM  bool        `json:"noCrm"`          // true when the CRM could not be asked
	}{foundLeads(report), report.More, report.Since.UTC(), report.CRMFailed != nil})
}

func foundLeads(report find.Report) []foundLead {
	all := make([]foundLead, 0, len(report.Events))
	for _, e := range report.Events {
		one := foundLead{EventID: e.ID, By: e.By, State: e.State, ContactID: e.Made.ContactID, LeadID: e.Made.LeadID, DealID: e.Made.DealID,
			CardURL: e.CardURL, KnownBy: e.KnownBy, cardURLs: cardURLs{e.Cards.Contact, e.Cards.Lead, e.Cards.Deal}}
		if n := len(e.Records); n > 0 {
			newest := e.Records[n-1]
			one.Record, one.At, one.Before = newest.Position.String(), newest.At.UTC(), newest.Before
		}
		if l := e.Letter; l != nil {
			one.Letter, one.Reason, one.Words = l.Position.String(), l.Reason, l.Message
			one.At = cmp.Or(one.At, l.At.UTC())
			if l.State == dlt.StateClosed {
				one.ClosedAt, one.Closed = l.Marked.UTC(), l.Word
			}
		}
		all = append(all, one)
	}
	return all
}
