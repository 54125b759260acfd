package webhook

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/encoding/charmap"
)

// TestSourcesFile reads everything that a source may say.
func TestSourcesFile(t *testing.T) {
	t.Parallel()
	s := parseSources(t, `sources:
  - name: site
    verify: {type: standard-webhooks, secrets_env: [STANDARD], tolerance: 1m}
    mapping: preset:typeform
    content_types: [application/json, text/plain]
    max_body: 64KiB
    type: com.example.lead
    id: {header: X-Delivery, field: event.id}
    key: phone
    rate: 600/m
    cors: ["https://example.com", "http://localhost:3000", "http://[::1]:8080", "http://a_b"]
    redirect: https://example.com/thanks
    honeypot: website
    charset: windows-1251
    answer: 200
    ignore: {test: test, n: 1}
  - name: second
    verify: &open {type: none}
  - name: third
    verify: *open
`)
	if diff := cmp.Diff([]string{"second", "site", "third"}, s.Names()); diff != "" {
		t.Error(diff)
	}
	site := s.byName["site"]
	got := []any{site.contentTypes, site.maxBody, site.eventType, site.id.header, site.id.field, site.key, site.origins, site.redirects, site.honeypot, site.verifier.(standard).tolerance, site.mapper != nil, site.rate.every, site.charset == charmap.Windows1251, site.answer.status, site.test}
	want := []any{[]string{"application/json", "text/plain"}, int64(64 << 10), "com.example.lead", "X-Delivery", []string{"event", "id"}, keyPhone, []string{"https://example.com", "http://localhost:3000", "http://[::1]:8080", "http://a_b"}, []string{"https://example.com/thanks"}, "website", time.Minute, true, 100 * time.Millisecond, true, 200, map[string]string{"test": "test", "n": "1"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if third := s.byName["third"]; third.verifier != (anybody{}) || third.maxBody != 256<<10 || third.eventType != "leadbridge.lead" || third.key != keyAuto || third.answer.status != 202 || third.charset != nil || third.rate != nil || third.mapper != nil {
		t.Errorf("defaults %+v", third)
	}
}

// TestSourcesMerge: sources share what they have in common, and each may differ.
func TestSourcesMerge(t *testing.T) {
	t.Parallel()
	s := parseSources(t, `sources:
  - &first {name: first, verify: {type: none}, max_body: 1KiB, rate: 1/s}
  - {<<: *first, name: second, max_body: 2KiB}
  - {<<: [{name: third, honeypot: url}, *first], verify: {type: hmac, secrets_env: PLAIN}}
`)
	second, third := s.byName["second"], s.byName["third"]
	if second == nil || second.maxBody != 2048 || second.rate == nil || second.verifier != (anybody{}) {
		t.Errorf("second %+v", second)
	}
	if third == nil || third.maxBody != 1024 || third.honeypot != "url" || third.verifier == (anybody{}) {
		t.Errorf("third %+v", third)
	}
	if first := s.byName["first"]; len(s.Names()) != 3 || first.maxBody != 1024 || first.rate == second.rate {
		t.Errorf("%v; first %+v", s.Names(), first)
	}
}

// TestSourcesFaults: each mistake is told with its line, source, and remedy.
func TestSourcesFaults(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ text, want string }{
		"empty":              {"", "is empty"},
		"only a comment":     {"# nothing", "is empty"},
		"no YAML":            {"sources:\n\t- a", "is not YAML"},
		"a list":             {"- name: x", "the file is not a mapping"},
		"no sources":         {"{}", "declares no sources"},
		"other field":        {"source: []", `line 1: the file has no field "source"`},
		"no list":            {"sources: {name: x}", "sources is not a list"},
		"two documents":      {"sources: [{name: x, verify: {type: none}}]\n---\nsources: []", "more than one document"},
		"merge of itself":    {"sources: [&a {<<: *a, name: x}]", "does not say how it is verified"},
		"merged nonsense":    {"sources: [{<<: {nonsense: 1}, name: x, verify: {type: none}}]", `has no field "nonsense"`},
		"empty list":         {"sources: []", "sources is not a list"},
		"source is text":     {"sources: [x]", "a source is not a mapping"},
		"no name":            {"sources: [{verify: {type: none}}]", "has no name"},
		"name with a slash":  {"sources: [{name: a/b, verify: {type: none}}]", `"a/b" cannot stand in an address`},
		"twice":              {"sources:\n- {name: x, verify: {type: none}}\n- {name: x, verify: {type: none}}", "line 3, source x: the name is used twice"},
		"field twice":        {"sources: [{name: x, name: y, verify: {type: none}}]", "is given twice"},
		"no verify":          {"sources: [{name: x}]", "source x: does not say how it is verified"},
		"verify is text":     {"sources: [{name: x, verify: none}]", "verify names no type"},
		"no type":            {"sources: [{name: x, verify: {secrets_env: [PLAIN]}}]", "verify names no type"},
		"other type":         {"sources: [{name: x, verify: {type: basic}}]", `"basic" is not known`},
		"none with secrets":  {"sources: [{name: x, verify: {type: none, secrets_env: [PLAIN]}}]", `no field "secrets_env"`},
		"no secret":          {"sources: [{name: x, verify: {type: hmac}}]", "verify names no secret"},
		"no secrets":         {"sources: [{name: x, verify: {type: hmac, secrets_env: []}}]", "empty list"},
		"variable not set":   {"sources: [{name: x, verify: {type: hmac, secrets_env: [NOPE]}}]", `"NOPE" is not set`},
		"file not there":     {"sources: [{name: x, verify: {type: hmac, secrets_files: [/nope]}}]", `"/nope" cannot be read (no such file)`},
		"secret as a file":   {"sources: [{name: x, verify: {type: hmac, secrets_files: [hush]}}]", "a file of secrets_files cannot be read"},
		"unknown right":      {"sources: [{name: x, verify: {type: none}, allow: [assignedById, lead_id]}]", `allow names "lead_id"`},
		"right to a name":    {"sources: [{name: x, verify: {type: none}, allow: name}]", `allow names "name"`},
		"mapping failure":    {"sources: [{name: x, verify: {type: none}, on_mapping_failure: drop}]", `on_mapping_failure "drop" is not known`},
		"small buffer":       {"sources: [{name: x, verify: {type: none}, buffer: 1MiB}]", "buffer is too small for one event"},
		"tiny buffer":        {"sources: [{name: x, verify: {type: none}, buffer: 1KiB}]", `buffer "1KiB" is out of bounds`},
		"nothing to ignore":  {"sources: [{name: x, verify: {type: none}, ignore_unsigned: true}]", "ignore_unsigned has nothing to ignore"},
		"neither yes nor no": {"sources: [{name: x, verify: {type: none}, id: {cloud_event: perhaps}}]", `cloud_event "perhaps" is not known`},
		"no Base64":          {"sources: [{name: x, verify: {type: standard-webhooks, secrets_env: [PLAIN]}}]", "the secret in PLAIN is not Base64"},
		"inline secret":      {"sources: [{name: x, verify: {type: hmac, secret: hush}}]", `no field "secret"`},
		"secret as variable": {"sources: [{name: x, verify: {type: standard-webhooks, secrets_env: [whsec_hush]}}]", "not the name of a variable"},
		"no tolerance":       {"sources: [{name: x, verify: {type: standard-webhooks, secrets_env: STANDARD, tolerance: 5}}]", `tolerance "5" has no unit`},
		"algorithm":          {"sources: [{name: x, verify: {type: hmac, secrets_env: PLAIN, algorithm: md5}}]", `"md5" is not known`},
		"header":             {"sources: [{name: x, verify: {type: token, secrets_env: PLAIN, header: 'a b'}}]", `"a b" is not a header name`},
		"mapping":            {"sources:\n- name: x\n  verify: {type: none}\n  mapping: '{a: '", "line 4, source x: mapping:"},
		"preset":             {"sources: [{name: x, verify: {type: none}, mapping: 'preset:nope'}]", "there is no preset"},
		"mapping is a list":  {"sources: [{name: x, verify: {type: none}, mapping: [.]}]", "mapping is not a program"},
		"content type":       {"sources: [{name: x, verify: {type: none}, content_types: [text/html]}]", `"text/html" is not understood`},
		"body":               {"sources: [{name: x, verify: {type: none}, max_body: 1 parsec}]", "is not a size"},
		"huge body":          {"sources: [{name: x, verify: {type: none}, max_body: 1MiB}]", "out of bounds"},
		"key":                {"sources: [{name: x, verify: {type: none}, key: name}]", `key "name" is not known`},
		"rate":               {"sources: [{name: x, verify: {type: none}, rate: 10}]", `rate "10" is not understood`},
		"rate of nothing":    {"sources: [{name: x, verify: {type: none}, rate: 0/s}]", "lets nobody in"},
		"origin":             {"sources: [{name: x, verify: {type: none}, cors: [https://example.com/]}]", "is not an origin"},
		"origin with port":   {"sources: [{name: x, verify: {type: none}, cors: ['https://example.com:443']}]", `browsers send "https://example.com"`},
		"origin in Cyrillic": {"sources: [{name: x, verify: {type: none}, cors: [https://Пример.рф]}]", `browsers send "https://xn--e1afmkfd.xn--p1ai"`},
		"origin in capitals": {"sources: [{name: x, verify: {type: none}, cors: [HTTPS://Example.com]}]", `browsers send "https://example.com"`},
		"origin null":        {"sources: [{name: x, verify: {type: none}, cors: ['null']}]", "is not an origin"},
		"redirect relative":  {"sources: [{name: x, verify: {type: none}, redirect: //evil.example}]", "is not a complete address"},
		"redirect of a user": {"sources: [{name: x, verify: {type: none}, redirect: 'https://example.com@evil.example'}]", "is not a complete address"},
		"redirect backslash": {"sources: [{name: x, verify: {type: none}, redirect: 'https:\\evil.example'}]", "is not a complete address"},
		"redirect":           {"sources: [{name: x, verify: {type: none}, redirect: /thanks}]", "is not a complete address"},
		"redirect to script": {"sources: [{name: x, verify: {type: none}, redirect: 'javascript:alert(1)'}]", "is not a complete address"},
		"answer":             {"sources: [{name: x, verify: {type: none}, answer: 204}]", `answer "204" is not known`},
		"charset":            {"sources: [{name: x, verify: {type: none}, charset: klingon}]", `charset "klingon" is not known`},
		"ignore nothing":     {"sources: [{name: x, verify: {type: none}, ignore: {}}]", "ignore names no fields"},
		"ignore a list":      {"sources: [{name: x, verify: {type: none}, ignore: {a: [b]}}]", `the value of "a" in ignore is not a text`},
		"answer fields":      {"sources: [{name: x, verify: {type: none}, answer: {text: ok}}]", `answer has no field "text"`},
		"answer status":      {"sources: [{name: x, verify: {type: none}, answer: {status: 500}}]", `status "500" is not known`},
		"answer type":        {"sources: [{name: x, verify: {type: none}, answer: {body: ok, content_type: a b}}]", `content_type "a b" is not a content type`},
		"ignore if nothing":  {"sources: [{name: x, verify: {type: none}, ignore_if: {}}]", "ignore_if names no fields"},
		"ignore if header":   {"sources: [{name: x, verify: {type: none}, ignore_if: {'header:a b': 1}}]", `"a b" is not a header name`},
		"method":             {"sources: [{name: x, verify: {type: none}, methods: PUT}]", `methods names "PUT"`},
		"GET not signed":     {"sources: [{name: x, methods: GET, verify: {type: hmac, secrets_env: PLAIN}}]", "whose address the signature does not cover"},
		"GET and standard":   {"sources: [{name: x, methods: [GET], verify: {type: standard-webhooks, secrets_env: STANDARD}}]", "whose address the signature does not cover"},
		"signed nonsense":    {"sources: [{name: x, verify: {type: hmac, secrets_env: PLAIN, signed: '{text}'}}]", `signed names "text", which is not a part`},
		"signed open":        {"sources: [{name: x, verify: {type: hmac, secrets_env: PLAIN, signed: '{body'}}]", "signed has a { without a }"},
		"signed no body":     {"sources: [{name: x, verify: {type: hmac, secrets_env: PLAIN, signed: '{method}'}}]", "signed has no {body}"},
		"signed no time":     {"sources: [{name: x, verify: {type: hmac, secrets_env: PLAIN, signed: '{timestamp}.{body}'}}]", "timestamp does not say where it stands"},
		"time not signed":    {"sources: [{name: x, verify: {type: hmac, secrets_env: PLAIN, timestamp: {header: X-Time}}}]", "the timestamp is not signed"},
		"url":                {"sources: [{name: x, verify: {type: hmac, secrets_env: PLAIN, url: gate}}]", `url "gate" is not an address`},
		"token twice":        {"sources: [{name: x, verify: {type: token, secrets_env: PLAIN, field: a, header: X-A}}]", "field stands beside header or query"},
		"jwt no keys":        {"sources: [{name: x, verify: {type: jwt, secrets_env: PLAIN}}]", "the secret in PLAIN holds no public key"},
		"field of another":   {"sources: [{name: x, verify: {type: token, secrets_env: PLAIN, signed: a}}]", `verify of type token has no field "signed"`},
		"challenge of none":  {"sources: [{name: x, verify: {type: none}, challenge: {token: a}}]", "does not say which requests ask"},
		"challenge secret":   {"sources: [{name: x, verify: {type: none}, challenge: {echo: a, token: b}}]", "a token and no secret"},
		"two answers":        {"sources: [{name: x, verify: {type: none}, challenge: {echo: a, answer: b}}]", "challenge has two answers"},
		"no such preset":     {"sources: [{name: x, preset: nope, secrets_env: PLAIN}]", `there is no preset "nope"`},
		"preset, no secret":  {"sources: [{name: x, preset: shopify}]", "verify names no secret"},
		"secrets for none":   {"sources: [{name: x, verify: {type: none}, secrets_env: PLAIN}]", "remove secrets_env, or write another type"},
		"files for none":     {"sources: [{name: x, verify: {type: none}, secrets_files: /filed}]", "remove secrets_files, or write another type"},
		"secret not asked":   {"sources: [{name: x, verify: {type: none}, challenge: {echo: a, secrets_files: /filed}}]", "challenge has secrets and no token"},
		"id":                 {"sources: [{name: x, verify: {type: none}, id: {query: a}}]", `id has no field "query"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, err := ParseSources([]byte(c.text), environment(testSecrets))
			faults, ok := errors.AsType[Faults](err)
			if s != nil || !ok || len(faults) == 0 {
				t.Fatalf("%v, %v", s, err)
			}
			if !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "hush") {
				t.Errorf("%v\nwant %q", err, c.want)
			}
			for _, f := range faults {
				if f.Problem == "" || f.Remedy == "" {
					t.Errorf("%+v: want a problem and a remedy", f)
				}
			}
		})
	}
}

// TestSourcesWarnings: what can be guessed, or sent again for long, is told at the start, with the
// remedy and without the secret.
func TestSourcesWarnings(t *testing.T) {
	t.Parallel()
	s := parseSources(t, `sources:
- {name: good, verify: {type: hmac, secrets_env: PLAIN}}
- {name: short, verify: {type: token, secrets_files: [/short]}}
- {name: long, verify: {type: standard-webhooks, secrets_env: STANDARD, tolerance: 61m}}
- {name: hour, verify: {type: standard-webhooks, secrets_env: STANDARD, tolerance: 1h}}
`)
	got := strings.Join(s.Warnings(), "\n")
	if len(s.Warnings()) != 2 || !strings.Contains(got, `source short: the secret in "/short" is shorter than 16 bytes`) ||
		!strings.Contains(got, "openssl rand") || !strings.Contains(got, "source long: tolerance is over an hour") {
		t.Errorf("warnings:\n%s", got)
	}
}

// TestAllSourcesFaultsAtOnce has a fault in each line but the first.
func TestAllSourcesFaultsAtOnce(t *testing.T) {
	t.Parallel()
	text := `sources:
  - name: "a b"
    verify: {type: wrong}
    max_body: lots
    rate: often
    redirect: nowhere
    cors: [everybody]
    mapping: "{"
    nonsense: 1
  - verify: {type: none}
`
	_, err := ParseSources([]byte(text), environment(nil))
	faults, _ := errors.AsType[Faults](err)
	lines := map[int]bool{}
	for _, f := range faults {
		lines[f.Line] = true
	}
	if len(faults) != 9 || len(lines) != 9 {
		t.Errorf("%d faults in %d lines, want 9:\n%v", len(faults), len(lines), err)
	}
}

// TestRate lets a burst through and then what the rate allows.
func TestRate(t *testing.T) {
	t.Parallel()
	now := time.Now()
	l := newLimiter(10, time.Second)
	count := func(at time.Time) (n int) {
		for {
			if _, ok := l.take(at); !ok {
				return n
			}
			n++
		}
	}
	if n := count(now); n != 10 {
		t.Errorf("%d at once, want 10", n)
	}
	if wait, ok := l.take(now); ok || wait != 100*time.Millisecond {
		t.Errorf("wait %v", wait)
	}
	if n := count(now.Add(300 * time.Millisecond)); n != 3 {
		t.Errorf("%d after 300 ms, want 3", n)
	}
	if n := count(now.Add(time.Hour)); n != 10 {
		t.Errorf("%d after a rest, want 10", n)
	}
	slow := newLimiter(1, time.Hour)
	if _, ok := slow.take(now); !ok {
		t.Error("the first of an hour is not let through")
	}
	if wait, ok := slow.take(now); ok || wait != time.Hour {
		t.Errorf("wait %v", wait)
	}
	l = newLimiter(60, time.Minute)
	if n := count(now); n != 60 {
		t.Errorf("%d of 60 in a minute at once", n)
	}
	if wait, ok := (*limiter)(nil).take(now); !ok || wait != 0 {
		t.Error(fmt.Sprint("without a limit: ", wait))
	}
}
