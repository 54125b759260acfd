package webhook

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leadbridge/leadbridge/transform"
)

const open = "sources: [{name: form, verify: {type: none}}]"

// openNamed lets senders name their events.
const openNamed = "sources: [{name: form, verify: {type: none}, id: {header: Webhook-Id}}]"

// cloudEvent is an event as the topic has it.
type cloudEvent struct {
	SpecVersion, ID, Source, Type, DataContentType, RawBody string
	AllowFields                                             *string
	MappingFailed                                           string
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
	r := newRig(t, "sources: [{name: site, verify: {type: none}, id: {header: webhook-id}, type: com.example.lead, allow: [assignedById, ufCrm_CITY]}]")
	body := "{\"name\" : \"Ivan \\u041f\\/\",  \"email\":\"Ivan@Company.RU\", \"n\":1.50e1, \"n\":2}"
	id := r.post("/hooks/site", "application/json; charset=UTF-8", "\xEF\xBB\xBF "+body+"\n", "webhook-id", "msg_1").id(t)
	rec := r.only()
	e := decoded(t, rec)
	if !bytes.Contains(rec.Value, []byte(`"data":`+body+"}")) {
		t.Errorf("the body is not unchanged: %s", rec.Value)
	}
	if id != "msg_1" || e.ID != id || e.SpecVersion != "1.0" || e.Source != "/hooks/site" || e.Type != "com.example.lead" ||
		e.DataContentType != "application/json" || e.Time.IsZero() || e.RawBody != "" || e.AllowFields == nil || *e.AllowFields != "assignedById,ufCrm_CITY" || e.MappingFailed != "" {
		t.Errorf("%+v", e)
	}
	if string(rec.Key) != "ivan@company.ru" || len(rec.Headers) != 1 || rec.Headers[0].Key != "content-type" || string(rec.Headers[0].Value) != structuredType {
		t.Errorf("key %q, headers %v", rec.Key, rec.Headers)
	}
}

// TestMapping maps at the gate: the record holds what the mapping made, and the raw body beside it.
// What the mapping leaves out is not written.
func TestMapping(t *testing.T) {
	t.Parallel()
	r := newRig(t, "sources:\n- name: form\n  verify: {type: none}\n  allow: [leadId]\n  mapping: |\n    select(.op != \"d\") | {name: .first, email: (.mail | ascii_downcase), n: 1.50, l: [true, null], assignedById: 7}\n")
	raw := `{"first":"Ivan","mail":"I@EXAMPLE.com"}`
	r.post("/hooks/form", "application/json", raw).id(t)
	r.post("/hooks/form", "application/json", `{"op":"d"}`).id(t)
	e := decoded(t, r.only())
	if cmp.Diff(asAny(t, `{"name":"Ivan","email":"i@example.com","n":1.5,"l":[true,null],"assignedById":7}`), asAny(t, string(e.Data))) != "" || e.RawBody != raw ||
		e.AllowFields == nil || *e.AllowFields != "leadId,assignedById" {
		t.Errorf("data %s, raw %s, allowed %v", e.Data, e.RawBody, e.AllowFields)
	}
	if n := r.counted("leadbridge_ingest_requests_total", "skipped"); n != 1 {
		t.Errorf("%v skipped, want 1", n)
	}
}

// TestMappingFailure: an event that the mapping fails on is kept for people, or goes on as it came
// where the source says so.
func TestMappingFailure(t *testing.T) {
	t.Parallel()
	raw := `{"first":"Ivan","leadId":8}`
	for setting, want := range map[string]struct{ fault, log string }{
		"":                                      {"the mapping stops with an error", "MAPPING_FAILED"},
		", on_mapping_failure: letter":          {"the mapping stops with an error", "MAPPING_FAILED"},
		", on_mapping_failure: pass, key: none": {"", "as it came"},
	} {
		r := newRig(t, `sources: [{name: form, verify: {type: none}, mapping: '{leadId: 1, email: (.mail | ascii_downcase)}'`+setting+"}]")
		r.post("/hooks/form", "application/json", raw).id(t)
		e := decoded(t, r.only())
		if string(e.Data) != raw || e.RawBody != "" || e.MappingFailed != want.fault || e.AllowFields == nil || *e.AllowFields != "" {
			t.Errorf("%q: %s, %q, allowed %v", setting, e.Data, e.MappingFailed, e.AllowFields)
		}
		if log := r.logs.String(); strings.Contains(log, "Ivan") || !strings.Contains(log, want.log) {
			t.Errorf("log %s", log)
		}
	}
}

