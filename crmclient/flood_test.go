package crmclient_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/leadbridge/leadbridge/crmclient"
	"github.com/leadbridge/leadbridge/crmclient/crmtest"
)

func floodAt(limit int) func(*crmclient.Config) {
	return func(c *crmclient.Config) { c.FloodLimit = limit }
}

// A new mandatory field: as many letters as the limit says, then everything waits; the first
// success releases, and who waited is delivered.
func TestFloodHoldsAndReleases(t *testing.T) {
	inBubble(t, slowPortal(), floodAt(10), func(w *world) {
		w.setFaults(crmtest.Faults{Mandatory: []string{"post"}})
		var all []<-chan ended
		for n := range 40 {
			all = append(all, w.start(w.t.Context(), lead(n)))
		}
		later(0) // all are there before the first answer: a hold that holds nobody ends
		later(6 * time.Hour)
		w.wantHolds("flood")
		if h := w.creator.Status().Holds[0]; h.Status != 400 || h.Code == "" {
			t.Errorf("hold %+v", h)
		}
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
		if refused != 10 {
			t.Errorf("%d letters, want 10", refused)
		}
		w.wantContacts(30)
		w.wantHolds("")
		if n := w.logs.count("CRM held", "flood"); n != 1 {
			t.Errorf("hold logged %d times", n)
		}
	})
}

// Each probe is another event's.
func TestFloodProbesAreOtherEvents(t *testing.T) {
	inBubble(t, portalWithField(), floodAt(2), func(w *world) {
		counts := map[int]int{}
		w.script(createCall, func(_ int, c crmtest.Call) crmtest.Action {
			for n := range 6 {
				if concerns(c, n) {
					counts[n]++
				}
			}
			return crmtest.Action{Status: 400, Code: "VALIDATION_ERROR"}
		})
		ctx, cancel := context.WithCancel(w.t.Context())
		for n := range 2 {
			if e := w.create(lead(n)); rejection(e.err) == nil {
				t.Errorf("Create = %+v", e)
			}
		}
		var all []<-chan ended
		for n := 2; n < 6; n++ {
			all = append(all, w.start(ctx, lead(n)))
		}
		later(time.Hour)
		cancel()
		for _, done := range all {
			if e := <-done; !errors.Is(e.err, context.Canceled) {
				t.Errorf("Create = %+v", e)
			}
		}
		for n := 2; n < 6; n++ {
			if counts[n] < 10 || counts[n] > 40 {
				t.Errorf("event %d was sent %d times", n, counts[n])
			}
		}
	})
}

// A contact that is created ends the run of refusals; one that is found shows nothing about creates.
func TestFloodRunEndsByCreatedOnly(t *testing.T) {
	for name, test := range map[string]struct {
		good  func(*world)
		flood bool
	}{
		"created": {func(w *world) { w.mustCreate(lead(1000)) }, false},
		"found":   {func(w *world) { w.mustCreate(suspect(500)) }, true},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, portalWithField(), floodAt(10), func(w *world) {
				w.mustCreate(lead(500))
				w.setFaults(crmtest.Faults{Refuse: "Bad"})
				bad := func(n int) <-chan ended {
					r := lead(n)
					r.Contact.Name = "Bad"
					return w.start(w.t.Context(), r)
				}
				for n := range 9 {
					if e := <-bad(n); rejection(e.err) == nil {
						t.Fatalf("event %d: %+v", n, e)
					}
				}
				test.good(w)
				var all []<-chan ended
				for n := 9; n < 18; n++ {
					all = append(all, bad(n))
					later(0)
				}
				if test.flood {
					w.wantHolds("flood")
				} else {
					w.wantHolds("")
				}
				if letters := countEnded(all); test.flood && letters != 1 || !test.flood && letters != 9 {
					t.Errorf("%d letters", letters)
				}
				w.mustCreate(lead(1001))
				for n, done := range all {
					if e := <-done; rejection(e.err) == nil {
						t.Errorf("event %d: %+v", 9+n, e)
					}
				}
				w.wantHolds("")
			})
		})
	}
}

