package crmclient_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/leadbridge/leadbridge/crmclient"
	"github.com/leadbridge/leadbridge/crmclient/crmtest"
)

const (
	dealCall = "POST /v1/deals"
	leadCall = "POST /v1/leads"
)

// as is a request whose event becomes what the target says.
func as(target crmclient.Target, r crmclient.Request) crmclient.Request {
	r.Target = target
	r.Card = crmclient.Card{Title: "Title of " + r.OriginID, Amount: "1500.50", Currency: "RUB"}
	return r
}

func deal(n int) crmclient.Request { return as(crmclient.TargetDeal, lead(n)) }

// wantDeals checks that there are so many deals, each with the contact of its own event, which has no
// other deal, and nothing twice.
func (w *world) wantDeals(n int) {
	w.t.Helper()
	deals := w.sim.Records(crmtest.Deals)
	if s := w.sim.Stats(); len(deals) != n || s.Duplicates != 0 {
		w.t.Errorf("portal holds %d deals, %d contacts and %d duplicates, want %d deals", len(deals), s.Contacts, s.Duplicates, n)
	}
	for _, d := range deals {
		contacts := w.sim.ByOrigin(d.OriginID())
		if len(contacts) != 1 || float64(contacts[0].ID) != d.Get("contactId") {
			w.t.Errorf("deal %d of %s is with contact %v, its event's are %v", d.ID, d.OriginID(), d.Get("contactId"), contacts)
		}
	}
}

func TestLead(t *testing.T) {
	for name, o := range map[string]crmtest.Options{
		"native": {NativeOriginID: true, Portal: "sim.bitrix24.ru"}, "user field": portalWithField(), "tag": {Portal: "sim.bitrix24.ru"},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, o, func(c *crmclient.Config) { c.Target, c.Card.StatusID = crmclient.TargetLead, "IN_PROCESS" }, func(w *world) {
				r := as("", lead(1))
				r.Contact.Post, r.Contact.TypeID = "Boss", "CLIENT"
				made := w.mustCreate(r)
				got := w.sim.Records(crmtest.Leads)
				if len(got) != 1 || w.sim.Count() != 0 || made.result.LeadID != got[0].ID || made.result.ContactID != 0 {
					w.t.Fatalf("%+v; leads %v", made, got)
				}
				l := got[0]
				if l.Text("title") != r.Card.Title || l.Get("amount") != 1500.5 || l.Text("currency") != "RUB" || l.Text("statusId") != "IN_PROCESS" ||
					l.Text("name") != "Name1" || l.Text("post") != "Boss" || len(l.Phones()) != 1 || l.Text("comments") != "typeId: CLIENT" || l.OriginID() != originID(1) {
					t.Errorf("lead %v", l)
				}
				r.Suspect = true
				if again := w.mustCreate(r); !again.result.Found || again.result.LeadID != l.ID {
					t.Errorf("looked up: %+v", again)
				}
				if url := w.creator.CardURL(made.result.Made()); url != fmt.Sprintf("https://sim.bitrix24.ru/crm/lead/details/%d/", l.ID) {
					t.Errorf("card %s", url)
				}
			})
		})
	}
}

// The comments of a card stand beside what the person wrote, which nothing but the lead shows; of a deal the contact shows it.
func TestCommentsOfACard(t *testing.T) {
	for target, want := range map[crmclient.Target][2]string{crmclient.TargetLead: {"VIP\nCall me", "VIP\nCall me"}, crmclient.TargetDeal: {"VIP", "VIP\nCall me"}} {
		for _, mode := range []crmclient.CommentMode{crmclient.CommentOff, crmclient.CommentBoth} {
			inBubble(t, portalWithField(), func(c *crmclient.Config) { c.Comment, c.CommentsSeen = mode, seenComments() }, func(w *world) {
				r := as(target, lead(1))
				r.Contact.Comments, r.Card.Comments = "Call me", "VIP"
				w.mustCreate(r)
				if got := w.sim.Records(string(target) + "s")[0].Text("comments"); got != want[0] {
					t.Errorf("%s %s: comments %q, want %q", target, mode, got, want[0])
				}
				for _, c := range w.sim.Records(crmtest.Timelines) {
					if got := mark.ReplaceAllString(c.Text("comment"), ""); got != want[1] {
						t.Errorf("%s %s: comment %q, want %q", target, mode, got, want[1])
					}
				}
			})
		}
	}
}

