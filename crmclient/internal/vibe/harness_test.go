package vibe

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// newClient makes a Client that ends with the test.
func newClient(t *testing.T, cfg Config) *Client {
	t.Helper()
	c, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// answering makes a Client of a CRM that is the handler.
func answering(t *testing.T, handler http.HandlerFunc) *Client {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return newClient(t, Config{BaseURL: server.URL, APIKey: Secret{Value: "vibe_api_1"}})
}

// contactsOf are contacts to be made, of their bodies.
func contactsOf(bodies ...string) []Object {
	objects := make([]Object, len(bodies))
	for i, body := range bodies {
		objects[i] = Object{Contacts, []byte(body)}
	}
	return objects
}
