package crmclient_test

import (
	"context"
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

const batchCall = "POST /v1/batch"

// matching has persons looked for by phone and e-mail, and events become deals.
func matching(c *crmclient.Config) {
	c.CommentsSeen = seenComments()
	c.Target, c.Match = crmclient.TargetDeal, crmclient.Match{Email: true, Phone: true}
}

// card puts a contact into the portal that nobody of ours has made.
func (w *world) card(name, lastName, phone, email string) int64 {
	w.t.Helper()
	id, err := w.sim.Create(fmt.Sprintf(`{"name":%q,"lastName":%q,"phone":[{"value":%q,"typeId":"WORK"}],"email":[{"value":%q,"typeId":"WORK"}]}`, name, lastName, phone, email))
	if err != nil {
		w.t.Fatal(err)
	}
	return id
}

// ivan is an event of one person, with the phone of lead(1).
func ivan(n int) crmclient.Request {
	r := deal(n)
	r.Contact = &crmclient.Contact{Name: "Иван", LastName: "Петров", Comments: "Call me",
		Phones: []crmclient.Multifield{{Value: "+79160000001", TypeID: "MOBILE"}},
		Emails: []crmclient.Multifield{{Value: "ivan@example.ru", TypeID: "WORK"}}}
	return r
}

func TestMatchLinks(t *testing.T) {
	for name, test := range map[string]struct {
		match                        crmclient.Match
		name, lastName, phone, email string
		found                        bool
	}{
		"e-mail":                       {crmclient.Match{Email: true}, "Мария", "Сидорова", "+79999999999", "ivan@example.ru", true},
		"phone as given":               {crmclient.Match{Phone: true}, "Иван", "Петров", "+79160000001", "x@example.ru", true},
		"phone without plus":           {crmclient.Match{Phone: true}, "Ivan", "Petrov", "79160000001", "x@example.ru", true},
		"phone as dialled":             {crmclient.Match{Phone: true}, "Ваня", "", "89160000001", "x@example.ru", true},
		"another person's phone":       {crmclient.Match{Phone: true}, "Мария", "Петрова", "+79160000001", "x@example.ru", false},
		"e-mail, by phone only":        {crmclient.Match{Phone: true}, "Иван", "Петров", "+79999999999", "ivan@example.ru", false},
		"phone, by e-mail only":        {crmclient.Match{Email: true}, "Иван", "Петров", "+79160000001", "x@example.ru", false},
		"both, and the e-mail decides": {crmclient.Match{Email: true, Phone: true}, "Мария", "Сидорова", "+79160000001", "ivan@example.ru", true},
		"nobody":                       {crmclient.Match{Email: true, Phone: true}, "Иван", "Петров", "+79999999999", "x@example.ru", false},
		"off":                          {crmclient.Match{}, "Иван", "Петров", "+79160000001", "ivan@example.ru", false},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, portalWithField(), func(c *crmclient.Config) { c.Target, c.Match = crmclient.TargetDeal, test.match }, func(w *world) {
				id := w.card(test.name, test.lastName, test.phone, test.email)
				before := fmt.Sprint(w.sim.Contacts()[0])
				e := w.mustCreate(ivan(1))
				d := w.sim.Records(crmtest.Deals)
				if len(d) != 1 || d[0].OriginID() != originID(1) || d[0].Get("contactId") != float64(e.result.ContactID) {
					w.t.Fatalf("deals %v", d)
				}
				if got := e.result.ContactID == id; got != test.found || e.result.Matched != test.found || e.result.Found {
					t.Errorf("%+v, the card is %d", e.result, id)
				}
				if test.found && (w.sim.Count() != 1 || fmt.Sprint(w.sim.Contacts()[0]) != before) {
					t.Errorf("contacts %v", w.sim.Contacts())
				}
			})
		})
	}
}

