package crmclient_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/leadbridge/leadbridge/crmclient"
	"github.com/leadbridge/leadbridge/crmclient/crmtest"
)

// find looks an event up for at most a minute.
func (w *world) find(r crmclient.Request) (int64, error) {
	ctx, cancel := context.WithTimeout(w.t.Context(), time.Minute)
	defer cancel()
	return w.creator.Find(ctx, r)
}

// TestFind looks up contacts that exist and contacts that do not, for each way in which contacts carry ids.
func TestFind(t *testing.T) {
	for name, c := range map[string]struct {
		portal crmtest.Options
		change func(*crmclient.Config)
	}{
		"native field": {crmtest.Options{NativeOriginID: true}, nil},
		"user field":   {portalWithField(), nil},
		"tag":          {crmtest.Options{}, func(c *crmclient.Config) { c.OriginField = "none" }},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, c.portal, c.change, func(w *world) {
				made := w.mustCreate(lead(1)).result.ContactID
				if id, err := w.find(lead(1)); id != made || err != nil {
					t.Errorf("found %d, %v, want %d", id, err, made)
				}
				if id, err := w.find(lead(2)); id != 0 || err != nil {
					t.Errorf("what is not there: %d, %v", id, err)
				}
				w.wantContacts(1)
				// Another process, which has not asked the portal what it is yet.
				fresh := w.newCreator(func(cfg *crmclient.Config) {
					cfg.Metrics = nil
					if c.change != nil {
						c.change(cfg)
					}
				})
				defer fresh.Close()
				if id, err := fresh.Find(w.t.Context(), lead(1)); id != made || err != nil {
					t.Errorf("another process found %d, %v, want %d", id, err, made)
				}
			})
		})
	}
}

// TestFindTakesNoErrorForAnAnswer asks a portal that fails: it is told that nothing is known, and
// what it says later counts.
func TestFindTakesNoErrorForAnAnswer(t *testing.T) {
	for name, bad := range map[string]crmtest.Action{
		"outage": {Status: 502, Code: "BITRIX_UNAVAILABLE"}, "key": {Status: 401, Code: "KEY_EXPIRED"}, "throttle": {Status: 429, Code: "RATE_LIMITED"},
		"unknown": {Status: 418}, "not found": {Status: 404},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, portalWithField(), nil, func(w *world) {
				made := w.mustCreate(lead(1)).result.ContactID
				w.script(searchCall, func(int, crmtest.Call) crmtest.Action { return bad })
				if id, err := w.find(lead(1)); id != 0 || !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("Find = %d, %v, want the end of its time", id, err)
				}
				w.sim.Script(nil)
				later(2 * time.Minute)
				if id, err := w.find(lead(1)); id != made || err != nil {
					t.Errorf("afterwards: %d, %v, want %d", id, err, made)
				}
			})
		})
	}
}

// TestFindIsNoEvidence finds an old contact while every create fails: the hold stays.
func TestFindIsNoEvidence(t *testing.T) {
	inBubble(t, portalWithField(), nil, func(w *world) {
		w.mustCreate(lead(0))
		w.script(createCall, func(int, crmtest.Call) crmtest.Action { return crmtest.Action{Status: 500, Code: "INTERNAL_ERROR"} })
		ctx, cancel := context.WithCancel(w.t.Context())
		defer cancel()
		for n := range 30 {
			w.start(ctx, lead(n+1))
		}
		later(10 * time.Minute)
		w.wantHolds("outage")
		since := w.creator.Status().Holds[0].Since
		if id, err := w.creator.Find(ctx, lead(0)); id == 0 || err != nil {
			t.Fatalf("Find = %d, %v", id, err)
		}
		if holds := w.creator.Status().Holds; len(holds) != 1 || !holds[0].Since.Equal(since) {
			t.Errorf("the hold since %s became %+v", since, holds)
		}
		cancel()
	})
}

// TestBudgetUses: requests are counted by their use. A request for both replayed and other events is split.
func TestBudgetUses(t *testing.T) {
	inBubble(t, slowPortal(), oneSlot, func(w *world) {
		want := func(after string, create, lookUp, replay, setup float64) {
			t.Helper()
			later(0)
			for use, n := range map[string]float64{"create": create, "lookup": lookUp, "replay": replay, "setup": setup} {
				if got := w.metric("leadbridge_crm_budget_total", "use="+use); got < n-.001 || got > n+.001 {
					t.Errorf("after %s: %s %v, want %v", after, use, got, n)
				}
			}
		}
		want("nothing", 0, 0, 0, 0)
		if err := w.creator.Prepare(w.t.Context()); err != nil {
			t.Fatal(err)
		}
		setup := w.metric("leadbridge_crm_budget_total", "use=setup")
		if setup < 2 {
			t.Errorf("the set-up took %v requests", setup)
		}
		w.mustCreate(lead(0))
		want("one create", 1, 0, 0, setup)
		again := lead(1)
		again.Replayed = true
		w.mustCreate(again)
		want("one that was replayed", 1, 0, 1, setup)
		if _, err := w.find(lead(0)); err != nil {
			t.Fatal(err)
		}
		want("a look-up", 1, 1, 1, setup)
		again = suspect(0)
		again.Replayed = true
		w.mustCreate(again)
		want("a look-up of one that was replayed", 1, 1, 2, setup)
		w.plug()
		var all []<-chan ended
		for n := range 4 {
			r := lead(n + 10)
			r.Replayed = n == 0
			all = append(all, w.start(w.t.Context(), r))
		}
		w.wantCreated(all)
		want("a batch of four, one of them replayed", 2.75, 1, 2.25, setup)
		requests := w.metric("leadbridge_crm_requests_total")
		if sum := w.metric("leadbridge_crm_budget_total"); sum != requests {
			t.Errorf("the budget was spent on %v requests of %v", sum, requests)
		}
	})
}
