package kafkaauth

import (
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"
)

// TestSecretIsReadForEachToken renews a token after its secret was replaced, by one and the same source.
func TestSecretIsReadForEachToken(t *testing.T) {
	t.Parallel()
	e := newTokenEndpoint(t, httptest.NewServer)
	file := filepath.Join(t.TempDir(), "secret")
	server := newTokenServer(ClientCredentials{TokenURL: e.URL, ClientID: "bridge", SecretFile: file})
	for _, secret := range []string{"first", "second"} {
		write(t, file, secret)
		if _, err := server.fetch(t.Context()); err != nil || e.secret != secret {
			t.Errorf("%v, asked with %q, want %q", err, e.secret, secret)
		}
	}
}

// TestSecretIsSentOnceToAServerThatRefuses counts the requests: only a server that does not know the client gets the secret
// another way.
func TestSecretIsSentOnceToAServerThatRefuses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		status int
		code   string
		want   int // requests
	}{{400, "invalid_scope", 1}, {403, "access_denied", 1}, {503, "", 1}, {401, "", 2}, {400, "invalid_client", 2}} {
		asked := 0
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			asked++
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(c.status)
			_, _ = w.Write([]byte(`{"error":"` + c.code + `"}`))
		}))
		_, err := newTokenServer(ClientCredentials{TokenURL: server.URL, ClientID: "bridge", Secret: "s"}).fetch(t.Context())
		server.Close()
		if err == nil || asked != c.want {
			t.Errorf("%d %s: %d requests, %v, want %d", c.status, c.code, asked, err, c.want)
		}
	}
}
