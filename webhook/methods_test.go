package webhook

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestGet: a source that says so takes what stands in the address, without the token.
func TestGet(t *testing.T) {
	t.Parallel()
	r := newRig(t, `sources:
- {name: form, verify: {type: token, query: [key, token], secrets_env: PLAIN}, methods: [GET, POST], id: {field: id}, content_types: application/json}
- {name: get, verify: {type: none}, methods: GET, charset: windows-1251}
- {name: post, verify: {type: none}}
`)
	key := "It%27s+a+Secret+to+Everybody"
	for path, want := range map[string]string{
		"/hooks/form?key=" + key + "&id=1&name=Anna&phone=%2B79161234567&sale=10%":    `{"id":"1","name":"Anna","phone":"+79161234567","sale":"10%"}`,
		"/hooks/form?id=2&a=b&%74oken=" + key:                                         `{"id":"2","a":"b"}`,
		"/hooks/get?name=%C8%E2%E0%ED&token=x":                                        `{"name":"Иван","token":"x"}`,
		"/hooks/get?data=%7B%22page%22%3A%22https%3A%2F%2Fexample.com%22%7D&name=Ann": `{"data":"{\"page\":\"https://example.com\"}","name":"Ann"}`,
	} {
		a := r.send(http.MethodGet, path, "")
		id := a.id(t)
		found := false
		for _, rec := range r.records() {
			e := decoded(t, rec)
			found = found || e.ID == id && string(e.Data) == want
			if strings.Contains(string(rec.Value), "Secret") {
				t.Errorf("the token goes on: %s", rec.Value)
			}
		}
		if !found {
			t.Errorf("%s: no record %s", path, want)
		}
	}
	for path, status := range map[string]int{
		"/hooks/form?key=wrong&name=Anna": 401, "/hooks/form?name=Anna": 401, "/hooks/form?key=" + key: 400, "/hooks/get": 400, "/hooks/post?name=Anna": 405,
	} {
		isProblem(t, r.send(http.MethodGet, path, ""), status)
	}
	// A POST without a body says what its address says.
	if id := r.send(http.MethodPost, "/hooks/form?key="+key+"&id=3&name=Anna", "").id(t); id != "3" {
		t.Errorf("id %s", id)
	}
	if id := r.post("/hooks/form?key="+key+"&id=4", mediaJSON, `{"id":5,"name":"Anna"}`).id(t); id != "5" {
		t.Errorf("id %s", id)
	}
	isProblem(t, r.post("/hooks/get", mediaForm, "name=Anna"), 405)
	if allow := r.send(http.MethodOptions, "/hooks/form", "").header.Get("Allow"); allow != "GET, POST, OPTIONS" {
		t.Errorf("Allow %q", allow)
	}
	if log := r.logs.String(); strings.Contains(log, "Anna") || strings.Contains(log, "Secret") {
		t.Errorf("log %s", log)
	}
}

// TestPostWithoutBody: a POST without a body has its event in the query only where the signature covers the query.
func TestPostWithoutBody(t *testing.T) {
	t.Parallel()
	const sources = `sources:
- {name: signed, methods: [GET, POST], verify: {type: hmac, header: X-Sign, secrets_env: PLAIN, signed: '{method} {query}|{body}'}}
- {name: body, verify: {type: hmac, header: X-Sign, secrets_env: PLAIN}, challenge: {echo: challenge}}
- {name: standard, verify: {type: standard-webhooks, secrets_env: STANDARD}, challenge: {echo: challenge}}
- {name: token, verify: {type: token, header: X-Sign, secrets_env: PLAIN}, challenge: {echo: challenge}}
`
	r := newRig(t, sources)
	sum := func(text string) string {
		return hex.EncodeToString(mac(sha256.New, []byte(testSecrets["PLAIN"]), []byte(text)))
	}
	const query = "email=a%40example.com"
	r.post("/hooks/signed?"+query, mediaForm, "", "X-Sign", sum("POST "+query+"|")).id(t)
	r.post("/hooks/signed?x=1", mediaForm, query, "X-Sign", sum("POST x=1|"+query)).id(t)
	r.post("/hooks/token?"+query, mediaForm, "", "X-Sign", testSecrets["PLAIN"]).id(t)
	if recs := r.records(); len(recs) != 3 {
		t.Fatalf("%d records, want 3", len(recs))
	}
	for _, rec := range r.records() {
		if e := decoded(t, rec); string(e.Data) != `{"email":"a@example.com"}` {
			t.Errorf("%s", e.Data)
		}
	}
	isProblem(t, r.post("/hooks/signed?"+query, mediaForm, "", "X-Sign", sum("POST |"+query)), http.StatusUnauthorized)
	isProblem(t, r.post("/hooks/signed?"+query, mediaForm, "", "X-Sign", sum("GET "+query+"|")), http.StatusUnauthorized)

	key, err := standardSecret(testSecrets["STANDARD"])
	if err != nil {
		t.Fatal(err)
	}
	sent := strconv.FormatInt(time.Now().Unix(), 10)
	standardSum := base64.StdEncoding.EncodeToString(mac(sha256.New, key, []byte("id."+sent+".")))
	signed := map[string][]string{
		"body":     {"X-Sign", sum("")},
		"standard": {headerID, "id", headerTimestamp, sent, headerSignature, "v1," + standardSum},
	}
	for name, headers := range signed {
		a := r.post("/hooks/"+name+"?"+query, mediaForm, "", headers...)
		isProblem(t, a, http.StatusBadRequest)
		if !strings.Contains(a.body, "does not cover the query") {
			t.Errorf("%s: %s", name, a.body)
		}
		isProblem(t, r.post("/hooks/"+name+"?"+query, mediaForm, "", "X-Sign", sum(query)), http.StatusUnauthorized)
		if a := r.post("/hooks/"+name+"?challenge=abc", mediaForm, ""); a.status != http.StatusOK || a.body != "abc" {
			t.Errorf("%s: the challenge is answered %d %s", name, a.status, a.body)
		}
		tried, err := parseSources(t, sources).Try(name, httptest.NewRequest(http.MethodPost, "/hooks/"+name+"?"+query, nil), time.Now())
		if err != nil || tried.Value != nil {
			t.Errorf("%s: Try makes an event: %+v, %v", name, tried, err)
		}
	}
	if recs := r.records(); len(recs) != 3 {
		t.Errorf("%d records, want 3", len(recs))
	}
}

