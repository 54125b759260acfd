package webhook

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leadbridge/leadbridge/crmclient"
	"github.com/leadbridge/leadbridge/transform"
)

const open = "sources: [{name: form, verify: {type: none}}]"

// event is a CloudEvent as the topic has it.
type cloudEvent struct {
	SpecVersion, ID, Source, Type, DataContentType, RawBody string
	Time                                                    time.Time
	Data                                                    json.RawMessage
}

func decoded(t *testing.T, r transform.Record) cloudEvent {
	t.Helper()
	var e cloudEvent
	if err := json.Unmarshal(r.Value, &e); err != nil {
		t.Fatalf("%v: %s", err, r.Value)
	}
	return e
}

// TestRecordIsACloudEvent looks at all of a record: the body's bytes are in it
// as they came, blanks, escapes, numbers and repeated members included.
func TestRecordIsACloudEvent(t *testing.T) {
	t.Parallel()
	r := newRig(t, "sources: [{name: site, verify: {type: none}, type: com.example.lead}]")
	body := "{\"name\" : \"Ivan \\u041f\\/\",  \"email\":\"Ivan@Company.RU\", \"n\":1.50e1, \"n\":2}"
	id := r.post("/hooks/site", "application/json; charset=UTF-8", "\xEF\xBB\xBF "+body+"\n", "webhook-id", "msg_1").id(t)
	rec := r.only()
	e := decoded(t, rec)
	if !bytes.Contains(rec.Value, []byte(`"data":`+body+"}")) {
		t.Errorf("the body is not unchanged: %s", rec.Value)
	}
	if id != "msg_1" || e.ID != id || e.SpecVersion != "1.0" || e.Source != "/hooks/site" || e.Type != "com.example.lead" ||
		e.DataContentType != "application/json" || e.Time.IsZero() || e.RawBody != "" {
		t.Errorf("%+v", e)
	}
	if string(rec.Key) != "ivan@company.ru" || len(rec.Headers) != 1 || rec.Headers[0].Key != "content-type" || string(rec.Headers[0].Value) != structuredType {
		t.Errorf("key %q, headers %v", rec.Key, rec.Headers)
	}
}

// TestFormsOfBuilders posts each form of the transform room as its builder would,
// in every type that it fits into: the contact is that of the raw body.
func TestFormsOfBuilders(t *testing.T) {
	t.Parallel()
	inputs, err := filepath.Glob("../transform/testdata/forms/*/*.input.json")
	if err != nil || len(inputs) < 20 {
		t.Fatal(err, len(inputs))
	}
	for _, input := range inputs {
		builder := filepath.Base(filepath.Dir(input))
		t.Run(builder+"/"+strings.TrimSuffix(filepath.Base(input), ".input.json"), func(t *testing.T) {
			t.Parallel()
			body, err := os.ReadFile(input)
			if err != nil {
				t.Fatal(err)
			}
			preset := ""
			if _, err := transform.New(transform.Options{Mapping: "preset:" + builder}); err == nil {
				preset = "preset:" + builder
			}
			want := contactOf(t, preset, body)
			sources := "sources: [{name: raw, verify: {type: none}}"
			if preset != "" {
				sources += ", {name: mapped, verify: {type: none}, mapping: '" + preset + "'}"
			}
			r := newRig(t, sources+"]")
			r.post("/hooks/raw", "application/json", string(body)).id(t)
			checkContact(t, want, contactOf(t, preset, r.records()[0].Value))
			for contentType, form := range asForms(t, body) {
				r.post("/hooks/raw", contentType, form).id(t)
			}
			if preset != "" {
				r.post("/hooks/mapped", "application/json", string(body)).id(t)
			}
			for _, rec := range r.records() {
				mapping := preset
				if decoded(t, rec).Source == "/hooks/mapped" {
					mapping = "" // it is done
				}
				checkContact(t, want, contactOf(t, mapping, rec.Value))
			}
		})
	}
}

