package webhook

import (
	"bytes"
	"net/http"
	"strings"
	"testing"
)

// TestAnswers: each fault of a request has its status and is a problem.
func TestAnswers(t *testing.T) {
	t.Parallel()
	r := newRig(t, `sources:
- {name: form, verify: {type: none}, max_body: 1KiB}
- {name: json, verify: {type: none}, content_types: application/json}
- {name: token, verify: {type: token, header: X-Token, secrets_env: PLAIN}, rate: 1/h}
`)
	lead := `{"email":"a@example.com"}`
	for name, c := range map[string]struct {
		method, path, contentType, body string
		headers                         []string
		status                          int
	}{
		"unknown source":    {"POST", "/hooks/none", mediaJSON, lead, nil, 404},
		"no source":         {"POST", "/hooks/", mediaJSON, lead, nil, 404},
		"another path":      {"POST", "/", mediaJSON, lead, nil, 404},
		"deeper path":       {"POST", "/hooks/form/x", mediaJSON, lead, nil, 404},
		"get":               {"GET", "/hooks/form", "", "", nil, 405},
		"xml":               {"POST", "/hooks/form", "application/xml", "<a/>", nil, 415},
		"text":              {"POST", "/hooks/form", "text/plain", lead, nil, 415},
		"form where json":   {"POST", "/hooks/json", mediaForm, "a=b", nil, 415},
		"charset":           {"POST", "/hooks/form", mediaForm + "; charset=windows-1251", "a=b", nil, 415},
		"gzip":              {"POST", "/hooks/form", mediaJSON, lead, []string{"Content-Encoding", "gzip"}, 415},
		"no media type":     {"POST", "/hooks/form", "/;", lead, nil, 415},
		"empty":             {"POST", "/hooks/form", mediaJSON, "", nil, 400},
		"empty form":        {"POST", "/hooks/form", mediaForm, "&&", nil, 400},
		"no JSON":           {"POST", "/hooks/form", mediaJSON, `{"a":}`, nil, 400},
		"two JSONs":         {"POST", "/hooks/form", mediaJSON, lead + lead, nil, 400},
		"text as JSON":      {"POST", "/hooks/form", mediaJSON, `"a"`, nil, 400},
		"bad escape":        {"POST", "/hooks/form", mediaForm, "a=%zz", nil, 400},
		"no boundary":       {"POST", "/hooks/form", mediaMultipart, "--x--", nil, 400},
		"cut multipart":     {"POST", "/hooks/form", mediaMultipart + "; boundary=x", "--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nb", nil, 400},
		"too large":         {"POST", "/hooks/form", mediaJSON, `{"a":"` + strings.Repeat("x", 1024) + `"}`, nil, 413},
		"no token":          {"POST", "/hooks/token", mediaJSON, lead, nil, 401},
		"wrong token":       {"POST", "/hooks/token", mediaJSON, lead, []string{"X-Token", "hunter2"}, 401},
		"no token, no JSON": {"POST", "/hooks/token", mediaJSON, "{", nil, 401},
	} {
		var headers []string
		if c.contentType != "" {
			headers = []string{"Content-Type", c.contentType}
		}
		a := r.send(c.method, c.path, c.body, append(headers, c.headers...)...)
		t.Run(name, func(t *testing.T) { isProblem(t, a, c.status) })
		if c.status == 401 && a.header.Get("WWW-Authenticate") == "" {
			t.Errorf("%s: no challenge", name)
		}
		if c.status == 405 && a.header.Get("Allow") != "POST, OPTIONS" {
			t.Errorf("%s: Allow %q", name, a.header.Get("Allow"))
		}
		if strings.Contains(a.body, "hunter2") || strings.Contains(a.body, "example.com") {
			t.Errorf("%s: the answer tells what was sent: %s", name, a.body)
		}
	}
	right := []string{"X-Token", testSecrets["PLAIN"]}
	r.post("/hooks/token", mediaJSON, lead, right...).id(t)
	a := r.post("/hooks/token", mediaJSON, lead, right...)
	isProblem(t, a, http.StatusTooManyRequests)
	if a.header.Get("Retry-After") != "3600" && a.header.Get("Retry-After") != "3599" {
		t.Errorf("Retry-After %q", a.header.Get("Retry-After"))
	}
	if n := len(r.records()); n != 1 {
		t.Errorf("%d records, want 1", n)
	}
}

