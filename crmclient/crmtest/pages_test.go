package crmtest_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/leadbridge/leadbridge/crmclient/crmtest"
)

// held is the answer of GET /_sim/contacts.
func (p *portal) held(query string) (total int, ids []int) {
	p.t.Helper()
	var h struct {
		Total    int
		Contacts []struct{ ID int }
	}
	r := p.do("GET /_sim/contacts"+query, "").wantStatus(p.t, http.StatusOK)
	if err := json.Unmarshal([]byte(r.text), &h); err != nil {
		p.t.Fatalf("%v: %s", err, r.text)
	}
	ids = []int{}
	for _, c := range h.Contacts {
		ids = append(ids, c.ID)
	}
	return h.Total, ids
}

func TestOwnPage(t *testing.T) {
	bubble(t, crmtest.Options{}, func(p *portal) {
		t := p.t
		p.create(`{"name":"<script>alert(1)</script>","phone":"+79161234567","email":"ivan@company.ru"}`)
		p.set("hang=0.25")
		p.key = ""
		r := p.do("GET /", "").wantStatus(t, http.StatusOK)
		for _, want := range []string{"1 contacts", "79161234567 WORK", "ivan@company.ru", "&lt;script&gt;alert(1)", "POST /v1/contacts 201", "0.25"} {
			if !strings.Contains(r.text, want) {
				t.Errorf("the page lacks %q", want)
			}
		}
		for _, bad := range []string{"<script", "http://", "https://"} {
			if strings.Contains(r.text, bad) {
				t.Errorf("the page has %q", bad)
			}
		}
	})
}

// The simulator's own list tells when a contact was made in full; answers of the CRM tell
// whole seconds, as documented.
func TestOwnContactsTellFullTimes(t *testing.T) {
	bubble(t, crmtest.Options{}, func(p *portal) {
		t := p.t
		advance(1_234_567_891 * time.Nanosecond)
		made := p.create(`{"name":"A"}`)
		r := p.do("GET /_sim/contacts", "").wantStatus(t, http.StatusOK)
		for _, name := range []string{"createdTime", "updatedTime"} {
			if want := `"` + name + `":"2000-01-01T03:00:01.234567891+03:00"`; !strings.Contains(r.text, want) {
				t.Errorf("%s lacks %s", r.text, want)
			}
			if got := made[name]; got != "2000-01-01T03:00:01+03:00" {
				t.Errorf("the CRM answers %s %v", name, got)
			}
		}
	})
}

func TestOwnContacts(t *testing.T) {
	bubble(t, crmtest.Options{NativeOriginID: true, PerMinute: 1}, func(p *portal) {
		t := p.t
		for i := range 250 {
			if _, err := p.Create(fmt.Sprintf(`{"originId":"o-%d"}`, i)); err != nil {
				t.Fatal(err)
			}
		}
		p.key = ""                                  // neither keys nor limits matter
		for query, want := range map[string][2]int{ // first id, number of rows
			"": {1, 100}, "?limit=10": {1, 10}, "?offset=245": {246, 5}, "?all=1": {1, 250}, "?origin=o-7": {8, 1}, "?offset=200&limit=20": {201, 20},
		} {
			total, ids := p.held(query)
			if len(ids) != want[1] || ids[0] != want[0] || total != 250 && query != "?origin=o-7" {
				t.Errorf("%s: %d rows from %v, total %d", query, len(ids), ids[:1], total)
			}
		}
		if total, ids := p.held("?offset=999"); total != 250 || len(ids) != 0 {
			t.Errorf("beyond the end: %v of %d", ids, total)
		}
		p.do("DELETE /_sim/contacts", "").wantStatus(t, http.StatusNoContent)
		if total, _ := p.held(""); total != 0 || p.Count() != 0 || p.Stats().Calls != 0 {
			t.Errorf("%d contacts after a reset", total)
		}
	})
}

func TestOwnStatsAndFaults(t *testing.T) {
	bubble(t, crmtest.Options{}, func(p *portal) {
		t := p.t
		p.create(`{}`)
		p.do("POST /v1/batch", calls(call("a", "create", `{}`), call("b", "list", `{}`))).want(t, 200, "")
		p.do("GET /v1/contacts/17", "").want(t, 404, "NOT_FOUND")
		p.do("GET /v1/me/and/more", "").want(t, 404, "NOT_FOUND")
		var s crmtest.Stats
		if err := json.Unmarshal([]byte(p.do("GET /_sim/stats", "").text), &s); err != nil {
			t.Fatal(err)
		}
		for key, want := range map[string]int{"POST /v1/contacts 201": 1, "POST /v1/batch 200": 1, "GET /v1/contacts/{id} 404": 1, "GET /v1/? 404": 1} {
			if s.Requests[key] != want {
				t.Errorf("%s: %d, want %d", key, s.Requests[key], want)
			}
		}
		if s.Calls != 4 || s.Contacts != 2 || s.Creates != 2 || s.Created != 2 || s.Batches != 1 || s.BatchCalls != 2 || s.Lookups != 1 {
			t.Errorf("stats %+v", s)
		}
		for _, text := range []string{"fail_before=1", `{"fail_before":1}`} {
			p.set("")
			p.do("PUT /_sim/faults", text).wantStatus(t, 200)
			if got := p.do("GET /_sim/faults", "").text; got != "{\"fail_before\":1}\n" {
				t.Errorf("faults are %s", got)
			}
			p.do("POST /v1/contacts", `{}`).want(t, 502, "BITRIX_UNAVAILABLE")
		}
		if r := p.do("PUT /_sim/faults", "nonsense=1").wantStatus(t, 400); !strings.Contains(r.text, "nonsense") {
			t.Errorf("the error is %q", r.text)
		}
		if got := p.Faults().FailBefore; got != 1 {
			t.Errorf("a bad text changed the faults: %v", got)
		}
		p.do("POST /_sim/faults", "").wantStatus(t, http.StatusMethodNotAllowed)
	})
}

// TestContactsReadBack has a test in another process hold the same contacts.
func TestContactsReadBack(t *testing.T) {
	sim := crmtest.New(crmtest.Options{NativeOriginID: true})
	defer sim.Close()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/v1/contacts",
		strings.NewReader(`{"name":"A \"B\"","originId":"lb-1","phone":[{"value":"+79160000001","typeId":"WORK"}],"email":[{"value":"a@example.com","typeId":"HOME"}]}`))
	r.Header.Set("X-Api-Key", "vibe_api_any")
	r.Header.Set("Content-Type", "application/json")
	sim.ServeHTTP(httptest.NewRecorder(), r)
	answer := httptest.NewRecorder()
	sim.ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/_sim/contacts?all=1", nil))
	var told struct{ Contacts []crmtest.Contact }
	if err := json.Unmarshal(answer.Body.Bytes(), &told); err != nil || len(told.Contacts) != 1 {
		t.Fatalf("%v: %s", err, answer.Body)
	}
	held, read := sim.Contacts()[0], told.Contacts[0]
	if read.ID != held.ID || !read.Created.Equal(held.Created) || read.OriginID() != "lb-1" || read.Text("name") != held.Text("name") ||
		!slices.Equal(read.Phones(), held.Phones()) || !slices.Equal(read.Emails(), held.Emails()) {
		t.Errorf("read %+v, held %+v", read, held)
	}
}
