package crmclient_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/leadbridge/leadbridge/crmclient"
	"github.com/leadbridge/leadbridge/crmclient/crmtest"
)

// The tests of this file and of rows_limits_test.go are the troubles in which good leads once waited for
// minutes or for ever, with the default settings and a portal under the documented limits.

// production are the default settings.
func production(c *crmclient.Config) {
	c.BatchSize, c.RequestsPerMinute, c.RequestsPerSecond = 50, 300, crmclient.RateAuto
}

// productionPortal is a portal under the documented limits that has our user field.
func productionPortal() crmtest.Options {
	o := crmtest.Defaults()
	o.ExistingUserField = true
	return o
}

// named is a lead whose person has a name, by which faults strike it.
func named(n int, name string) crmclient.Request {
	r := lead(n)
	r.Contact.Name = name
	return r
}

// stream starts a lead each interval: event makes the n-th, and reports whether it is a good one.
func (w *world) stream(events int, every time.Duration, event func(n int) (crmclient.Request, bool)) (good, bad []<-chan ended) {
	w.t.Helper()
	for n := range events {
		r, ok := event(n)
		done := w.start(w.t.Context(), r)
		if ok {
			good = append(good, done)
		} else {
			bad = append(bad, done)
		}
		later(every)
	}
	return good, bad
}

// waits returns how long creates took that all made a contact, in order of time.
func (w *world) waits(all []<-chan ended) []time.Duration {
	w.t.Helper()
	var took []time.Duration
	for _, e := range w.wantCreated(all) {
		took = append(took, e.took)
	}
	slices.Sort(took)
	return took
}

// wantWithin checks the 99th percentile and the longest of the waits of creates that all made a contact.
func (w *world) wantWithin(all []<-chan ended, p99, longest time.Duration) {
	w.t.Helper()
	took := w.waits(all)
	last := took[len(took)-1]
	if at := took[(len(took)-1)*99/100]; at > p99 || last > longest {
		w.t.Errorf("good leads waited for %v (p50), %v (p99, limit %v), %v (longest, limit %v)", took[len(took)/2], at, p99, last, longest)
	}
}

// wantLetters checks that all creates ended as letters for a reason.
func (w *world) wantLetters(all []<-chan ended, reason crmclient.Reason) {
	w.t.Helper()
	for n, done := range all {
		if e := <-done; rejection(e.err) == nil || rejection(e.err).Reason != reason {
			w.t.Errorf("bad event %d of %d: %+v", n, len(all), e)
		}
	}
}

// Whoever fills in a thousand forms that the CRM refuses stops nobody: a good lead is sent at
// once, and its contact ends the flood; what was refused meanwhile is sent once more.
func TestRefusedFormsStopNobody(t *testing.T) {
	inBubble(t, productionPortal(), production, func(w *world) {
		w.setFaults(crmtest.Faults{Refuse: "Refused"})
		_, bad := w.stream(400, 0, func(n int) (crmclient.Request, bool) { return named(n, "Refused"), false })
		later(9 * time.Minute)
		w.wantHolds("flood")
		if n := countEnded(bad); n != 100 {
			t.Errorf("%d letters in the flood, want as many as CRM_FLOOD_LIMIT", n)
		}
		before := w.sim.Stats().Faults["refuse"]
		if e := w.mustCreate(lead(1000)); e.took > 2*time.Second {
			t.Errorf("the good lead waited for %v", e.took)
		}
		w.wantHolds("")
		w.wantLetters(bad, crmclient.ReasonRefused)
		if n := w.sim.Stats().Faults["refuse"] - before; n != 300 {
			t.Errorf("the 300 that were refused in the flood were sent %d times after it, want once each", n)
		}
		w.wantContacts(1)
	})
}

// Refusals of suspects end later than the contacts of others, all together: they are no flood, as
// others passed since these refusals' first attempts left.
func TestLateRefusalsAreNoFlood(t *testing.T) {
	inBubble(t, productionPortal(), production, func(w *world) {
		w.setFaults(crmtest.Faults{Refuse: "Refused"})
		good, bad := w.stream(3200, 0, func(n int) (crmclient.Request, bool) {
			r, ok := lead(n), n%8 != 0
			if !ok {
				r = named(n, "Refused")
			}
			r.Suspect = true
			return r, ok
		})
		w.waits(good)
		w.wantLetters(bad, crmclient.ReasonRefused)
		if n := w.logs.count("CRM held", "flood"); n != 0 {
			t.Errorf("%d floods", n)
		}
		w.wantContacts(2800)
	})
}