func TestDeal(t *testing.T) {
	category := int64(3)
	for name, o := range map[string]crmtest.Options{
		"native": {NativeOriginID: true, Portal: "sim.bitrix24.ru"}, "user field": portalWithField(), "tag": {Portal: "sim.bitrix24.ru"},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, o, func(c *crmclient.Config) {
				c.Target, c.Card = crmclient.TargetDeal, crmclient.Card{CategoryID: &category, StageID: "C3:NEW"}
			}, func(w *world) {
				w.mustCreate(deal(9)) // ids of contacts and deals are to differ
				w.mustCreate(as(crmclient.TargetContact, lead(8)))
				r := as("", lead(1))
				r.Contact.Comments, r.Contact.SourceID = "Call me", "WEB"
				made := w.mustCreate(r)
				w.wantDeals(2)
				d := w.sim.ByOriginIn(crmtest.Deals, originID(1))[0]
				if made.result.DealID != d.ID || made.result.ContactID != w.sim.ByOrigin(originID(1))[0].ID || made.result.Attempts != 2 || made.result.Found {
					t.Errorf("%+v", made.result)
				}
				if d.Text("title") != r.Card.Title || d.Get("amount") != 1500.5 || d.Text("currency") != "RUB" || d.Get("categoryId") != 3.0 ||
					d.Text("stageId") != "C3:NEW" || d.Text("comments") != "Call me" || d.Text("sourceId") != "WEB" || d.Get("phone") != nil {
					t.Errorf("deal %v", d)
				}
				r.Suspect = true
				again := w.mustCreate(r)
				if !again.result.Found || again.result.Made() != made.result.Made() || again.result.Attempts != 0 {
					t.Errorf("looked up: %+v", again)
				}
				if found, err := w.creator.FindMade(w.t.Context(), r); err != nil || found != made.result.Made() {
					t.Errorf("FindMade = %v, %v", found, err)
				}
				if got := made.result.Made().String(); got != fmt.Sprintf("contact=%d deal=%d", made.result.ContactID, made.result.DealID) {
					t.Errorf("made %s", got)
				}
			})
		})
	}
}

// An event's own pipeline keeps out the stage of another.
func TestOwnPipeline(t *testing.T) {
	setting, own := int64(3), int64(0)
	inBubble(t, portalWithField(), func(c *crmclient.Config) {
		c.Card = crmclient.Card{CategoryID: &setting, StageID: "C3:NEW"}
	}, func(w *world) {
		r := deal(1)
		r.Card.CategoryID = &own
		w.mustCreate(r)
		if d := w.sim.Records(crmtest.Deals)[0]; d.Get("categoryId") != 0.0 || d.Text("stageId") != "NEW" {
			t.Errorf("deal %v", d)
		}
	})
}

// Each crash point of a deal's two steps: what the portal does with the create, and what becomes of it.
func TestDealInDoubt(t *testing.T) {
	for _, call := range []string{createCall, dealCall} {
		for name, act := range map[string]crmtest.Action{
			"applied, then 502": {Apply: crmtest.Now, Status: 502, Code: "BITRIX_UNAVAILABLE"},
			"502, not applied":  {Status: 502, Code: "BITRIX_UNAVAILABLE"},
			"applied late":      {Apply: crmtest.Late, After: 4 * time.Second, Status: 502, Code: "BITRIX_UNAVAILABLE"},
			"reset, applied":    {End: crmtest.Reset, Apply: crmtest.Now},
			"hangs":             {End: crmtest.Hang},
			"truncated":         {End: crmtest.Truncate},
		} {
			t.Run(call+" "+name, func(t *testing.T) {
				inBubble(t, portalWithField(), nil, func(w *world) {
					w.script(call, func(n int, _ crmtest.Call) crmtest.Action {
						if n == 1 {
							return act
						}
						return crmtest.Action{}
					})
					w.mustCreate(deal(1))
					w.wantDeals(1)
					w.wantContacts(1)
				})
			})
		}
	}
}

