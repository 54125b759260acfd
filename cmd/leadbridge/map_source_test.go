package main

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

const triedSources = `sources:
  - {name: shop, preset: shopify, secrets_env: [SHOP]}
  - {name: calls, preset: roistat, secrets_env: [CALLS]}
  - {name: google, preset: google, secrets_env: [GOOGLE]}
  - {name: meta, preset: meta, secrets_env: [META]}
  - {name: broken, verify: {type: none}, mapping: '.a.b.c'}
  - {name: form, verify: {type: none}, max_body: 1KiB, ignore_if: {test: 1}, rate: 1/h}
`

func sourcesFile(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "sources.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// TestMapSource shows what gate and mapping make of saved requests: with the proof, without it, and
// of what is refused or no lead.
func TestMapSource(t *testing.T) {
	t.Parallel()
	file := sourcesFile(t, triedSources)
	env := map[string]string{"SHOP": "a secret of sixteen", "CALLS": "a secret of sixteen", "GOOGLE": "a secret of sixteen", "META": "a secret of sixteen"}
	customer := `{"email":"anna@example.com","first_name":"Anna","phone":"+79161234567"}`
	signature := base64.StdEncoding.EncodeToString(macOf([]byte(env["SHOP"]), customer))
	for name, c := range map[string]struct {
		body string
		args []string
		want []string
		not  string
	}{
		"proven":         {customer, []string{"--name", "shop", "--header", "X-Shopify-Hmac-SHA256: " + signature}, []string{`"proof":"ok"`, `"outcome":"taken","status":200`, `"key":"anna@example.com"`, `"record":{"specversion"`, `"contact":{`, `"value":"+79161234567"`, `"name":"Anna"`}, "rejected"},
		"not proven":     {customer, []string{"--name", "shop"}, []string{`"proof":"the request is not signed`, `"outcome":"taken"`, `"value":"+79161234567"`}, "rejected"},
		"wrong":          {customer, []string{"--name", "shop", "--header", "X-Shopify-Hmac-SHA256: " + "AAAA" + signature[4:]}, []string{`"proof":"the signature does not fit`}, `"proof":"ok"`},
		"test":           {customer, []string{"--name", "shop", "--header", "X-Shopify-Hmac-SHA256: " + signature, "--header", "x-shopify-test: true"}, []string{`"outcome":"ignored"`}, "record"},
		"GET":            {"", []string{"--method", "get", "--url", "https://gate.example.com/hooks/calls?key=a+secret+of+sixteen&id=9&name=Anna&phone=79161234567"}, []string{`"source":"calls","proof":"ok"`, `"eventId":"ce:/hooks/calls 9"`, `"value":"+79161234567"`}, "sixteen"},
		"GET, no token":  {"", []string{"--method", "GET", "--url", "/hooks/calls?id=9&name=Anna&phone=79161234567"}, []string{`"proof":"the request has no token"`, `"value":"+79161234567"`}, ""},
		"body token":     {`{"google_key":"a secret of sixteen","lead_id":"1","email":"a@example.com"}`, []string{"--name", "google"}, []string{`"proof":"ok"`, `"answer":"{}"`}, "sixteen"},
		"wrong in body":  {`{"google_key":"guessed","lead_id":"1","email":"a@example.com"}`, []string{"--name", "google"}, []string{`"proof":"the token is not the right one"`, `"contact"`}, "guessed"},
		"challenge":      {"", []string{"--method", "GET", "--url", "/hooks/meta?hub.mode=subscribe&hub.challenge=42&hub.verify_token=a+secret+of+sixteen"}, []string{`"outcome":"challenge","status":200,"answer":"42"`}, "record"},
		"mapping fails":  {`{"a":1}`, []string{"--name", "broken"}, []string{`"outcome":"taken"`, `"rejected":{"reason":"MAPPING_FAILED"`}, "contact"},
		"form":           {"name=Anna&phone=%2B79161234567", []string{"--name", "form", "--explain"}, []string{`"value":"+79161234567"`, `"explain":{`}, ""},
		"no lead":        {`{"test":1,"email":"a@example.com"}`, []string{"--name", "form"}, []string{`"outcome":"ignored","status":202`}, "record"},
		"no JSON":        {`{"a"`, []string{"--name", "form", "--header", "Content-Type: application/json"}, []string{`"outcome":"400","status":400`, "not JSON"}, "record"},
		"type":           {`<a/>`, []string{"--name", "form", "--header", "content-type: text/xml"}, []string{`"status":415`}, "record"},
		"too large":      {`{"a":"` + strings.Repeat("x", 1024) + `"}`, []string{"--name", "form"}, []string{`"status":413`}, "record"},
		"method":         {"", []string{"--name", "form", "--method", "PUT"}, []string{`"status":405`}, "record"},
		"nobody to call": {`{"name":"Anna"}`, []string{"--name", "form"}, []string{`"rejected":{"reason":"NO_CONTACT_POINT"`}, `"contact"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			code, stdout, stderr := inProcess(env, c.body, append([]string{"map", "--source", file}, c.args...)...)
			if code != 0 || stderr != "" || !json.Valid([]byte(stdout)) || strings.Count(stdout, "\n") != 1 {
				t.Fatalf("exit %d, %q, %q", code, stdout, stderr)
			}
			for _, want := range c.want {
				if !strings.Contains(stdout, want) {
					t.Errorf("no %s in %s", want, stdout)
				}
			}
			if c.not != "" && strings.Contains(stdout, c.not) {
				t.Errorf("%s in %s", c.not, stdout)
			}
		})
	}
}

// TestMapSourceFaults: secrets that are not here are a warning; what cannot be tried is told.
func TestMapSourceFaults(t *testing.T) {
	t.Parallel()
	file := sourcesFile(t, triedSources)
	code, stdout, stderr := inProcess(nil, `{"email":"a@example.com"}`, "map", "--source", file, "--name", "shop")
	if code != 0 || !strings.Contains(stdout, `"contact"`) || !strings.Contains(stderr, `source shop: the variable "SHOP" is not set`) || strings.Contains(stderr, "CALLS") {
		t.Errorf("exit %d, %s, %s", code, stdout, stderr)
	}
	for want, args := range map[string][]string{
		`there is no source "nope": the file has broken, calls`: {"--source", file, "--name", "nope"},
		`there is no source ""`:                                 {"--source", file},
		`--header "nonsense" is not a header`:                   {"--source", file, "--name", "form", "--header", "nonsense"},
		"--url or --method":                                     {"--source", file, "--name", "form", "--url", "http://[::"},
		"SOURCES_FILE":                                          {"--source", file + ".not", "--name", "form"},
		"does not say how it is verified":                       {"--source", sourcesFile(t, "sources: [{name: x}]"), "--name", "x"},
	} {
		if code, stdout, stderr := inProcess(nil, "{}", append([]string{"map"}, args...)...); code == 0 || stdout != "" || !strings.Contains(stderr, want) {
			t.Errorf("%v: exit %d, %q, %q, want %q", args, code, stdout, stderr, want)
		}
	}
}

// TestIngestDryRun answers and logs, with people hidden, where there is no Kafka.
func TestIngestDryRun(t *testing.T) {
	t.Parallel()
	p := start(t, "main", map[string]string{
		"KAFKA_BROKERS": "127.0.0.1:1", "HTTP_ADDR": "127.0.0.1:0", "SOURCES_FILE": sourcesFile(t, triedSources), "DRAIN_DELAY": "0s",
		"SHOP": "a secret of sixteen", "CALLS": "a secret of sixteen", "GOOGLE": "a secret of sixteen", "META": "a secret of sixteen",
	}, "ingest", "--dry-run")
	p.await(t, "a dry run")
	var line struct{ HTTP string }
	if err := json.Unmarshal([]byte(p.await(t, `"msg":"started"`)), &line); err != nil {
		t.Fatal(err)
	}
	gate := server{p, "http://" + line.HTTP}
	if code, body := gate.get("/readyz"); code != http.StatusOK {
		t.Errorf("%d %s", code, body)
	}
	resp, body := gate.post(t, "/hooks/form", "application/json", `{"name":"Anna Ivanova","email":"anna@example.com","phone":"8 916 123-45-67","color":"green"}`)
	if resp.StatusCode != http.StatusAccepted || !strings.Contains(body, `"id"`) {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
	told := p.await(t, "dry run: this event")
	if !json.Valid([]byte(told)) || !strings.Contains(told, `"color":"green"`) || !strings.Contains(told, `"source":"form"`) {
		t.Errorf("log %s", told)
	}
	for _, hidden := range []string{"Anna", "Ivanova", "anna@example.com", "8 916", "123-45-67", "79161234567"} {
		if strings.Contains(told, hidden) {
			t.Errorf("%s in %s", hidden, told)
		}
	}
	gate.signal(t, syscall.SIGTERM)
	if code := gate.exit(t); code != exitOK {
		t.Errorf("exit %d", code)
	}
}
