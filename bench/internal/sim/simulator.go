package sim

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/leadbridge/leadbridge/bench/internal/proc"
)

// Simulator is a running leadbridge sim.
type Simulator struct {
	*proc.Process
	*proc.Client
}

// Stats are the simulator's counts, as far as they matter here.
type Stats struct {
	Calls         int `json:"calls"`         // requests under /v1
	Throttled     int `json:"throttled"`     // of them, answered 429
	OverPerSecond int `json:"overPerSecond"` // of them, answered 502 for the limit of a second
	Contacts      int `json:"contacts"`
	Leads         int `json:"leads"`
	Deals         int `json:"deals"`
	Duplicates    int `json:"duplicates"`
	Lookups       int `json:"lookups"`
}

// Contact is a contact, a lead or a deal that the simulator holds.
type Contact struct {
	ID        int64     `json:"id"`
	ContactID int64     `json:"contactId"`   // of a deal
	Created   time.Time `json:"createdTime"` // in full, unlike in answers of the CRM
	Email     []struct {
		Value string `json:"value"`
	} `json:"email"`
}

// Start starts the simulator of a leadbridge with the limits and times of a portal; it serves at a free port of loopback.
func Start(ctx context.Context, binary string, p Portal) (*Simulator, error) {
	process, line, err := proc.Start(ctx, proc.Program{
		Name: "leadbridge sim", File: binary, Args: []string{"sim"}, Ready: "listens on http://",
		Env: append(p.env(), "HTTP_ADDR=127.0.0.1:0"),
	})
	if err != nil {
		return nil, err
	}
	_, url, _ := strings.Cut(line, "listens on ")
	return &Simulator{Process: process, Client: proc.NewClient(strings.TrimSpace(url))}, nil
}

// Stats returns its counts.
func (s *Simulator) Stats(ctx context.Context) (Stats, error) {
	var stats Stats
	return stats, s.Get(ctx, "/_sim/stats", &stats)
}

// Held are all objects of a kind: contacts, leads or deals.
func (s *Simulator) Held(ctx context.Context, kind string) ([]Contact, error) {
	var all map[string]json.RawMessage
	if err := s.Get(ctx, "/_sim/"+kind+"?all=1", &all); err != nil {
		return nil, err
	}
	var found []Contact
	if err := json.Unmarshal(all[kind], &found); err != nil {
		return nil, fmt.Errorf("the simulator's %s: %w", kind, err)
	}
	return found, nil
}