// The process ends at any moment of the two steps, and another one takes the event up as a suspect.
func TestDealCrashedAnywhere(t *testing.T) {
	withSeeds(t, 300, portalOfTargets(), nil, func(w *world, r *rand.Rand) {
		ctx, crash := context.WithCancel(w.t.Context())
		done := w.start(ctx, deal(1))
		later(someTime(r, 0, 600*time.Millisecond))
		crash()
		e := <-done
		sent := time.Now()
		if e.err == nil && e.result.Attempts != 2 {
			w.t.Errorf("ended with %+v", e.result)
		}
		if made := w.sim.Count(); made > 0 && e.err != nil && !e.result.Unsettled {
			w.t.Errorf("a contact exists, and the event is no suspect: %+v, %v", e.result, e.err)
		}
		next := deal(1)
		next.Suspect, next.SentBefore = true, func() time.Time { return sent }
		w.mustCreate(next)
		later(2 * lifetime)
		w.wantDeals(1)
		w.wantContacts(1)
	})
}

// portalOfTargets takes some time for each request, so that a process can end in the middle of one.
func portalOfTargets() crmtest.Options {
	o := portalWithField()
	o.ServiceTime, o.Slots, o.QueueLimit = 100*time.Millisecond, 2, 30*time.Second
	return o
}

// Whatever fails at random, and whoever crashes meanwhile: each event becomes what its target says, once,
// and no deal is without its contact.
func TestTargetsUnderRandomTrouble(t *testing.T) {
	for _, ways := range []string{"field", "tag"} {
		t.Run(ways, func(t *testing.T) {
			o := portalOfTargets()
			o.ExistingUserField = ways == "field"
			withSeeds(t, 60, o, func(c *crmclient.Config) { c.BatchSize = 50 }, func(w *world, r *rand.Rand) {
				part := func(most float64) float64 { return r.Float64() * most }
				w.setFaults(crmtest.Faults{
					FailBefore: part(.1), ApplyThenFail: part(.1), ApplyLate: part(.1), BatchTrickle: part(.1), Reset: part(.1), Truncate: part(.1),
					ItemError: part(.1), ItemMissing: part(.1), LookupLag: crmtest.Duration(someTime(r, 0, 2*time.Second)),
				})
				const events = 24
				var all []<-chan ended
				for n := range events {
					req := as(crmclient.Targets()[n%3], lead(n))
					all = append(all, w.startCrashing(r, req))
					later(someTime(r, 0, time.Second))
				}
				for n, done := range all {
					if e := <-done; e.err != nil {
						w.t.Errorf("event %d: %v", n, e.err)
					}
				}
				later(2 * batchLifetime)
				w.wantDeals(events / 3)
				if s := w.sim.Stats(); s.Contacts != 2*events/3 || s.Leads != events/3 {
					w.t.Errorf("stats %+v", s)
				}
			})
		})
	}
}

// startCrashing delivers an event in several processes one after another, each of which may end before its time.
func (w *world) startCrashing(r *rand.Rand, req crmclient.Request) <-chan ended {
	done := make(chan ended, 1)
	var lives []time.Duration
	for range r.IntN(3) {
		lives = append(lives, someTime(r, 0, 20*time.Second))
	}
	w.calls.Go(func() {
		for _, life := range lives {
			ctx, crash := context.WithTimeout(context.Background(), life)
			e := w.createUntil(ctx, req)
			crash()
			if !errors.Is(e.err, context.DeadlineExceeded) {
				done <- e
				return
			}
			sent := time.Now()
			req.Suspect, req.SentBefore = true, func() time.Time { return sent }
		}
		done <- w.create(req)
	})
	return done
}

