package main

import (
	"bufio"
	"encoding/json"
	"net/http"
	"strings"
	"syscall"
	"testing"

	"github.com/leadbridge/leadbridge/crmclient/crmtest"
)

const pageToken = "a-token-for-people-0123"

// pageOf gives the address of the page of a started service.
func pageOf(t *testing.T, s server) string {
	t.Helper()
	for text := range strings.SplitSeq(s.stderr(), "\n") {
		var line struct{ Msg, Admin string }
		if json.Unmarshal([]byte(text), &line) == nil && line.Msg == "started" && line.Admin != "" {
			return "http://" + line.Admin
		}
	}
	t.Fatalf("no page:\n%s", s.stderr())
	return ""
}

// askPage makes one request for the page's API.
func askPage(t *testing.T, url string) *http.Response {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+pageToken)
	res, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { res.Body.Close() })
	return res
}

// TestPageOfARunningService looks at a service by its page while it delivers, and while it
// stops: an open stream does not hold it up.
func TestPageOfARunningService(t *testing.T) {
	t.Parallel()
	r := newRig(t, crmtest.Options{}, "leads", "leads.dlt")
	s := startService(t, r.env(map[string]string{"ADMIN_ADDR": "127.0.0.1:0", "ADMIN_TOKEN": pageToken}))
	r.produce(t, `{"name":"Anna","email":"anna@example.com"}`, `{"name":"Boris"}`)
	eventually(t, "two records committed", func() bool { return r.committed() == 2 })
	page := pageOf(t, s)

	var state struct {
		State        string
		CreatedToday struct{ Count float64 }
		Partitions   []struct{ Owner string }
		Budget       struct {
			Uses []struct {
				Use   string
				Total float64
			}
		}
	}
	res := askPage(t, page+"/api/state")
	if err := json.NewDecoder(res.Body).Decode(&state); err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("%d %v", res.StatusCode, err)
	}
	if state.State != "delivering" || state.CreatedToday.Count != 1 || len(state.Partitions) != 2 || state.Partitions[0].Owner != "this" {
		t.Errorf("state %+v, want delivering, one created, two partitions of this process", state)
	}
	if uses := state.Budget.Uses; len(uses) != 4 || uses[0].Use != "create" || uses[0].Total != 1 {
		t.Errorf("budget %+v, want one request for creates", state.Budget)
	}

	stream := bufio.NewScanner(askPage(t, page+"/api/live").Body)
	next := func() string {
		for stream.Scan() {
			if event, ok := strings.CutPrefix(stream.Text(), "event: "); ok {
				return event
			}
		}
		return ""
	}
	if first, second, third := next(), next(), next(); first != "history" || second != "state" || third == "" {
		t.Errorf("the stream begins with %q, %q, %q", first, second, third)
	}
	s.signal(t, syscall.SIGTERM)
	for next() != "" { // until the stream ends
	}
	if code := s.exit(t); code != 0 {
		t.Errorf("exit %d with an open stream", code)
	}
}

// TestHistoryOfAStoppedService stops a service; the page of the next one shows what it did, and that it is gone.
func TestHistoryOfAStoppedService(t *testing.T) {
	t.Parallel()
	r := newRig(t, crmtest.Options{}, "leads", "leads.dlt", "leads.state")
	env := map[string]string{"ADMIN_ADDR": "127.0.0.1:0", "ADMIN_TOKEN": pageToken, "KAFKA_STATE_TOPIC": "leads.state"}
	first := startService(t, r.env(env))
	r.produce(t, `{"name":"Anna","email":"anna@example.com"}`, `{"name":"Boris"}`)
	eventually(t, "two records committed", func() bool { return r.committed() == 2 })
	first.signal(t, syscall.SIGTERM) // what it did is written at its end
	if code := first.exit(t); code != 0 {
		t.Fatalf("exit %d", code)
	}
	page := pageOf(t, startService(t, r.env(env)))
	var past struct {
		Totals struct{ Created, Letters int }
		Error  string
	}
	var state struct {
		Replicas struct {
			List []struct {
				Host, State, Version string
				Gone                 bool
			}
		}
	}
	for path, into := range map[string]any{"/api/history?range=30d": &past, "/api/state": &state} {
		res := askPage(t, page+path)
		if err := json.NewDecoder(res.Body).Decode(into); err != nil || res.StatusCode != http.StatusOK {
			t.Fatalf("%s: %d %v", path, res.StatusCode, err)
		}
	}
	if past.Totals.Created != 1 || past.Totals.Letters != 1 || past.Error != "" {
		t.Errorf("%+v, want one contact and one letter", past)
	}
	if all := state.Replicas.List; len(all) != 1 || all[0].Host == "" || !all[0].Gone || all[0].State != "stopped" || all[0].Version == "" {
		t.Errorf("replicas %+v, want the one that stopped", all)
	}
}