// A lead is bound to the contact of its person, where the portal's leads can be.
func TestMatchBindsLeads(t *testing.T) {
	inBubble(t, portalWithField(), func(c *crmclient.Config) { matching(c); c.Target = crmclient.TargetLead }, func(w *world) {
		id := w.card("Иван", "Петров", "+79160000001", "x@example.ru")
		e := w.mustCreate(as("", ivan(1)))
		l := w.sim.Records(crmtest.Leads)
		if len(l) != 1 || l[0].Get("contactId") != float64(id) || !e.result.Matched || e.result.ContactID != id || e.result.LeadID != l[0].ID || w.sim.Count() != 1 {
			t.Errorf("%+v, leads %v", e.result, l)
		}
		if e := w.mustCreate(as("", lead(2))); e.result.Matched || e.result.ContactID != 0 || w.sim.Count() != 1 {
			t.Errorf("%+v", e.result)
		}
	})
}

// Several contacts that agree.
func TestMatchOfMany(t *testing.T) {
	for many, test := range map[crmclient.ManyMatches]func(*world, int64, int64, ended){
		"": func(w *world, first, second int64, e ended) {
			made := w.sim.ByOrigin(originID(1))
			if e.err != nil || e.result.Matched || len(made) != 1 || len(e.result.Candidates) != 2 {
				w.t.Fatalf("%+v", e)
			}
			for _, words := range []string{"Call me", fmt.Sprintf("contact %d https://sim.bitrix24.ru/crm/contact/details/%d/", first, first), fmt.Sprintf("contact %d ", second)} {
				for _, text := range []string{made[0].Text("comments"), w.sim.Records(crmtest.Deals)[0].Text("comments")} {
					if !strings.Contains(text, words) {
						w.t.Errorf("comments %q lack %q", text, words)
					}
				}
			}
		},
		crmclient.ManyNewest: func(w *world, _, second int64, e ended) {
			if e.err != nil || !e.result.Matched || e.result.ContactID != second || w.sim.Count() != 3 {
				w.t.Errorf("%+v", e)
			}
		},
		crmclient.ManyLetter: func(w *world, first, second int64, e ended) {
			r := rejection(e.err)
			if r == nil || r.Reason != crmclient.ReasonManyMatches || r.Message != fmt.Sprintf("contact %d, contact %d", first, second) || w.sim.Count() != 3 {
				w.t.Errorf("%+v", e)
			}
		},
	} {
		t.Run(string(many), func(t *testing.T) {
			inBubble(t, portalWithField(), func(c *crmclient.Config) { matching(c); c.Match.Many = many }, func(w *world) {
				first := w.card("Иван", "Петров", "+79160000001", "x@example.ru")
				w.card("Мария", "Сидорова", "+79160000001", "y@example.ru") // does not agree
				second := w.card("Ivan", "Petrov", "89160000001", "z@example.ru")
				test(w, first, second, w.create(ivan(1)))
			})
		})
	}
}

// A switchboard has more contacts than a page: each is read.
func TestMatchBehindASwitchboard(t *testing.T) {
	inBubble(t, portalWithField(), matching, func(w *world) {
		for n := range 70 {
			w.card("Мария", fmt.Sprintf("Сидорова%d", n), "+79160000001", fmt.Sprintf("m%d@example.ru", n))
		}
		id := w.card("Иван", "Петров", "+79160000001", "x@example.ru")
		for n := range 70 {
			w.card("Ольга", fmt.Sprintf("Сидорова%d", n), "+79160000001", fmt.Sprintf("o%d@example.ru", n))
		}
		if e := w.mustCreate(ivan(1)); e.result.ContactID != id {
			t.Errorf("%+v", e.result)
		}
	})
}

// A page on which the portal did not heed where to read on is not the end of a switchboard: nobody is chosen of what was
// read.
func TestMatchDoesNotTakeARepeatedPageForTheEnd(t *testing.T) {
	for _, many := range []crmclient.ManyMatches{crmclient.ManyNew, crmclient.ManyLetter} {
		t.Run(string(many), func(t *testing.T) {
			o := portalWithField()
			o.IgnoredFilters = []string{"id"}
			inBubble(t, o, func(c *crmclient.Config) { matching(c); c.Match.Many = many }, func(w *world) {
				id := w.card("Иван", "Петров", "+79160000001", "x@example.ru")
				for n := range 70 {
					w.card("Мария", fmt.Sprintf("Сидорова%d", n), "+79160000001", fmt.Sprintf("m%d@example.ru", n))
				}
				w.card("Иван", "Петров", "+79160000001", "z@example.ru") // on no page that is shown
				e := w.create(ivan(1))
				if r := rejection(e.err); many == crmclient.ManyLetter && (r == nil || r.Reason != crmclient.ReasonManyMatches) ||
					many == crmclient.ManyNew && (e.err != nil || e.result.Matched || e.result.ContactID == id || len(e.result.Candidates) != 1) {
					t.Errorf("%+v", e)
				}
			})
		})
	}
}

