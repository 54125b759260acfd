package crmclient_test

import (
	"testing"
	"time"

	"github.com/leadbridge/leadbridge/crmclient"
	"github.com/leadbridge/leadbridge/crmclient/crmtest"
)

// H13: each item has its own outcome, and none holds the others or is sent again blindly.
func TestH13OutcomePerItem(t *testing.T) {
	for name, test := range map[string]struct {
		item  crmtest.ItemError
		alone bool // sent alone before anything else
		found bool // by a look-up, not created again
	}{
		"refused":           {crmtest.ItemError{Code: "VALIDATION_ERROR", Skip: true}, true, false},
		"conflict":          {crmtest.ItemError{Code: "CONFLICT", Skip: true}, true, false},
		"business":          {crmtest.ItemError{Code: "BITRIX_ERROR", Skip: true}, true, false},
		"scope":             {crmtest.ItemError{Code: "SCOPE_NOT_ALLOWED", Skip: true}, true, false},
		"forbidden":         {crmtest.ItemError{Code: "BITRIX_ACCESS_DENIED", Skip: true}, true, false},
		"throttled":         {crmtest.ItemError{Code: "RATE_LIMITED", Skip: true}, true, false},
		"missing, made":     {crmtest.ItemError{}, false, true},
		"missing, not made": {crmtest.ItemError{Skip: true}, false, false},
		"unknown, made":     {crmtest.ItemError{Code: "NEVER_SEEN"}, false, true},
		"failed, made":      {crmtest.ItemError{Code: "BITRIX_UNAVAILABLE"}, false, true},
		"failed, not made":  {crmtest.ItemError{Code: "INTERNAL_ERROR", Skip: true}, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, slowPortal(), oneSlot, func(w *world) {
				sizes := w.firstBatchOnly(crmtest.Action{Items: map[string]crmtest.ItemError{"3": test.item, "4": test.item, "5": test.item}})
				all := w.together(0, 10)
				later(250 * time.Millisecond) // right after the batch
				w.wantHolds("")
				for n, e := range w.wantCreated(all) {
					if n < 3 || n > 5 {
						if e.took > time.Second || e.result.Attempts != 1 {
							t.Errorf("event %d: %+v", n, e)
						}
						continue
					}
					if e.result.Found != test.found || test.alone != (e.took < settle) {
						t.Errorf("event %d: %+v", n, e)
					}
				}
				if test.alone && len(*sizes) != 1 && name != "throttled" {
					t.Errorf("batches of %v: not alone", *sizes)
				}
				if looks := w.sim.Stats().Lookups; (looks == 0) != test.alone {
					t.Errorf("%d look-ups", looks)
				}
				w.wantContacts(11)
			})
		})
	}
}

// An item that is refused is sent once alone, and its letter has the reason of that.
func TestRefusedItemIsSentAloneFirst(t *testing.T) {
	for name, test := range map[string]struct {
		faults   crmtest.Faults
		want     crmclient.Rejection
		attempts int
	}{
		"refused":  {crmtest.Faults{Refuse: originID(3)}, crmclient.Rejection{Reason: crmclient.ReasonRefused, Status: 400, Code: "VALIDATION_ERROR", Attempts: 1}, 2},
		"conflict": {crmtest.Faults{Conflict: originID(3)}, crmclient.Rejection{Reason: crmclient.ReasonRefused, Status: 409, Code: "ALREADY_EXISTS", Attempts: 1}, 2},
		"business": {crmtest.Faults{Business: originID(3)}, crmclient.Rejection{Reason: crmclient.ReasonRefused, Status: 422, Code: "BITRIX_ERROR", Attempts: 6}, 7},
		"forbid":   {crmtest.Faults{Forbid: originID(3)}, crmclient.Rejection{Reason: crmclient.ReasonRetriesExhausted, Status: 403, Code: "BITRIX_ACCESS_DENIED", Attempts: 6}, 7},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, slowPortal(), oneSlot, func(w *world) {
				w.setFaults(test.faults)
				for n, done := range w.together(0, 10) {
					e := <-done
					if n != 3 {
						if e.err != nil {
							t.Errorf("event %d: %+v", n, e)
						}
						continue
					}
					r := rejection(e.err)
					if r == nil {
						t.Fatalf("Create = %+v", e)
					}
					test.want.Message = r.Message
					if *r != test.want || e.result.Attempts != test.attempts || r.Message == "" {
						t.Errorf("rejection %+v after %d creates, want %+v after %d", *r, e.result.Attempts, test.want, test.attempts)
					}
				}
				w.wantContacts(10)
				w.wantHolds("")
			})
		})
	}
}

// Every call failed validation: a 400 for the whole that is read per item.
func TestWholeBatchInvalidIsReadPerItem(t *testing.T) {
	inBubble(t, slowPortal(), oneSlot, func(w *world) {
		sizes := w.sizes(nil)
		all := w.together(0, 10)
		w.setFaults(crmtest.Faults{Refuse: "Name"})
		for n, done := range all {
			e := <-done
			if r := rejection(e.err); r == nil || r.Code != "VALIDATION_ERROR" || e.result.Attempts != 2 {
				t.Errorf("event %d: %+v", n, e)
			}
		}
		s := w.sim.Stats()
		if len(*sizes) != 1 || s.Lookups != 0 || s.Requests[batchPath+" 400"] != 1 {
			t.Errorf("batches of %v, stats %+v", *sizes, s)
		}
	})
}
