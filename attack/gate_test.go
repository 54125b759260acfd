//go:build attack

package attack

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/leadbridge/leadbridge/crmclient/crmtest"
)

const (
	token      = "a token of twenty-eight bytes"
	secret     = "a secret of thirty-two bytes, all"
	siteSecret = "v1,whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	lead       = `{"name":"Ivan Petrov","email":"ivan@example.com"}`
)

const sources = `sources:
  - {name: token, verify: {type: token, secrets_env: [TOKEN]}}
  - {name: form, verify: {type: none}}
  - {name: hmac, verify: {type: hmac, secrets_env: [SECRET]}}
  - {name: site, verify: {type: standard-webhooks, secrets_env: [SITE_SECRET]}}
  - {name: ping, verify: {type: hmac, secrets_env: [SECRET]}, ignore: {test: test}, ignore_unsigned: true}
  - {name: allowed, verify: {type: none}, allow: [assignedById, ufCrm_CITY]}
  - {name: mapped, verify: {type: none}, mapping: 'select(.op != "d") | . + {companyId: 5, email: (.email | ascii_downcase)}'}
`

func mac(key, text string) []byte {
	h := hmac.New(sha256.New, []byte(key))
	_, _ = io.WriteString(h, text)
	return h.Sum(nil)
}

func github(body string) string { return "sha256=" + hex.EncodeToString(mac(secret, body)) }

// standard signs in the way of Standard Webhooks, under headers that begin with a prefix.
func standard(prefix, id, body string, at time.Time) []string {
	key, _ := base64.StdEncoding.DecodeString(strings.TrimPrefix(siteSecret, "v1,whsec_"))
	sent := strconv.FormatInt(at.Unix(), 10)
	return []string{prefix + "-id", id, prefix + "-timestamp", sent, prefix + "-signature", "v1," + base64.StdEncoding.EncodeToString(mac(string(key), id+"."+sent+"."+body))}
}

// half begins a request with a body of which it sends a part, and goes on sending a byte now and then.
func half(t *testing.T, p *process, source, sent string, length int) net.Conn {
	t.Helper()
	return raw(t, p, "POST /hooks/"+source+" HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: "+strconv.Itoa(length)+"\r\n\r\n"+sent)
}

// TestMemoryBeforeProof: strangers send most of long bodies to a source with a token, and to one that
// anybody may send to, more than there is memory for. Visitors of the others are served.
func TestMemoryBeforeProof(t *testing.T) {
	t.Parallel()
	r := newRig(t, crmtest.Options{})
	p := r.startGate(sources, map[string]string{"MAX_BUFFER": "16MiB", "INGEST_BODY_GRACE": "2m", "INGEST_BODY_TIMEOUT": "2m"})
	body := `{"a":"` + strings.Repeat("x", 130<<10)
	var refused []net.Conn
	for range 150 {
		refused = append(refused, half(t, p, "token", body, 200<<10))
		half(t, p, "form", body, 200<<10)
	}
	for n := range 20 {
		visitor := fmt.Sprintf(`{"email":"visitor.%d@example.com"}`, n)
		if a := send(t, "POST", p.url+"/hooks/token?token="+strings.ReplaceAll(token, " ", "+"), visitor); a.status != 202 {
			t.Errorf("a visitor with the token: %d %s", a.status, a.body)
		}
		if a := send(t, "POST", p.url+"/hooks/hmac", visitor, "X-Hub-Signature-256", github(visitor)); a.status != 202 {
			t.Errorf("a visitor of another source: %d %s", a.status, a.body)
		}
	}
	for _, conn := range refused {
		if got := statuses(t, conn); len(got) != 1 || got[0] != 401 {
			t.Fatalf("a stranger is answered %v, want 401 before the body", got)
		}
	}
	p.stop()
}

