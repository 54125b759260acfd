package main

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/leadbridge/leadbridge/crmclient/crmtest"
)

const siteSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

const sources = `sources:
  - name: site
    verify: {type: standard-webhooks, secrets_env: [SITE_SECRET]}
    mapping: |
      {name: .first, email: .mail}
  - name: repo
    verify: {type: hmac, secrets_files: [%s]}
  - name: tilda
    verify: {type: token, query: key, secrets_env: [TILDA_TOKEN]}
    id: {field: tranid}
  - name: form
    verify: {type: none}
    redirect: [https://example.com/thanks, https://example.com/merci]
    honeypot: website
    cors: https://example.com
`

// startGate starts leadbridge ingest before a rig's broker.
func startGate(t *testing.T, r *rig, more map[string]string) server {
	t.Helper()
	dir := t.TempDir()
	secret, file := filepath.Join(dir, "secret"), filepath.Join(dir, "sources.yaml")
	for name, text := range map[string]string{secret: "filed\n", file: fmt.Sprintf(sources, secret)} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	env := map[string]string{
		"KAFKA_BROKERS": r.cluster.ListenAddrs()[0], "HTTP_ADDR": "127.0.0.1:0", "LOG_LEVEL": "debug", "SOURCES_FILE": file,
		"SITE_SECRET": siteSecret, "TILDA_TOKEN": "t0ken", "DRAIN_DELAY": "0s",
	}
	maps.Copy(env, more)
	p := start(t, "main", env, "ingest")
	var line struct{ HTTP string }
	if err := json.Unmarshal([]byte(p.await(t, `"msg":"started"`)), &line); err != nil {
		t.Fatal(err)
	}
	return server{p, "http://" + line.HTTP}
}

// post sends a webhook by a connection of its own.
func (s server) post(t *testing.T, path, contentType, body string, headers ...string) (*http.Response, string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", contentType)
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	client := http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(text)
}

// signed are the headers of a delivery in the way of Standard Webhooks.
func signed(t *testing.T, id, body string) []string {
	t.Helper()
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(siteSecret, "whsec_"))
	if err != nil {
		t.Fatal(err)
	}
	sent := strconv.FormatInt(time.Now().Unix(), 10)
	return []string{"webhook-id", id, "webhook-timestamp", sent, "webhook-signature", "v1," + base64.StdEncoding.EncodeToString(macOf(key, id+"."+sent+"."+body))}
}