func TestRedirect(t *testing.T) {
	t.Parallel()
	r := newRig(t, "sources: [{name: form, verify: {type: none}, redirect: [https://example.com/a, https://example.com/b]}]")
	for name, c := range map[string]struct {
		contentType, body string
		headers           []string
		status            int
		to                string
	}{
		"form":           {mediaForm, "email=a@example.com", nil, 303, "https://example.com/a"},
		"browser":        {mediaForm, "email=a@example.com", []string{"Accept", "text/html,*/*;q=0.8"}, 303, "https://example.com/a"},
		"chosen":         {mediaForm, "email=a@example.com&_redirect=https%3A%2F%2Fexample.com%2Fb", nil, 303, "https://example.com/b"},
		"a stranger's":   {mediaForm, "email=a@example.com&_redirect=https%3A%2F%2Fevil.example", nil, 303, "https://example.com/a"},
		"longer":         {mediaForm, "email=a@example.com&_redirect=https%3A%2F%2Fexample.com%2Fb.evil.example", nil, 303, "https://example.com/a"},
		"JSON":           {mediaJSON, `{"email":"a@example.com","_redirect":"https://evil.example"}`, nil, 202, ""},
		"script":         {mediaForm, "email=a@example.com", []string{"Accept", "application/json"}, 202, ""},
		"script (fetch)": {mediaForm, "email=a@example.com", []string{"Sec-Fetch-Mode", "cors"}, 202, ""},
		"bad form":       {mediaForm, "email=%", nil, 400, ""},
	} {
		a := r.post("/hooks/form", c.contentType, c.body, c.headers...)
		if a.status != c.status || a.header.Get("Location") != c.to {
			t.Errorf("%s: %d to %q, want %d to %q", name, a.status, a.header.Get("Location"), c.status, c.to)
		}
	}
	for _, rec := range r.records() {
		if e := decoded(t, rec); bytes.Contains(e.Data, []byte(fieldRedirect)) && e.Data[1] != '"' {
			t.Errorf("the field goes on: %s", e.Data)
		}
	}
}

func TestHoneypot(t *testing.T) {
	t.Parallel()
	r := newRig(t, "sources: [{name: form, verify: {type: none}, honeypot: url}]")
	r.post("/hooks/form", mediaForm, "email=a%40example.com&url=http%3A%2F%2Fspam.example").id(t)
	r.post("/hooks/form", mediaJSON, `{"email":"a@example.com","url":"x"}`).id(t)
	if n := len(r.records()); n != 0 {
		t.Fatalf("%d records of a robot", n)
	}
	r.post("/hooks/form", mediaForm, "email=a%40example.com&url=").id(t)
	if e := decoded(t, r.only()); string(e.Data) != `{"email":"a@example.com"}` {
		t.Errorf("%s", e.Data)
	}
}

func TestCORS(t *testing.T) {
	t.Parallel()
	r := newRig(t, `sources:
- {name: some, verify: {type: token, header: X-Key, secrets_env: PLAIN}, cors: [https://example.com]}
- {name: all, verify: {type: none}, cors: "*"}
- {name: none, verify: {type: none}}
`)
	for _, c := range []struct{ source, origin, want string }{
		{"some", "https://example.com", "https://example.com"},
		{"some", "https://evil.example", ""},
		{"some", "https://example.com.evil.example", ""},
		{"some", "null", ""},
		{"all", "https://evil.example", "*"},
		{"none", "https://example.com", ""},
	} {
		asked := r.send(http.MethodOptions, "/hooks/"+c.source, "", "Origin", c.origin, "Access-Control-Request-Method", "POST")
		sent := r.post("/hooks/"+c.source, mediaJSON, `{"email":"a@example.com"}`, "Origin", c.origin)
		const allow = "Access-Control-Allow-Origin"
		if asked.status != http.StatusNoContent || asked.header.Get(allow) != c.want || sent.header.Get(allow) != c.want {
			t.Errorf("%+v: %d %q and %q", c, asked.status, asked.header.Get(allow), sent.header.Get(allow))
		}
		if (asked.header.Get("Access-Control-Allow-Methods") == "POST") != (c.want != "") {
			t.Errorf("%+v: methods %q", c, asked.header.Get("Access-Control-Allow-Methods"))
		}
		if c.source == "some" && (asked.header.Get("Vary") != "Origin" || sent.status != http.StatusUnauthorized) {
			t.Errorf("%+v: Vary %q, status %d", c, asked.header.Get("Vary"), sent.status)
		}
	}
}

// TestFaultOfOurs answers 500 and tells nothing of the request.
func TestFaultOfOurs(t *testing.T) {
	t.Parallel()
	r := newRig(t, open)
	r.gate.cfg.Sources.byName["form"].verifier = nil // calling it panics
	isProblem(t, r.post("/hooks/form", mediaJSON, testLead), http.StatusInternalServerError)
	if log := r.logs.String(); !strings.Contains(log, "report it") || strings.Contains(log, "example.com") {
		t.Errorf("log %s", log)
	}
}