// A deal that is refused for ever is a letter that says what exists; its replay finds the contact and
// makes the deal alone.
func TestDealRefusedAfterItsContact(t *testing.T) {
	inBubble(t, portalWithField(), nil, func(w *world) {
		w.setFaults(crmtest.Faults{Refuse: "Title of"})
		e := w.create(deal(1))
		refused := rejection(e.err)
		if refused == nil || refused.Done.String() != "contact=1" || refused.Reason != crmclient.ReasonRefused {
			w.t.Fatalf("Create = %+v", e)
		}
		w.setFaults(crmtest.Faults{})
		replay := deal(1)
		replay.Suspect, replay.Replayed = true, true
		if e := w.mustCreate(replay); e.result.ContactID != 1 || e.result.DealID != 1 || e.result.Attempts != 1 {
			t.Errorf("replay: %+v", e)
		}
		w.wantDeals(1)
		w.wantContacts(1)
	})
}

// A stop between the two steps leaves a suspect, whoever asks for it and however.
func TestStopBetweenTheSteps(t *testing.T) {
	inBubble(t, portalOfTargets(), nil, func(w *world) {
		w.prepare()
		stop := make(chan struct{})
		r := deal(1)
		r.Stop = stop
		w.script(dealCall, func(int, crmtest.Call) crmtest.Action { w.t.Error("a deal after the stop"); return crmtest.Action{} })
		w.script(createCall, func(int, crmtest.Call) crmtest.Action { close(stop); return crmtest.Action{} })
		e := w.create(r)
		if !errors.Is(e.err, crmclient.ErrStopped) || !e.result.Unsettled || e.result.ContactID != 1 {
			t.Errorf("Create = %+v", e)
		}
	})
}

// The key may not make deals: deals wait and do not become letters, and nothing else waits for them.
func TestDealsForbidden(t *testing.T) {
	for name, test := range map[string]struct{ target crmclient.Target }{"all are deals": {crmclient.TargetDeal}, "one is a deal": {""}} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, productionPortal(), func(c *crmclient.Config) { production(c); c.Target = test.target }, func(w *world) {
				w.setFaults(crmtest.Faults{Forbidden: []string{"deals"}})
				var deals []<-chan ended
				for n := range 5 {
					deals = append(deals, w.start(w.t.Context(), deal(n)))
				}
				for n := range 60 {
					if e := w.mustCreate(as(crmclient.TargetContact, lead(100+n))); e.took > 2*time.Second {
						t.Errorf("a contact waited for %v", e.took)
					}
					later(time.Minute)
				}
				w.wantHolds("")
				holds := w.creator.Status().Holds
				if len(holds) != 1 || holds[0].Of != "deals" || holds[0].Held || !strings.Contains(holds[0].Advice.String(), "deals") {
					t.Errorf("holds %+v", holds)
				}
				if n := countEnded(deals); n != 0 || w.sim.Count() != 65 {
					t.Errorf("%d ended, %d contacts", n, w.sim.Count())
				}
				w.setFaults(crmtest.Faults{})
				for _, done := range deals {
					if e := <-done; e.err != nil {
						t.Errorf("Create = %+v", e)
					}
				}
				w.wantDeals(5)
				if holds := w.creator.Status().Holds; len(holds) != 0 {
					t.Errorf("holds %+v", holds)
				}
			})
		})
	}
}

// Every deal fails, contacts pass: no deal is charged for that, and none is a letter.
func TestContactsThatPassSayNothingAboutDeals(t *testing.T) {
	for status, code := range map[int]string{403: "BITRIX_ACCESS_DENIED", 422: "BITRIX_ERROR", 500: "INTERNAL_ERROR"} {
		t.Run(code, func(t *testing.T) {
			inBubble(t, productionPortal(), func(c *crmclient.Config) { production(c); c.BatchSize = 1 }, func(w *world) {
				var mended atomic.Bool
				w.script(dealCall, func(int, crmtest.Call) crmtest.Action {
					if !mended.Load() {
						return crmtest.Action{Status: status, Code: code}
					}
					return crmtest.Action{}
				})
				var deals []<-chan ended
				for n := range 10 {
					deals = append(deals, w.start(w.t.Context(), deal(n)))
				}
				for n := range 200 {
					if e := w.mustCreate(lead(100 + n)); e.took > 5*time.Second {
						t.Errorf("a contact waited for %v", e.took)
					}
					later(20 * time.Second)
				}
				if n := countEnded(deals); n != 0 {
					w.t.Fatalf("%d ended: %+v", n, <-deals[0])
				}
				mended.Store(true)
				for _, done := range deals {
					if e := <-done; e.err != nil {
						t.Errorf("Create = %+v", e)
					}
				}
				w.wantDeals(10)
			})
		})
	}
}

