package main

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func madeAt(id int, at time.Time, email string) simContact {
	c := simContact{ID: id, Created: at}
	c.Email = append(c.Email, struct {
		Value string `json:"value"`
	}{email})
	return c
}

func TestLatencies(t *testing.T) {
	t.Parallel()
	begin := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	at := func(ms int) time.Time { return begin.Add(time.Duration(ms) * time.Millisecond) }
	sent := []time.Time{at(0), at(50), at(100)}
	seen := []sighting{{at(30), 1}, {at(140), 3}}
	whole, exact := begin, at(125)
	got := latencies(sent, []simContact{
		madeAt(1, whole, "lead.0@example.com"), // warm-up
		madeAt(2, whole, "lead.2@example.com"), // seen at 140
		madeAt(3, exact, "lead.1@example.com"), // told: 125
		madeAt(4, whole, "lead.1@example.com"), // never seen
		madeAt(1, whole, "somebody@example.com"),
		{ID: 1},
	}, seen, 1)
	if diff := cmp.Diff([]time.Duration{40 * time.Millisecond, 75 * time.Millisecond}, got); diff != "" {
		t.Error(diff)
	}
}