// TestIdleConnections: connections that do nothing keep neither probes nor visitors out.
func TestIdleConnections(t *testing.T) {
	t.Parallel()
	r := newRig(t, crmtest.Options{})
	p := r.startGate(sources, map[string]string{"INGEST_CONNECTIONS": "40", "INGEST_PEER_CONNECTIONS": "40"})
	var idle []net.Conn
	for range 40 {
		conn := raw(t, p, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
		if _, err := conn.Read(make([]byte, 64)); err != nil {
			t.Fatal(err)
		}
		idle = append(idle, conn)
	}
	for range 20 {
		if a := send(t, "GET", p.url+"/healthz", ""); a.status != 200 {
			t.Errorf("a probe: %d", a.status)
		}
		if a := send(t, "POST", p.url+"/hooks/form", lead); a.status != 202 {
			t.Errorf("a visitor: %d %s", a.status, a.body)
		}
	}
	if a := send(t, "GET", p.url+"/metrics", ""); strings.Contains(a.body, `connections_closed_total{cause="idle"} 0`) || !strings.Contains(a.body, "connections_closed_total") {
		t.Error("no idle connection was closed")
	}
	_ = idle
	p.stop()
}

// TestConnectionsOfOnePeer: one address takes a part of the connections, whatever it does with them.
func TestConnectionsOfOnePeer(t *testing.T) {
	t.Parallel()
	r := newRig(t, crmtest.Options{})
	p := r.startGate(sources, map[string]string{"INGEST_CONNECTIONS": "40", "INGEST_BODY_GRACE": "2m", "INGEST_BODY_TIMEOUT": "2m"})
	attacker := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2)}}
	for range 200 {
		conn, err := attacker.DialContext(t.Context(), "tcp", strings.TrimPrefix(p.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		_, _ = io.WriteString(conn, "POST /hooks/form HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{")
	}
	for range 10 {
		if a := send(t, "GET", p.url+"/healthz", ""); a.status != 200 {
			t.Errorf("a probe: %d", a.status)
		}
		if a := send(t, "POST", p.url+"/hooks/form", lead); a.status != 202 {
			t.Errorf("a visitor: %d %s", a.status, a.body)
		}
	}
	p.stop()
}

// TestProxies: of a proxy that is trusted the senders count, each by itself; whom a stranger claims
// to speak for counts for nothing.
func TestProxies(t *testing.T) {
	t.Parallel()
	r := newRig(t, crmtest.Options{})
	p := r.startGate(sources, map[string]string{"INGEST_PEER_CONNECTIONS": "2", "INGEST_TRUSTED_PROXIES": "127.0.0.1", "INGEST_BODY_GRACE": "2m", "INGEST_BODY_TIMEOUT": "2m"})
	eventually(t, "a third request of that sender is too many", p, func() bool {
		raw(t, p, "POST /hooks/form HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 198.51.100.1, 203.0.113.9\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{")
		return send(t, "POST", p.url+"/hooks/form", lead, "X-Forwarded-For", "203.0.113.9").status == http.StatusTooManyRequests
	})
	for _, other := range []string{"203.0.113.10", "203.0.113.9, 203.0.113.11", "unknown"} {
		if a := send(t, "POST", p.url+"/hooks/form", lead, "X-Forwarded-For", other); a.status != 202 {
			t.Errorf("sent for %s: %d %s", other, a.status, a.body)
		}
	}
	p.stop()
}

// TestSlowSenders: a body that stands still is given up long before all of its time, a header that does
// not end is too.
func TestSlowSenders(t *testing.T) {
	t.Parallel()
	r := newRig(t, crmtest.Options{})
	p := r.startGate(sources, map[string]string{"INGEST_BODY_GRACE": "1s", "INGEST_BODY_TIMEOUT": "2m", "INGEST_HEADER_TIMEOUT": "1s"})
	body := half(t, p, "form", `{"a":"`+strings.Repeat("x", 50<<10), 100<<10)
	header := raw(t, p, "POST /hooks/form HTTP/1.1\r\nHost: x\r\nX-Slow: ")
	if got := statuses(t, body); len(got) != 1 || got[0] != 408 {
		t.Errorf("a body that stands still: %v", got)
	}
	if got := statuses(t, header); len(got) > 1 || len(got) == 1 && got[0] < 400 {
		t.Errorf("a header that does not end: %v", got)
	}
	p.stop()
}

// TestWhoNamesAnEvent: a captured body stays one event whatever ids are put beside it, and nobody
// takes the id of another.
func TestWhoNamesAnEvent(t *testing.T) {
	t.Parallel()
	r := newRig(t, crmtest.Options{})
	p := r.startGate(sources, nil)
	for source, headers := range map[string][]string{"hmac": {"X-Hub-Signature-256", github(lead)}, "token": {"X-Webhook-Token", token}, "form": nil} {
		ids := map[string]bool{}
		for n := range 5 {
			invented := strconv.Itoa(n)
			a := send(t, "POST", p.url+"/hooks/"+source, lead, append([]string{"webhook-id", invented, "svix-id", invented, "idempotency-key", invented, "ce-id", invented}, headers...)...)
			if a.status != 202 {
				t.Fatalf("%s: %d %s", source, a.status, a.body)
			}
			ids[a.id()] = true
		}
		if len(ids) != 1 {
			t.Errorf("%s: one body is %d events", source, len(ids))
		}
	}
	victim := `{"specversion":"1.0","id":"order-1","source":"/shop","type":"t","data":` + lead + `}`
	if a := send(t, "POST", p.url+"/hooks/form", victim); a.id() == "order-1" {
		t.Error("anybody's CloudEvent takes an id")
	}
	p.stop()
}

// TestSignatures tries what does not prove anything, and what does.
func TestSignatures(t *testing.T) {
	t.Parallel()
	r := newRig(t, crmtest.Options{})
	p := r.startGate(sources, nil)
	good, now := github(lead), time.Now()
	swap := func(headers []string, at int, to string) []string {
		changed := append([]string{}, headers...)
		changed[at] = to
		return changed
	}
	svix := standard("svix", "1", lead, now)
	for name, c := range map[string]struct {
		source  string
		headers []string
		status  int
	}{
		"hmac":                  {"hmac", []string{"X-Hub-Signature-256", good}, 202},
		"none":                  {"hmac", nil, 401},
		"empty":                 {"hmac", []string{"X-Hub-Signature-256", "sha256="}, 401},
		"cut":                   {"hmac", []string{"X-Hub-Signature-256", good[:len(good)-2]}, 401},
		"longer":                {"hmac", []string{"X-Hub-Signature-256", good + "00"}, 401},
		"of another body":       {"hmac", []string{"X-Hub-Signature-256", github(lead + " ")}, 401},
		"another algorithm":     {"hmac", []string{"X-Hub-Signature-256", "sha1=" + good[7:47]}, 401},
		"without a secret":      {"hmac", []string{"X-Hub-Signature-256", "sha256=" + hex.EncodeToString(mac("", lead))}, 401},
		"standard":              {"site", standard("webhook", "1", lead, now), 202},
		"svix":                  {"site", svix, 202},
		"mixed":                 {"site", swap(svix, 0, "webhook-id"), 401},
		"another id":            {"site", swap(svix, 1, "2"), 401},
		"another time":          {"site", swap(svix, 3, strconv.FormatInt(now.Unix()+1, 10)), 401},
		"no version":            {"site", swap(svix, 5, strings.TrimPrefix(svix[5], "v1,")), 401},
		"old":                   {"site", standard("webhook", "1", lead, now.Add(-time.Hour)), 401},
		"from the future":       {"site", standard("webhook", "1", lead, now.Add(time.Hour)), 401},
		"a time that overflows": {"site", swap(svix, 3, "-9223372036854775808"), 401},
		"no token":              {"token", nil, 401},
		"wrong token":           {"token", []string{"X-Webhook-Token", "hunter2"}, 401},
		"beginning of a token":  {"token", []string{"X-Webhook-Token", token[:8]}, 401},
	} {
		if a := send(t, "POST", p.url+"/hooks/"+c.source, lead, c.headers...); a.status != c.status {
			t.Errorf("%s: %d %s, want %d", name, a.status, a.body, c.status)
		}
	}
	if a := send(t, "POST", p.url+"/hooks/ping", `{"test":"test"}`); a.status != 202 {
		t.Errorf("a provider's unsigned test: %d", a.status)
	}
	if a := send(t, "POST", p.url+"/hooks/ping", lead); a.status != 401 {
		t.Errorf("an unsigned lead: %d", a.status)
	}
	p.stop()
	if log := p.logged(); strings.Contains(log, "hunter2") || strings.Contains(log, "ivan@") {
		t.Errorf("the log tells what was sent:\n%s", p.tail())
	}
}

// TestSecretsEnd: a replaced secret ends although nobody sends a wrong one, an emptied file lets
// nobody in, and what can be guessed is told at the start.
func TestSecretsEnd(t *testing.T) {
	t.Parallel()
	r := newRig(t, crmtest.Options{})
	file := filepath.Join(t.TempDir(), "secret")
	write := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("the old secret of this source")
	p := r.startGate("sources: [{name: x, verify: {type: token, secrets_files: ["+file+"]}}, {name: y, verify: {type: token, secrets_env: [SHORT]}}]", map[string]string{"SHORT": "hunter2"})
	status := func(token string) int {
		return send(t, "POST", p.url+"/hooks/x", lead, "X-Webhook-Token", token).status
	}
	if got := status("the old secret of this source"); got != 202 {
		t.Fatalf("the secret in force: %d", got)
	}
	write("the new secret of this source")
	eventually(t, "the old secret ends by itself", p, func() bool { return status("the old secret of this source") == 401 })
	if got := status("the new secret of this source"); got != 202 {
		t.Errorf("the new secret: %d", got)
	}
	write("")
	eventually(t, "an emptied file lets nobody in", p, func() bool { return status("the new secret of this source") == 401 })
	p.stop()
	if log := p.logged(); !strings.Contains(log, "is shorter than 16 bytes") || !strings.Contains(log, "is empty") || strings.Contains(log, "of this source\"") || strings.Contains(log, "hunter2") {
		t.Errorf("log:\n%s", p.tail())
	}
}

// TestBodies sends what is no webhook, more than one, or much more than it seems.
func TestBodies(t *testing.T) {
	t.Parallel()
	r := newRig(t, crmtest.Options{})
	p := r.startGate(sources, nil)
	form := "application/x-www-form-urlencoded"
	var parts strings.Builder
	for n := range 2500 {
		fmt.Fprintf(&parts, "--B\r\nContent-Disposition: form-data; name=\"f%d\"\r\n\r\nx\r\n", n)
	}
	for name, c := range map[string]struct {
		body    string
		headers []string
		status  int
	}{
		"gzip":        {"\x1f\x8b\x08", []string{"Content-Encoding", "gzip"}, 415},
		"many parts":  {parts.String() + "--B--\r\n", []string{"Content-Type", "multipart/form-data; boundary=B"}, 400},
		"many fields": {strings.Repeat("a=b&", 10_000), []string{"Content-Type", form}, 400},
		"deep":        {strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000), nil, 400},
		"XML":         {"<a/>", []string{"Content-Type", "application/xml"}, 415},
		"a script":    {"alert(1)", []string{"Content-Type", "text/javascript"}, 415},
		"too large":   {`{"a":"` + strings.Repeat("x", 300<<10) + `"}`, nil, 413},
	} {
		if a := send(t, "POST", p.url+"/hooks/form", c.body, c.headers...); a.status != c.status && !(name == "deep" && a.status == 202) {
			t.Errorf("%s: %d %.200s, want %d", name, a.status, a.body, c.status)
		}
	}
	// The connection may be closed before all of it was sent, so that the answer gets lost.
	if got := statuses(t, raw(t, p, "POST /hooks/form HTTP/1.1\r\nHost: x\r\nX-Long: "+strings.Repeat("x", 100<<10)+"\r\n\r\n")); len(got) > 1 || len(got) == 1 && got[0] != 431 {
		t.Errorf("a long header: %v", got)
	}
	if a := send(t, "POST", p.url+"/hooks/form", lead); a.status != 202 {
		t.Errorf("a webhook after them: %d", a.status)
	}
	p.stop()
}