// Two events of one new person at once make one contact, also while the portal's look-ups lag behind.
func TestSamePersonAtOnce(t *testing.T) {
	o := portalOfTargets()
	inBubble(t, o, func(c *crmclient.Config) { matching(c); c.BatchSize = 50 }, func(w *world) {
		w.setFaults(crmtest.Faults{LookupLag: crmtest.Duration(3 * time.Second)})
		var all []<-chan ended
		for n := range 20 {
			r := ivan(n)
			r.Contact.Emails[0].Value = fmt.Sprintf("ivan%d@example.ru", n)
			all = append(all, w.start(w.t.Context(), r))
		}
		matched := 0
		for _, done := range all {
			e := <-done
			if e.err != nil || e.took > 5*time.Second {
				t.Errorf("%+v", e)
			}
			if e.result.Matched {
				matched++
			}
		}
		if w.sim.Count() != 1 || w.sim.CountIn(crmtest.Deals) != 20 || matched != 19 {
			t.Errorf("%d contacts, %d deals, %d matched", w.sim.Count(), w.sim.CountIn(crmtest.Deals), matched)
		}
	})
}

// What another process made half a second ago is found.
func TestSamePersonInTwoProcesses(t *testing.T) {
	inBubble(t, portalOfTargets(), matching, func(w *world) {
		other := w.newCreator(func(c *crmclient.Config) { matching(c); c.Metrics = nil })
		defer other.Close()
		if err := other.Prepare(w.t.Context()); err != nil {
			w.t.Fatal(err)
		}
		w.prepare()
		done := w.start(w.t.Context(), ivan(1))
		later(500 * time.Millisecond)
		if r, err := other.Create(w.t.Context(), ivan(2)); err != nil || !r.Matched || r.ContactID != (<-done).result.ContactID || w.sim.Count() != 1 {
			t.Errorf("%+v, %v", r, err)
		}
	})
}

// An event whose create hangs keeps others of its person for a bounded time, and nobody else.
func TestSamePersonWaitsForABoundedTime(t *testing.T) {
	inBubble(t, portalWithField(), matching, func(w *world) {
		w.mustCreate(deal(9))
		w.script(createCall, func(_ int, c crmtest.Call) crmtest.Action {
			if concerns(c, 1) {
				return crmtest.Action{End: crmtest.Hang}
			}
			return crmtest.Action{}
		})
		first := w.start(w.t.Context(), ivan(1))
		later(time.Second)
		second := w.start(w.t.Context(), ivan(2))
		later(time.Second)
		if e := w.mustCreate(deal(3)); e.took > 2*time.Second {
			t.Errorf("another person waited for %v", e.took)
		}
		if e := <-second; e.err != nil || e.took > 13*time.Second {
			t.Errorf("%+v", e)
		}
		if e := <-first; e.err != nil || !e.result.Matched { // it was not applied: its person has a contact by now
			t.Errorf("%+v", e)
		}
		if w.sim.Count() != 3 {
			t.Errorf("%d contacts", w.sim.Count())
		}
	})
}

