package webhook

import (
	"net/http"
	"strings"
	"testing"
)

// TestChallenges are the ways in which providers try an address before they send to it.
func TestChallenges(t *testing.T) {
	t.Parallel()
	const hmac = "verify: {type: hmac, secrets_env: PLAIN}"
	r := newRig(t, `sources:
- {name: meta, `+hmac+`, challenge: {when: {hub.mode: subscribe}, echo: hub.challenge, token: hub.verify_token, secrets_files: /filed}}
- {name: own, `+hmac+`, challenge: {echo: hub.challenge, token: hub.verify_token}}
- {name: slack, `+hmac+`, challenge: {when: {type: url_verification}, echo: challenge}}
- {name: vk, verify: {type: token, field: secret, secrets_env: PLAIN}, challenge: {when: {type: confirmation, group_id: [1, 2]}, answer: 1a2b}, answer: {body: ok}}
- {name: mailchimp, verify: {type: token, query: key, secrets_env: PLAIN}, challenge: {empty: true}, answer: 200}
- {name: graph, `+hmac+`, challenge: {echo: validationToken}}
- {name: plain, `+hmac+`}
`)
	for _, c := range []struct {
		method, path, body string
		status             int
		want               string
	}{
		{"GET", "meta?hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token=filed+secret", "", 200, "1158201444"},
		{"GET", "meta?hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token=wrong", "", 401, ""},
		{"GET", "meta?hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token=It%27s+a+Secret+to+Everybody", "", 401, ""},
		{"GET", "meta?hub.mode=subscribe&hub.challenge=1158201444", "", 401, ""},
		{"GET", "meta?hub.mode=unsubscribe&hub.challenge=1&hub.verify_token=filed+secret", "", 401, ""},
		{"GET", "meta", "", 401, ""},
		{"GET", "own?hub.challenge=<b>&hub.verify_token=It%27s+a+Secret+to+Everybody", "", 200, "<b>"},
		{"GET", "own?hub.challenge=" + strings.Repeat("x", maxEcho+1) + "&hub.verify_token=It%27s+a+Secret+to+Everybody", "", 401, ""},
		{"GET", "own?hub.challenge=a%0d%0ab&hub.verify_token=It%27s+a+Secret+to+Everybody", "", 401, ""},
		{"POST", "slack", `{"type":"url_verification","challenge":"3eZbrw1aB"}`, 200, "3eZbrw1aB"},
		{"POST", "slack", `{"type":"event_callback","challenge":"3eZbrw1aB"}`, 401, ""},
		{"POST", "slack", `{"type":"url_verification"}`, 401, ""},
		{"POST", "vk", `{"type":"confirmation","group_id":2}`, 200, "1a2b"},
		{"POST", "vk", `{"type":"confirmation","group_id":3}`, 401, ""},
		{"POST", "vk", `{"type":"lead_forms_new","group_id":1,"email":"a@example.com"}`, 401, ""},
		{"POST", "vk", `{"type":"lead_forms_new","group_id":1,"email":"a@example.com","secret":"wrong"}`, 401, ""},
		{"POST", "mailchimp", "", 200, `{"id":"challenge"}`},
		{"GET", "mailchimp", "", 200, `{"id":"challenge"}`},
		{"GET", "mailchimp?key=wrong", "", 200, `{"id":"challenge"}`},
		{"GET", "mailchimp?email=a%40example.com", "", 401, ""},
		{"POST", "mailchimp", "email=a%40example.com", 401, ""},
		{"POST", "graph?validationToken=abc%20d", "", 200, "abc d"},
		{"POST", "graph?validationToken=abc", `{"email":"a@example.com"}`, 401, ""},
		{"POST", "slack", `{"type":"event_callback","a":"` + strings.Repeat("x", maxPing) + `"}`, 413, ""},
		{"GET", "plain", "", 405, ""},
	} {
		contentType := mediaForm
		if strings.HasPrefix(c.body, "{") {
			contentType = mediaJSON
		}
		a := r.send(c.method, "/hooks/"+c.path, c.body, "Content-Type", contentType)
		if c.want == "" {
			isProblem(t, a, c.status)
		} else if a.status != c.status || strings.TrimSpace(a.body) != c.want || a.header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%.80s %s: %d %s, want %d %s", c.path, c.body, a.status, a.body, c.status, c.want)
		}
		if a.status == http.StatusOK && strings.HasPrefix(a.body, "<") && !strings.HasPrefix(a.header.Get("Content-Type"), "text/plain") {
			t.Errorf("%s: an echo is %s", c.path, a.header.Get("Content-Type"))
		}
	}
	if n := len(r.records()); n != 0 {
		t.Errorf("%d records of challenges", n)
	}
	if log := r.logs.String(); strings.Contains(log, "3eZbrw1aB") || strings.Contains(log, "Secret") {
		t.Errorf("log %s", log)
	}
	// What is signed is taken as ever.
	if a := r.post("/hooks/vk", mediaJSON, `{"type":"lead_forms_new","secret":"It's a Secret to Everybody","email":"a@example.com"}`); a.status != 200 || a.body != "ok" {
		t.Errorf("%d %s", a.status, a.body)
	}
	if e := decoded(t, r.only()); string(e.Data) != `{"type":"lead_forms_new","email":"a@example.com"}` {
		t.Errorf("%s", e.Data)
	}
}