// countEnded returns how many of the calls have ended.
func countEnded(all []<-chan ended) int {
	n := 0
	for _, done := range all {
		n += len(done)
	}
	return n
}

// Refusals of replayed records do not count: people replay what was refused.
func TestFloodIgnoresReplays(t *testing.T) {
	inBubble(t, portalWithField(), floodAt(3), func(w *world) {
		w.setFaults(crmtest.Faults{Refuse: "Name"})
		for n := range 20 {
			r := lead(n)
			r.Replayed = true
			if e := w.create(r); rejection(e.err) == nil || e.took > time.Second {
				t.Fatalf("event %d: %+v", n, e)
			}
		}
		if n := w.logs.count("CRM held"); n != 0 {
			t.Errorf("held %d times", n)
		}
	})
}

// While held nothing is refused, a replayed record neither.
func TestFloodHoldsReplaysToo(t *testing.T) {
	inBubble(t, portalWithField(), floodAt(1), func(w *world) {
		w.setFaults(crmtest.Faults{Refuse: "Name"})
		if e := w.create(lead(1)); rejection(e.err) == nil {
			t.Errorf("Create = %+v", e)
		}
		waiting := w.start(w.t.Context(), lead(2))
		later(time.Minute)
		r := lead(3)
		r.Replayed = true
		replayed := w.start(w.t.Context(), r)
		later(time.Hour)
		w.wantHolds("flood")
		w.setFaults(crmtest.Faults{})
		for _, done := range []<-chan ended{waiting, replayed} {
			if e := <-done; e.err != nil {
				t.Errorf("Create = %+v", e)
			}
		}
		w.wantContacts(2)
	})
}

// The same event twice is not two.
func TestFloodCountsDifferentEvents(t *testing.T) {
	inBubble(t, portalWithField(), floodAt(3), func(w *world) {
		w.setFaults(crmtest.Faults{Refuse: "Name"})
		for range 20 {
			if e := w.create(lead(1)); rejection(e.err) == nil || e.took > time.Second {
				t.Fatalf("Create = %+v", e)
			}
		}
	})
}

// RETRIES_EXHAUSTED does not count towards a flood, because it requires that other events passed.
func TestExhaustedAreNoFlood(t *testing.T) {
	inBubble(t, portalWithField(), floodAt(2), func(w *world) {
		w.setFaults(crmtest.Faults{Poison: "Poison"})
		var all []<-chan ended
		for n := range 5 {
			r := lead(n)
			r.Contact.Name = "Poison"
			all = append(all, w.start(w.t.Context(), r))
			w.mustCreate(lead(100 + n))
		}
		for n, done := range all {
			w.untilEnded(done, time.Second)
			if r := rejection((<-done).err); r == nil || r.Reason != crmclient.ReasonRetriesExhausted || r.Flood != "" {
				t.Fatalf("event %d: %+v", n, r)
			}
		}
		if n := w.logs.count("CRM held", "flood"); n != 0 {
			t.Errorf("%d floods", n)
		}
	})
}

// 0 switches it off.
func TestFloodOff(t *testing.T) {
	inBubble(t, portalWithField(), floodAt(0), func(w *world) {
		w.setFaults(crmtest.Faults{Refuse: "Name"})
		for n := range 300 {
			if e := w.create(lead(n)); rejection(e.err) == nil || e.took > time.Second {
				t.Fatalf("event %d: %+v", n, e)
			}
		}
	})
}

// Suspects are looked up between their refusal and their letter; a flood that ends meanwhile
// takes the refusal with it.
func TestFloodOfSuspects(t *testing.T) {
	for name, replayed := range map[string]bool{"new": false, "replayed": true} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, portalWithField(), floodAt(5), func(w *world) {
				w.setFaults(crmtest.Faults{Mandatory: []string{"post"}})
				var all []<-chan ended
				for n := range 40 {
					r := suspect(n)
					r.Replayed = replayed && n >= 10
					all = append(all, w.start(w.t.Context(), r))
				}
				later(time.Hour)
				w.wantHolds("flood")
				letters := func() (refused int) {
					for _, done := range all {
						select {
						case e := <-done:
							if rejection(e.err) != nil {
								refused++
							} else if e.err != nil {
								w.t.Errorf("Create = %+v", e)
							}
						default:
						}
					}
					return refused
				}
				before := letters()
				w.setFaults(crmtest.Faults{})
				later(time.Hour)
				if n := letters(); n != 0 {
					w.t.Errorf("%d letters after the set-up was mended", n)
				}
				w.wantContacts(40 - before)
				w.wantHolds("")
			})
		})
	}
}