// The process ends at any moment, and another one takes the event up: it is given to the same contact, and has one deal.
func TestMatchCrashedAnywhere(t *testing.T) {
	for _, way := range []string{"field", "tag"} {
		t.Run(way, func(t *testing.T) {
			o := portalOfTargets()
			o.ExistingUserField = way == "field"
			withSeeds(t, 50, o, matching, func(w *world, r *rand.Rand) {
				id := w.card("Иван", "Петров", "+79160000001", "x@example.ru")
				ctx, crash := context.WithCancel(w.t.Context())
				done := w.start(ctx, ivan(1))
				later(someTime(r, 0, 800*time.Millisecond))
				crash()
				e := <-done
				sent := time.Now()
				if w.sim.CountIn(crmtest.Deals) > 0 && e.err != nil && !e.result.Unsettled {
					w.t.Errorf("a deal exists, and the event is no suspect: %+v", e)
				}
				next := ivan(1)
				next.Suspect, next.SentBefore = true, func() time.Time { return sent }
				got := w.mustCreate(next)
				later(2 * lifetime)
				if got.result.ContactID != id || w.sim.Count() != 1 || w.sim.CountIn(crmtest.Deals) != 1 {
					w.t.Errorf("%+v; %d contacts, %d deals", got.result, w.sim.Count(), w.sim.CountIn(crmtest.Deals))
				}
				if found, err := w.creator.FindMade(w.t.Context(), next); way == "field" && (err != nil || found.DealID != got.result.DealID || found.ContactID != id) {
					w.t.Errorf("FindMade = %+v, %v", found, err)
				}
			})
		})
	}
}

// Whom the event was given to is gone, or another one agrees by now: its deal is found all the same, and nothing more is made.
func TestMatchedDealIsFoundWithoutItsContact(t *testing.T) {
	for name, change := range map[string]func(*world, int64){
		"gone":    func(w *world, id int64) { w.sim.Delete(id) },
		"another": func(w *world, _ int64) { w.card("Иван", "Петров", "+79160000001", "y@example.ru") },
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, portalWithField(), matching, func(w *world) {
				id := w.card("Иван", "Петров", "+79160000001", "x@example.ru")
				made := w.mustCreate(ivan(1))
				change(w, id)
				n := w.sim.Count()
				again := ivan(1)
				again.Suspect = true
				e := w.mustCreate(again)
				if e.result.DealID != made.result.DealID || e.result.ContactID != id || !e.result.Found || e.result.Attempts != 0 || w.sim.Count() != n {
					t.Errorf("%+v, %d contacts", e.result, w.sim.Count())
				}
			})
		})
	}
}

// An event that made its own contact finds it by its own id, whoever agrees by now.
func TestOwnContactComesBeforeAMatch(t *testing.T) {
	inBubble(t, portalWithField(), matching, func(w *world) {
		made := w.mustCreate(as(crmclient.TargetContact, ivan(1)))
		w.card("Иван", "Петров", "+79160000001", "ivan@example.ru")
		again := ivan(1)
		again.Suspect = true
		if e := w.mustCreate(again); e.result.ContactID != made.result.ContactID || e.result.Matched {
			t.Errorf("%+v", e.result)
		}
	})
}

// Whatever fails at random, and whoever crashes meanwhile: each event has one deal, and none is made twice.
func TestMatchUnderRandomTrouble(t *testing.T) {
	for _, ways := range []string{"field", "tag"} {
		t.Run(ways, func(t *testing.T) {
			o := portalOfTargets()
			o.ExistingUserField = ways == "field"
			withSeeds(t, 15, o, func(c *crmclient.Config) { matching(c); c.BatchSize = 50 }, func(w *world, r *rand.Rand) {
				part := func(most float64) float64 { return r.Float64() * most }
				w.setFaults(crmtest.Faults{
					FailBefore: part(.1), ApplyThenFail: part(.1), ApplyLate: part(.1), BatchTrickle: part(.1), Reset: part(.1), Truncate: part(.1),
					ItemError: part(.1), ItemMissing: part(.1), LookupLag: crmtest.Duration(someTime(r, 0, 2*time.Second)),
				})
				cards := map[int64]bool{}
				const persons, events = 6, 24
				for n := range persons {
					cards[w.card("Иван", "Петров", fmt.Sprintf("8916%07d", n), fmt.Sprintf("p%d@example.ru", n))] = true
				}
				later(2 * time.Second) // as long as they are not found yet, nobody can be given to them
				var all []<-chan ended
				for n := range events {
					req := ivan(n)
					req.Contact.Phones[0].Value = fmt.Sprintf("+7916%07d", n%persons)
					req.Contact.Emails = nil
					all = append(all, w.startCrashing(r, req))
					later(someTime(r, 0, time.Second))
				}
				for n, done := range all {
					// Of a deal that is found after a crash the contact may be left untold.
					if e := <-done; e.err != nil || e.result.ContactID != 0 && !cards[e.result.ContactID] {
						w.t.Errorf("event %d: %+v", n, e)
					}
				}
				later(2 * batchLifetime)
				if w.sim.Count() != persons || w.sim.CountIn(crmtest.Deals) != events {
					w.t.Errorf("%d contacts, %d deals", w.sim.Count(), w.sim.CountIn(crmtest.Deals))
				}
			})
		})
	}
}