func macOf(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

// TestIngestToContact sends webhooks of four sources, each twice, through Kafka
// to the CRM: each becomes one contact.
func TestIngestToContact(t *testing.T) {
	t.Parallel()
	r := newRig(t, crmtest.Options{UserFields: true}, "leads", "leads.dlt")
	gate, service := startGate(t, r, nil), startService(t, r.env(nil))
	site := `{"first":"Secretname","mail":"Secret@Example.com","budget":5000}`
	repo := `{"name":"Anna Ivanova","phone":"8 (916) 123-45-67"}`
	form := url.Values{"Name": {"Olga"}, "Phone": {"+7 495 123 45 67"}, "tranid": {"1234567:8912345678"}}
	var multi bytes.Buffer
	multi.WriteString("--B\r\nContent-Disposition: form-data; name=\"email\"\r\n\r\npiotr@example.com\r\n" +
		"--B\r\nContent-Disposition: form-data; name=\"website\"\r\n\r\n\r\n--B--\r\n")
	for range 2 {
		for _, c := range []struct {
			path, contentType, body string
			headers                 []string
			id                      string
			status                  int
		}{
			{"/hooks/site", "application/json", site, signed(t, "msg_1", site), "msg_1", 202},
			{"/hooks/repo", "application/json; charset=utf-8", repo, []string{"X-Hub-Signature-256", "sha256=" + hex.EncodeToString(macOf([]byte("filed"), repo))}, "body-", 202},
			{"/hooks/tilda?key=t0ken", "application/x-www-form-urlencoded", form.Encode(), nil, "1234567:8912345678", 202},
			{"/hooks/form", "multipart/form-data; boundary=B", multi.String(), nil, "", 303},
		} {
			resp, text := gate.post(t, c.path, c.contentType, c.body, c.headers...)
			var answer struct{ ID string }
			if resp.StatusCode != c.status || c.status == 202 && (json.Unmarshal([]byte(text), &answer) != nil || !strings.HasPrefix(answer.ID, c.id)) {
				t.Errorf("%s: %d %s", c.path, resp.StatusCode, text)
			}
			if c.status == 303 && resp.Header.Get("Location") != "https://example.com/thanks" {
				t.Errorf("%s: to %q", c.path, resp.Header.Get("Location"))
			}
		}
	}
	eventually(t, "four contacts", func() bool {
		_, metrics := service.get("/metrics")
		return strings.Contains(metrics, "leadbridge_records_consumed_total 8\n") && r.crm.Count() >= 4
	})
	service.answers(t, "/readyz", http.StatusOK)
	stop(t, service)
	if stats := r.crm.Stats(); stats.Contacts != 4 || stats.Duplicates != 0 {
		t.Errorf("%d contacts, %d duplicates; want 4 and none", stats.Contacts, stats.Duplicates)
	}
	found := false
	for _, c := range r.crm.Contacts() {
		found = found || strings.Contains(fmt.Sprint(c), "secret@example.com")
	}
	if !found {
		t.Error("the mapping's e-mail is in no contact")
	}
	_, metrics := gate.get("/metrics")
	if !strings.Contains(metrics, `leadbridge_ingest_requests_total{outcome="taken",source="site"} 2`) {
		t.Errorf("metrics:\n%s", metrics)
	}
	stop(t, gate)
	for what, text := range map[string]string{"log": gate.stderr(), "metrics": metrics} {
		for _, secret := range []string{"Secretname", "ecret@", "9161234567", "123-45-67", "t0ken", "MfKQ", "filed"} {
			if strings.Contains(text, secret) {
				t.Errorf("%s tells %s", what, secret)
			}
		}
	}
}

func stop(t *testing.T, s server) {
	t.Helper()
	s.signal(t, syscall.SIGTERM)
	if code := s.exit(t); code != exitOK {
		t.Errorf("exit %d, want 0:\n%s", code, s.stderr())
	}
}

// TestIngestWithoutTopic answers 503 until the topic is there, and makes none.
func TestIngestWithoutTopic(t *testing.T) {
	t.Parallel()
	r := newRig(t, crmtest.Options{})
	gate := startGate(t, r, map[string]string{"METRICS_ADDR": "127.0.0.1:0"})
	resp, text := gate.post(t, "/hooks/form", "application/json", `{"email":"a@example.com"}`)
	if resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") == "" || resp.Header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("%d %v %s", resp.StatusCode, resp.Header, text)
	}
	if code, _ := gate.get("/metrics"); code != http.StatusNotFound {
		t.Errorf("/metrics beside the hooks: %d", code)
	}
	if r.cluster.TopicInfo("leads") != nil {
		t.Error("the gate made the topic")
	}
	if err := r.cluster.CreateTopic("leads", 2, nil); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the webhook is taken", func() bool {
		resp, _ := gate.post(t, "/hooks/form", "application/json", `{"email":"a@example.com"}`)
		return resp.StatusCode == http.StatusAccepted
	})
	stop(t, gate)
}

// TestIngestLeaves: after SIGTERM the gate is not ready, and still takes what comes.
func TestIngestLeaves(t *testing.T) {
	t.Parallel()
	r := newRig(t, crmtest.Options{}, "leads")
	gate := startGate(t, r, map[string]string{"DRAIN_DELAY": "10m", "DRAIN_TIMEOUT": "10m"})
	gate.signal(t, syscall.SIGTERM)
	eventually(t, "the gate is not ready", func() bool {
		code, body := gate.get("/readyz")
		return code == http.StatusServiceUnavailable && strings.Contains(body, `"draining"`)
	})
	resp, text := gate.post(t, "/hooks/form", "application/json", `{"email":"a@example.com"}`)
	if resp.StatusCode != http.StatusAccepted || !resp.Close {
		t.Errorf("%d %v %s, want 202 and Connection: close", resp.StatusCode, resp.Header, text)
	}
	gate.signal(t, syscall.SIGTERM)
	if code := gate.exit(t); code != exitInterrupted {
		t.Errorf("exit %d after the second signal", code)
	}
}

// TestIngestPaths: nothing but the hooks and our own pages is there, and no path is
// answered with a redirect.
func TestIngestPaths(t *testing.T) {
	t.Parallel()
	r := newRig(t, crmtest.Options{}, "leads")
	gate := startGate(t, r, nil)
	for path, want := range map[string]int{
		"/hooks/form": 202, "/hooks/f%6Frm": 202, "//hooks/form": 404, "/hooks/../hooks/form": 404, "/hooks/form/": 404, "/hooks//form": 404, "/HOOKS/form": 404, "/": 404,
	} {
		if resp, text := gate.post(t, path, "application/json", `{"email":"a@example.com"}`); resp.StatusCode != want {
			t.Errorf("%s: %d %s, want %d", path, resp.StatusCode, text, want)
		}
	}
	stop(t, gate)
}