// A refusal that is on its way while the flood ends is not written either: its request left before.
func TestFloodEndsBeforeAnOldRefusal(t *testing.T) {
	inBubble(t, portalWithField(), func(c *crmclient.Config) { floodAt(1)(c); patient(c) }, func(w *world) {
		w.sim.Script(func(c crmtest.Call) crmtest.Action {
			switch {
			case !c.Is(createCall):
				return crmtest.Action{}
			case concerns(c, 1):
				return crmtest.Action{Status: 400, Code: "VALIDATION_ERROR", Delay: time.Hour}
			}
			return crmtest.Action{Status: 400, Code: "VALIDATION_ERROR"}
		})
		slow := w.start(w.t.Context(), lead(1))
		later(time.Second)
		if e := w.create(lead(2)); rejection(e.err) == nil {
			w.t.Errorf("Create = %+v", e)
		}
		waiting := w.start(w.t.Context(), lead(3))
		later(10 * time.Minute)
		w.wantHolds("flood")
		w.sim.Script(nil)
		if e := <-waiting; e.err != nil || e.took > 20*time.Minute {
			w.t.Errorf("Create = %+v", e)
		}
		if e := <-slow; e.err != nil || e.took < time.Hour {
			w.t.Errorf("Create = %+v", e)
		}
		w.wantContacts(2)
	})
}

// An outage within a flood does not end it.
func TestOutageWithinAFlood(t *testing.T) {
	inBubble(t, portalWithField(), floodAt(1), func(w *world) {
		refuse := crmtest.Action{Status: 400, Code: "VALIDATION_ERROR"}
		always := func(a crmtest.Action) {
			w.script(createCall, func(int, crmtest.Call) crmtest.Action { return a })
		}
		always(refuse)
		if e := w.create(lead(1)); rejection(e.err) == nil {
			w.t.Errorf("Create = %+v", e)
		}
		r := lead(2)
		r.Replayed = true
		all := []<-chan ended{w.start(w.t.Context(), r), w.start(w.t.Context(), lead(3))}
		later(10 * time.Minute)
		w.wantHolds("flood")
		always(crmtest.Action{Status: 401, Code: "KEY_EXPIRED"})
		later(10 * time.Minute)
		w.wantHolds("credentials flood")
		always(refuse)
		later(10 * time.Minute)
		w.wantHolds("flood")
		w.sim.Script(nil)
		for _, done := range all {
			if e := <-done; e.err != nil {
				w.t.Errorf("Create = %+v", e)
			}
		}
		w.wantContacts(2)
	})
}

// Any success ends it, also of a request that left before the hold.
func TestFloodEndsByAnySuccess(t *testing.T) {
	inBubble(t, portalWithField(), func(c *crmclient.Config) { floodAt(1)(c); patient(c) }, func(w *world) {
		w.script(createCall, func(_ int, c crmtest.Call) crmtest.Action {
			if concerns(c, 1) {
				return crmtest.Action{Delay: 10*time.Minute + time.Second}
			}
			return crmtest.Action{Status: 400, Code: "VALIDATION_ERROR"}
		})
		slow := w.start(w.t.Context(), lead(1))
		later(time.Second)
		if e := w.create(lead(2)); rejection(e.err) == nil {
			w.t.Errorf("Create = %+v", e)
		}
		waiting := w.start(w.t.Context(), lead(3))
		if e := <-slow; e.err != nil {
			w.t.Errorf("Create = %+v", e)
		}
		if e := <-waiting; rejection(e.err) == nil || e.took > 10*time.Minute+time.Second {
			w.t.Errorf("Create = %+v", e)
		}
	})
}
