package crmclient_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/leadbridge/leadbridge/crmclient"
	"github.com/leadbridge/leadbridge/crmclient/crmtest"
)

// wayToAsk is a way in which events are looked up.
type wayToAsk struct {
	portal crmtest.Options
	blind  func(entity string) string // the filter by which nothing is found
	strip  func(crmclient.Request)    // nil, or takes contact points away
}

func always(name string) func(string) string { return func(string) string { return name } }

func waysToAsk() map[string]wayToAsk {
	byPoint := func(name string) func(string) string {
		return func(entity string) string {
			if entity == crmtest.Deals {
				return "contactId"
			}
			return name
		}
	}
	return map[string]wayToAsk{
		"native":         {portal: crmtest.Options{NativeOriginID: true}, blind: always("originId")},
		"user field":     {portal: portalWithField(), blind: always(crmtest.OriginUserField)},
		"tag and phone":  {portal: crmtest.Options{}, blind: byPoint("phone")},
		"tag and e-mail": {portal: crmtest.Options{}, blind: byPoint("email"), strip: func(r crmclient.Request) { r.Contact.Phones = nil }},
		"tag alone": {portal: crmtest.Options{}, blind: byPoint("sourceDescription"), strip: func(r crmclient.Request) {
			r.Contact.Phones, r.Contact.Emails = nil, nil
		}},
	}
}

// overWays runs a test for each way to ask and each kind of object that is looked up by it. lead makes an event
// that becomes the kind.
func overWays(t *testing.T, test func(w *world, k kindOfWay)) {
	for name, way := range waysToAsk() {
		for entity, target := range map[string]crmclient.Target{crmtest.Contacts: crmclient.TargetContact, crmtest.Leads: crmclient.TargetLead, crmtest.Deals: crmclient.TargetDeal} {
			t.Run(name+" "+entity, func(t *testing.T) {
				inBubble(t, way.portal, func(c *crmclient.Config) { c.Target = target }, func(w *world) {
					test(w, kindOfWay{way, entity, target})
				})
			})
		}
	}
}

// kindOfWay is a way to ask for objects of a kind.
type kindOfWay struct {
	wayToAsk
	entity string
	target crmclient.Target
}

func (k kindOfWay) event(n int) crmclient.Request {
	r := as(k.target, lead(n))
	if k.strip != nil {
		k.strip(r)
	}
	return r
}

func (k kindOfWay) suspect(n int) crmclient.Request {
	r := k.event(n)
	r.Suspect = true
	return r
}

func (k kindOfWay) createCall() string { return "POST /v1/" + k.entity }

// takesItSilently has look-ups of the way find nothing.
func (k kindOfWay) takesItSilently() crmtest.Faults {
	return crmtest.Faults{Blind: []string{k.blind(k.entity)}}
}

// wantOnce checks that the portal holds so many objects of a kind, none twice.
func (w *world) wantOnce(k kindOfWay, n int) {
	w.t.Helper()
	if got, s := w.sim.CountIn(k.entity), w.sim.Stats(); got != n || s.Duplicates != 0 {
		w.t.Errorf("portal holds %d %s with %d duplicates, want %d and none", got, k.entity, s.Duplicates, n)
	}
}

// wantUntrusted checks for the hold of look-ups that cannot be trusted, which holds no creates.
func (w *world) wantUntrusted(code string) {
	w.t.Helper()
	for _, h := range w.creator.Status().Holds {
		if h.Cause == crmclient.HoldOriginField && h.Code == code && !h.Held && h.Advice != nil {
			return
		}
	}
	w.t.Errorf("holds are %+v, want one of %s", w.creator.Status().Holds, code)
}

const (
	findsNothing = "FILTER_FINDS_NOTHING"
	noneOfOurs   = "NO_RECORD_OF_OURS"
)

// The portal takes the filter of a look-up and finds nothing by it. What is in doubt, and what a dead owner may have
// sent, waits; new events are created; a hold says what to do. It ends when look-ups find again.
func TestFilterThatFindsNothingMakesNothingTwice(t *testing.T) {
	overWays(t, func(w *world, k kindOfWay) {
		w.setFaults(k.takesItSilently())
		w.mustCreate(k.event(1))
		w.makeContactOf(k, 3)
		later(time.Minute)
		w.script(k.createCall(), func(n int, _ crmtest.Call) crmtest.Action {
			if n == 1 {
				return crmtest.Action{Apply: crmtest.Now, Status: 502, Code: "BITRIX_UNAVAILABLE"}
			}
			return crmtest.Action{}
		})
		doubt := w.start(w.t.Context(), k.event(2))
		later(time.Second)
		crashed, never := w.start(w.t.Context(), k.suspect(1)), w.start(w.t.Context(), k.suspect(3))
		for n := range 30 {
			if e := w.mustCreate(k.event(100 + n)); e.took > time.Second {
				w.t.Errorf("a new event waits for %v", e.took)
			}
			later(20 * time.Second)
		}
		w.wantUntrusted(findsNothing)
		w.wantHolds("")
		if len(doubt)+len(crashed)+len(never) > 0 {
			w.t.Error("an event in doubt ended without proof")
		}
		w.wantOnce(k, 32)
		w.setFaults(crmtest.Faults{})
		for name, done := range map[string]<-chan ended{"doubt": doubt, "crashed": crashed, "never sent": never} {
			if e := <-done; e.err != nil || e.result.Found != (name != "never sent") && k.entity != crmtest.Deals {
				w.t.Errorf("%s: %+v", name, e)
			}
		}
		w.wantOnce(k, 33)
		if holds := w.creator.Status().Holds; len(holds) != 0 {
			w.t.Errorf("holds %+v", holds)
		}
	})
}

