package crmclient_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/leadbridge/leadbridge/crmclient"
	"github.com/leadbridge/leadbridge/crmclient/crmtest"
)

// H12: a poison event alone is told from an outage by the neutral call.
func TestH12LonelyPoison(t *testing.T) {
	inBubble(t, portalWithField(), nil, func(w *world) {
		w.setFaults(crmtest.Faults{Poison: originID(1)})
		e := w.create(lead(1))
		r := rejection(e.err)
		if r == nil || r.Reason != crmclient.ReasonRetriesExhausted || r.Status != 500 || r.Attempts != 6 || e.result.Attempts != 6 {
			t.Errorf("Create = %+v", e)
		}
		s := w.sim.Stats()
		if n := s.Requests[fieldsCall+" 200"]; n != 1+6 {
			t.Errorf("%d neutral calls, want one at the start and one for each attempt", n)
		}
		if s.Lookups != 6*2 {
			t.Errorf("%d look-ups, want two after each attempt, the last among them", s.Lookups)
		}
		w.wantHolds("")
	})
}

// A poison event among good ones is refused, and they pass meanwhile.
func TestPoisonAmongGoodEvents(t *testing.T) {
	inBubble(t, portalWithField(), nil, func(w *world) {
		w.setFaults(crmtest.Faults{Poison: originID(0)})
		bad := w.start(w.t.Context(), lead(0))
		for n := range 300 {
			if e := w.mustCreate(lead(n + 1)); e.took > time.Minute {
				t.Fatalf("event %d took %v", n+1, e.took)
			}
			later(time.Second)
		}
		e := <-bad
		if r := rejection(e.err); r == nil || r.Reason != crmclient.ReasonRetriesExhausted {
			t.Errorf("Create = %+v", e)
		}
		w.wantContacts(300)
	})
}

// The neutral call fails too: an outage, and nobody is ever charged.
func TestNeutralCallFailsToo(t *testing.T) {
	inBubble(t, portalWithField(), nil, func(w *world) {
		w.mustCreate(lead(0))
		w.sim.Script(func(c crmtest.Call) crmtest.Action {
			if c.Is(createCall) || c.Is(fieldsCall) {
				return crmtest.Action{Status: 500, Code: "INTERNAL_ERROR"}
			}
			return crmtest.Action{}
		})
		done := w.start(w.t.Context(), lead(1))
		later(24 * time.Hour)
		w.wantHolds("outage")
		w.sim.Script(nil)
		if e := <-done; e.err != nil {
			t.Errorf("Create = %+v", e)
		}
	})
}

// 403 for one event, and the neutral call fails with 401: it is the key.
func TestNeutralCallNamesTheKey(t *testing.T) {
	inBubble(t, portalWithField(), nil, func(w *world) {
		w.mustCreate(lead(0))
		w.sim.Script(func(c crmtest.Call) crmtest.Action {
			switch {
			case c.Is(createCall):
				return crmtest.Action{Status: 403, Code: "BITRIX_ACCESS_DENIED"}
			case c.Is(fieldsCall):
				return crmtest.Action{Status: 401, Code: "KEY_EXPIRED"}
			}
			return crmtest.Action{}
		})
		done := w.start(w.t.Context(), lead(1))
		later(24 * time.Hour)
		w.wantHolds("credentials")
		if h := w.creator.Status().Holds[0]; h.Status != 401 || h.Code != "KEY_EXPIRED" {
			t.Errorf("hold %+v", h)
		}
		w.sim.Script(nil)
		if e := <-done; e.err != nil {
			t.Errorf("Create = %+v", e)
		}
	})
}