// asForms writes a flat object as the two types of forms, by content type.
func asForms(t *testing.T, body []byte) map[string]string {
	t.Helper()
	var flat map[string]string
	if json.Unmarshal(body, &flat) != nil {
		return nil
	}
	// In the order of the body, as browsers send fields in that of the page.
	var pairs []string
	var b bytes.Buffer
	parts := multipart.NewWriter(&b)
	dec := json.NewDecoder(bytes.NewReader(body))
	var name string
	for n := 0; ; n++ {
		token, err := dec.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		text, ok := token.(string)
		switch {
		case !ok:
			n = -1
		case n%2 == 0:
			name = text
		default:
			pairs = append(pairs, url.QueryEscape(name)+"="+url.QueryEscape(text))
			if err := parts.WriteField(name, text); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := parts.Close(); err != nil {
		t.Fatal(err)
	}
	return map[string]string{mediaForm: strings.Join(pairs, "&"), parts.FormDataContentType(): b.String()}
}

// contactOf is the contact, or the rejection, that the service makes of a value.
func contactOf(t *testing.T, mapping string, value []byte) any {
	t.Helper()
	tr, err := transform.New(transform.Options{PhoneRegion: "RU", SourceID: "WEB", Mapping: mapping})
	if err != nil {
		t.Fatal(err)
	}
	e, err := tr.Decode(transform.Record{Topic: testTopic, Value: value})
	var c crmclient.Contact
	if err == nil {
		c, err = tr.Contact(e)
	}
	if err != nil {
		return err.Error()
	}
	text, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func checkContact(t *testing.T, want, got any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("contact (-raw body +record):\n%s", diff)
	}
}

func TestFormBecomesAnObject(t *testing.T) {
	t.Parallel()
	r := newRig(t, open)
	r.post("/hooks/form", mediaForm, "name=%D0%98%D0%B2%D0%B0%D0%BD+%22x%22&phone=1&phone=2&&a%5Bb%5D=%FF&empty=").id(t)
	want := `{"name":"Иван \"x\"","phone":["1","2"],"a[b]":"�","empty":""}`
	if e := decoded(t, r.only()); cmp.Diff(asAny(t, want), asAny(t, string(e.Data))) != "" {
		t.Errorf("%s, want %s", e.Data, want)
	}
}

func asAny(t *testing.T, text string) (v any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// TestMapping maps at the gate: the record holds what the mapping made, and the raw
// body beside it. An event that the mapping fails on is not lost.
func TestMapping(t *testing.T) {
	t.Parallel()
	r := newRig(t, "sources:\n- name: form\n  verify: {type: none}\n  mapping: |\n    {name: .first, email: (.mail | ascii_downcase), n: 1.50, l: [true, null]}\n")
	raw := `{"first":"Ivan","mail":"I@EXAMPLE.com"}`
	r.post("/hooks/form", "application/json", raw).id(t)
	e := decoded(t, r.only())
	if cmp.Diff(asAny(t, `{"name":"Ivan","email":"i@example.com","n":1.5,"l":[true,null]}`), asAny(t, string(e.Data))) != "" || e.RawBody != raw {
		t.Errorf("data %s, raw %s", e.Data, e.RawBody)
	}
	r.post("/hooks/form", "application/json", `{"first":"Ivan"}`).id(t)
	for _, rec := range r.records() {
		if e := decoded(t, rec); e.RawBody == "" && string(e.Data) != `{"first":"Ivan"}` {
			t.Errorf("unmapped: %s", e.Data)
		}
	}
	if len(r.records()) != 2 || strings.Contains(r.logs.String(), "Ivan") || !strings.Contains(r.logs.String(), "mapping fails") {
		t.Errorf("log %s", r.logs)
	}
}

// TestEventID: webhook-id, else the provider's, else a hash of the body.
func TestEventID(t *testing.T) {
	t.Parallel()
	r := newRig(t, `sources:
- {name: form, verify: {type: none}}
- {name: named, verify: {type: none}, id: {header: X-Delivery, field: meta.id}}
`)
	json1, json2 := `{"email":"a@example.com","meta":{"id":17}}`, `{"email":"b@example.com"}`
	form := func(boundary string) (contentType, body string) {
		return "multipart/form-data; boundary=" + boundary, "--" + boundary + "\r\nContent-Disposition: form-data; name=\"email\"\r\n\r\na@example.com\r\n--" + boundary + "--\r\n"
	}
	type1, form1 := form("one")
	type2, form2 := form("two")
	ids := map[string]string{
		"webhook-id":      r.post("/hooks/named", mediaJSON, json1, "webhook-id", "w", "x-delivery", "d").id(t),
		"header":          r.post("/hooks/named", mediaJSON, json1, "x-delivery", "d").id(t),
		"field":           r.post("/hooks/named", mediaJSON, json1).id(t),
		"field with dots": r.post("/hooks/named", mediaForm, "meta.id=f&email=a%40example.com").id(t),
		"cloud event":     r.post("/hooks/form", mediaCloudEvent, `{"specversion":"1.0","id":"ce1","source":"s","type":"t","data":{"email":"a@example.com"}}`).id(t),
	}
	want := map[string]string{"webhook-id": "w", "header": "d", "field": "17", "field with dots": "f", "cloud event": "ce1"}
	if diff := cmp.Diff(want, ids); diff != "" {
		t.Error(diff)
	}
	first, again, other := r.post("/hooks/form", mediaJSON, json1).id(t), r.post("/hooks/form", mediaJSON, json1).id(t), r.post("/hooks/form", mediaJSON, json2).id(t)
	if first != again || first == other || !strings.HasPrefix(first, "body-") {
		t.Errorf("hashes %s %s %s", first, again, other)
	}
	if one, two := r.post("/hooks/form", type1, form1).id(t), r.post("/hooks/form", type2, form2).id(t); one != two {
		t.Errorf("one form, two boundaries: %s and %s", one, two)
	}
	if id := r.post("/hooks/form", mediaJSON, json1, "webhook-id", strings.Repeat("x", 1000)).id(t); len(id) > 64 {
		t.Errorf("a long id: %s", id)
	}
}

func TestKey(t *testing.T) {
	t.Parallel()
	both, phone, none := `{"email":"A@Example.com","phone":"8 916 123-45-67"}`, `{"phone":"8 916 123-45-67"}`, `{"name":"Ivan"}`
	for rule, want := range map[string][3]string{
		"auto":  {"a@example.com", "+79161234567", ""},
		"email": {"a@example.com", "", ""},
		"phone": {"+79161234567", "+79161234567", ""},
		"none":  {"", "", ""},
	} {
		s := parseSources(t, "sources: [{name: x, verify: {type: none}, key: "+rule+"}]").byName["x"]
		for i, body := range []string{both, phone, none} {
			c, err := parse(formJSON, []byte(body), "")
			if err != nil {
				t.Fatal(err)
			}
			e, err := s.newEvent(http.Header{}, []byte(body), c, time.Now())
			if err != nil || string(e.key) != want[i] || (e.key == nil) != (want[i] == "") {
				t.Errorf("%s of %s: %q %v, want %q", rule, body, e.key, err, want[i])
			}
		}
	}
}

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

// TestSlowBody sends half a body and waits: 408, and the connection ends.
func TestSlowBody(t *testing.T) {
	t.Parallel()
	r := newRig(t, open, func(c *Config) { c.BodyTimeout = 50 * time.Millisecond })
	for name, head := range map[string]string{"length": "Content-Length: 100\r\n\r\n{", "chunks": "Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n"} {
		conn := r.dial()
		defer conn.Close()
		_, _ = fmt.Fprintf(conn, "POST /hooks/form HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n%s", head)
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		text, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		isProblem(t, answer{resp.StatusCode, resp.Header, string(text)}, http.StatusRequestTimeout)
		if _, err := conn.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
			t.Errorf("%s: the connection goes on: %v", name, err)
		}
	}
}

// TestSlowHeader closes a connection whose header does not come.
func TestSlowHeader(t *testing.T) {
	t.Parallel()
	r := newRig(t, open, func(c *Config) { c.HeaderTimeout = 50 * time.Millisecond })
	conn := r.dial()
	defer conn.Close()
	_, _ = fmt.Fprint(conn, "POST /hooks/form HTTP/1.1\r\nHost: x\r\n")
	if _, err := conn.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("the connection is still there: %v", err)
	}
}

func (r *rig) dial() net.Conn {
	r.t.Helper()
	conn, err := r.tryDial()
	if err != nil {
		r.t.Fatal(err)
	}
	return conn
}

func (r *rig) tryDial() (net.Conn, error) {
	return (&net.Dialer{}).DialContext(r.t.Context(), "tcp", r.address)
}

// TestRoomIsBounded answers 503 when bodies under way take all memory that they may.
func TestRoomIsBounded(t *testing.T) {
	t.Parallel()
	r := newRig(t, open, func(c *Config) { c.MaxBuffer = 64 << 10 })
	a := r.post("/hooks/form", mediaJSON, `{"a":"`+strings.Repeat("x", 100<<10)+`"}`)
	isProblem(t, a, http.StatusServiceUnavailable)
	for range 10 { // what was taken is given back
		r.post("/hooks/form", mediaJSON, `{"a":"`+strings.Repeat("x", 20<<10)+`"}`).id(t)
	}
	r.gate.room.mu.Lock()
	defer r.gate.room.mu.Unlock()
	if r.gate.room.left != 64<<10 {
		t.Errorf("%d bytes left", r.gate.room.left)
	}
}
