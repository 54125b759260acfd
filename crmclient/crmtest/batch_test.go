package crmtest_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leadbridge/leadbridge/crmclient/crmtest"
)

// batchReply is the data of a batch's answer.
type batchReply struct {
	Results map[string]json.RawMessage
	Errors  map[string]struct{ Code, Message string }
	Summary struct{ Total, Succeeded, Failed int }
	Totals  map[string]int
	Meta    map[string]struct {
		Total, Returned    int
		HasMore, Truncated bool
	}
}

func (r reply) batch(t *testing.T) batchReply {
	t.Helper()
	var b batchReply
	if err := json.Unmarshal(r.Data, &b); err != nil {
		t.Fatalf("data is not a batch: %v: %s", err, r.text)
	}
	return b
}

// call is one call of a batch.
func call(id, action, params string) string {
	return fmt.Sprintf(`{"id":%q,"entity":"contacts","action":%q,"params":%s}`, id, action, params)
}

func calls(list ...string) string { return `{"calls":[` + strings.Join(list, ",") + `]}` }

// creates is a batch of n creates, k0 and so on.
func creates(n int) string {
	list := make([]string, n)
	for i := range list {
		list[i] = call(fmt.Sprintf("k%d", i), "create", fmt.Sprintf(`{"name":"n%d"}`, i))
	}
	return calls(list...)
}

func TestBatch(t *testing.T) {
	bubble(t, crmtest.Options{ExistingUserField: true}, func(p *portal) {
		t := p.t
		p.create(`{"name":"first","ufCrm_LEADBRIDGE_EVENT_ID":"e-1"}`)
		r := p.do("POST /v1/batch", calls(
			call("new", "create", `{"name":"second"}`),
			call("bad", "create", `{"name":1}`),
			call("rows", "list", `{"filter":{"ufCrm_LEADBRIDGE_EVENT_ID":{"$in":["e-1"]}},"select":["id"],"limit":50}`),
			call("found", "search", `{"limit":1,"select":["id"]}`),
			call("one", "get", `{"id":1}`),
			call("changed", "update", `{"id":1,"post":"Boss"}`),
			call("gone", "delete", `{"id":2}`),
			call("none", "get", `{"id":2}`),
			call("fields", "fields", `{}`),
			call("odd", "explode", `{}`),
			`{"id":"other","entity":"companies","action":"list"}`,
		)).want(t, http.StatusOK, "")
		b := r.batch(t)
		wantErrors := map[string]string{"bad": "INVALID_REQUEST", "none": "NOT_FOUND", "odd": "INVALID_PARAMS", "other": "INVALID_PARAMS"}
		gotErrors := map[string]string{}
		for id, e := range b.Errors {
			gotErrors[id] = e.Code
		}
		if diff := cmp.Diff(wantErrors, gotErrors); diff != "" {
			t.Errorf("errors differ (-want +got):\n%s", diff)
		}
		wantResults := map[string]bool{"new": true, "rows": true, "found": true, "one": true, "changed": true, "gone": true, "fields": true}
		if diff := cmp.Diff(wantResults, keys(b.Results)); diff != "" {
			t.Errorf("results differ (-want +got):\n%s", diff)
		}
		if b.Summary.Total != 11 || b.Summary.Succeeded != 7 || b.Summary.Failed != 4 {
			t.Errorf("summary %+v", b.Summary)
		}
		if got := string(b.Results["rows"]); got != `[{"id":1}]` {
			t.Errorf("rows are %s", got)
		}
		if b.Totals["rows"] != 1 || b.Totals["found"] != 2 || b.Meta["found"].Returned != 1 || !b.Meta["found"].HasMore || b.Meta["rows"].HasMore {
			t.Errorf("totals %v, meta %+v", b.Totals, b.Meta)
		}
		if got := p.Contacts(); len(got) != 1 || got[0].Text("post") != "Boss" {
			t.Errorf("held: %v", got)
		}
	})
}

func TestBatchWithoutAValidCall(t *testing.T) {
	bubble(t, crmtest.Options{}, func(p *portal) {
		t := p.t
		r := p.do("POST /v1/batch", calls(
			call("a", "create", `{"name":1}`),
			call("b", "create", `{"phone":[{"VALUE":"+71","VALUE_TYPE":"WORK"}]}`),
		)).want(t, http.StatusBadRequest, "INVALID_REQUEST")
		b := r.batch(t)
		if b.Errors["a"].Code != "INVALID_REQUEST" || b.Errors["b"].Code != "INVALID_MULTIFIELD_SHAPE" {
			t.Errorf("errors %+v", b.Errors)
		}
		if s := p.Stats(); s.PortalRequests != 0 || s.Batches != 0 {
			t.Errorf("the portal saw it: %+v", s)
		}
	})
}

func TestBadBatches(t *testing.T) {
	good := call("a", "create", `{}`)
	for name, body := range map[string]string{
		"no calls":    `{}`,
		"empty":       calls(),
		"51 calls":    creates(51),
		"no id":       calls(call("", "create", `{}`)),
		"long id":     calls(call(strings.Repeat("x", 65), "create", `{}`)),
		"repeated id": calls(good, good),
		"no object":   `{"calls":[1]}`,
		"no JSON":     `{"calls":`,
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, crmtest.Options{}, func(p *portal) {
				t := p.t
				p.do("POST /v1/batch", body).want(t, http.StatusBadRequest, "INVALID_REQUEST")
				if p.Count() != 0 {
					t.Error("something was applied")
				}
			})
		})
	}
	bubble(t, crmtest.Options{}, func(p *portal) {
		t := p.t
		p.do("POST /v1/batch", calls(call(strings.Repeat("й", 64), "create", `{}`))).want(t, http.StatusOK, "")
		p.do("POST /v1/batch", creates(50)).want(t, http.StatusOK, "")
	})
}

// TestBatchRunsOneByOne looks at the portal in the middle of a batch.
func TestBatchRunsOneByOne(t *testing.T) {
	o := crmtest.Options{ServiceTime: 100 * time.Millisecond, ItemTime: 10 * time.Millisecond}
	bubble(t, o, func(p *portal) {
		t := p.t
		done := started(func() reply { return p.do("POST /v1/batch", creates(50)) })
		advance(100*time.Millisecond + 20*10*time.Millisecond + time.Millisecond)
		synctest.Wait()
		if got := p.Count(); got != 20 {
			t.Errorf("%d contacts after 20 item times, want 20", got)
		}
		(<-done).want(t, http.StatusOK, "")
	})
}

func TestUnitsOfABatch(t *testing.T) {
	list50 := func(i int) string { return call(fmt.Sprint("l", i), "list", `{"limit":50}`) }
	search := func(i int) string { return call(fmt.Sprint("s", i), "search", `{}`) }
	for name, test := range map[string]struct {
		body  string
		units int
	}{
		"creates":             {creates(50), 1},
		"lists of one page":   {calls(list50(1), list50(2), list50(3)), 1},
		"a list of two pages": {calls(list50(1), call("l", "list", `{"limit":51}`)), 3},
		"searches":            {calls(search(1), search(2), list50(1)), 3},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, crmtest.Options{PerMinute: 300}, func(p *portal) {
				t := p.t
				r := p.do("POST /v1/batch", test.body).want(t, http.StatusOK, "")
				if got := p.Stats().PortalRequests; got != test.units {
					t.Errorf("%d portal requests, want %d", got, test.units)
				}
				if got := r.header.Get("X-RateLimit-Remaining"); got != "299" {
					t.Errorf("%s requests remain, want 299", got)
				}
			})
		})
	}
}