// TestSmuggling sends requests that two servers would cut in different ways: none hides another.
func TestSmuggling(t *testing.T) {
	t.Parallel()
	r := newRig(t, crmtest.Options{})
	p := r.startGate(sources, nil)
	hidden := "POST /hooks/form HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 24\r\n\r\n{\"email\":\"a@example.com\"}"
	for name, head := range map[string]string{
		"length and chunks":   "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"two lengths":         "Content-Length: 2\r\nContent-Length: 100\r\n\r\n{}",
		"two encodings":       "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n",
		"encoding with blank": "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
		"unknown encoding":    "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
		"length with a sign":  "Content-Length: +2\r\n\r\n{}",
		"chunk with a sign":   "Transfer-Encoding: chunked\r\n\r\n+2\r\n{}\r\n0\r\n\r\n",
		"folded header":       "X: a\r\n Content-Length: 100\r\n\r\n",
	} {
		conn := raw(t, p, "POST /hooks/none HTTP/1.1\r\nHost: x\r\n"+head+hidden)
		if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
			continue // it was closed already
		}
		got := statuses(t, conn)
		for i, status := range got {
			if status == 202 && i == 0 {
				t.Errorf("%s: the hidden request is the first answer: %v", name, got)
			}
		}
		if len(got) > 2 {
			t.Errorf("%s: %v", name, got)
		}
	}
	p.stop()
}