// Refusals of deals are a flood of their own: contacts that pass do not end it.
func TestFloodOfDeals(t *testing.T) {
	inBubble(t, productionPortal(), func(c *crmclient.Config) { production(c); c.FloodLimit = 5 }, func(w *world) {
		w.setFaults(crmtest.Faults{Refuse: "Title of"})
		var deals []<-chan ended
		for n := range 20 {
			deals = append(deals, w.start(w.t.Context(), deal(n)))
			w.mustCreate(lead(100 + n))
			later(time.Second)
		}
		later(time.Minute)
		if n := countEnded(deals); n != 5 {
			t.Errorf("%d letters, want 5", n)
		}
		w.wantHolds("flood")
		w.setFaults(crmtest.Faults{})
		later(5 * time.Minute)
		if n := countEnded(deals); n != 20 {
			t.Errorf("%d ended, want 20", n)
		}
		w.wantDeals(15)
	})
}

// Contacts and deals share batches.
func TestBatchesOfBothKinds(t *testing.T) {
	o := portalOfTargets()
	o.Slots = 1
	inBubble(t, o, func(c *crmclient.Config) { c.BatchSize, c.Slots, c.Target = 50, 1, crmclient.TargetDeal }, func(w *world) {
		w.prepare()
		both := 0
		w.sim.Script(func(c crmtest.Call) crmtest.Action {
			var body struct{ Calls []struct{ Entity string } }
			if c.Is(batchPath) && json.Unmarshal(c.Body, &body) == nil {
				kinds := map[string]bool{}
				for _, call := range body.Calls {
					kinds[call.Entity] = true
				}
				if len(kinds) == 2 {
					both++
				}
			}
			return crmtest.Action{}
		})
		var all []<-chan ended
		for n := range 200 {
			all = append(all, w.start(w.t.Context(), deal(n)))
			later(5 * time.Millisecond)
		}
		for _, done := range all {
			if e := <-done; e.err != nil {
				w.t.Fatal(e.err)
			}
		}
		w.wantDeals(200)
		if both == 0 {
			t.Error("no batch held contacts and deals")
		}
	})
}

// Under the documented limits deals reach the ceiling of two creates an event, and leads that of one.
func TestTargetsReachTheirCeilings(t *testing.T) {
	for target, ceiling := range map[crmclient.Target]float64{crmclient.TargetLead: 250, crmclient.TargetDeal: 125} {
		t.Run(string(target), func(t *testing.T) {
			inBubble(t, productionPortal(), func(c *crmclient.Config) { production(c); c.Target = target }, func(w *world) {
				w.wantThroughput(.95*ceiling, lead)
			})
		})
	}
}

// The portal does not describe deals: contacts do not wait for that for longer than for one short question.
func TestUnansweredDescriptionOfDealsHoldsNoContact(t *testing.T) {
	for name, act := range map[string]crmtest.Action{
		"hang": {End: crmtest.Hang}, "reset": {End: crmtest.Reset}, "503": {Status: 503, Code: "BITRIX_UNAVAILABLE"},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, portalWithField(), nil, func(w *world) {
				w.mustCreate(lead(1))
				var mended atomic.Bool
				w.sim.Script(func(c crmtest.Call) crmtest.Action {
					if !mended.Load() && c.Is("GET /v1/deals/fields") {
						return act
					}
					return crmtest.Action{}
				})
				waits := w.start(w.t.Context(), deal(2))
				later(time.Second)
				for n := range 60 {
					if e := w.mustCreate(lead(100 + n)); e.took > 4*time.Second {
						t.Errorf("contact %d waited for %v", n, e.took)
					}
					later(10 * time.Second)
				}
				mended.Store(true)
				if e := <-waits; e.err != nil {
					t.Errorf("Create = %+v", e)
				}
			})
		})
	}
}
