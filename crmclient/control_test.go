package crmclient_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/leadbridge/leadbridge/crmclient/crmtest"
)

// The key may not see the first control any more: neither look-ups nor its own id show it.
func TestControlThatTheKeyMayNotSee(t *testing.T) {
	for _, act := range []crmtest.Action{
		{Status: 403, Code: "ACCESS_DENIED"}, {Status: 500, Code: "INTERNAL_ERROR"}, {Status: 400, Code: "INVALID_REQUEST"}, {Status: 422, Code: "BITRIX_ERROR"},
	} {
		t.Run(fmt.Sprint(act.Status), func(t *testing.T) {
			overWays(t, func(w *world, k kindOfWay) {
				for n := range 3 {
					w.mustCreate(k.event(n))
				}
				first := w.sim.Records(k.entity)[0].ID
				w.sim.DeleteIn(k.entity, first)
				w.sim.Script(func(c crmtest.Call) crmtest.Action {
					if c.Is(fmt.Sprintf("GET /v1/%s/%d", k.entity, first)) {
						return act
					}
					return crmtest.Action{}
				})
				later(time.Minute)
				before := w.sim.Stats().Calls
				done := w.start(w.t.Context(), k.suspect(20))
				later(10 * time.Minute)
				if len(done) == 0 {
					w.t.Fatalf("still waits after ten minutes and %d requests, holds %+v", w.sim.Stats().Calls-before, w.creator.Status().Holds)
				}
				if e := <-done; e.err != nil || e.took > 30*time.Second {
					w.t.Errorf("Create = %+v", e)
				}
			})
		})
	}
}

// The look-up of a control fails alone, as an item of its batch.
func TestControlWhoseItemFails(t *testing.T) {
	inBubble(t, crmtest.Options{}, nil, func(w *world) {
		for n := range 3 {
			w.mustCreate(lead(n))
		}
		later(time.Minute)
		w.sim.Script(func(c crmtest.Call) crmtest.Action {
			if c.Is(batchPath) && strings.Contains(string(c.Body), `"list"`) {
				return crmtest.Action{Items: map[string]crmtest.ItemError{"1": {Code: "INTERNAL_ERROR", Skip: true}}}
			}
			return crmtest.Action{}
		})
		before := w.sim.Stats().Calls
		done := w.start(w.t.Context(), suspect(20))
		later(2 * time.Minute)
		t.Logf("%d requests in two minutes, ended %d", w.sim.Stats().Calls-before, len(done))
		if n := w.sim.Stats().Calls - before; n > 60 {
			t.Errorf("%d requests in two minutes", n)
		}
		w.sim.Script(nil)
		<-done
	})
}

// The first eight objects are found by nobody, as somebody changed what they are looked up by: later ones are.
func TestControlsThatWereChanged(t *testing.T) {
	inBubble(t, crmtest.Options{}, nil, func(w *world) {
		for n := range 8 {
			w.mustCreate(lead(n))
		}
		for _, r := range w.sim.Records(crmtest.Contacts) {
			w.patch(r.ID, `{"phone":[{"value":"+74950000000","typeId":"WORK"}]}`)
		}
		for n := range 10 {
			w.mustCreate(lead(100 + n))
			later(time.Minute)
		}
		done := w.start(w.t.Context(), suspect(20))
		for n := range 60 {
			w.mustCreate(lead(200 + n))
			later(10 * time.Second)
		}
		if len(done) == 0 {
			t.Fatalf("still waits after ten minutes, holds %+v", w.creator.Status().Holds)
		}
		if e := <-done; e.err != nil || e.took > 2*time.Minute {
			t.Errorf("Create = %+v", e)
		}
	})
}

// patch changes a contact, as somebody in the portal does.
func (w *world) patch(id int64, body string) {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), http.MethodPatch, fmt.Sprintf("%s/v1/contacts/%d", w.server.URL, id), strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	r.Header.Set("X-Api-Key", goodKey)
	r.Header.Set("Content-Type", "application/json")
	client := w.server.Client()
	defer client.CloseIdleConnections()
	res, err := client.Do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		w.t.Fatalf("PATCH = %s", res.Status)
	}
}
