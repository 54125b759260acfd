package crmclient_test

import (
	"slices"
	"testing"
	"time"

	"github.com/leadbridge/leadbridge/crmclient"
	"github.com/leadbridge/leadbridge/crmclient/crmtest"
)

// Each item has its own outcome, and none holds the others or is sent again blindly. What took no
// effect goes again, refusals together: as the portal may fail any item under load, another request confirms them.
func TestOutcomePerItem(t *testing.T) {
	for name, test := range map[string]struct {
		item  crmtest.ItemError
		again bool // sent again without a look-up
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
					if e.result.Found != test.found || test.again != (e.took < settle) {
						t.Errorf("event %d: %+v", n, e)
					}
				}
				refused := name == "refused" || name == "conflict"
				if refused && !slices.Equal(*sizes, []int{10, 3}) {
					t.Errorf("batches of %v: the refusals are confirmed by one request", *sizes)
				}
				if looks := w.sim.Stats().Lookups; (looks == 0) != test.again {
					t.Errorf("%d look-ups", looks)
				}
				w.wantContacts(11)
			})
		})
	}
}

// The refusal of an item is confirmed by another request before its letter, which has the reason of
// that. What may be the CRM's fault is a letter only after charges, for which others have to pass.
func TestRefusedItemIsConfirmed(t *testing.T) {
	for name, test := range map[string]struct {
		faults   crmtest.Faults
		want     crmclient.Rejection
		attempts int // 0: as many as it takes, at least six
	}{
		"refused":  {crmtest.Faults{Refuse: originID(3)}, crmclient.Rejection{Reason: crmclient.ReasonRefused, Status: 400, Code: "VALIDATION_ERROR", Attempts: 1}, 2},
		"conflict": {crmtest.Faults{Conflict: originID(3)}, crmclient.Rejection{Reason: crmclient.ReasonRefused, Status: 409, Code: "ALREADY_EXISTS", Attempts: 1}, 2},
		"business": {crmtest.Faults{Business: originID(3)}, crmclient.Rejection{Reason: crmclient.ReasonRefused, Status: 422, Code: "BITRIX_ERROR"}, 0},
		"forbid":   {crmtest.Faults{Forbid: originID(3)}, crmclient.Rejection{Reason: crmclient.ReasonRetriesExhausted, Status: 403, Code: "BITRIX_ACCESS_DENIED"}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, slowPortal(), oneSlot, func(w *world) {
				w.setFaults(test.faults)
				all := w.together(0, 10)
				others := 0
				for ; len(all[3]) == 0 && others < 300; others++ {
					w.mustCreate(lead(100 + others))
					later(time.Second)
				}
				for n, done := range all {
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
					if test.attempts == 0 && r.Attempts >= 6 {
						test.want.Attempts, test.attempts = r.Attempts, e.result.Attempts
					}
					if *r != test.want || e.result.Attempts != test.attempts || r.Message == "" {
						t.Errorf("rejection %+v after %d creates, want %+v after %d", *r, e.result.Attempts, test.want, test.attempts)
					}
				}
				w.wantContacts(10 + others)
				w.wantHolds("")
			})
		})
	}
}

// Every call failed validation: a 400 for the whole that is read per item. Another batch confirms it.
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
		if (*sizes)[0] != 10 || len(*sizes) > 3 || s.Lookups != 0 || s.Requests[batchPath+" 400"] != len(*sizes) {
			t.Errorf("batches of %v, stats %+v", *sizes, s)
		}
	})
}

// INVALID_REQUEST is what the CRM says of whole batches, too: such an item is sent alone, and its
// letter has the precise reason.
func TestImpreciseRefusalGoesAlone(t *testing.T) {
	inBubble(t, slowPortal(), oneSlot, func(w *world) {
		w.setFaults(crmtest.Faults{Refuse: originID(3)})
		sizes := w.firstBatchOnly(crmtest.Action{Items: map[string]crmtest.ItemError{
			"3": {Code: "INVALID_REQUEST", Skip: true}, "4": {Code: "INVALID_REQUEST", Skip: true},
		}})
		for n, done := range w.together(0, 10) {
			e := <-done
			if r := rejection(e.err); n == 3 && (r == nil || r.Code != "VALIDATION_ERROR" || e.result.Attempts != 2) || n != 3 && e.err != nil {
				t.Errorf("event %d: %+v", n, e)
			}
		}
		if !slices.Equal(*sizes, []int{10}) {
			t.Errorf("batches of %v, want the first only", *sizes)
		}
		w.wantContacts(10)
	})
}
