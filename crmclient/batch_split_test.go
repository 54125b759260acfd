package crmclient_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/leadbridge/leadbridge/crmclient"
	"github.com/leadbridge/leadbridge/crmclient/crmtest"
)

// One bad item cannot hold the others: those that failed with it go again alone or in halves,
// apart from bystanders, until it is alone; then it is charged.
func TestOneBadItemOfABatch(t *testing.T) {
	inBubble(t, slowPortal(), oneSlot, func(w *world) {
		var with []int
		w.sim.Script(func(c crmtest.Call) crmtest.Action {
			if !concerns(c, 7) || c.Is(searchCall) {
				return crmtest.Action{}
			}
			if c.Is(batchPath) {
				with = append(with, len(calls(t, c)))
			}
			return crmtest.Action{Status: 500, Code: "INTERNAL_ERROR"}
		})
		all := w.together(0, 50)
		for n := range 300 { // bystanders
			w.mustCreate(lead(100 + n))
			later(time.Second)
		}
		for n, done := range all {
			e := <-done
			if n != 7 && e.err != nil {
				t.Errorf("event %d: %+v", n, e)
			}
			if r := rejection(e.err); n == 7 && (r == nil || r.Reason != crmclient.ReasonRetriesExhausted || r.Attempts < 6) {
				t.Errorf("event %d: %+v", n, e)
			}
		}
		if len(with) == 0 || with[0] != 50 || len(with) > 8 {
			t.Fatalf("batches of %v with the bad one", with)
		}
		for i := 1; i < len(with); i++ {
			if with[i] > (with[i-1]+1)/2 {
				t.Errorf("batches of %v with the bad one: not in halves", with)
			}
		}
		w.wantContacts(350)
	})
}

// What failed together goes again in halves, without bystanders.
func TestFailedBatchGoesAgainAlone(t *testing.T) {
	inBubble(t, slowPortal(), oneSlot, func(w *world) {
		var all []<-chan ended
		bystanders := func(from int) {
			for n := range 5 {
				all = append(all, w.start(w.t.Context(), lead(from+n)))
			}
		}
		var sizes []int
		looks := 0
		mixed := false
		w.sim.Script(func(c crmtest.Call) crmtest.Action {
			if c.Is(searchCall) {
				if looks++; looks == 2 { // after it the failed ones wait
					bystanders(100)
				}
			}
			if c.Is(batchPath) {
				sizes = append(sizes, len(calls(t, c)))
				mixed = mixed || concernsAny(c, 0, 10) && concernsAny(c, 100, 210)
				switch len(sizes) {
				case 1:
					return crmtest.Action{Status: 502, Code: "BITRIX_UNAVAILABLE"}
				case 2:
					bystanders(200)
				}
			}
			return crmtest.Action{}
		})
		failed := w.together(0, 10)
		w.wantCreated(failed)
		later(time.Second)
		w.wantCreated(all)
		if sizes[0] != 10 || slices.Max(sizes[1:]) > 5 || mixed {
			t.Errorf("batches of %v (mixed with others: %v), want 10, then at most 5 at a time", sizes, mixed)
		}
		w.wantContacts(21)
	})
}

// concernsAny reports whether a call is about any of the events from..to-1.
func concernsAny(c crmtest.Call, from, to int) bool {
	for n := from; n < to; n++ {
		if concerns(c, n) {
			return true
		}
	}
	return false
}

// Any other 4xx for a whole batch says nothing about its items: they are sent in halves, and none is in doubt.
func TestWholeBatch4xxSplits(t *testing.T) {
	for name, a := range map[string]crmtest.Action{
		"413":       {Status: 413, Body: "<html>"},
		"400":       {Status: 400, Code: "INVALID_REQUEST"},
		"409":       {Status: 409, Code: "CONFLICT"},
		"422":       {Status: 422, Code: "BITRIX_ERROR"},
		"no errors": {Status: 400, Body: `{"success":false,"error":{"code":"INVALID_REQUEST"},"data":{"errors":{}}}`},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, slowPortal(), oneSlot, func(w *world) {
				sizes := w.sizes(func(_ int, c crmtest.Call) crmtest.Action {
					if len(calls(t, c)) > 10 {
						return a
					}
					return crmtest.Action{}
				})
				for n, e := range w.wantCreated(w.together(0, 40)) {
					if e.took > 5*time.Second {
						t.Errorf("event %d: %+v", n, e)
					}
				}
				if s := w.sim.Stats(); s.Lookups != 0 || len(*sizes) > 12 {
					t.Errorf("batches of %v, %d look-ups", *sizes, s.Lookups)
				}
				w.wantContacts(41)
				w.wantHolds("")
			})
		})
	}
}

// An item that is too large for its batch is told from its mates, and refused when it is alone.
func TestTooLargeItemIsRefusedAlone(t *testing.T) {
	o := slowPortal()
	o.MaxBody = 4096
	inBubble(t, o, oneSlot, func(w *world) {
		w.plug()
		var all []<-chan ended
		for n := range 20 {
			r := lead(n)
			if n == 7 {
				r.Contact.Comments = strings.Repeat("x", 5000)
			}
			all = append(all, w.start(w.t.Context(), r))
		}
		for n, done := range all {
			e := <-done
			if r := rejection(e.err); n == 7 && (r == nil || r.Reason != crmclient.ReasonTooLarge) || n != 7 && e.err != nil {
				t.Errorf("event %d: %+v", n, e)
			}
		}
		w.wantContacts(20)
	})
}
