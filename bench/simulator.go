package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// simulator is a running leadbridge sim.
type simulator struct {
	*process
	*client
}

// simStats are the simulator's counts, as far as they matter here.
type simStats struct {
	Calls         int `json:"calls"`         // requests under /v1
	Throttled     int `json:"throttled"`     // of them, answered 429
	OverPerSecond int `json:"overPerSecond"` // of them, answered 502 for the limit of a second
	Contacts      int `json:"contacts"`
	Leads         int `json:"leads"`
	Deals         int `json:"deals"`
	Duplicates    int `json:"duplicates"`
	Lookups       int `json:"lookups"`
}

// done is how many events of a target are what they are to become.
func (s simStats) done(target string) int {
	switch target {
	case targetLead:
		return s.Leads
	case targetDeal:
		return s.Deals
	}
	return s.Contacts
}

// simContact is a contact, a lead or a deal that the simulator holds.
type simContact struct {
	ID        int64     `json:"id"`
	ContactID int64     `json:"contactId"`   // of a deal
	Created   time.Time `json:"createdTime"` // in full, unlike in answers of the CRM
	Email     []struct {
		Value string `json:"value"`
	} `json:"email"`
}

func startSimulator(ctx context.Context, binary string, p portal) (*simulator, error) {
	process, line, err := start(ctx, binary, "sim", "listens on http://", append(p.env(), "HTTP_ADDR=127.0.0.1:0"))
	if err != nil {
		return nil, err
	}
	_, url, _ := strings.Cut(line, "listens on ")
	return &simulator{process: process, client: newClient(strings.TrimSpace(url))}, nil
}

func (s *simulator) stats(ctx context.Context) (simStats, error) {
	var stats simStats
	return stats, s.get(ctx, "/_sim/stats", &stats)
}

// made are the objects that events of a target became, each with the e-mail of its person.
func (s *simulator) made(ctx context.Context, target string) ([]simContact, error) {
	switch target {
	case targetLead:
		return s.held(ctx, "leads")
	case targetDeal:
		deals, err := s.held(ctx, "deals")
		if err != nil {
			return nil, err
		}
		contacts, err := s.held(ctx, "contacts")
		return withPersons(deals, contacts), err
	}
	return s.held(ctx, "contacts")
}

// held are all objects of a kind.
func (s *simulator) held(ctx context.Context, kind string) ([]simContact, error) {
	var all map[string]json.RawMessage
	if err := s.get(ctx, "/_sim/"+kind+"?all=1", &all); err != nil {
		return nil, err
	}
	var found []simContact
	if err := json.Unmarshal(all[kind], &found); err != nil {
		return nil, fmt.Errorf("the simulator's %s: %w", kind, err)
	}
	return found, nil
}

// withPersons gives deals the e-mails of their contacts.
func withPersons(deals, contacts []simContact) []simContact {
	persons := map[int64]simContact{}
	for _, c := range contacts {
		persons[c.ID] = c
	}
	for i := range deals {
		deals[i].Email = persons[deals[i].ContactID].Email
	}
	return deals
}
