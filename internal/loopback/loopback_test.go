package loopback

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestDirect(t *testing.T) {
	t.Parallel()
	for host, want := range map[string]bool{
		"127.0.0.1:8081": true, "localhost": true, "LOCALHOST:1": true, "[::1]:8081": true, "127.8.8.8": true, "[::1]": true,
		"localhost.example.com": false, "127.0.0.1.example.com:80": false, "10.0.0.7": false, "": false, "0.0.0.0:80": false,
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Host = host
		if got := Direct(r); got != want {
			t.Errorf("%q: %v, want %v", host, got, want)
		}
	}
	for _, name := range []string{"Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-IP"} {
		r := httptest.NewRequest(http.MethodGet, "http://localhost/", nil)
		r.Header.Set(name, "1")
		if Direct(r) {
			t.Errorf("a request with %s is taken for a direct one", name)
		}
	}
}
