package crmclient_test

import (
	"errors"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/leadbridge/leadbridge/crmclient"
	"github.com/leadbridge/leadbridge/crmclient/crmtest"
)

// lookUpEarly calls Create with LookUpOnly until the event waits for its turn, and returns its request at its turn.
func (w *world) lookUpEarly(r crmclient.Request) crmclient.Request {
	w.t.Helper()
	r.LookUpOnly = true
	for {
		_, err := w.creator.Create(w.t.Context(), r)
		wait, deferred := errors.AsType[*crmclient.Deferred](err)
		if !deferred {
			w.t.Fatalf("before its turn: %v", err)
		}
		r.Resume = wait.Pending
		if wait.Why == crmclient.WaitOrder {
			r.LookUpOnly = false
			return r
		}
		time.Sleep(time.Until(wait.Until))
	}
}

// writes and reads are how many requests of both kinds the portal has got.
func (w *world) writesAndReads() (writes, reads int) {
	for call, n := range w.sim.Stats().Requests {
		switch {
		case strings.Contains(call, "/search"):
			reads += n
		case strings.HasPrefix(call, "POST "):
			writes += n
		}
	}
	return writes, reads
}

// Before its turn an event is looked up, and nothing is sent. At its turn it needs no look-up any more.
func TestLookUpBeforeTheTurn(t *testing.T) {
	for _, target := range crmclient.Targets() {
		for name, test := range map[string]struct{ made, suspect bool }{"found": {true, true}, "absent": {false, true}, "fresh": {false, false}} {
			t.Run(string(target)+" "+name, func(t *testing.T) {
				inBubble(t, portalOfTargets(), func(c *crmclient.Config) { c.Target = target }, func(w *world) {
					w.mustCreate(as("", lead(2))) // by which look-ups are seen to find
					if test.made {
						w.mustCreate(as("", lead(1)))
					}
					before, _ := w.writesAndReads()
					objects := maps.Clone(w.sim.Stats().Requests)
					r := as("", lead(1))
					r.Suspect = test.suspect
					r = w.lookUpEarly(r)
					writes, reads := w.writesAndReads()
					if writes != before {
						t.Errorf("sent before its turn: %v, before %v", w.sim.Stats().Requests, objects)
					}
					e := w.create(r)
					if e.err != nil || e.result.Found != test.made || (e.result.Attempts == 0) != test.made {
						t.Errorf("%+v", e)
					}
					atTurn := 0
					if target == crmclient.TargetDeal && name == "absent" {
						atTurn = 1 // of the deal, which is looked up when its contact is known
					}
					if _, n := w.writesAndReads(); n != reads+atTurn {
						t.Errorf("%d look-ups at its turn", n-reads)
					}
					if s := w.sim.Stats(); s.Duplicates != 0 {
						t.Errorf("%d duplicates", s.Duplicates)
					}
				})
			})
		}
	}
}

// What an event can be done without is optional, and nothing else that it waits for.
func TestOnlyExtrasAreOptional(t *testing.T) {
	for name, test := range map[string]struct {
		target crmclient.Target
		card   bool   // the person has a card
		fails  string // the calls that fail begin so
		want   bool
	}{
		"fill":                                {crmclient.TargetDeal, true, "PATCH /v1/contacts/", true},
		"comment on a deal":                   {crmclient.TargetDeal, false, commentCall, true},
		"comment that the event becomes":      {crmclient.TargetContact, true, commentCall, false},
		"contact":                             {crmclient.TargetContact, false, createCall, false},
		"deal":                                {crmclient.TargetDeal, false, "POST /v1/deals", false},
		"fill of an event that is on a deal":  {crmclient.TargetDeal, true, "PATCH ", true},
		"fill of an event that is on a card":  {crmclient.TargetContact, true, "PATCH ", true},
		"comment on a contact that was made ": {crmclient.TargetContact, false, commentCall, true},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, portalOfTargets(), func(c *crmclient.Config) {
				fillingCards(crmclient.PatchReplaces)(c)
				commenting(c)
				c.Target = test.target
			}, func(w *world) {
				if test.card {
					w.card("Иван", "Петров", "+79160000001", "old@example.ru")
				}
				w.prepare()
				w.sim.Script(func(c crmtest.Call) crmtest.Action {
					if strings.HasPrefix(c.Method+" "+c.Path, test.fails) && !strings.HasSuffix(c.Path, "/search") {
						return crmtest.Action{Status: 500, Code: "INTERNAL_ERROR"}
					}
					return crmtest.Action{}
				})
				r := as("", ivan(1))
				r.Contact.Comments = "Call me"
				_, err := w.creator.Create(w.t.Context(), r)
				wait, deferred := errors.AsType[*crmclient.Deferred](err)
				if !deferred || wait.Optional != test.want {
					t.Errorf("%v, optional: %v", err, deferred && wait.Optional)
				}
			})
		})
	}
}
