package crmclient_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/leadbridge/leadbridge/crmclient"
	"github.com/leadbridge/leadbridge/crmclient/crmtest"
)

// After 429 for a batch nothing was applied: its events are sent again, and none is in doubt.
func TestThrottledBatch(t *testing.T) {
	inBubble(t, slowPortal(), oneSlot, func(w *world) {
		w.firstBatchOnly(crmtest.Action{Status: 429, Code: "RATE_LIMITED", RetryAfter: 30})
		all := w.together(0, 30)
		later(time.Second)
		w.wantHolds("throttle")
		for n, e := range w.wantCreated(all) {
			if e.took < 30*time.Second || e.took > 34*time.Second { // a tenth more by chance, and two requests
				t.Errorf("event %d: %+v", n, e)
			}
		}
		if n := w.sim.Stats().Lookups; n != 0 {
			t.Errorf("%d look-ups", n)
		}
		w.wantContacts(31)
		w.wantHolds("")
	})
}

// When the key is refused, batches are held like single creates, and probes are single creates.
func TestCredentialsHoldABatch(t *testing.T) {
	for name, a := range map[string]crmtest.Action{
		"401": {Status: 401, Code: "KEY_EXPIRED"},
		"402": {Status: 402, Code: "BILLING_REQUIRED"},
		"403": {Status: 403, Code: "SCOPE_DENIED"},
		"404": {Status: 404, Body: "<html>"},
		"405": {Status: 405, Code: "METHOD_NOT_ALLOWED"},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, slowPortal(), oneSlot, func(w *world) {
				all := w.together(0, 30)
				w.sim.Script(func(crmtest.Call) crmtest.Action { return a })
				later(time.Hour)
				w.wantHolds("credentials")
				if n := w.sim.Stats().Requests[batchPath+" "+name]; n > 2 { // a half is tried at once, as another event's create had passed
					t.Errorf("%d batches while held", n)
				}
				w.sim.Script(nil)
				w.wantCreated(all)
				w.wantHolds("")
				want := 0
				if name == "404" || name == "405" { // a batch that meets it alone cannot tell
					want = 1
				}
				if n := w.logs.count("offers no batches"); n != want {
					t.Errorf("batches given up %d times, want %d", n, want)
				}
				later(time.Minute) // at the latest then batches are tried again
				w.wantCreated(w.together(100, 130))
				if n := w.sim.Stats().Batches; n == 0 {
					t.Error("no batch after the hold")
				}
			})
		})
	}
}

// A portal without /v1/batch gets singles, the log says so once, and batches are tried again each
// minute: they come back by themselves.
func TestNoBatchIsTriedAgainEachMinute(t *testing.T) {
	o := slowPortal()
	o.NoBatch = true
	inBubble(t, o, oneSlot, func(w *world) {
		w.wantCreated(w.together(0, 100))
		s := w.sim.Stats()
		if n := s.Requests[batchPath+" 404"]; n != 1 {
			t.Errorf("%d batches were tried", n)
		}
		if n := w.logs.count(`"warn"`, "offers no batches"); n != 1 || s.Lookups != 0 {
			t.Errorf("logged %d times, %d look-ups", n, s.Lookups)
		}
		w.wantContacts(101)
		w.wantHolds("")

		w.sim.Update(func(o *crmtest.Options) { o.NoBatch = false })
		later(time.Minute)
		w.sim.Reset()
		w.wantCreated(w.together(200, 250))
		if n := w.sim.Stats().Batches; n != 1 {
			t.Errorf("%d batches", n)
		}
	})
}

// The events of a batch that the portal does not offer were not sent: a caller that gives up then is not unsettled.
func TestCallerLeavesAfterNoBatch(t *testing.T) {
	o := slowPortal()
	o.NoBatch = true
	inBubble(t, o, oneSlot, func(w *world) {
		w.plug()
		single := map[int]bool{} // events that left alone; in which order is not said
		w.script(createCall, func(_ int, c crmtest.Call) crmtest.Action {
			for n := range 10 {
				single[n] = single[n] || concerns(c, n)
			}
			return crmtest.Action{}
		})
		var all []<-chan ended
		var cancels []context.CancelFunc
		for n := range 10 {
			ctx, cancel := context.WithCancel(w.t.Context())
			cancels = append(cancels, cancel)
			all = append(all, w.start(ctx, lead(n)))
		}
		later(250 * time.Millisecond) // the batch has failed, and singles are on their way
		left := 0
		for single[left] {
			left++
		}
		cancels[left]()
		if e := <-all[left]; !errors.Is(e.err, context.Canceled) || e.result.Unsettled || e.result.Attempts != 1 {
			t.Errorf("left: %+v", e)
		}
		w.wantCreated(slices.Delete(all, left, left+1))
		w.wantContacts(10)
		for _, cancel := range cancels {
			cancel()
		}
	})
}

