package main

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leadbridge/leadbridge/bench/internal/sim"
)

func madeAt(at time.Time, email string) sim.Contact {
	c := sim.Contact{Created: at}
	c.Email = append(c.Email, struct {
		Value string `json:"value"`
	}{email})
	return c
}

func TestLatencies(t *testing.T) {
	t.Parallel()
	begin := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	at := func(ms int) time.Time { return begin.Add(time.Duration(ms) * time.Millisecond) }
	got := latencies([]time.Time{at(0), at(50), at(100)}, []sim.Contact{
		madeAt(at(30), "lead.0@example.com"), // warm-up
		madeAt(at(140), "lead.2@example.com"),
		madeAt(at(125), "lead.1@example.com"),
		madeAt(at(150), "lead.3@example.com"), // was never sent
		madeAt(at(30), "somebody@example.com"),
		{},
	}, 1)
	deals := withPersons([]sim.Contact{{ContactID: 7, Created: at(180)}, {ContactID: 8}}, []sim.Contact{{ID: 7, Email: madeAt(at(140), "lead.2@example.com").Email}})
	got = append(got, latencies([]time.Time{at(0), at(50), at(100)}, deals, 1)...)
	if diff := cmp.Diff([]time.Duration{40 * time.Millisecond, 75 * time.Millisecond, 80 * time.Millisecond}, got); diff != "" {
		t.Error(diff)
	}
}
