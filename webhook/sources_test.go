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
	got := []any{site.contentTypes, site.maxBody, site.eventType, site.id.header, site.id.field, site.key, site.origins, site.redirects, site.honeypot, site.verifier.(standard).tolerance, site.mapper != nil, site.rate.every, site.charset == charmap.Windows1251, site.answer, site.ignored}
	want := []any{[]string{"application/json", "text/plain"}, int64(64 << 10), "com.example.lead", "X-Delivery", []string{"event", "id"}, keyPhone, []string{"https://example.com", "http://localhost:3000", "http://[::1]:8080", "http://a_b"}, []string{"https://example.com/thanks"}, "website", time.Minute, true, 100 * time.Millisecond, true, 200, map[string]string{"test": "test", "n": "1"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if third := s.byName["third"]; third.verifier != (anybody{}) || third.maxBody != defaultMaxBody || third.eventType != defaultType || third.key != keyAuto || third.answer != 202 || third.charset != nil || third.rate != nil || third.mapper != nil {
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
		"no YAML":            {"sources:\n\t- a", "is no YAML"},
		"a list":             {"- name: x", "the file is no mapping"},
		"no sources":         {"{}", "declares no sources"},
		"other field":        {"source: []", `line 1: the file has no field "source"`},
		"no list":            {"sources: {name: x}", "sources is no list"},
		"two documents":      {"sources: [{name: x, verify: {type: none}}]\n---\nsources: []", "more than one document"},
		"merge of itself":    {"sources: [&a {<<: *a, name: x}]", "does not say how it is verified"},
		"merged nonsense":    {"sources: [{<<: {nonsense: 1}, name: x, verify: {type: none}}]", `has no field "nonsense"`},
		"empty list":         {"sources: []", "sources is no list"},
		"source is text":     {"sources: [x]", "a source is no mapping"},
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
		"no Base64":          {"sources: [{name: x, verify: {type: standard-webhooks, secrets_env: [PLAIN]}}]", "the secret in PLAIN is no Base64"},
		"inline secret":      {"sources: [{name: x, verify: {type: hmac, secret: hush}}]", `no field "secret"`},
		"secret as variable": {"sources: [{name: x, verify: {type: standard-webhooks, secrets_env: [whsec_hush]}}]", "no variable's name"},
		"no tolerance":       {"sources: [{name: x, verify: {type: standard-webhooks, secrets_env: STANDARD, tolerance: 5}}]", `tolerance "5" is no duration`},
		"algorithm":          {"sources: [{name: x, verify: {type: hmac, secrets_env: PLAIN, algorithm: md5}}]", `"md5" is not known`},
		"header":             {"sources: [{name: x, verify: {type: token, secrets_env: PLAIN, header: 'a b'}}]", `"a b" is no name of a header`},
		"mapping":            {"sources:\n- name: x\n  verify: {type: none}\n  mapping: '{a: '", "line 4, source x: mapping:"},
		"preset":             {"sources: [{name: x, verify: {type: none}, mapping: 'preset:nope'}]", "there is no preset"},
		"mapping is a list":  {"sources: [{name: x, verify: {type: none}, mapping: [.]}]", "mapping is no program"},
		"content type":       {"sources: [{name: x, verify: {type: none}, content_types: [text/html]}]", `"text/html" is not understood`},
		"body":               {"sources: [{name: x, verify: {type: none}, max_body: 1 parsec}]", "is no size"},
		"huge body":          {"sources: [{name: x, verify: {type: none}, max_body: 1MiB}]", "out of bounds"},
		"key":                {"sources: [{name: x, verify: {type: none}, key: name}]", `key "name" is not known`},
		"rate":               {"sources: [{name: x, verify: {type: none}, rate: 10}]", `rate "10" is not understood`},
		"rate of nothing":    {"sources: [{name: x, verify: {type: none}, rate: 0/s}]", "lets nobody in"},
		"origin":             {"sources: [{name: x, verify: {type: none}, cors: [https://example.com/]}]", "is no origin"},
		"origin with port":   {"sources: [{name: x, verify: {type: none}, cors: ['https://example.com:443']}]", `browsers send "https://example.com"`},
		"origin in Cyrillic": {"sources: [{name: x, verify: {type: none}, cors: [https://Пример.рф]}]", `browsers send "https://xn--e1afmkfd.xn--p1ai"`},
		"origin in capitals": {"sources: [{name: x, verify: {type: none}, cors: [HTTPS://Example.com]}]", `browsers send "https://example.com"`},
		"origin null":        {"sources: [{name: x, verify: {type: none}, cors: ['null']}]", "is no origin"},
		"redirect relative":  {"sources: [{name: x, verify: {type: none}, redirect: //evil.example}]", "is no whole address"},
		"redirect of a user": {"sources: [{name: x, verify: {type: none}, redirect: 'https://example.com@evil.example'}]", "is no whole address"},
		"redirect backslash": {"sources: [{name: x, verify: {type: none}, redirect: 'https:\\evil.example'}]", "is no whole address"},
		"redirect":           {"sources: [{name: x, verify: {type: none}, redirect: /thanks}]", "is no whole address"},
		"redirect to script": {"sources: [{name: x, verify: {type: none}, redirect: 'javascript:alert(1)'}]", "is no whole address"},
		"answer":             {"sources: [{name: x, verify: {type: none}, answer: 204}]", `answer "204" is not known`},
		"charset":            {"sources: [{name: x, verify: {type: none}, charset: klingon}]", `charset "klingon" is not known`},
		"ignore nothing":     {"sources: [{name: x, verify: {type: none}, ignore: {}}]", "ignore names no fields"},
		"ignore a list":      {"sources: [{name: x, verify: {type: none}, ignore: {a: [b]}}]", `the value of "a" in ignore is no text`},
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
