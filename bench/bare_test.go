package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestBodies(t *testing.T) {
	t.Parallel()
	contact, err := contactOf([]byte(`{"originId":"lb-1","contact":{"name":"A"}}`))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(`{"name":"A","originId":"lb-1","originatorId":"leadbridge"}`, string(contact)); diff != "" {
		t.Error(diff)
	}
	three := []json.RawMessage{contact, contact, contact}
	singles, err := bodies(three, 1)
	if err != nil || len(singles) != 3 || string(singles[0]) != string(contact) {
		t.Errorf("one to a request: %d requests, %v", len(singles), err)
	}
	batches, err := bodies(three, 2)
	if err != nil || len(batches) != 2 {
		t.Fatalf("two to a request: %d requests, %v", len(batches), err)
	}
	want := `{"calls":[{"id":"k0","entity":"contacts","action":"create","params":` + string(contact) + `}]}`
	if diff := cmp.Diff(want, string(batches[1])); diff != "" {
		t.Error(diff)
	}
	for _, line := range []string{"", `{"error":"no contact point"}`} {
		if _, err := contactOf([]byte(line)); err == nil {
			t.Errorf("%q is a contact", line)
		}
	}
}

// TestFeedKeepsThePace looks at when requests are handed out: evenly, and
// without a burst after a wait for a slot.
func TestFeedKeepsThePace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		queue := make(chan []byte)
		began := time.Now()
		go feed(t.Context(), queue, make([][]byte, 5), 200*time.Millisecond)
		var got []time.Duration
		for range queue {
			got = append(got, time.Since(began))
			if len(got) == 2 {
				time.Sleep(time.Second) // all slots are busy
			}
		}
		ms := time.Millisecond
		if diff := cmp.Diff([]time.Duration{0, 200 * ms, 1200 * ms, 1200 * ms, 1400 * ms}, got); diff != "" {
			t.Error(diff)
		}
	})
}

func TestPost(t *testing.T) {
	t.Parallel()
	var calls atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		calls.Add(1)
		body, _ := io.ReadAll(r.Body)
		if r.URL.Path != "/v1/batch" || r.Header.Get("X-Api-Key") == "" || string(body) == "bad" {
			w.WriteHeader(http.StatusBadRequest)
		}
	}))
	defer server.Close()
	good := [][]byte{[]byte("{}"), []byte("{}"), []byte("{}")}
	if _, err := post(t.Context(), server.URL, good, true, 2, 0); err != nil || calls.Load() != 3 {
		t.Errorf("%d calls, %v", calls.Load(), err)
	}
	if _, err := post(t.Context(), server.URL, append(good, []byte("bad")), true, 1, 0); err == nil || !strings.Contains(err.Error(), "400") {
		t.Errorf("a refused request: %v", err)
	}
}