// TestFixedAnswers: a source says what its sender wants to hear.
func TestFixedAnswers(t *testing.T) {
	t.Parallel()
	r := newRig(t, `sources:
- {name: ok, verify: {type: none}, answer: {body: ok}}
- {name: json, verify: {type: none}, answer: {status: 202, body: '{"result":"ok"}'}}
- {name: xml, verify: {type: none}, answer: {body: <ok/>, content_type: application/xml}, ignore: {test: test}}
- {name: status, verify: {type: none}, answer: {status: 200}}
- {name: page, verify: {type: none}, answer: {body: ok}, redirect: https://example.com}
`)
	type got struct {
		Status     int
		Body, Type string
	}
	for _, c := range []struct {
		path, contentType, body string
		want                    got
	}{
		{"ok", mediaJSON, testLead, got{200, "ok", "text/plain; charset=utf-8"}},
		{"json", mediaJSON, testLead, got{202, `{"result":"ok"}`, "application/json"}},
		{"xml", mediaJSON, testLead, got{200, "<ok/>", "application/xml"}},
		{"xml", mediaForm, "test=test", got{200, "<ok/>", "application/xml"}},
		{"page", mediaJSON, testLead, got{200, "ok", "text/plain; charset=utf-8"}},
		{"page", mediaForm, "email=a%40example.com", got{303, "", ""}},
	} {
		a := r.post("/hooks/"+c.path, c.contentType, c.body)
		if diff := cmp.Diff(c.want, got{a.status, a.body, a.header.Get("Content-Type")}); diff != "" {
			t.Errorf("%s: %s", c.path, diff)
		}
		if a.header.Get("X-Content-Type-Options") != "nosniff" && a.status != 303 {
			t.Errorf("%s: browsers may guess the type", c.path)
		}
	}
	if a := r.post("/hooks/status", mediaJSON, testLead); a.status != 200 || !strings.Contains(a.body, `"id"`) {
		t.Errorf("%d %s", a.status, a.body)
	}
	isProblem(t, r.post("/hooks/ok", mediaJSON, "{"), 400)
}

// TestIgnoreIf: bodies that meet a condition are answered and not written; what lacks the
// field is a lead.
func TestIgnoreIf(t *testing.T) {
	t.Parallel()
	r := newRig(t, `sources:
- {name: form, verify: {type: none}, ignore_if: {type: [unsubscribe, cleaned], meta.is_test: true, "header:X-Test": "*"}}
- {name: ping, verify: {type: hmac, secrets_env: PLAIN}, ignore: {webhook_id: "*"}, ignore_unsigned: true}
`)
	for _, c := range []struct {
		contentType, body string
		headers           []string
		written           bool
	}{
		{mediaForm, "type=unsubscribe&email=a%40example.com", nil, false},
		{mediaJSON, `{"type":"cleaned","email":"a@example.com"}`, nil, false},
		{mediaJSON, `{"meta":{"is_test":true},"email":"a@example.com"}`, nil, false},
		{mediaJSON, `{"meta":"{\"is_test\":true}","email":"a@example.com"}`, nil, false},
		{mediaJSON, testLead, []string{"X-Test", "1"}, false},
		{mediaJSON, `{"type":"subscribe","meta":{"is_test":false},"email":"a@example.com"}`, nil, true},
		{mediaForm, "email=a%40example.com&meta.is_test=false", nil, true},
		{mediaForm, "email=a%40example.com&meta.is_test=true", nil, false},
	} {
		before := len(r.records())
		r.post("/hooks/form", c.contentType, c.body, c.headers...).id(t)
		if written := len(r.records()) > before; written != c.written {
			t.Errorf("%s %v: written %t", c.body, c.headers, written)
		}
	}
	if a := r.post("/hooks/ping", mediaForm, "webhook_id=17"); a.status != 202 {
		t.Errorf("a ping: %d", a.status)
	}
	isProblem(t, r.post("/hooks/ping", mediaForm, "webhook_id=17&email=a%40example.com"), 401)
	isProblem(t, r.post("/hooks/ping", mediaForm, "webhook_id="), 401)
}