// The look-up for one person fails, each time: nobody else waits, and the event is a letter when others have passed.
func TestPoisonousMatchStopsNobody(t *testing.T) {
	inBubble(t, productionPortal(), func(c *crmclient.Config) { production(c); matching(c) }, func(w *world) {
		w.setFaults(crmtest.Faults{Poison: "79160000001"})
		poison := w.start(w.t.Context(), ivan(1))
		for n := range 400 {
			if len(poison) > 0 {
				break
			}
			all := []<-chan ended{w.start(w.t.Context(), deal(100+2*n)), w.start(w.t.Context(), deal(101+2*n))}
			for _, done := range all {
				if e := <-done; e.err != nil || e.took > 6*time.Second {
					t.Errorf("another event: %+v", e)
				}
			}
			later(10 * time.Second)
		}
		if len(poison) == 0 {
			w.t.Fatal("the event waits for ever")
		}
		if r := rejection((<-poison).err); r == nil || r.Reason != crmclient.ReasonRetriesExhausted || r.Code != "INTERNAL_ERROR" {
			t.Errorf("%+v", r)
		}
		if len(w.sim.ByOrigin(originID(1))) != 0 {
			t.Error("absence was guessed")
		}
	})
}

// Look-ups fail for everybody: events wait, none is a letter and none is guessed absent; a lead that comes after they
// work again waits for seconds.
func TestFailingMatchesHold(t *testing.T) {
	for code, status := range map[string]int{"INTERNAL_ERROR": 500, "BITRIX_UNAVAILABLE": 502, "INVALID_FILTER_FIELD": 400} {
		t.Run(code, func(t *testing.T) {
			inBubble(t, portalWithField(), matching, func(w *world) {
				w.mustCreate(deal(99))
				var mended atomic.Bool
				w.sim.Script(func(c crmtest.Call) crmtest.Action {
					if !mended.Load() && c.Is(batchCall) && strings.Contains(string(c.Body), `"list"`) {
						return crmtest.Action{Status: status, Code: code}
					}
					return crmtest.Action{}
				})
				var all []<-chan ended
				for n := range 10 {
					all = append(all, w.start(w.t.Context(), deal(n)))
					later(time.Minute)
				}
				later(time.Second) // the next lead comes after the last try
				want := "outage"
				if status == 400 {
					want = "match"
				}
				w.wantHolds(want)
				if n := countEnded(all); n != 0 || w.sim.Count() != 1 {
					t.Errorf("%d ended, %d contacts", n, w.sim.Count())
				}
				mended.Store(true)
				if e := w.mustCreate(deal(50)); e.took > 7*time.Second {
					t.Errorf("a fresh lead waited for %v", e.took)
				}
				later(10 * time.Second)
				if n := countEnded(all); n != 10 {
					t.Errorf("%d ended", n)
				}
				w.wantHolds("")
			})
		})
	}
}

// A portal that ignores the filters answers with strangers: nobody is taken for another person.
func TestStrangersAreNoMatch(t *testing.T) {
	inBubble(t, portalWithField(), matching, func(w *world) {
		for n := range 60 {
			w.card("Иван", "Петров", fmt.Sprintf("+7999%07d", n), fmt.Sprintf("s%d@example.ru", n))
		}
		w.setFaults(crmtest.Faults{IgnoreFilters: true})
		ctx, cancel := context.WithTimeout(w.t.Context(), time.Minute)
		defer cancel()
		if e := w.createUntil(ctx, ivan(1)); !errors.Is(e.err, context.DeadlineExceeded) || w.sim.Count() != 60 {
			t.Errorf("%+v, %d contacts", e, w.sim.Count())
		}
		w.wantHolds("match")
	})
}