// In an outage batches are held, no event is charged, single creates probe, and afterwards batches are sent again.
func TestOutageOfBatches(t *testing.T) {
	inBubble(t, slowPortal(), oneSlot, func(w *world) {
		all := w.together(0, 120)
		w.sim.Script(func(crmtest.Call) crmtest.Action { return crmtest.Action{Status: 502, Code: "BITRIX_UNAVAILABLE"} })
		later(3 * time.Hour)
		w.wantHolds("outage")
		if n := w.sim.Stats().Requests[batchPath+" 502"]; n != 1 {
			t.Errorf("%d batches in the outage, want the one that met it", n)
		}
		w.sim.Script(nil)
		w.wantCreated(all)
		w.wantContacts(121)
		w.wantHolds("")
		if n := w.sim.Stats().Batches; n < 2 || n > 10 {
			t.Errorf("%d batches after the outage", n)
		}
	})
}

// When the portal gets a new mandatory field, as many letters are written as the limit says, whatever the size of batches.
func TestFloodOfBatches(t *testing.T) {
	inBubble(t, slowPortal(), func(c *crmclient.Config) { oneSlot(c); c.FloodLimit = 10 }, func(w *world) {
		w.plug()
		w.setFaults(crmtest.Faults{Mandatory: []string{"post"}})
		var all []<-chan ended
		for n := range 120 {
			all = append(all, w.start(w.t.Context(), lead(n)))
		}
		later(6 * time.Hour)
		w.wantHolds("flood")
		w.setFaults(crmtest.Faults{})
		refused := 0
		for _, done := range all {
			e := <-done
			if rejection(e.err) != nil {
				refused++
			} else if e.err != nil {
				t.Errorf("Create = %+v", e)
			}
		}
		if refused < 10 || refused > 11 { // the first of all may have met it too
			t.Errorf("%d letters, want 10", refused)
		}
		w.wantHolds("")
	})
}

// If the answer for a contact in a batch lacks our id, nothing more is created, as after a single create.
func TestBatchDoesNotKeepOurID(t *testing.T) {
	o := slowPortal()
	inBubble(t, o, oneSlot, func(w *world) {
		w.script(batchPath, func(n int, c crmtest.Call) crmtest.Action {
			if n > 1 {
				return crmtest.Action{}
			}
			results := map[string]any{}
			for i := range calls(t, c) {
				results[string(rune('0'+i))] = map[string]any{"id": 1000 + i}
			}
			body, _ := json.Marshal(map[string]any{"success": true, "data": map[string]any{"results": results}})
			return crmtest.Action{Apply: crmtest.Now, Status: 200, Body: string(body)}
		})
		w.wantCreated(w.together(0, 10))
		later(time.Minute)
		w.mustCreate(lead(10))
		w.wantHolds("")
		if n := w.logs.count("without repeating it"); n != 1 {
			t.Errorf("terse answers were noticed %d times", n)
		}
		w.wantContacts(12)
	})
}

// If one item of a look-up by tags fails, only the event of that item waits.
func TestItemOfALookUpHoldsNobody(t *testing.T) {
	o := slowPortal()
	o.ExistingUserField = false
	inBubble(t, o, oneSlot, func(w *world) {
		for n := range 10 {
			w.mustCreate(lead(n))
		}
		w.script(batchPath, func(n int, _ crmtest.Call) crmtest.Action {
			if n <= 3 {
				return crmtest.Action{Items: map[string]crmtest.ItemError{"0": {Code: "SCOPE_NOT_ALLOWED"}}}
			}
			return crmtest.Action{}
		})
		var all []<-chan ended
		for n := range 10 {
			all = append(all, w.start(w.t.Context(), suspect(n)))
		}
		later(200 * time.Millisecond)
		w.wantHolds("")
		for n, e := range w.wantCreated(all) {
			if !e.result.Found || e.took > time.Minute {
				t.Errorf("event %d: %+v", n, e)
			}
		}
		if n := w.logs.count("CRM held"); n != 0 {
			t.Errorf("held %d times", n)
		}
	})
}
