package monitor

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
)

// TestGateProbes: readiness follows the topic and the end; health needs nothing.
func TestGateProbes(t *testing.T) {
	t.Parallel()
	var fault error
	g := &Gate{Metrics: prometheus.NewRegistry(), Ready: func() error { return fault }}
	check := func(path string, status int, text string) {
		t.Helper()
		w := httptest.NewRecorder()
		g.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		if w.Code != status || !strings.Contains(w.Body.String(), text) {
			t.Errorf("%s: %d %s, want %d and %q", path, w.Code, w.Body, status, text)
		}
	}
	check("/readyz", http.StatusOK, `"taking"`)
	fault = errors.New("the topic is away")
	check("/readyz", http.StatusServiceUnavailable, "the topic is away")
	check("/healthz", http.StatusOK, `"held"`)
	fault = nil
	g.Draining()
	check("/readyz", http.StatusServiceUnavailable, `"draining"`)
	check("/healthz", http.StatusOK, `"draining"`)
	check("/metrics", http.StatusOK, "")
}
