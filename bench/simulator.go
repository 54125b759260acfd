package main

import (
	"context"
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
	Created       int `json:"created"`
	Duplicates    int `json:"duplicates"`
	Lookups       int `json:"lookups"`
}

// simContact is a contact that the simulator holds.
type simContact struct {
	Created time.Time `json:"createdTime"` // in full, unlike in answers of the CRM
	Email   []struct {
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

func (s *simulator) contacts(ctx context.Context) ([]simContact, error) {
	var all struct{ Contacts []simContact }
	return all.Contacts, s.get(ctx, "/_sim/contacts?all=1", &all)
}