// A look-up for fifty persons is one request: a lead takes two requests, and a deal three, however they meet.
func TestMatchReachesItsCeilings(t *testing.T) {
	for target, ceiling := range map[crmclient.Target]float64{crmclient.TargetLead: 125, crmclient.TargetDeal: 250. / 3} {
		t.Run(string(target), func(t *testing.T) {
			inBubble(t, productionPortal(), func(c *crmclient.Config) { production(c); matching(c); c.Target = target }, func(w *world) {
				w.wantThroughput(.95*ceiling, lead)
			})
		})
	}
}

// comments are those on a contact's card.
func (w *world) comments(contact int64) (texts []string) {
	for _, c := range w.sim.Records(crmtest.Timelines) {
		if c.Get("entityId") == float64(contact) && c.Text("entityType") == "contact" {
			texts = append(texts, c.Text("comment"))
		}
	}
	return texts
}

// What would have become a contact becomes a comment on the one that was there before.
func TestMatchCommentsOnContacts(t *testing.T) {
	for _, mode := range []crmclient.CommentMode{"", crmclient.CommentOn, crmclient.CommentBoth} {
		t.Run(string(mode), func(t *testing.T) {
			inBubble(t, portalWithField(), func(c *crmclient.Config) { matching(c); c.Target, c.Comment = "", mode }, func(w *world) {
				id := w.card("Иван", "Петров", "+79160000001", "x@example.ru")
				before := fmt.Sprint(w.sim.Contacts()[0])
				r := ivan(1)
				r.Target = ""
				e := w.mustCreate(r)
				texts := w.comments(id)
				if e.result.ContactID != id || !e.result.Matched || e.result.Comment != crmclient.CommentWritten || len(texts) != 1 || w.sim.Count() != 1 || fmt.Sprint(w.sim.Contacts()[0]) != before {
					w.t.Fatalf("%+v, comments %q", e.result, texts)
				}
				for _, words := range []string{"Call me", "Иван", "Петров", "+79160000001", "ivan@example.ru", "[leadbridge "} {
					if !strings.Contains(texts[0], words) {
						t.Errorf("%q lacks %q", texts[0], words)
					}
				}
				r.Suspect = true
				if e := w.mustCreate(r); e.result.ContactID != id || !e.result.Found || e.result.Attempts != 0 || len(w.comments(id)) != 1 {
					t.Errorf("again: %+v", e.result)
				}
			})
		})
	}
}

func TestMatchedCommentCrashedAnywhere(t *testing.T) {
	withSeeds(t, 50, portalOfTargets(), func(c *crmclient.Config) { matching(c); c.Target = "" }, func(w *world, r *rand.Rand) {
		id := w.card("Иван", "Петров", "+79160000001", "x@example.ru")
		req := ivan(1)
		req.Target = ""
		ctx, crash := context.WithCancel(w.t.Context())
		done := w.start(ctx, req)
		later(someTime(r, 0, 600*time.Millisecond))
		crash()
		e := <-done
		sent := time.Now()
		if len(w.comments(id)) > 0 && e.err != nil && !e.result.Unsettled {
			w.t.Errorf("a comment exists, and the event is no suspect: %+v", e)
		}
		req.Suspect, req.SentBefore = true, func() time.Time { return sent }
		got := w.mustCreate(req)
		later(2 * lifetime)
		if got.result.ContactID != id || w.sim.Count() != 1 || len(w.comments(id)) != 1 {
			w.t.Errorf("%+v; %d contacts, comments %q", got.result, w.sim.Count(), w.comments(id))
		}
	})
}