// A new process asks with what the portal holds: suspects after a crash, on a topic that is quiet otherwise.
func TestSuspectsOfAQuietTopic(t *testing.T) {
	for name, test := range map[string]struct {
		strangers int // that were there before leadbridge
		longest   time.Duration
	}{"ours alone": {0, settle + time.Second}, "after many others": {300, settle + 2*time.Second}} {
		t.Run(name, func(t *testing.T) {
			overWays(t, func(w *world, k kindOfWay) {
				w.addStrangers(k.entity, test.strangers)
				later(40 * 24 * time.Hour)
				for n := range 70 {
					w.mustCreate(k.event(n))
				}
				later(24 * time.Hour)
				last := k.suspect(70)
				w.mustCreate(last)
				later(20 * 24 * time.Hour)
				w.anotherProcess(k.target)
				absent := k.suspect(71)
				w.makeContactOf(k, 71)
				if e := w.mustCreate(absent); e.result.Found && k.entity != crmtest.Deals || e.took > test.longest {
					w.t.Errorf("absent: %+v", e)
				}
				if e := w.mustCreate(last); !e.result.Found || e.took > time.Second {
					w.t.Errorf("found: %+v", e)
				}
				w.wantOnce(k, test.strangers+72)
			})
		})
	}
}

// makeContactOf makes the contact of an event, and not its deal, where the kind is deals.
func (w *world) makeContactOf(k kindOfWay, n int) {
	w.t.Helper()
	if k.entity == crmtest.Deals {
		other := w.newCreator(func(c *crmclient.Config) { c.Metrics = nil })
		defer other.Close()
		r := k.event(n)
		r.Target = crmclient.TargetContact
		if _, err := other.Create(w.t.Context(), r); err != nil {
			w.t.Fatal(err)
		}
	}
}

// anotherProcess takes the place of the Creator.
func (w *world) anotherProcess(target crmclient.Target) {
	w.creator.Close()
	w.creator = w.newCreator(func(c *crmclient.Config) { c.Metrics, c.Target = nil, target })
}

// addStrangers makes objects that are not ours.
func (w *world) addStrangers(entity string, n int) {
	w.t.Helper()
	for i := range n {
		if _, err := w.sim.CreateIn(entity, fmt.Sprintf(`{"name":"Stranger %d","title":"Stranger","phone":["+7495%07d"],"sourceDescription":"by hand"}`, i, i)); err != nil {
			w.t.Fatal(err)
		}
	}
}

// The first event of a portal is in doubt, and nothing else comes. Objects are read without the filter: where all that
// can be the event's is read, its absence counts.
func TestFirstEventOfAPortalInDoubt(t *testing.T) {
	for name, test := range map[string]struct {
		strangers int
		age       time.Duration // of the strangers
	}{
		"empty":            {0, 0},
		"a few":            {20, 0},
		"a page":           {50, 0},
		"many, of today":   {330, time.Hour},
		"many, of lately":  {330, 10 * 24 * time.Hour},
		"many, of old age": {330, 500 * 24 * time.Hour},
	} {
		for _, applied := range []crmtest.Apply{crmtest.Never, crmtest.Now} {
			t.Run(fmt.Sprint(name, " applied ", applied == crmtest.Now), func(t *testing.T) {
				overWays(t, func(w *world, k kindOfWay) {
					w.addStrangers(k.entity, test.strangers)
					later(test.age)
					w.script(k.createCall(), func(n int, _ crmtest.Call) crmtest.Action {
						if n == 1 {
							return crmtest.Action{Apply: applied, Status: 502, Code: "BITRIX_UNAVAILABLE"}
						}
						return crmtest.Action{}
					})
					if e := w.mustCreate(k.event(1)); e.took > 2*settle+8*time.Second {
						w.t.Errorf("Create = %+v", e)
					}
					w.wantOnce(k, test.strangers+1)
				})
			})
		}
	}
}

