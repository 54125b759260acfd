package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/leadbridge/leadbridge/crmclient"
	"github.com/leadbridge/leadbridge/integration/internal/leads"
)

// TestHooksAreSentUntilTheyAreTaken sends a webhook again after a 503 and a lost answer, under its id.
func TestHooksAreSentUntilTheyAreTaken(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	met := map[string]int{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		id := r.Header.Get("Webhook-Id")
		switch met[id]++; {
		case met[id] == 1:
			w.WriteHeader(http.StatusServiceUnavailable)
		case met[id] == 2:
			panic(http.ErrAbortHandler)
		case strings.HasPrefix(id, "w10000003"):
			w.WriteHeader(http.StatusNotFound)
		default:
			w.WriteHeader(http.StatusAccepted)
		}
	}))
	defer server.Close()
	h := newHooks(strings.TrimPrefix(server.URL, "http://"), leads.Options{Targets: crmclient.Targets()})
	h.pause = 0
	for range 4 {
		h.send(t.Context())
	}
	if !h.finish(t.Context()) {
		t.Error("webhooks are under way")
	}
	if len(h.counts()) != 3 || h.repeats() != 8 || len(h.oddities()) != 1 || len(met) != 4 {
		t.Errorf("taken %v, %d again, odd %v, seen %v", h.counts(), h.repeats(), h.oddities(), met)
	}
}
