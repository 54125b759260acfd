package webhook

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/leadbridge/leadbridge/transform"
)

// FuzzEvent: whatever a body is, it is refused or becomes one CloudEvent that
// readers of the topic take; one event has one id.
func FuzzEvent(f *testing.F) {
	f.Add(mediaJSON, "", []byte(`{"email":"a@example.com","a":[1,{"b":"\ud800"}]}`))
	f.Add(mediaJSON, "msg", []byte("\xEF\xBB\xBF[{\"a\":1}]"))
	f.Add(mediaCloudEvent, "", []byte(`{"specversion":"1.0","id":"1","source":"/","type":"t","data":{"phone":"8 916 123-45-67"}}`))
	f.Add(mediaForm, "", []byte("name=a+b&phone[]=1&phone[]=2&=&%D0%98=%FF"))
	f.Add(mediaMultipart+"; boundary=B", "\xff", []byte("--B\r\nContent-Disposition: form-data; name=\"a\"; filename=\"f\"\r\n\r\nb\r\n--B\r\n\r\nc\r\n--B--"))
	f.Add(mediaForm, "", []byte("{\"name\":\"O\\'Hara\n\",\"email\": ,\"a\":[1,,2,],}"))
	f.Add(mediaJSON+"; charset=utf-16", "", []byte("{\x00}\x00"))
	f.Add(mediaCloudEvent, "", []byte(`{"specversion":"1.0","id":"1","data_base64":"eyJhIjoxfQ"}`))
	f.Add(mediaForm+"; charset=utf-16", "", []byte("a=%FF%FE&_charset_=gbk"))
	f.Add(mediaMultipart+"; boundary=B; charset=koi8-r", "", []byte("--B\r\nContent-Disposition: form-data; name=\"\xff\"\r\nContent-Transfer-Encoding: base64\r\n\r\nYQ==\r\n--B--"))
	sources := parseSources(f, `sources:
- {name: plain, verify: {type: none}, charset: windows-1251, id: {field: a.b}, honeypot: trap, redirect: https://example.com}
- {name: mapped, verify: {type: none}, mapping: '{name: .name, email: .email, all: .}'}
`)
	reader, err := transform.New(transform.Options{})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, header, id string, body []byte) {
		media := contentType(header)
		form := formOf(media.name)
		if form == formUnknown {
			return
		}
		for _, s := range sources.byName {
			c, err := s.parse(media, body)
			if err != nil {
				continue
			}
			s.takeControlFields(&c)
			h := http.Header{headerID: {id}}
			e, err := s.newEvent(h, body, c, time.Unix(0, 0))
			if err != nil {
				continue
			}
			again, err := s.newEvent(h, body, c, time.Unix(1, 0))
			if err != nil || again.id != e.id || e.id == "" {
				t.Errorf("ids %q and %q, %v", e.id, again.id, err)
			}
			if !json.Valid(e.value) || e.key != nil && !utf8.Valid(e.key) {
				t.Fatalf("no JSON: %q, key %q", e.value, e.key)
			}
			decoded, err := reader.Decode(transform.Record{Value: e.value})
			if err != nil && json.Valid(body) && body[0] == '{' && form == formJSON && s.mapper == nil && c.event == "" {
				t.Errorf("an object is refused: %v", err)
			}
			if other, _ := reader.Decode(transform.Record{Value: again.value}); other.ID != decoded.ID {
				t.Errorf("readers see two events: %q and %q", decoded.ID, other.ID)
			}
		}
	})
}

// FuzzVerify: no request without the secret is let in, and none ends the process.
func FuzzVerify(f *testing.F) {
	f.Add("msg", "1614265330", vectorSignature, "a=b", []byte(vectorBody))
	f.Add("", "-9223372036854775808", "sha256=00", "token=", []byte(nil))
	sources := parseSources(f, `sources:
- {name: standard, verify: {type: standard-webhooks, secrets_env: STANDARD}}
- {name: hmac, verify: {type: hmac, secrets_env: PLAIN}}
- {name: token, verify: {type: token, secrets_files: /filed}}
- {name: timed, preset: stripe, secrets_env: PLAIN}
- {name: template, preset: hubspot, secrets_env: PLAIN}
- {name: framer, preset: framer, secrets_env: PLAIN}
- {name: body, preset: google, secrets_env: PLAIN}
`)
	f.Add("msg", "0", "t=0,v1=00", "a=%2C", []byte(`{"google_key":"x"}`))
	f.Fuzz(func(t *testing.T, id, sent, signature, query string, body []byte) {
		r := httptest.NewRequest(http.MethodPost, "/hooks/x", nil)
		r.URL.RawQuery = query
		r.Header = http.Header{headerID: {id}, headerTimestamp: {sent}, headerSignature: {signature}, "X-Hub-Signature-256": {signature}, "X-Webhook-Token": {signature},
			"Stripe-Signature": {signature}, "X-Hubspot-Signature-V3": {signature}, "X-Hubspot-Request-Timestamp": {sent}, "Framer-Signature": {signature}, "Framer-Webhook-Submission-Id": {id}}
		for name, s := range sources.byName {
			d, _, err := s.verifyAndDecode(r, mediaType{name: mediaJSON}, body, time.Unix(0, 0))
			if err == nil || d.dropped != "" {
				t.Errorf("%s lets in %q %q %q %q %q", name, id, sent, signature, query, body)
			}
		}
	})
}

// FuzzSources: no file ends the process, and every fault has a remedy.
func FuzzSources(f *testing.F) {
	f.Add("sources: [{name: x, verify: {type: none}}]")
	f.Add("a: &a [*a]")
	f.Add("sources: &s\n- *s\n- {name: {}, verify: [], id: 1, mapping: {}, cors: {a: b}}")
	f.Add("sources: [{name: x, preset: vk, secrets_env: PLAIN, answer: {status: []}, challenge: {when: {a: [b, {}]}, echo: 1}, methods: {}, ignore_if: [a]}]")
	f.Add("sources: [{name: x, preset: stripe, verify: {timestamp: {header: {}}, signed: '{', secrets_env: []}}, {name: y, preset: [], verify: {type: jwt}}]")
	f.Add("sources: [{name: x, verify: {type: hmac, secrets_env: [[PLAIN]], algorithm: null}, rate: [], key: {}}]")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := ParseSources([]byte(text), environment(testSecrets))
		if (s == nil) == (err == nil) {
			t.Fatalf("%v and %v", s, err)
		}
		if faults, ok := err.(Faults); ok { //nolint:errorlint // it is documented to be just that
			for _, f := range faults {
				if f.Problem == "" || f.Remedy == "" {
					t.Errorf("%+v", f)
				}
			}
		}
	})
}
