package vibe

import (
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
)

// TestNoRedirectIsFollowed tries every redirect for reads and creates: the key would go along to wherever it points.
func TestNoRedirectIsFollowed(t *testing.T) {
	var asked, followed atomic.Int32
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { followed.Add(1) }))
	defer elsewhere.Close()
	status := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		w.Header().Set("Location", elsewhere.URL)
		w.WriteHeader(status)
	}))
	defer server.Close()
	c := newClient(t, Config{BaseURL: server.URL, APIKey: Secret{Value: "vibe_api_key"}})
	for _, status = range []int{301, 302, 303, 307, 308} {
		for _, call := range []Call{Me(), CreateOne(Contacts, []byte("{}"), nil)} {
			if o := c.Do(t.Context(), call); o.Status != status || o.Class == Done {
				t.Errorf("%s, %d: %+v", call.Operation, status, o)
			}
		}
	}
	if asked.Load() != 10 || followed.Load() != 0 {
		t.Errorf("%d requests, of which %d were redirected", asked.Load(), followed.Load())
	}
}