// A new group looks up every event; in a portal that holds none of ours no other one would ever be created.
func TestEverythingIsSuspectInANewPortal(t *testing.T) {
	overWays(t, func(w *world, k kindOfWay) {
		w.addStrangers(k.entity, 120)
		later(time.Hour)
		var all []<-chan ended
		for n := range 60 {
			all = append(all, w.start(w.t.Context(), k.suspect(n)))
			later(time.Second / 4)
		}
		for n, done := range all {
			if e := <-done; e.err != nil || e.took > 25*time.Second {
				w.t.Errorf("suspect %d: %+v", n, e)
			}
		}
		w.wantOnce(k, 180)
	})
}

// Where reading cannot show that the first event is absent, it waits for another one, and a hold says so.
func TestFirstEventWaitsForAnother(t *testing.T) {
	inBubble(t, portalWithField(), nil, func(w *world) {
		w.addStrangers(crmtest.Contacts, 5200)
		done := w.start(w.t.Context(), suspect(1))
		later(10 * time.Minute)
		w.wantUntrusted(noneOfOurs)
		w.wantHolds("")
		if len(done) > 0 {
			w.t.Fatalf("Create = %+v", <-done)
		}
		requests := w.sim.Stats().Calls
		later(10 * time.Minute)
		if n := w.sim.Stats().Calls - requests; n > 300 {
			w.t.Errorf("%d requests in ten minutes", n)
		}
		w.mustCreate(lead(2))
		if e := <-done; e.err != nil || e.took > 20*time.Minute+3*settle { // at once when there is another
			w.t.Errorf("Create = %+v", e)
		}
		w.wantContacts(5202)
	})
}

// Somebody deletes in the portal what look-ups are tried with, some or all of it.
func TestDeletedControls(t *testing.T) {
	for name, left := range map[string]int{"the first": 9, "all but one": 1, "all": 0} {
		t.Run(name, func(t *testing.T) {
			overWays(t, func(w *world, k kindOfWay) {
				for n := range 10 {
					w.mustCreate(k.event(n))
				}
				for _, r := range w.sim.Records(k.entity)[:10-left] {
					w.sim.DeleteIn(k.entity, r.ID)
				}
				later(time.Minute)
				if e := w.mustCreate(k.suspect(20)); e.result.Found || e.took > settle+8*time.Second {
					w.t.Errorf("Create = %+v", e)
				}
				w.wantOnce(k, left+1)
				if holds := w.creator.Status().Holds; len(holds) != 0 {
					w.t.Errorf("holds %+v", holds)
				}
			})
		})
	}
}

// What look-ups are tried with may not be findable yet: no hold, and no wait beyond the lag.
func TestControlsThatCannotBeFoundYet(t *testing.T) {
	overWays(t, func(w *world, k kindOfWay) {
		w.setFaults(crmtest.Faults{LookupLag: crmtest.Duration(settle - time.Second)})
		w.mustCreate(k.event(1))
		w.sim.Script(func(c crmtest.Call) crmtest.Action {
			if strings.HasPrefix(c.Path, "/v1/"+k.entity+"/") && c.Method == http.MethodGet && !strings.HasSuffix(c.Path, "/fields") {
				w.t.Errorf("%s %s: it need not be findable yet", c.Method, c.Path)
			}
			return crmtest.Action{}
		})
		e := w.mustCreate(k.suspect(2))
		if e.result.Found || e.took < settle || e.took > 3*settle {
			w.t.Errorf("Create = %+v", e)
		}
		if n := w.logs.count("CRM fails") + w.logs.count("CRM held"); n != 0 {
			w.t.Errorf("held %d times: %s", n, w.logs)
		}
		w.wantOnce(k, 2)
	})
}

// Once look-ups were seen to find, nothing more is asked for than events.
func TestNoControlIsAskedForAfterTheProof(t *testing.T) {
	overWays(t, func(w *world, k kindOfWay) {
		w.mustCreate(k.event(1))
		later(settle)
		w.mustCreate(k.suspect(2))
		asked := 0
		w.sim.Script(func(c crmtest.Call) crmtest.Action {
			if concerns(c, 1) || strings.Contains(string(c.Body), "0000001") || strings.Contains(string(c.Body), "person1@") {
				asked++
			}
			return crmtest.Action{}
		})
		w.mustCreate(k.suspect(3))
		if asked > 0 {
			w.t.Errorf("asked for %d times", asked)
		}
	})
}