// TestEventID: the provider's where the source says where that is, else a hash of the body. An
// unsigned header names no event unless the source says so.
func TestEventID(t *testing.T) {
	t.Parallel()
	r := newRig(t, `sources:
- {name: form, verify: {type: none}}
- {name: named, verify: {type: none}, id: {header: X-Delivery, field: meta.id}}
- {name: standard, verify: {type: none}, id: {header: webhook-id}}
- {name: events, verify: {type: none}, id: {cloud_event: true}}
- {name: token, verify: {type: token, header: X-Token, secrets_env: PLAIN}}
`)
	json1, json2 := `{"email":"a@example.com","meta":{"id":17}}`, `{"email":"b@example.com"}`
	form := func(boundary string) (contentType, body string) {
		return "multipart/form-data; boundary=" + boundary, "--" + boundary + "\r\nContent-Disposition: form-data; name=\"email\"\r\n\r\na@example.com\r\n--" + boundary + "--\r\n"
	}
	type1, form1 := form("one")
	type2, form2 := form("two")
	event := `{"specversion":"1.0","id":"ce1","source":"s","type":"t","data":{"email":"a@example.com"}}`
	token := []string{"X-Token", testSecrets["PLAIN"]}
	ids := map[string]string{
		"webhook-id":               r.post("/hooks/standard", mediaJSON, json1, "webhook-id", "w").id(t),
		"header":                   r.post("/hooks/named", mediaJSON, json1, "webhook-id", "w", "x-delivery", "d").id(t),
		"field":                    r.post("/hooks/named", mediaJSON, json1, "webhook-id", "w").id(t),
		"field with dots":          r.post("/hooks/named", mediaForm, "meta.id=f&email=a%40example.com").id(t),
		"cloud event":              r.post("/hooks/events", mediaCloudEvent, event).id(t),
		"cloud event with a token": r.post("/hooks/token", mediaCloudEvent, event, token...).id(t),
	}
	want := map[string]string{"webhook-id": "w", "header": "d", "field": "17", "field with dots": "f", "cloud event": "ce1", "cloud event with a token": "ce1"}
	if diff := cmp.Diff(want, ids); diff != "" {
		t.Error(diff)
	}
	plain := r.post("/hooks/form", mediaJSON, json1).id(t)
	for _, name := range []string{"webhook-id", "svix-id", "x-delivery", "idempotency-key", "ce-id"} {
		if id := r.post("/hooks/form", mediaJSON, json1, name, "chosen").id(t); id != plain {
			t.Errorf("%s names the event: %s", name, id)
		}
		if id := r.post("/hooks/token", mediaJSON, json1, append(token, name, "chosen")...).id(t); id == "chosen" {
			t.Errorf("%s names the event of a token holder", name)
		}
	}
	if id := r.post("/hooks/form", mediaCloudEvent, event).id(t); id == "ce1" {
		t.Error("anybody's CloudEvent names the event")
	}
	first, again, other := r.post("/hooks/form", mediaJSON, json1).id(t), r.post("/hooks/form", mediaJSON, json1).id(t), r.post("/hooks/form", mediaJSON, json2).id(t)
	if first != again || first == other || !strings.HasPrefix(first, "body-") {
		t.Errorf("hashes %s %s %s", first, again, other)
	}
	if one, two := r.post("/hooks/form", type1, form1).id(t), r.post("/hooks/form", type2, form2).id(t); one != two {
		t.Errorf("one form, two boundaries: %s and %s", one, two)
	}
	if id := r.post("/hooks/standard", mediaJSON, json1, "webhook-id", strings.Repeat("x", 1000)).id(t); len(id) > 64 {
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
			c, err := s.parse(mediaType{name: mediaJSON}, []byte(body))
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