// A comment that is all that an event becomes is a letter when it is refused, and waits while comments fail: nobody
// else does.
func TestMatchedCommentIsEssential(t *testing.T) {
	t.Run("refused", func(t *testing.T) {
		inBubble(t, portalWithField(), func(c *crmclient.Config) { matching(c); c.Target = "" }, func(w *world) {
			id := w.card("Иван", "Петров", "+79160000001", "x@example.ru")
			w.script("POST /v1/timelines", func(int, crmtest.Call) crmtest.Action {
				return crmtest.Action{Status: 400, Code: "VALIDATION_ERROR"}
			})
			r := ivan(1)
			r.Target = ""
			e := w.create(r)
			if refused := rejection(e.err); refused == nil || refused.Reason != crmclient.ReasonRefused || refused.Done.ContactID != id {
				t.Errorf("%+v", e)
			}
		})
	})
	t.Run("down", func(t *testing.T) {
		inBubble(t, productionPortal(), func(c *crmclient.Config) { production(c); matching(c); c.Target = "" }, func(w *world) {
			w.setFaults(crmtest.Faults{Forbidden: []string{"timelines"}})
			id := w.card("Иван", "Петров", "+79160000001", "x@example.ru")
			r := ivan(1)
			r.Target = ""
			waits := w.start(w.t.Context(), r)
			for n := range 180 {
				if e := w.mustCreate(lead(100 + n)); e.took > 3*time.Second {
					t.Errorf("event %d waited for %v", n, e.took)
				}
				later(20 * time.Second)
			}
			if len(waits) != 0 {
				w.t.Fatalf("it ended: %+v", <-waits)
			}
			w.setFaults(crmtest.Faults{})
			if e := <-waits; e.err != nil || len(w.comments(id)) != 1 {
				t.Errorf("%+v, comments %q", e, w.comments(id))
			}
		})
	})
}

// Everybody has a contact by now: what look-ups met is over when they work again, though nothing is created.
func TestHoldOfMatchesEndsWithoutACreate(t *testing.T) {
	inBubble(t, portalWithField(), func(c *crmclient.Config) { matching(c); c.Target = "" }, func(w *world) {
		w.prepare()
		var mended atomic.Bool
		w.sim.Script(func(c crmtest.Call) crmtest.Action {
			if !mended.Load() && strings.Contains(string(c.Body), `"list"`) {
				return crmtest.Action{Status: 500, Code: "INTERNAL_ERROR"}
			}
			return crmtest.Action{}
		})
		var all []<-chan ended
		for n := range 5 {
			w.card("Иван", "Петров", fmt.Sprintf("+7916000010%d", n), "x@example.ru")
			r := ivan(n)
			r.Target, r.Contact.Phones[0].Value = "", fmt.Sprintf("+7916000010%d", n)
			r.Contact.Emails = nil
			all = append(all, w.start(w.t.Context(), r))
			later(10 * time.Second)
		}
		w.wantHolds("outage")
		mended.Store(true)
		later(2 * time.Minute)
		if n := countEnded(all); n != 5 {
			t.Errorf("%d ended", n)
		}
		w.wantHolds("")
	})
}

// The check says beforehand whether persons can be looked for.
func TestCheckTellsWhetherPersonsCanBeLookedFor(t *testing.T) {
	for name, test := range map[string]struct {
		options crmtest.Options
		refuse  bool
		level   string
		detail  string
	}{
		"well":    {portalWithField(), false, "ok", "e-mail or phone"},
		"ignored": {crmtest.Options{ExistingUserField: true, IgnoredFilters: []string{"phone"}}, false, "fail", "ignores what is asked for by phone"},
		"refused": {portalWithField(), true, "fail", "INVALID_FILTER_FIELD"},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, test.options, matching, func(w *world) {
				w.card("Иван", "Петров", "+79160000001", "x@example.ru")
				if test.refuse {
					w.script(searchCall, func(int, crmtest.Call) crmtest.Action {
						return crmtest.Action{Status: 400, Code: "INVALID_FILTER_FIELD"}
					})
				}
				var found bool
				for _, f := range w.creator.Preflight(w.t.Context(), "", false) {
					if f.Check == "matching" {
						found = true
						if f.Level != test.level || !strings.Contains(f.Detail, test.detail) || f.Level == "fail" && !strings.Contains(f.Remedy, "CRM_MATCH") {
							t.Errorf("%+v", f)
						}
					}
				}
				if !found {
					t.Error("the check does not speak of matching")
				}
			})
		})
	}
}
