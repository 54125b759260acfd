package crmclient_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/leadbridge/leadbridge/crmclient"
	"github.com/leadbridge/leadbridge/crmclient/crmtest"
)

// A poison event alone waits, uncharged and without a hold, as nothing shows that others would pass.
// Once others pass it becomes a letter.
func TestLonelyPoisonWaits(t *testing.T) {
	for name, test := range map[string]struct {
		faults  crmtest.Faults
		status  int
		lookUps int // after each attempt, and once more before the letter
	}{
		"500": {crmtest.Faults{Poison: originID(1)}, 500, 2},
		"403": {crmtest.Faults{Forbid: originID(1)}, 403, 0},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, portalWithField(), nil, func(w *world) {
				w.mustCreate(lead(2)) // look-ups can be tried with it
				w.setFaults(test.faults)
				done := w.start(w.t.Context(), lead(1))
				later(24 * time.Hour)
				if len(done) > 0 {
					t.Fatalf("Create = %+v without another that passed", <-done)
				}
				w.wantHolds("")
				others := w.untilEnded(done, time.Second)
				e := <-done
				r := rejection(e.err)
				if r == nil || r.Reason != crmclient.ReasonRetriesExhausted || r.Status != test.status || r.Attempts < 6 || r.Attempts > 20 {
					t.Errorf("Create = %+v", e)
				}
				if s := w.sim.Stats(); s.Lookups != (e.result.Attempts+1)*test.lookUps {
					t.Errorf("%d look-ups for %d attempts, want %d after each and before the letter", s.Lookups, e.result.Attempts, test.lookUps)
				}
				w.wantContacts(1 + others)
				w.wantHolds("")
			})
		})
	}
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

// The portal fails half its requests; no event is refused for it.
func TestHalfAnOutageRefusesNoEvent(t *testing.T) {
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
						t.Errorf("event %d: %+v: %v", n, e, e.err)
					}
				}
				w.wantContacts(events)
				w.wantHolds("")
				// How many leave by batches is chance: batches that fail are made smaller for a minute.
				if s := w.sim.Stats(); (s.BatchCalls > 0) != (size > 1) && name != "tag" {
					t.Errorf("%d of %d creates by batch", s.BatchCalls, events)
				}
			})
		})
	}
}

// Only a contact that was created shows that creates pass: others that are refused or found charge nobody.
func TestOnlyCreatedIsEvidence(t *testing.T) {
	for name, other := range map[string]func(n int, r *crmclient.Request){
		"refused": func(_ int, r *crmclient.Request) { r.Contact.Name = "Refused" },
		"found":   func(n int, r *crmclient.Request) { r.OriginID, r.Suspect = originID(1000+n%20), true },
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, portalWithField(), floodAt(0), func(w *world) {
				for n := range 20 {
					w.mustCreate(lead(1000 + n))
				}
				w.setFaults(crmtest.Faults{Poison: originID(0), Refuse: "Refused"})
				bad := w.start(w.t.Context(), lead(0))
				later(time.Second)
				for n := range 3000 {
					r := lead(n + 1)
					other(n, &r)
					w.create(r)
					later(100 * time.Millisecond)
				}
				if len(bad) > 0 {
					t.Fatalf("Create = %+v, and nothing was created since it began", <-bad)
				}
				w.untilEnded(bad, time.Second)
				if e := <-bad; rejection(e.err) == nil || rejection(e.err).Reason != crmclient.ReasonRetriesExhausted {
					t.Errorf("Create = %+v", e)
				}
			})
		})
	}
}
