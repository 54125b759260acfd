package find

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/leadbridge/leadbridge/consumer"
	"github.com/leadbridge/leadbridge/crmclient"
	"github.com/leadbridge/leadbridge/dlt"
	"github.com/leadbridge/leadbridge/internal/cluster"
	"github.com/leadbridge/leadbridge/transform"
)

// readResults reads the results of the events that were found.
func (s *search) readResults(ctx context.Context) error {
	if s.results == nil || len(s.events) == 0 && s.wanted.cardID == 0 {
		return nil
	}
	bounds, err := s.results.Bounds(ctx)
	if errors.Is(err, cluster.ErrNoTopic) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading the results: %w", err)
	}
	byID := s.byAnyID()
	addResult := func(r transform.Record) { s.addResult(r, byID) }
	for id, b := range bounds {
		if err := dlt.EachRecord(ctx, s.results, id, b.First, b.End, addResult); err != nil {
			return fmt.Errorf("reading the results: %w", err)
		}
	}
	return nil
}

// addResult adds what a result says to its event. byID are the events that were found, see byAnyID.
func (s *search) addResult(r transform.Record, byID map[string]*Event) {
	var result consumer.Result
	if json.Unmarshal(r.Value, &result) != nil {
		return // another program wrote the record
	}
	made := crmclient.Made{ContactID: result.ContactID, LeadID: result.LeadID, DealID: result.DealID}
	if made == (crmclient.Made{}) {
		return
	}
	e := byID[result.EventID]
	if e != nil && result.EventID != e.own && !e.sameAs(s.identityOfResult(result)) {
		return // the result is of another person's event with the same id
	}
	if e == nil && s.wanted.isOf(made) {
		e = s.event(result.EventID, ByContact)
	}
	if e != nil {
		e.Made, e.CardURL, e.KnownBy = made, cmp.Or(result.CardURL, result.ContactURL), "result"
		e.Cards = cardsOf(result)
	}
}

// cardsOf returns the addresses in a result: the contact's, and that of the card that shows most of the event.
func cardsOf(result consumer.Result) crmclient.CardURLs {
	cards := crmclient.CardURLs{Contact: result.ContactURL}
	switch {
	case result.DealID > 0:
		cards.Deal = result.CardURL
	case result.LeadID > 0:
		cards.Lead = result.CardURL
	default:
		cards.Contact = cmp.Or(result.ContactURL, result.CardURL)
	}
	return cards
}

// conclude adds the events to the report, newest first, each with its state. For some of them it asks the CRM.
func (s *search) conclude(ctx context.Context) {
	for _, e := range s.events {
		slices.SortFunc(e.Records, func(a, b Record) int { return a.At.Compare(b.At) })
		e.State = s.stateOf(ctx, e)
		if e.State == Erased {
			e.Contact, e.Value = crmclient.Contact{}, nil
		}
		s.report.Events = append(s.report.Events, *e)
	}
	slices.SortFunc(s.report.Events, func(a, b Event) int { return b.newest.Compare(a.newest) })
}

// stateOf returns how far an event has come. It asks the CRM if the record is done and neither a result nor a letter says what
// became of the event.
func (s *search) stateOf(ctx context.Context, e *Event) State {
	if e.Letter != nil && e.Letter.State == dlt.StateErased || s.erased[transform.PublicID(e.ID)] {
		return Erased
	}
	for _, r := range e.Records {
		switch r.Stage {
		case consumer.StageWaiting:
			return Waiting
		case consumer.StageTaken:
			return Taken
		case consumer.StageSent:
			return Sent
		}
	}
	if e.Made == (crmclient.Made{}) && (e.Letter == nil || e.Letter.State == dlt.StateReplayed) {
		s.askCRM(ctx, e)
	}
	switch {
	case e.Letter != nil && e.Letter.State != dlt.StateReplayed:
		return Letter // even if a contact exists, as only its deal may have been refused
	case e.Made != crmclient.Made{}:
		return Contact
	}
	return Ended
}

// askCRM looks up an event in the CRM, as a contact, a lead or a deal.
func (s *search) askCRM(ctx context.Context, e *Event) {
	if s.CRM == nil || s.report.CRMFailed != nil {
		return
	}
	for _, origin := range e.originIDs {
		made, err := s.CRM.FindMade(ctx, crmclient.Request{OriginID: origin, Target: e.target, Contact: &e.Contact, RecordedAt: e.recordedAt})
		if err != nil {
			s.report.CRMFailed = err
			return
		}
		if made != (crmclient.Made{}) {
			portal := s.CRM.Status().Portal
			e.Made, e.CardURL, e.Cards, e.KnownBy = made, crmclient.CardURL(portal, made), crmclient.CardURLsIn(portal, made), "CRM"
			return
		}
	}
}
