package webhook

import (
	"bufio"
	"bytes"
	"fmt"
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
		"gzip, second line": {"POST", "/hooks/form", mediaJSON, lead, []string{"Content-Encoding", "identity", "Content-Encoding", "gzip"}, 415},
		"gzip":              {"POST", "/hooks/form", mediaJSON, lead, []string{"Content-Encoding", "gzip"}, 415},
		"no media type":     {"POST", "/hooks/form", "/;", lead, nil, 415},
		"empty":             {"POST", "/hooks/form", mediaJSON, "", nil, 400},
		"empty form":        {"POST", "/hooks/form", mediaForm, "&&", nil, 400},
		"no JSON":           {"POST", "/hooks/form", mediaJSON, `{"a"}`, nil, 400},
		"two JSONs":         {"POST", "/hooks/form", mediaJSON, lead + lead, nil, 400},
		"text as JSON":      {"POST", "/hooks/form", mediaJSON, `"a"`, nil, 400},
		"broken in a form":  {"POST", "/hooks/form", mediaForm, `{"a" "b"}`, nil, 400},
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
		"empty form":     {mediaForm, "&", nil, 400, ""},
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
	for _, value := range []string{`"x"`, "true", "1", `["x"]`} {
		r.post("/hooks/form", mediaJSON, `{"email":"a@example.com","url":`+value+`}`).id(t)
	}
	r.post("/hooks/form", mediaMultipart+"; boundary=B", "--B\r\nContent-Disposition: form-data; name=\"url\"\r\n\r\nx\r\n--B--\r\n").id(t)
	r.post("/hooks/form", mediaCloudEvent, `{"specversion":"1.0","id":"1","source":"s","type":"t","data":{"url":"x"}}`).id(t)
	if n := len(r.records()); n != 0 {
		t.Fatalf("%d records of a robot", n)
	}
	r.post("/hooks/form", mediaForm, "email=a%40example.com&url=").id(t)
	if e := decoded(t, r.only()); string(e.Data) != `{"email":"a@example.com"}` {
		t.Errorf("%s", e.Data)
	}
	for _, value := range []string{`""`, "null", "false", "[]"} {
		r.post("/hooks/form", mediaJSON, `{"email":"a@example.com","url":`+value+`}`).id(t)
	}
	if n := len(r.records()); n != 5 {
		t.Errorf("%d records, want 5: people leave it empty", n)
	}
}

// TestRateIsOfEvents lets people in whom robots and broken requests must not keep out.
func TestRateIsOfEvents(t *testing.T) {
	t.Parallel()
	r := newRig(t, "sources: [{name: form, verify: {type: none}, honeypot: url, rate: 2/h}]")
	for range 3 {
		r.post("/hooks/form", mediaForm, "email=a%40example.com&url=x").id(t)
		if a := r.post("/hooks/form", mediaForm, ""); a.status != http.StatusBadRequest {
			t.Errorf("nothing at all: %d %s", a.status, a.body)
		}
	}
	for range 2 {
		r.post("/hooks/form", mediaForm, "email=a%40example.com").id(t)
	}
	if a := r.post("/hooks/form", mediaForm, "email=a%40example.com"); a.status != http.StatusTooManyRequests {
		t.Errorf("the third event: %d %s", a.status, a.body)
	}
	if n := len(r.records()); n != 2 {
		t.Errorf("%d records, want 2", n)
	}
}

// TestProvidersTest answers what a provider sends to try the address, and writes nothing;
// a source may answer 200, which some take for success alone.
func TestProvidersTest(t *testing.T) {
	t.Parallel()
	r := newRig(t, "sources: [{name: tilda, verify: {type: none}, answer: 200, ignore: {test: test}}]")
	for _, c := range [][2]string{{mediaForm, "test=test"}, {mediaJSON, ` {"test": "test"}`}} {
		if a := r.post("/hooks/tilda", c[0], c[1]); a.status != http.StatusOK || !strings.Contains(a.body, `"id"`) {
			t.Errorf("%s: %d %s", c[1], a.status, a.body)
		}
	}
	if n := len(r.records()); n != 0 {
		t.Fatalf("%d records of a test", n)
	}
	for _, body := range []string{"test=test&email=a%40example.com", "test=testing", "test=test&test=test"} {
		if a := r.post("/hooks/tilda", mediaForm, body); a.status != http.StatusOK {
			t.Errorf("%s: %d", body, a.status)
		}
	}
	if n := len(r.records()); n != 3 {
		t.Errorf("%d records, want 3", n)
	}
}

// TestUnsignedPing answers a provider's test that comes without a signature, where the source says
// so; anything else that is not signed is refused, and so is a test that is too long.
func TestUnsignedPing(t *testing.T) {
	t.Parallel()
	r := newRig(t, `sources:
- {name: ping, verify: {type: hmac, secrets_env: PLAIN}, ignore: {test: test}, ignore_unsigned: true}
- {name: token, verify: {type: token, secrets_env: PLAIN}, ignore: {test: test}, ignore_unsigned: true}
- {name: signed, verify: {type: hmac, secrets_env: PLAIN}, ignore: {test: test}}
`)
	wrong := []string{"X-Hub-Signature-256", "sha256=" + strings.Repeat("0", 64)}
	for _, c := range []struct {
		path, media, body string
		headers           []string
		status            int
	}{
		{"/hooks/ping", mediaJSON, ` {"test": "test"}`, nil, 202},
		{"/hooks/ping", mediaForm, `test=test`, nil, 202},
		{"/hooks/ping", mediaJSON, `{"test": "test"}`, wrong, 202},
		{"/hooks/token", mediaJSON, `{"test": "test"}`, nil, 202},
		{"/hooks/signed", mediaJSON, `{"test": "test"}`, nil, 401},
		{"/hooks/ping", mediaJSON, `{"test": "test", "email": "a@example.com"}`, nil, 401},
		{"/hooks/ping", mediaJSON, testLead, nil, 401},
		{"/hooks/ping", mediaJSON, "{", nil, 401},
		{"/hooks/ping", mediaJSON, `{"test": "test"` + strings.Repeat(" ", maxPing) + "}", wrong, 401},
	} {
		if a := r.post(c.path, c.media, c.body, c.headers...); a.status != c.status {
			t.Errorf("%s %.40s: %d %s, want %d", c.path, c.body, a.status, a.body, c.status)
		}
	}
	isProblem(t, r.post("/hooks/ping", mediaJSON, `{"test": "test"`+strings.Repeat(" ", maxPing)+"}"), http.StatusRequestEntityTooLarge)
	if n := len(r.records()); n != 0 {
		t.Errorf("%d records", n)
	}
}

// TestRefusedBodyIsAnswered: a client that reads the answer after it has sent all of a
// body that is too large gets it, not a reset connection.
func TestRefusedBodyIsAnswered(t *testing.T) {
	t.Parallel()
	r := newRig(t, open)
	for name, head := range map[string]string{
		"announced": "Content-Type: application/json\r\nContent-Length: 8388608\r\n\r\n",
		"chunked":   "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n800000\r\n",
		"of a type": "Content-Type: image/png\r\nContent-Length: 8388608\r\n\r\n",
	} {
		conn := r.dial()
		defer conn.Close()
		if _, err := fmt.Fprint(conn, "POST /hooks/form HTTP/1.1\r\nHost: x\r\n"+head+strings.Repeat(" ", 8<<20)); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusRequestEntityTooLarge && resp.StatusCode != http.StatusUnsupportedMediaType {
			t.Errorf("%s: %s", name, resp.Status)
		}
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
