package main

import (
	"context"

	"github.com/leadbridge/leadbridge/bench/internal/sim"
)

// done is how many events of a target are what they are to become.
func done(s sim.Stats, target string) int {
	switch target {
	case targetLead:
		return s.Leads
	case targetDeal:
		return s.Deals
	}
	return s.Contacts
}

// made are the objects that events of a target became, each with the e-mail of its person.
func made(ctx context.Context, s *sim.Simulator, target string) ([]sim.Contact, error) {
	switch target {
	case targetLead:
		return s.Held(ctx, "leads")
	case targetDeal:
		deals, err := s.Held(ctx, "deals")
		if err != nil {
			return nil, err
		}
		contacts, err := s.Held(ctx, "contacts")
		return withPersons(deals, contacts), err
	}
	return s.Held(ctx, "contacts")
}

// withPersons gives deals the e-mails of their contacts.
func withPersons(deals, contacts []sim.Contact) []sim.Contact {
	persons := map[int64]sim.Contact{}
	for _, c := range contacts {
		persons[c.ID] = c
	}
	for i := range deals {
		deals[i].Email = persons[deals[i].ContactID].Email
	}
	return deals
}
