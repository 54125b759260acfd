package main

import (
	"context"

	"github.com/leadbridge/leadbridge/bench/internal/sim"
)

// done returns how many events have become their target.
func done(s sim.Stats, target string) int {
	switch target {
	case targetLead:
		return s.Leads
	case targetDeal:
		return s.Deals
	}
	return s.Contacts
}

// made returns the objects that events have become, each with the e-mail address of its person.
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

// withPersons gives deals the e-mail addresses of their contacts.
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
