package crmtest_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leadbridge/leadbridge/crmclient/crmtest"
)

// The vendor's host in the examples.
const vendor = "https://vibecode.bitrix24.tech"

func example(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// curlRequest is the request that a curl command of the examples sends.
func curlRequest(t *testing.T, command, base string) *http.Request {
	t.Helper()
	line := regexp.MustCompile(`curl -X (\S+) (\S+)`).FindStringSubmatch(command)
	body := regexp.MustCompile(`(?s)-d '([^']*)'`).FindStringSubmatch(command)
	req, err := http.NewRequestWithContext(t.Context(), line[1], strings.Replace(line[2], vendor, base, 1), strings.NewReader(body[1]))
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range regexp.MustCompile(`-H "([^:]+): ([^"]*)"`).FindAllStringSubmatch(command, -1) {
		req.Header.Set(h[1], h[2])
	}
	return req
}

// fetchRequest is the request that a fetch of the examples sends.
func fetchRequest(t *testing.T, script, base string) *http.Request {
	t.Helper()
	url := regexp.MustCompile(`fetch\('([^']+)'`).FindStringSubmatch(script)[1]
	method := regexp.MustCompile(`method: '([^']+)'`).FindStringSubmatch(script)[1]
	literal := regexp.MustCompile(`(?s)JSON\.stringify\(\{(.*?)\}\)`).FindStringSubmatch(script)[1]
	body := regexp.MustCompile(`(\w+): `).ReplaceAllString(strings.ReplaceAll(literal, "'", `"`), `"$1": `)
	body = "{" + strings.TrimSuffix(strings.TrimSpace(body), ",") + "}"
	if !json.Valid([]byte(body)) {
		t.Fatalf("the example's body is read wrongly: %s", body)
	}
	req, err := http.NewRequestWithContext(t.Context(), method, strings.Replace(url, vendor, base, 1), strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	headers := regexp.MustCompile(`(?s)headers: \{(.*?)\}`).FindStringSubmatch(script)[1]
	for _, h := range regexp.MustCompile(`'([\w-]+)': '([^']*)'`).FindAllStringSubmatch(headers, -1) {
		req.Header.Set(h[1], h[2])
	}
	return req
}

// TestDocumentedExamples sends the requests of the vendor's page over a real socket.
func TestDocumentedExamples(t *testing.T) {
	sim := crmtest.New(crmtest.Options{})
	defer sim.Close()
	srv := httptest.NewServer(sim)
	defer srv.Close()
	p := &portal{t: t, Simulator: sim, client: srv.Client()}

	for _, name := range []string{"create-personal-key.sh", "create-oauth-app.sh", "create-personal-key.js", "create-oauth-app.js"} {
		t.Run(name, func(t *testing.T) {
			read := curlRequest
			if filepath.Ext(name) == ".js" {
				read = fetchRequest
			}
			req := read(t, example(t, name), srv.URL)
			if got := req.Header.Get("Authorization") != ""; got != strings.Contains(name, "oauth") {
				t.Fatalf("the example's headers are read wrongly: %v", req.Header)
			}
			wantIvan(t, p.send(req).want(t, http.StatusCreated, ""))
		})
	}
	if got := sim.Count(); got != 4 {
		t.Errorf("%d contacts, want 4", got)
	}
}

// wantIvan compares an answer with the documented one: same fields, same values save
// the id, the times and the source, which the portal gives.
func wantIvan(t *testing.T, r reply) {
	t.Helper()
	var want Reply
	if err := json.Unmarshal([]byte(example(t, "create-answer.json")), &want); err != nil {
		t.Fatal(err)
	}
	documented, got := reply{Reply: want}.object(t), r.object(t)
	for name, value := range documented {
		given, ok := got[name]
		switch name {
		case "id":
			if id, isNumber := given.(float64); !isNumber || id < 1 {
				t.Errorf("id is %v, want a number from 1", given)
			}
		case "createdTime", "updatedTime":
			if text, _ := given.(string); !strings.HasSuffix(text, "+03:00") {
				t.Errorf("%s is %v, want a time with its zone", name, given)
			} else if _, err := time.Parse(time.RFC3339, text); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		default:
			if diff := cmp.Diff(value, given); diff != "" || !ok {
				t.Errorf("%s differs (-documented +got):\n%s", name, diff)
			}
		}
	}
}

func TestDocumentedTypedValues(t *testing.T) {
	bubble(t, crmtest.Options{}, func(p *portal) {
		t := p.t
		p.create(example(t, "create-typed-values.json"))
		c := p.Contacts()[0]
		wantPhones := []crmtest.Multifield{{Value: "+79161234567", TypeID: "WORK"}, {Value: "+79161112233", TypeID: "MOBILE"}}
		wantEmails := []crmtest.Multifield{{Value: "work@company.ru", TypeID: "WORK"}, {Value: "personal@me.ru", TypeID: "HOME"}}
		if diff := cmp.Diff(wantPhones, c.Phones()); diff != "" {
			t.Errorf("phones differ (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(wantEmails, c.Emails()); diff != "" {
			t.Errorf("e-mails differ (-want +got):\n%s", diff)
		}
	})
}

func TestDocumentedScopeError(t *testing.T) {
	bubble(t, crmtest.Options{NoScope: true}, func(p *portal) {
		t := p.t
		r := p.do("POST /v1/contacts", `{"name":"Ivan"}`).want(t, http.StatusForbidden, "SCOPE_DENIED")
		var got, want any
		if err := json.Unmarshal([]byte(example(t, "scope-denied.json")), &want); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal([]byte(r.text), &got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("the error differs (-documented +got):\n%s", diff)
		}
	})
}