// CRM_LOOKUP=always: nobody has reason to suspect these events. They are created, and the hold is shown.
func TestPrecautionKeepsNobody(t *testing.T) {
	inBubble(t, portalWithField(), func(c *crmclient.Config) { c.LookupAlways = true }, func(w *world) {
		w.setFaults(crmtest.Faults{Blind: []string{crmtest.OriginUserField}})
		for n := range 20 {
			if e := w.mustCreate(lead(n)); e.took > time.Second {
				t.Errorf("event %d: %+v", n, e)
			}
			later(settle)
		}
		w.wantUntrusted(findsNothing)
		w.wantContacts(20)
	})
}

// The way of an earlier process finds nothing any more: what it may have sent waits, by whatever way this
// process works.
func TestFormerWayNeedsProof(t *testing.T) {
	inBubble(t, crmtest.Options{UserFields: true}, nil, func(w *world) {
		w.mustCreate(lead(1))
		w.creator.Preflight(w.t.Context(), "", true)
		w.anotherProcess("")
		w.setFaults(crmtest.Faults{Blind: []string{"phone"}})
		r := suspect(3)
		r.SentIDField = "none"
		done := w.start(w.t.Context(), r)
		later(time.Minute)
		w.mustCreate(lead(2))
		w.wantUntrusted(findsNothing)
		w.setFaults(crmtest.Faults{})
		if e := <-done; e.err != nil || e.took < time.Minute {
			t.Errorf("Create = %+v", e)
		}
		w.wantContacts(3)
	})
}

// Random trouble, processes that end, and a portal whose filters find nothing for some of the time: nothing is
// there twice, and all of it in the end.
func TestNothingTwiceWhileFiltersLie(t *testing.T) {
	for name, way := range waysToAsk() {
		t.Run(name, func(t *testing.T) {
			o := way.portal
			o.ServiceTime, o.Slots, o.QueueLimit = 100*time.Millisecond, 2, 30*time.Second
			withSeeds(t, 12, o, func(c *crmclient.Config) { c.BatchSize = 50 }, func(w *world, r *rand.Rand) {
				w.addStrangers(crmtest.Contacts, r.IntN(3)*40)
				strangers := w.sim.Count()
				part := func(most float64) float64 { return r.Float64() * most }
				faults := crmtest.Faults{
					FailBefore: part(.1), ApplyThenFail: part(.2), ApplyLate: part(.1), BatchTrickle: part(.1), Reset: part(.1), Truncate: part(.1),
					ItemError: part(.1), ItemMissing: part(.1), LookupLag: crmtest.Duration(someTime(r, 0, 2*time.Second)),
					Blind: []string{way.blind(crmtest.Contacts)},
				}
				w.setFaults(faults)
				const events = 24
				var all []<-chan ended
				for n := range events {
					req := lead(n)
					if way.strip != nil {
						way.strip(req)
					}
					all = append(all, w.startCrashing(r, req))
					later(someTime(r, 0, time.Second))
				}
				later(someTime(r, time.Second, 5*time.Minute))
				faults.Blind = nil
				w.setFaults(faults)
				for n, done := range all {
					if e := <-done; e.err != nil {
						w.t.Errorf("event %d: %v", n, e.err)
					}
				}
				later(2 * batchLifetime)
				w.wantContacts(strangers + events)
			})
		})
	}
}

// Who stops while an event waits for proof is told that it is unsettled.
func TestStopWithoutProof(t *testing.T) {
	inBubble(t, portalWithField(), nil, func(w *world) {
		w.setFaults(crmtest.Faults{Blind: []string{crmtest.OriginUserField}})
		w.mustCreate(lead(1))
		w.firstOnly(crmtest.Action{Apply: crmtest.Now, Status: 502, Code: "BITRIX_UNAVAILABLE"})
		ctx, cancel := context.WithCancel(w.t.Context())
		done := w.start(ctx, lead(2))
		later(time.Minute)
		cancel()
		if e := <-done; !e.result.Unsettled {
			t.Errorf("Create = %+v", e)
		}
	})
}

// check tries look-ups with what the portal holds, and speaks where they do not find it.
func TestPreflightTriesLookUps(t *testing.T) {
	overWays(t, func(w *world, k kindOfWay) {
		if strings.HasPrefix(w.t.Name(), "TestPreflightTriesLookUps/tag_alone") && k.entity != crmtest.Deals {
			return // their text alone is no filter to try
		}
		said := func() string { return levels(w.t, w.creator.Preflight(w.t.Context(), "", false)) }
		if got := said(); strings.Contains(got, "look-ups") {
			w.t.Errorf("in an empty portal: %s", got)
		}
		w.mustCreate(k.event(1))
		if got := said(); strings.Contains(got, "look-ups") {
			w.t.Errorf("where they find: %s", got)
		}
		w.setFaults(k.takesItSilently())
		if got := said(); !strings.Contains(got, "look-ups") || !strings.Contains(got, " fail") {
			w.t.Errorf("where they do not: %s", got)
		}
	})
}
