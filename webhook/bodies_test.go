package webhook

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/encoding/unicode"
)

// dataOf is the data of the event that a source makes of a body.
func dataOf(s *source, contentTypeHeader, body string) (string, error) {
	c, err := s.parse(contentType(contentTypeHeader), []byte(body))
	if err != nil {
		return "", err
	}
	e, err := s.newEvent(http.Header{}, []byte(body), c, time.Unix(0, 0))
	if err != nil {
		return "", err
	}
	var event struct{ Data json.RawMessage }
	err = json.Unmarshal(e.value, &event)
	return string(event.Data), err
}

// TestBodiesAsTheyAreSent are bodies of forms, pages and programs that do not keep to the rules.
func TestBodiesAsTheyAreSent(t *testing.T) {
	t.Parallel()
	const (
		urlStandard = "https://url.spec.whatwg.org/#urlencoded-parsing"
		jsonRFC     = "https://www.rfc-editor.org/rfc/rfc8259#section-8.1"
		utf8mb4     = "https://dev.mysql.com/doc/refman/8.4/en/charset-unicode-utf8mb4.html"
		curlData    = "https://curl.se/docs/manpage.html#-d"
		cloudEvents = "https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md"
	)
	utf16 := func(order unicode.Endianness, bom unicode.BOMPolicy) string {
		text, err := unicode.UTF16(order, bom).NewEncoder().String(`{"name":"Иван"}`)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	event := func(data string) string {
		return `{"specversion":"1.0","id":"1","source":"s","type":"t",` + data + `}`
	}
	encoded := base64.RawURLEncoding.EncodeToString([]byte("\uFEFF {\"name\":\"Иван??>\"}"))
	s := parseSources(t, "sources: [{name: x, verify: {type: hmac, secrets_env: PLAIN}, content_types: [application/json, application/x-www-form-urlencoded, text/plain, multipart/form-data]}]").byName["x"]
	for _, c := range []struct{ from, contentType, body, want string }{
		{urlStandard, mediaForm, "discount=10%&name=Anna", `{"discount":"10%","name":"Anna"}`},
		{urlStandard, mediaForm, "a=%zz&b=100%25&c=%&d=%4", `{"a":"%zz","b":"100%","c":"%","d":"%4"}`},
		{urlStandard, mediaForm, "50%+off=%D0%98&q=a=b", `{"50% off":"И","q":"a=b"}`},
		{urlStandard, mediaForm, "a=%e2%82%Ac&b=%+1", `{"a":"€","b":"% 1"}`},
		{jsonRFC, mediaJSON + "; charset=ISO-8859-1", `{"name":"Иван"}`, `{"name":"Иван"}`},
		{jsonRFC, mediaJSON + "; charset=ISO-8859-1", "{\"name\":\"J\xf6rg\"}", `{"name":"Jörg"}`},
		{jsonRFC, mediaJSON + "; charset=windows-1251", "{\"name\":\"\xc8\xe2\xe0\xed\"}", `{"name":"Иван"}`},
		{utf8mb4, mediaJSON + "; charset=utf8mb4", `{"name":"Иван"}`, `{"name":"Иван"}`},
		{utf8mb4, mediaJSON + "; charset=klingon", `{"name":"Иван"}`, `{"name":"Иван"}`},
		{utf8mb4, mediaForm + "; charset=utf8mb4", "name=%D0%98%D0%B2%D0%B0%D0%BD", `{"name":"Иван"}`},
		{jsonRFC, mediaJSON + "; charset=utf-16", utf16(unicode.LittleEndian, unicode.UseBOM), `{"name":"Иван"}`},
		{jsonRFC, mediaJSON, utf16(unicode.BigEndian, unicode.IgnoreBOM), `{"name":"Иван"}`},
		{jsonRFC, mediaJSON, utf16(unicode.LittleEndian, unicode.IgnoreBOM), `{"name":"Иван"}`},
		{curlData, mediaForm, `{"phone":"+79161234567","q":"a=b&c=100%"}`, `{"phone":"+79161234567","q":"a=b&c=100%"}`},
		{curlData, mediaForm, ` [{"name":"a"}] `, `[{"name":"a"}]`},
		{curlData, mediaForm, "%7B%22phone%22%3A%22%2B79161234567%22%7D", `{"phone":"+79161234567"}`},
		{curlData, mediaMultipart, `{"phone":"+79161234567"}`, `{"phone":"+79161234567"}`},
		{curlData, mediaForm, "{a}=b", `{"{a}":"b"}`},
		{cloudEvents, mediaJSON, event(`"data":{"name":"Иван"}`), `{"name":"Иван"}`},
		{cloudEvents, mediaJSON, event(`"data":"{\"name\":\"Иван\"}"`), `{"name":"Иван"}`},
		{cloudEvents, mediaJSON, event(`"data":" [{\"a\":1}] "`), `[{"a":1}]`},
		{cloudEvents, mediaJSON, event(`"data_base64":"` + encoded + `"`), `{"name":"Иван??>"}`},
		{cloudEvents, mediaJSON, event(`"data":null,"data_base64":"eyJhIjoxfQ=="`), `{"a":1}`},
		{cloudEvents, mediaJSON, event(`"data_base64":"IntcImFcIjoxfSI="`), `{"a":1}`},
	} {
		got, err := dataOf(s, c.contentType, c.body)
		if err != nil || got != c.want {
			t.Errorf("%s: %s %.60q: %s, %v, want %s", c.from, c.contentType, c.body, got, err, c.want)
		}
	}
	for _, body := range []string{event(`"data":"Anna"`), event(`"data_base64":"!"`), event(`"data_base64":"e30gfQ=="`), event(`"data":1`), "{\"a\":\"\n\"}", `{"a":1,}`} {
		if got, err := dataOf(s, mediaJSON, body); err == nil {
			t.Errorf("%s is taken: %s", body, got)
		}
	}
}

// TestLenient repairs what hand-made templates do to JSON, and nothing else.
func TestLenient(t *testing.T) {
	t.Parallel()
	const (
		texts    = "https://www.rfc-editor.org/rfc/rfc8259#section-7"
		trailing = "https://developer.mozilla.org/en-US/docs/Web/JavaScript/Reference/Errors/JSON_bad_parse"
	)
	s := parseSources(t, "sources: [{name: x, verify: {type: none}}]").byName["x"]
	for _, c := range []struct{ from, body, want string }{
		{texts, "{\"a\":\"one\ntwo\",\"b\":\"x\ty\r\"}", `{"a":"one\ntwo","b":"x\ty\r"}`},
		{texts, "{\"a\":\"\x00\x1f\"}", `{"a":"\u0000\u001f"}`},
		{texts, `{"company":"ООО "Ромашка"","name":"Anna "Ann" Ivanova"}`, `{"company":"ООО \"Ромашка\"","name":"Anna \"Ann\" Ivanova"}`},
		{texts, `{"name":"O\'Hara","path":"C:\dir","u":"\u0041\\"}`, `{"name":"O'Hara","path":"C:\\dir","u":"\u0041\\"}`},
		{trailing, `{"a":1,"b":[1,2,],}`, `{"a":1,"b":[1,2]}`},
		{trailing, "{\"a\":1 , \n }\n", "{\"a\":1  \n }"},
		{trailing, `{"a":1,,"b":[,1,,2]}`, `{"a":1,"b":[1,2]}`},
		{trailing, `{,"a":"x",}`, `{"a":"x"}`},
		{trailing, `{"a": ,"b": }`, `{"a": null,"b": null}`},
		{trailing, "{\u00a0\"a\":\u2003\"\u00a0\"}", "{ \"a\": \"\u00a0\"}"},
		{trailing, "{\u00a0\"a\":\u200b\"\u00a0\"}", "{ \"a\": \"\u00a0\"}"},
		{texts, `{"a":"b"`, ""},
		{texts, `{"a":"b`, ""},
		{texts, `{"a":"b\`, ""},
		{texts, `{"a":"b" "c":"d"}`, ""},
		{texts, `{'a':'b'}`, ""},
		{texts, `{a:1}`, ""},
		{texts, `{"a":1}}`, ""},
		{texts, `{"a":1`, ""},
		{texts, `<a/>`, ""},
	} {
		got, err := dataOf(s, mediaJSON, c.body)
		if (err == nil) != (c.want != "") || got != c.want {
			t.Errorf("%s: %q: %q, %v, want %q", c.from, c.body, got, err, c.want)
		}
	}
}

// TestLenientBySource: it is usual for senders that do not sign, and each source may say.
func TestLenientBySource(t *testing.T) {
	t.Parallel()
	s := parseSources(t, `sources:
- {name: none, verify: {type: none}}
- {name: token, verify: {type: token, secrets_env: PLAIN}}
- {name: hmac, verify: {type: hmac, secrets_env: PLAIN}}
- {name: standard, verify: {type: standard-webhooks, secrets_env: STANDARD}}
- {name: strict, verify: {type: none}, lenient: false}
- {name: signed, verify: {type: hmac, secrets_env: PLAIN}, lenient: true}
`)
	got := map[string]bool{}
	for name, one := range s.byName {
		_, err := one.parse(mediaType{name: mediaJSON}, []byte(`{"a":1,}`))
		got[name] = err == nil
	}
	want := map[string]bool{"none": true, "token": true, "hmac": false, "standard": false, "strict": false, "signed": true}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestUnreadableJSON: bytes that nobody can read become U+FFFD, and a warning says so.
func TestUnreadableJSON(t *testing.T) {
	t.Parallel()
	r := newRig(t, "sources: [{name: form, verify: {type: none}}, {name: old, verify: {type: none}, charset: windows-1251}]")
	r.post("/hooks/old", mediaJSON, "{\"email\":\"a@example.com\",\"name\":\"\xc8\xe2\xe0\xed\"}").id(t)
	if e := decoded(t, r.only()); !strings.Contains(string(e.Data), "Иван") || strings.Contains(r.logs.String(), "UTF-8") {
		t.Errorf("%s, log %s", e.Data, r.logs)
	}
	r.post("/hooks/form", mediaJSON+"; charset=klingon", "{\"email\":\"a@example.com\",\"name\":\"\xc8\"}").id(t)
	if log := r.logs.String(); !strings.Contains(log, "give its source a charset") {
		t.Errorf("log %s", log)
	}
}
