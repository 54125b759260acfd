package webhook

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// A token inside of JSON that is text is taken out of it, and the lead beside it stays.
func TestTokenInsideJSONTextLeavesTheLead(t *testing.T) {
	s := parseSources(t, "sources: [{name: top, preset: google, secrets_env: [PLAIN]}, {name: deep, verify: {type: token, field: meta.key, secrets_env: [PLAIN]}}]")
	for _, c := range []struct{ source, body string }{
		{"top", `"{\"google_key\":\"It's a Secret to Everybody\",\"lead_id\":\"1\",\"phone\":\"+79161234567\"}"`},
		{"deep", `{"meta":"{\"key\":\"It's a Secret to Everybody\",\"phone\":\"+79161234567\"}"}`},
		{"deep", `{"meta":{"key":"It's a Secret to Everybody"},"phone":"+79161234567"}`},
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/hooks/"+c.source, strings.NewReader(c.body))
		r.Header.Set("Content-Type", "application/json")
		got, err := s.Try(c.source, r, time.Now())
		if err != nil || got.Proof != "" || !strings.Contains(string(got.Value), "79161234567") || strings.Contains(string(got.Value), "Secret to") {
			t.Errorf("%s: %v %q %s", c.body, err, got.Proof, got.Value)
		}
	}
}

// A JWT in a header leaves the body, and its type, what it is.
func TestJWTInAHeaderLeavesTheBody(t *testing.T) {
	t.Parallel()
	form := mediaType{name: mediaForm}
	media, body := signedToken{header: "Authorization"}.open(form, []byte("phone=79161234567"))
	if media != form || string(body) != "phone=79161234567" {
		t.Errorf("%v %s", media, body)
	}
}
