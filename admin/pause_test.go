package admin

import (
	"net/http"
	"testing"
)

// TestPause pauses and resumes, with a line of the audit each, and only for those who may.
func TestPause(t *testing.T) {
	t.Parallel()
	type call struct {
		paused bool
		who    string
	}
	var calls []call
	pauses := func(c *Config) { c.Pause = func(paused bool, who string) { calls = append(calls, call{paused, who}) } }
	bubble(t, func(t *testing.T, r *rig) {
		for _, body := range []string{`{"paused":true}`, `{"paused":false}`} {
			if w := r.ask("POST", "/api/pause", body); w.Code != http.StatusOK {
				t.Errorf("%s: %d %s", body, w.Code, w.Body)
			}
		}
		for body, want := range map[string]int{`{}`: 400, `{"paused":"yes"}`: 400, `{"paused":true,"all":true}`: 400} {
			if w := r.ask("POST", "/api/pause", body); w.Code != want {
				t.Errorf("%s: %d, want %d", body, w.Code, want)
			}
		}
		stranger := func(q *http.Request) { q.Header.Set("Authorization", "Bearer wrong") }
		if w := r.ask("POST", "/api/pause", `{"paused":true}`, stranger); w.Code != http.StatusUnauthorized {
			t.Errorf("a stranger: %d", w.Code)
		}
		if len(calls) != 2 || !calls[0].paused || calls[1].paused || calls[0].who == "" {
			t.Errorf("called %+v", calls)
		}
		audits := r.audits()
		if len(audits) != 2 || audits[0]["audit"] != "pause" || audits[0]["paused"] != true || audits[1]["paused"] != false {
			t.Errorf("audit %v", audits)
		}
	}, pauses)
	bubble(t, func(t *testing.T, r *rig) {
		if w := r.ask("POST", "/api/pause", `{"paused":true}`); w.Code != http.StatusNotFound {
			t.Errorf("a page that cannot: %d", w.Code)
		}
	})
}