// TestIngestUsage tells all faults of settings and sources at once.
func TestIngestUsage(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "sources.yaml")
	if err := os.WriteFile(file, []byte("sources:\n  - name: a b\n    verify: {type: none}\n  - name: c\n    verify: {type: token, secrets_env: [NOPE]}\n    mappin: .\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	code, _, stderr := inProcess(map[string]string{"SOURCES_FILE": file, "INGEST_ACK_TIMEOUT": "10"}, "", "ingest")
	for _, want := range []string{"line 2:", "line 5, source c:", "line 6, source c:", `"mappin"`, "NOPE", "INGEST_ACK_TIMEOUT", "4 settings"} {
		if !strings.Contains(stderr, want) {
			t.Errorf("no %q", want)
		}
	}
	if code != exitUsage || strings.Contains(stderr, "CRM_") {
		t.Errorf("exit %d, want 2:\n%s", code, stderr)
	}
}

// ingestVariables are the settings of the gate that the service has not.
var ingestVariables = map[string]string{
	"SOURCES_FILE": "", "INGEST_ACK_TIMEOUT": "10s", "INGEST_BODY_TIMEOUT": "10s", "INGEST_HEADER_TIMEOUT": "5s",
	"INGEST_CONNECTIONS": "16384", "HTTP_ADDR": ":8090", "METRICS_ADDR": "", "DRAIN_DELAY": "5s",
}

// TestIngestHelp: the help tells every setting, the page beside it too, and
// nothing of what the gate does not need.
func TestIngestHelp(t *testing.T) {
	t.Parallel()
	code, stdout, _ := inProcess(nil, "", "ingest", "--help")
	page, err := os.ReadFile("../../docs/ingest.md")
	if code != exitOK || err != nil {
		t.Fatal(code, err)
	}
	text := strings.Join(strings.Fields(stdout), " ")
	for name, value := range ingestVariables {
		if !strings.Contains(text, "("+name+")") || value != "" && !strings.Contains(text, "Default: "+value+". ("+name+")") {
			t.Errorf("--help does not tell %s and its default %q", name, value)
		}
		found := false
		for line := range strings.Lines(string(page)) {
			found = found || strings.Contains(line, "`"+name+"`") && strings.Contains(line, value)
		}
		if !found {
			t.Errorf("docs/ingest.md does not tell %s and its default %q", name, value)
		}
	}
	for _, name := range []string{"KAFKA_BROKERS", "KAFKA_TLS", "KAFKA_SASL_MECHANISM", "MAX_BUFFER", "DRAIN_TIMEOUT", "HTTP_ADDR", "PHONE_REGION"} {
		if !strings.Contains(text, "("+name+")") {
			t.Errorf("--help does not tell %s", name)
		}
	}
	for _, name := range []string{"CRM_", "GROUP_ID", "DLT"} {
		if strings.Contains(text, name) {
			t.Errorf("--help tells %s", name)
		}
	}
}

// TestIngestHealth: without brokers the gate is healthy but not ready.
func TestIngestHealth(t *testing.T) {
	t.Parallel()
	r := newRig(t, crmtest.Options{}, "leads")
	gate := startGate(t, r, map[string]string{"KAFKA_BROKERS": "127.0.0.1:1", "INGEST_ACK_TIMEOUT": "100ms"})
	eventually(t, "the gate is not ready", func() bool {
		code, body := gate.get("/readyz")
		return code == http.StatusServiceUnavailable && strings.Contains(body, `"held"`) && !strings.Contains(body, "127.0.0.1")
	})
	if code, body := gate.get("/healthz"); code != http.StatusOK {
		t.Errorf("/healthz: %d %s", code, body)
	}
	resp, _ := gate.post(t, "/hooks/form", "application/json", `{"email":"a@example.com"}`)
	if resp.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("%d, want 503", resp.StatusCode)
	}
	stop(t, gate)
	gate = startGate(t, r, nil)
	eventually(t, "the gate is ready", func() bool { code, _ := gate.get("/readyz"); return code == http.StatusOK })
	stop(t, gate)
}