// H22: the portal fails half its requests; no event is refused for it.
func TestH22HalfAnOutage(t *testing.T) {
	inBubble(t, portalWithField(), nil, func(w *world) {
		w.script(createCall, func(n int, _ crmtest.Call) crmtest.Action {
			if n%2 == 1 || n%7 == 0 {
				return crmtest.Action{Status: 502, Code: "BITRIX_UNAVAILABLE"}
			}
			return crmtest.Action{}
		})
		var all []<-chan ended
		for n := range 200 {
			all = append(all, w.start(w.t.Context(), lead(n)))
		}
		for n, done := range all {
			if e := <-done; e.err != nil {
				t.Errorf("event %d: %+v", n, e)
			}
		}
		w.wantContacts(200)
	})
}

// Whatever the portal does, each event becomes one contact.
func TestEverythingGoesWrong(t *testing.T) {
	faults := crmtest.Faults{
		FailBefore: .05, ApplyThenFail: .05, ApplyLate: .05, Hang: .02, Reset: .05, Truncate: .03, HTML: .03, Throttle: .05, BadKey: .02,
		BatchTrickle: .05, ItemError: .05, ItemMissing: .05, TrickleEvery: crmtest.Duration(200 * time.Millisecond),
		LateBy: crmtest.Duration(3 * time.Second), LookupLag: crmtest.Duration(time.Second),
	}
	for _, size := range []int{1, 7, 50} {
		everythingGoesWrong(t, faults, size)
	}
}

func everythingGoesWrong(t *testing.T, faults crmtest.Faults, size int) {
	const events = 300
	for name, o := range map[string]crmtest.Options{
		"native":     {NativeOriginID: true},
		"user field": portalWithField(),
		"tag":        {},
	} {
		o.ServiceTime, o.ItemTime = 150*time.Millisecond, 5*time.Millisecond
		o.Seed = uint64(size)
		t.Run(fmt.Sprintf("%s by %d", name, size), func(t *testing.T) {
			inBubble(t, o, func(c *crmclient.Config) { c.BatchSize = size }, func(w *world) {
				if err := w.creator.Prepare(w.t.Context()); err != nil {
					t.Fatal(err)
				}
				w.setFaults(faults)
				var all []<-chan ended
				for n := range events {
					all = append(all, w.start(w.t.Context(), lead(n)))
				}
				for n, done := range all {
					if e := <-done; e.err != nil || e.result.ContactID == 0 {
						t.Errorf("event %d: %+v", n, e)
					}
				}
				w.wantContacts(events)
				w.wantHolds("")
				if s := w.sim.Stats(); (s.BatchCalls > events/2) != (size > 1) && name != "tag" {
					t.Errorf("%d of %d creates by batch", s.BatchCalls, events)
				}
			})
		})
	}
}

// Found and refused events went through as well: with ten of them no neutral call is asked.
func TestRefusedAndFoundWentThrough(t *testing.T) {
	for name, other := range map[string]func(n int, r *crmclient.Request){
		"refused": func(_ int, r *crmclient.Request) { r.Contact.Name = "Refused" },
		"found":   func(n int, r *crmclient.Request) { r.OriginID, r.Suspect = originID(1000+n%20), true },
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, portalWithField(), floodAt(0), func(w *world) {
				for n := range 20 {
					w.mustCreate(lead(1000 + n))
				}
				w.sim.Script(func(c crmtest.Call) crmtest.Action {
					switch {
					case c.Is(fieldsCall), c.Is(createCall) && concerns(c, 0):
						return crmtest.Action{Status: 500, Code: "INTERNAL_ERROR"}
					case c.Is(createCall):
						return crmtest.Action{Status: 400, Code: "VALIDATION_ERROR"}
					}
					return crmtest.Action{}
				})
				bad := w.start(w.t.Context(), lead(0))
				later(time.Second)
				for n := range 3000 {
					r := lead(n + 1)
					other(n, &r)
					w.create(r)
					later(100 * time.Millisecond)
				}
				select {
				case e := <-bad:
					if r := rejection(e.err); r == nil || r.Reason != crmclient.ReasonRetriesExhausted {
						t.Errorf("Create = %+v", e)
					}
				default:
					t.Error("not refused among 3000 events that went through")
				}
				w.sim.Script(nil)
			})
		})
	}
}