// A backlog of events that the CRM fails over comes to its turn while people sign up: their leads are tried
// before those of the backlog, so that each finds out soon that the CRM works.
func TestLeadOfNowIsTriedBeforeAPoisonBacklog(t *testing.T) {
	inBubble(t, productionPortal(), production, func(w *world) {
		w.prepare()
		w.setFaults(crmtest.Faults{Poison: "Poison"})
		ctx, cancel := context.WithCancel(w.t.Context())
		defer cancel()
		var good []<-chan ended
		for n := range 300 {
			old := named(n, "Poison")
			old.RecordedAt = time.Now().Add(-time.Hour)
			w.start(ctx, old)
			later(200 * time.Millisecond)
			if n%10 == 9 {
				now := lead(1000 + n)
				now.RecordedAt = time.Now()
				good = append(good, w.start(w.t.Context(), now))
			}
		}
		w.wantWithin(good, 4*time.Second, 5*time.Second) // the interval of a probe or two
	})
}

// One event in twenty fails always: the others do not notice.
func TestOneInTwentyFailingKeepsNobody(t *testing.T) {
	inBubble(t, productionPortal(), production, func(w *world) {
		w.setFaults(crmtest.Faults{Poison: "Poison"})
		event := func(n int) (crmclient.Request, bool) {
			if n%20 == 0 {
				return named(n, "Poison"), false
			}
			return lead(n), true
		}
		good, bad := w.stream(4*60*5, time.Second/5, event)
		w.wantWithin(good, 2*time.Second, 10*time.Second)
		for countEnded(bad) < len(bad) { // a letter takes others that pass
			w.mustCreate(lead(w.sim.Stats().Calls + 10_000))
			later(time.Second / 5)
		}
		w.wantLetters(bad, crmclient.ReasonRetriesExhausted)
		if n := w.logs.count("CRM held"); n != 0 {
			t.Errorf("%d holds were news", n)
		}
	})
}

// What the key may not see for one user is that event's: nobody else waits.
func TestSixForbiddenEventsHoldNobody(t *testing.T) {
	inBubble(t, productionPortal(), production, func(w *world) {
		w.setFaults(crmtest.Faults{Forbid: "Forbidden"})
		_, bad := w.stream(6, time.Second, func(n int) (crmclient.Request, bool) { return named(n, "Forbidden"), false })
		good, _ := w.stream(120, 30*time.Second, func(n int) (crmclient.Request, bool) { return lead(n + 10), true })
		w.wantWithin(good, 2*time.Second, 5*time.Second) // the first comes while creates are held
		w.wantLetters(bad, crmclient.ReasonRetriesExhausted)
		w.wantHolds("")
	})
}

// Writes fail while reads work, and leads are rare: a read proves nothing about writes, so that
// nobody is charged, and all are created soon after the trouble ends.
func TestAReadProvesNothingAboutWrites(t *testing.T) {
	for name, a := range map[string]crmtest.Action{
		"403": {Status: 403, Code: "BITRIX_ACCESS_DENIED"},
		"404": {Status: 404, Code: "ENTITY_NOT_FOUND"},
		"422": {Status: 422, Code: "BITRIX_ERROR"},
		"500": {Status: 500, Code: "INTERNAL_ERROR"},
		"502": {Status: 502, Code: "BITRIX_UNAVAILABLE"},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, productionPortal(), production, func(w *world) {
				w.mustCreate(lead(9999))
				w.sim.Script(func(c crmtest.Call) crmtest.Action {
					if c.Is(createCall) || c.Is(batchPath) {
						return a
					}
					return crmtest.Action{}
				})
				var all []<-chan ended
				for n := range 12 {
					all = append(all, w.start(w.t.Context(), lead(n)))
					later(time.Duration(20+5*(n%7)) * time.Second)
				}
				later(6 * time.Hour)
				if n := countEnded(all); n != 0 {
					t.Fatalf("%d events ended while nothing passed", n)
				}
				if w.holds() == "" {
					t.Error("nothing is shown while no create passes")
				}
				w.sim.Script(nil)
				ended := time.Now()
				w.wantCreated(all)
				if took := time.Since(ended); took > 75*time.Second {
					t.Errorf("the last was created %v after the trouble", took)
				}
				w.wantContacts(13)
				w.wantHolds("")
			})
		})
	}
}

// A look-up's failure holds look-ups only, and for no longer than CRM_BACKOFF_MAX.
func TestLookUpsHoldNoCreates(t *testing.T) {
	for _, status := range []int{500, 502, 503} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			inBubble(t, productionPortal(), production, func(w *world) {
				w.mustCreate(lead(9999))
				w.script(searchCall, func(int, crmtest.Call) crmtest.Action {
					return crmtest.Action{Status: status, Code: "BITRIX_UNAVAILABLE", RetryAfter: 3600}
				})
				doubtful := w.start(w.t.Context(), suspect(9999))
				good, _ := w.stream(30, 10*time.Second, func(n int) (crmclient.Request, bool) { return lead(n), true })
				w.wantWithin(good, time.Second, time.Second)
				w.wantHolds("")
				w.sim.Script(nil)
				ended := time.Now()
				if e := <-doubtful; !e.result.Found || time.Since(ended) > time.Minute+time.Second {
					t.Errorf("Create = %+v, %v after the trouble", e, time.Since(ended))
				}
				w.wantContacts(31)
			})
		})
	}
}
