package main

import (
	"context"
	"io"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/leadbridge/leadbridge/bench/internal/broker"
	"github.com/leadbridge/leadbridge/bench/internal/lead"
	"github.com/leadbridge/leadbridge/crmclient/crmtest"
	"github.com/leadbridge/leadbridge/internal/audit"

	"github.com/segmentio/kafka-go"
)

// naiveRun is a naive consumer with a broker and a simulated CRM in this process.
type naiveRun struct {
	broker *broker.Broker
	sim    *crmtest.Simulator
	naive  *naive
}

func startNaive(t *testing.T) *naiveRun {
	t.Helper()
	b, err := broker.Open("")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	sim := crmtest.New(crmtest.Options{})
	server := httptest.NewServer(sim)
	t.Cleanup(func() { server.Close(); sim.Close() })
	if err := b.Create(t.Context(), 1, "leads", "leads.dlt"); err != nil {
		t.Fatal(err)
	}
	env := map[string]string{
		"KAFKA_BROKERS": strings.Join(b.Addrs, ","), "KAFKA_TOPIC": "leads", "KAFKA_DLT_TOPIC": "leads.dlt", "KAFKA_GROUP_ID": "g",
		"CRM_BASE_URL": server.URL, "CRM_API_KEY": apiKey, "CRM_REQUESTS_PER_MINUTE": "0",
	}
	n, err := newNaive(func(name string) string { return env[name] })
	if err != nil {
		t.Fatal(err)
	}
	n.backoff = time.Millisecond
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- n.run(ctx, io.Discard) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return &naiveRun{b, sim, n}
}

// send writes leads and waits until the naive consumer has committed them.
func (r *naiveRun) send(t *testing.T, leads ...lead.Lead) {
	t.Helper()
	first, err := r.broker.Write(t.Context(), "leads", 0, leads)
	if err != nil {
		t.Fatal(err)
	}
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	for {
		committed, err := r.broker.Committed(t.Context(), "g", "leads", 1)
		if err == nil && committed[0] == first+int64(len(leads)) {
			return
		}
		select {
		case <-ticker.C:
		case <-t.Context().Done():
			t.Fatal(t.Context().Err(), err)
		}
	}
}

// letters are the leads in the dead-letter topic.
func (r *naiveRun) letters(t *testing.T) (found []int) {
	t.Helper()
	err := r.broker.Read(t.Context(), "leads.dlt", 1, func(_ audit.Place, value []byte, _ []kafka.Header) error {
		if n, ok := leadIn(value); ok {
			found = append(found, n)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestNaiveDelivers(t *testing.T) {
	t.Parallel()
	r := startNaive(t)
	r.send(t, lead.New(0), lead.New(1))
	if stats := r.sim.Stats(); stats.Contacts != 2 || stats.Calls != 2 {
		t.Errorf("%d contacts by %d requests", stats.Contacts, stats.Calls)
	}
	if letters := r.letters(t); len(letters) > 0 {
		t.Errorf("letters of %v", letters)
	}
}

func TestNaiveWritesLetters(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		faults crmtest.Faults
		calls  int // for lead 0
	}{
		"of what is refused, at once":     {crmtest.Faults{Refuse: refusedMarker}, 1},
		"of what fails, after 5 attempts": {crmtest.Faults{Poison: refusedMarker}, 5},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := startNaive(t)
			if err := r.sim.SetFaults(c.faults); err != nil {
				t.Fatal(err)
			}
			r.send(t, refused(lead.New(0)), lead.New(1))
			if letters := r.letters(t); len(letters) != 1 || letters[0] != 0 {
				t.Errorf("letters of %v", letters)
			}
			if stats := r.sim.Stats(); stats.Contacts != 1 || stats.Calls != c.calls+1 {
				t.Errorf("%d contacts by %d requests", stats.Contacts, stats.Calls)
			}
		})
	}
}

// TestNaiveMakesSecondContacts is what the comparison is about: a create without an answer is sent again.
func TestNaiveMakesSecondContacts(t *testing.T) {
	t.Parallel()
	r := startNaive(t)
	if err := r.sim.SetFaults(crmtest.Faults{ApplyThenFail: 1}); err != nil {
		t.Fatal(err)
	}
	r.send(t, lead.New(0))
	if stats := r.sim.Stats(); stats.Contacts != r.naive.attempts || len(r.letters(t)) != 1 {
		t.Errorf("%d contacts, letters of %v", stats.Contacts, r.letters(t))
	}
}

func TestNaiveNeedsALimit(t *testing.T) {
	t.Parallel()
	if _, err := newNaive(func(string) string { return "" }); err == nil {
		t.Error("it starts without CRM_REQUESTS_PER_MINUTE")
	}
	n, err := newNaive(func(string) string { return "300" })
	if err != nil || n.pace != 200*time.Millisecond {
		t.Errorf("300 a minute: %s, %v", n.pace, err)
	}
}
