package crmtest_test

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/leadbridge/leadbridge/crmclient/crmtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// portal is a simulator behind a server, and a client of it.
type portal struct {
	t *testing.T
	*crmtest.Simulator
	server *crmtest.Server
	client *http.Client
	key    string
}

// bubble runs a test with a portal in a synctest bubble.
func bubble(t *testing.T, o crmtest.Options, test func(p *portal)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		sim := crmtest.New(o)
		p := &portal{t: t, Simulator: sim, server: crmtest.Serve(sim), key: "vibe_api_1"}
		p.client = p.server.Client()
		defer func() {
			p.client.CloseIdleConnections()
			p.server.Close()
		}()
		test(p)
	})
}

// reply is an answer to a test's request.
type reply struct {
	status int
	header http.Header
	text   string
	err    error
	Reply
}

// Reply is the JSON of an answer.
type Reply struct {
	Success bool            `json:"success"`
	Data    json.RawMessage `json:"data"`
	Meta    struct {
		Total   int  `json:"total"`
		HasMore bool `json:"hasMore"`
	} `json:"meta"`
	Error struct {
		Code       string `json:"code"`
		Message    string `json:"message"`
		RetryAfter int    `json:"retryAfter"`
	} `json:"error"`
}

// do sends one request, "POST /v1/contacts", with further headers as "Name: value".
func (p *portal) do(methodPath, body string, headers ...string) reply {
	p.t.Helper()
	method, path, _ := strings.Cut(methodPath, " ")
	req, err := http.NewRequestWithContext(p.t.Context(), method, p.server.URL+path, strings.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	if p.key != "" {
		req.Header.Set("X-Api-Key", p.key)
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		req.Header.Set(name, value)
	}
	return p.send(req)
}

func (p *portal) send(req *http.Request) reply {
	p.t.Helper()
	resp, err := p.client.Do(req)
	if err != nil {
		return reply{err: err}
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	r := reply{status: resp.StatusCode, header: resp.Header, text: string(b), err: err}
	if strings.HasPrefix(resp.Header.Get("Content-Type"), "application/json") && err == nil {
		if err := json.Unmarshal(b, &r.Reply); err != nil {
			p.t.Errorf("answer is not JSON: %v: %s", err, b)
		}
	}
	return r
}

// want fails the test unless the answer has that status and error code.
func (r reply) want(t *testing.T, status int, code string) reply {
	t.Helper()
	if r.err != nil || r.status != status || r.Error.Code != code || r.Success != (status < 300) {
		t.Fatalf("got %d %q (%v) %s, want %d %q", r.status, r.Error.Code, r.err, r.text, status, code)
	}
	return r
}

// wantStatus fails the test unless the answer, of whatever shape, has that status.
func (r reply) wantStatus(t *testing.T, status int) reply {
	t.Helper()
	if r.err != nil || r.status != status {
		t.Fatalf("got %d (%v) %s, want %d", r.status, r.err, r.text, status)
	}
	return r
}

// object returns the data of the answer.
func (r reply) object(t *testing.T) map[string]any {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal(r.Data, &m); err != nil {
		t.Fatalf("data is not an object: %s", r.text)
	}
	return m
}

// ids returns the ids of the rows in the answer.
func (r reply) ids(t *testing.T) []int {
	t.Helper()
	var rows []struct{ ID int }
	if err := json.Unmarshal(r.Data, &rows); err != nil {
		t.Fatalf("data is not an array of rows: %s", r.text)
	}
	ids := make([]int, len(rows))
	for i, row := range rows {
		ids[i] = row.ID
	}
	return ids
}

// create makes a contact over HTTP and returns its data.
func (p *portal) create(body string) map[string]any {
	p.t.Helper()
	return p.do("POST /v1/contacts", body).want(p.t, http.StatusCreated, "").object(p.t)
}

// started runs f in a goroutine, which sends f's answer to the channel.
func started(f func() reply) <-chan reply {
	c := make(chan reply, 1)
	go func() { c <- f() }()
	return c
}

// advance lets some time pass on the bubble's clock.
func advance(d time.Duration) { <-time.After(d) }

// waited returns how long f takes by the bubble's clock.
func waited(f func()) time.Duration {
	began := time.Now()
	f()
	return time.Since(began)
}

// scripted gives the calls, one after another, the actions. Further calls are answered normally.
func (p *portal) scripted(actions ...crmtest.Action) {
	p.Script(func(crmtest.Call) crmtest.Action {
		if len(actions) == 0 {
			return crmtest.Action{}
		}
		a := actions[0]
		actions = actions[1:]
		return a
	})
}

func keys[V any](m map[string]V) map[string]bool {
	out := map[string]bool{}
	for k := range maps.Keys(m) {
		out[k] = true
	}
	return out
}
