package crmtest

import (
	"maps"
	"strconv"
)

// Stats counts what happened since the start or the last reset.
type Stats struct {
	Requests map[string]int `json:"requests"` // by "POST /v1/contacts 201"; status 0: no answer
	Faults   map[string]int `json:"faults"`   // injected, by name

	Calls     int `json:"calls"`     // requests under /v1
	Throttled int `json:"throttled"` // answered 429 by the limits, not by a fault or a script

	Contacts   int `json:"contacts"` // how many there are now, likewise the next three
	Leads      int `json:"leads"`
	Deals      int `json:"deals"`
	Timelines  int `json:"timelines"`
	Creates    int `json:"creates"`    // create calls that the portal began to process, those of batches included
	Created    int `json:"created"`    // objects made
	Late       int `json:"late"`       // objects made after the answer
	Duplicates int `json:"duplicates"` // objects after the first one of their kind and origin id
	Batches    int `json:"batches"`    // batch requests that the portal began to process
	BatchCalls int `json:"batchCalls"` // calls in them
	Lookups    int `json:"lookups"`    // lists and searches, those in batches included

	PortalRequests int `json:"portalRequests"` // requests that ran on the portal
	MaxRunning     int `json:"maxRunning"`     // the most of these at a time
	MaxConcurrent  int `json:"maxConcurrent"`  // the most requests under /v1 that were open at a time
	SlotWaits      int `json:"slotWaits"`      // portal requests that waited for a slot
	QueueTimeouts  int `json:"queueTimeouts"`  // those of them that were answered 504
	OverPerSecond  int `json:"overPerSecond"`  // requests answered 502 because of the portal's limit per second
}

func newStats() Stats {
	return Stats{Requests: map[string]int{}, Faults: map[string]int{}}
}

// Stats returns what happened since the start or the last reset.
func (s *Simulator) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.stats
	t.Requests, t.Faults = maps.Clone(t.Requests), maps.Clone(t.Faults)
	for entity, count := range map[string]*int{Contacts: &t.Contacts, Leads: &t.Leads, Deals: &t.Deals, Timelines: &t.Timelines} {
		*count = s.tables[entity].store.count
	}
	t.Duplicates = 0
	for _, held := range s.tables {
		t.Duplicates += held.store.repeats
	}
	return t
}

// count calls f with the counts while it holds the lock.
func (s *Simulator) count(f func(*Stats)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f(&s.stats)
}

// note counts how a call of the route ended; status 0 stands for no answer.
func (s *Simulator) note(route string, status int) {
	s.count(func(t *Stats) { t.Requests[route+" "+strconv.Itoa(status)]++ })
}
