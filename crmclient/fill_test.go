package crmclient_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/leadbridge/leadbridge/crmclient"
	"github.com/leadbridge/leadbridge/crmclient/crmtest"
)

const (
	patchCall  = "PATCH /v1/contacts/1"
	leadSearch = "POST /v1/leads/search 200"
)

// portalThat is one whose updates add, or replace, phones and e-mails.
func portalThat(patch crmclient.Patch) crmtest.Options {
	o := portalWithField()
	o.PatchAdds = patch == crmclient.PatchAdds
	return o
}

// fillingCards has cards filled, by what the portal's updates do.
func fillingCards(patch crmclient.Patch) func(*crmclient.Config) {
	return func(c *crmclient.Config) {
		matching(c)
		c.Match.Fill, c.Patch = true, crmclient.Patches{Phones: patch, Emails: patch}
	}
}

// bothPatches runs a test in a portal whose updates add, and in one whose updates replace.
func bothPatches(t *testing.T, change func(*crmclient.Config), test func(*world)) {
	t.Helper()
	for _, patch := range []crmclient.Patch{crmclient.PatchAdds, crmclient.PatchReplaces} {
		t.Run(string(patch), func(t *testing.T) {
			inBubble(t, portalThat(patch), func(c *crmclient.Config) {
				fillingCards(patch)(c)
				if change != nil {
					change(c)
				}
			}, test)
		})
	}
}

// points are the phones, or e-mails, that a contact has, with their kinds.
func (w *world) points(id int64, field string) (values []string) {
	w.t.Helper()
	for _, c := range w.sim.Contacts() {
		if c.ID != id {
			continue
		}
		list, _ := c.Get(field).([]crmtest.Multifield)
		for _, m := range list {
			values = append(values, m.Value+" "+m.TypeID)
		}
	}
	return values
}

func (w *world) wantPoints(id int64, field string, want ...string) {
	w.t.Helper()
	got := w.points(id, field)
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		w.t.Errorf("%s is %q, want %q", field, got, want)
	}
}

// patches are the updates that the portal has been sent.
func (w *world) patches() int {
	n := 0
	for call, count := range w.sim.Stats().Requests {
		if strings.HasPrefix(call, "PATCH ") {
			n += count
		}
	}
	return n
}

// What a card lacks is added, and nothing that it holds is changed; once more changes nothing.
func TestFill(t *testing.T) {
	for _, target := range crmclient.Targets() {
		t.Run(string(target), func(t *testing.T) {
			bothPatches(t, func(c *crmclient.Config) { c.Target = target }, func(w *world) {
				id := w.card("Ваня", "", "89160000001", "old@example.ru")
				r := ivan(1)
				r.Target = ""
				r.Contact.Post, r.Contact.SecondName, r.Contact.SourceID = "Директор", "Ильич", "WEB"
				r.Contact.Phones = append(r.Contact.Phones, crmclient.Multifield{Value: "+74950000002", TypeID: "WORK"})
				e := w.mustCreate(r)
				if e.result.ContactID != id || e.result.Fill != crmclient.FillDone || e.result.FillReason != "" || w.sim.Count() != 1 {
					w.t.Fatalf("%+v", e.result)
				}
				c := w.sim.Contacts()[0]
				for name, want := range map[string]string{"name": "Ваня", "lastName": "Петров", "secondName": "Ильич", "post": "Директор",
					"comments": "", "sourceId": "CALL", crmtest.OriginUserField: ""} {
					if got := c.Text(name); got != want {
						t.Errorf("%s is %q, want %q", name, got, want)
					}
				}
				phones, emails := []string{"89160000001 WORK", "+74950000002 WORK"}, []string{"old@example.ru WORK", "ivan@example.ru WORK"}
				w.wantPoints(id, "phone", phones...)
				w.wantPoints(id, "email", emails...)
				r.Suspect = true
				if e := w.mustCreate(r); e.result.Fill != crmclient.FillNothing || w.patches() != 1 {
					t.Errorf("again as a suspect: %+v, %d updates", e.result, w.patches())
				}
				r.OriginID, r.Suspect = originID(2), false
				if e := w.mustCreate(r); e.result.Fill != crmclient.FillNothing || w.patches() != 1 {
					t.Errorf("another event: %+v, %d updates", e.result, w.patches())
				}
				w.wantPoints(id, "phone", phones...)
				w.wantPoints(id, "email", emails...)
				if got := w.metric("leadbridge_crm_fills_total", "outcome=done"); got != 1 {
					t.Errorf("%v fills are counted", got)
				}
			})
		})
	}
}

// Parts of a name are not added to that of another person, nor values of one visit to those of another.
func TestFillKeepsNamesAndVisitsApart(t *testing.T) {
	o := portalThat(crmclient.PatchAdds)
	o.NativeUTM = true
	inBubble(t, o, fillingCards(crmclient.PatchAdds), func(w *world) {
		if _, err := w.sim.Create(`{"name":"Мария","lastName":"Сидорова","email":[{"value":"ivan@example.ru","typeId":"WORK"}],"utmSource":"news"}`); err != nil {
			t.Fatal(err)
		}
		r := ivan(1)
		r.Contact.SecondName, r.Contact.Post, r.Contact.UTMTerm = "Ильич", "Директор", "tea"
		w.mustCreate(r)
		c := w.sim.Contacts()[0]
		if c.Text("secondName") != "" || c.Text("name") != "Мария" || c.Text("post") != "Директор" || c.Text("utmTerm") != "" || c.Text("utmSource") != "news" {
			t.Errorf("%v", c)
		}
	})
}

// A contact that was made of the event itself has nothing to be filled with, nor has one of several that agree.
func TestNothingToFill(t *testing.T) {
	bothPatches(t, nil, func(w *world) {
		if e := w.mustCreate(ivan(1)); e.result.Fill != "" || e.result.Matched {
			w.t.Errorf("%+v", e.result)
		}
		r := ivan(1)
		r.Suspect = true
		if e := w.mustCreate(r); e.result.Fill != "" {
			w.t.Errorf("found: %+v", e.result)
		}
		if w.patches() != 0 {
			w.t.Errorf("%d updates", w.patches())
		}
	})
}

// Whatever becomes of the answer to an update, the card holds each value once.
func TestFillInDoubt(t *testing.T) {
	for name, act := range map[string]crmtest.Action{
		"applied, then 502": {Apply: crmtest.Now, Status: 502, Code: "BITRIX_UNAVAILABLE"},
		"502, not applied":  {Status: 502, Code: "BITRIX_UNAVAILABLE"},
		"applied late":      {Apply: crmtest.Late, After: 4 * time.Second, Status: 502, Code: "BITRIX_UNAVAILABLE"},
		"reset, applied":    {End: crmtest.Reset, Apply: crmtest.Now},
		"hangs, applied":    {End: crmtest.Hang, Apply: crmtest.Late, After: 20 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			bothPatches(t, nil, func(w *world) {
				id := w.card("Иван", "Петров", "+79160000001", "old@example.ru")
				w.prepare()
				w.script(patchCall, func(n int, _ crmtest.Call) crmtest.Action {
					if n == 1 {
						return act
					}
					return crmtest.Action{}
				})
				if e := w.mustCreate(ivan(1)); e.result.Fill != crmclient.FillDone {
					t.Errorf("%+v", e.result)
				}
				later(time.Minute)
				w.wantPoints(id, "phone", "+79160000001 WORK")
				w.wantPoints(id, "email", "old@example.ru WORK", "ivan@example.ru WORK")
			})
		})
	}
}

// The process dies anywhere: whoever takes the event up next leaves each value on the card once.
func TestFillCrashedAnywhere(t *testing.T) {
	for _, patch := range []crmclient.Patch{crmclient.PatchAdds, crmclient.PatchReplaces} {
		for _, target := range crmclient.Targets() {
			t.Run(fmt.Sprintf("%s %s", patch, target), func(t *testing.T) {
				o := portalOfTargets()
				o.PatchAdds = patch == crmclient.PatchAdds
				withSeeds(t, 20, o, func(c *crmclient.Config) { fillingCards(patch)(c); c.Target = target }, func(w *world, r *rand.Rand) {
					id := w.card("Иван", "Петров", "+79160000001", "old@example.ru")
					req := ivan(1)
					req.Target = ""
					ctx, crash := context.WithCancel(w.t.Context())
					done := w.start(ctx, req)
					later(someTime(r, 0, 1500*time.Millisecond))
					crash()
					e := <-done
					sent := time.Now()
					if w.patches() > 0 && e.err != nil && !e.result.Unsettled {
						w.t.Errorf("the card was changed, and the event is no suspect: %+v", e)
					}
					req.Suspect, req.SentBefore = true, func() time.Time { return sent }
					got := w.mustCreate(req)
					later(2 * lifetime)
					if got.result.Fill == "" || got.result.Fill == crmclient.FillFailed {
						w.t.Errorf("%+v", got.result)
					}
					w.wantPoints(id, "phone", "+79160000001 WORK")
					w.wantPoints(id, "email", "old@example.ru WORK", "ivan@example.ru WORK")
				})
			})
		}
	}
}

// An update that is on its way when its process dies may take effect yet: whoever takes the event up waits for that.
func TestFillOfASuspectWaits(t *testing.T) {
	bothPatches(t, func(c *crmclient.Config) { c.Target = crmclient.TargetLead }, func(w *world) {
		id := w.card("Иван", "Петров", "+79160000001", "old@example.ru")
		w.prepare()
		w.script(patchCall, func(n int, _ crmtest.Call) crmtest.Action {
			if n == 1 {
				return crmtest.Action{End: crmtest.Hang, Apply: crmtest.Late, After: 20 * time.Second}
			}
			return crmtest.Action{}
		})
		ctx, crash := context.WithCancel(w.t.Context())
		req := as("", ivan(1))
		done := w.start(ctx, req)
		later(5 * time.Second)
		crash()
		<-done
		sent := time.Now()
		req.Suspect, req.SentBefore = true, func() time.Time { return sent }
		next := w.newCreator(func(c *crmclient.Config) {
			fillingCards(crmclient.PatchAdds)(c)
			c.Target, c.Metrics = crmclient.TargetLead, nil
		})
		defer next.Close()
		former := w.creator
		w.creator = next
		if e := w.mustCreate(req); e.result.Fill != crmclient.FillNothing || w.patches() != 1 {
			w.t.Errorf("%+v, %d updates", e, w.patches())
		}
		w.creator = former
		later(time.Minute)
		w.wantPoints(id, "email", "old@example.ru WORK", "ivan@example.ru WORK")
	})
}

// Events of one person that fill the same card at once lose nothing of each other, also while one is in doubt, and what
// they bring in common comes once.
func TestFillsOfOneCardWait(t *testing.T) {
	hangs := crmtest.Action{End: crmtest.Hang, Apply: crmtest.Late, After: 10 * time.Second}
	comesLate := crmtest.Action{Apply: crmtest.Late, After: 4 * time.Second, Status: 502, Code: "BITRIX_UNAVAILABLE"}
	for name, test := range map[string]struct {
		batch int
		act   crmtest.Action
	}{"hangs": {1, hangs}, "comes late": {1, comesLate}, "hangs, in batches": {50, hangs}, "comes late, in batches": {50, comesLate}} {
		t.Run(name, func(t *testing.T) {
			batch := test.batch
			bothPatches(t, func(c *crmclient.Config) { c.BatchSize, c.Slots = batch, 4 }, func(w *world) {
				id := w.card("Иван", "Петров", "+79160000001", "old@example.ru")
				w.prepare()
				done := false
				w.sim.Script(func(c crmtest.Call) crmtest.Action {
					if !done && (c.Is(patchCall) || c.Is(batchCall) && strings.Contains(string(c.Body), `"update"`)) {
						done = true
						return test.act
					}
					return crmtest.Action{}
				})
				want := []string{"old@example.ru WORK", "ivan@example.ru WORK"}
				var all []<-chan ended
				for n := range 8 {
					r := ivan(n)
					mail := fmt.Sprintf("more%d@example.ru", n)
					r.Contact.Emails = append(r.Contact.Emails, crmclient.Multifield{Value: mail, TypeID: "WORK"})
					want = append(want, mail+" WORK")
					all = append(all, w.start(w.t.Context(), r))
				}
				for _, done := range all {
					if e := <-done; e.err != nil || e.result.Fill != crmclient.FillDone {
						w.t.Errorf("%+v", e)
					}
				}
				w.wantPoints(id, "email", want...)
			})
		})
	}
}

// Fills share requests: fifty cards are read, changed and read back by three.
func TestFillsShareRequests(t *testing.T) {
	bothPatches(t, func(c *crmclient.Config) { c.BatchSize = 50 }, func(w *world) {
		w.prepare()
		var all []<-chan ended
		for n := range 40 {
			w.card("Name", "Surname", fmt.Sprintf("+7916%07d", n), fmt.Sprintf("old%d@example.ru", n))
			all = append(all, w.start(w.t.Context(), deal(n)))
		}
		for _, done := range all {
			if e := <-done; e.err != nil || e.result.Fill != crmclient.FillDone {
				w.t.Fatalf("%+v", e)
			}
		}
		for n := range 40 {
			w.wantPoints(int64(n+1), "email", fmt.Sprintf("old%d@example.ru WORK", n), fmt.Sprintf("person%d@example.ru WORK", n))
		}
		if n := w.sim.Stats().Requests[batchCall+" 200"]; n > 20 || w.patches() != 0 {
			w.t.Errorf("%d batches, %d updates", n, w.patches())
		}
	})
}

// A fill that fails makes no letter and keeps no lead, and nothing else.
func TestFillThatFailsKeepsNobody(t *testing.T) {
	for name, test := range map[string]struct {
		act    crmtest.Action
		reason string
		within time.Duration
	}{
		"refused":   {crmtest.Action{Status: 400, Code: "VALIDATION_ERROR"}, "CRM_REFUSED: status 400: VALIDATION_ERROR", 3 * time.Second},
		"forbidden": {crmtest.Action{Status: 403, Code: "BITRIX_ACCESS_DENIED"}, "RETRIES_EXHAUSTED: status 403: BITRIX_ACCESS_DENIED", 6 * time.Minute},
		"fails":     {crmtest.Action{Status: 500, Code: "INTERNAL_ERROR"}, "INTERNAL_ERROR", 6 * time.Minute},
		"hangs":     {crmtest.Action{End: crmtest.Hang}, "", 6 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			bothPatches(t, nil, func(w *world) {
				w.card("Иван", "Петров", "+79160000001", "old@example.ru")
				w.prepare()
				w.script(patchCall, func(int, crmtest.Call) crmtest.Action { return test.act })
				waits := w.start(w.t.Context(), ivan(1))
				for n := range 40 {
					if e := w.mustCreate(deal(100 + n)); e.took > 7*time.Second {
						t.Errorf("another event waited for %v", e.took)
					}
					later(10 * time.Second)
					w.wantHolds("")
				}
				if len(waits) == 0 {
					w.t.Fatal("the event waits")
				}
				e := <-waits
				if e.err != nil || e.result.DealID == 0 || e.result.Fill != crmclient.FillFailed || !strings.Contains(e.result.FillReason, test.reason) || e.took > test.within {
					t.Errorf("%+v", e)
				}
				if got := w.metric("leadbridge_crm_fills_total", "outcome=failed"); got != 1 {
					t.Errorf("%v failures are counted", got)
				}
			})
		})
	}
}

// What an update took from a card comes back also when its answer was lost, or the first repair fails.
func TestFillInDoubtOfAnotherPortal(t *testing.T) {
	lost := crmtest.Action{Apply: crmtest.Now, Status: 502, Code: "BITRIX_UNAVAILABLE"}
	fails := crmtest.Action{Status: 502, Code: "BITRIX_UNAVAILABLE"}
	for name, test := range map[string]struct {
		acts   []crmtest.Action // of the updates
		logged int              // repairs that failed
		want   []string
	}{
		"the answer is lost":            {[]crmtest.Action{lost}, 0, []string{"old@example.ru WORK"}},
		"the repair fails":              {[]crmtest.Action{{}, fails}, 0, []string{"old@example.ru WORK"}},
		"the repair's answer is lost":   {[]crmtest.Action{{}, lost}, 0, []string{"old@example.ru WORK"}},
		"both, and the repair twice":    {[]crmtest.Action{lost, fails, fails}, 1, []string{"old@example.ru WORK"}},
		"the repair fails at all tries": {[]crmtest.Action{{}, fails, fails}, 1, []string{"ivan@example.ru WORK"}},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, portalThat(crmclient.PatchReplaces), fillingCards(crmclient.PatchAdds), func(w *world) {
				id := w.card("Иван", "Петров", "+79160000001", "old@example.ru")
				w.prepare()
				w.script(patchCall, func(n int, _ crmtest.Call) crmtest.Action {
					if n <= len(test.acts) {
						return test.acts[n-1]
					}
					return crmtest.Action{}
				})
				e := w.mustCreate(ivan(1))
				if e.result.Fill != crmclient.FillFailed || !strings.Contains(e.result.FillReason, "PROFILE_DIFFERS") || w.logs.count("writing them back failed") != test.logged {
					t.Errorf("%+v, %d repairs failed", e.result, w.logs.count("writing them back failed"))
				}
				later(time.Minute)
				w.wantPoints(id, "email", test.want...)
				w.wantPoints(id, "phone", "+79160000001 WORK")
			})
		})
	}
}

// Whose card is filled for a lead that a look-up finds, the look-up tells: a lead without a contact has no card to fill.
func TestFillOfALeadThatIsFound(t *testing.T) {
	for name, test := range map[string]struct {
		alone    bool // the lead was made without a contact
		idField  string
		searches int // look-ups of leads that are no part of a batch
		want     crmclient.FillState
	}{
		"with a contact":            {false, "auto", 1, crmclient.FillDone},
		"without":                   {true, "auto", 1, ""},
		"by tag, with a contact":    {false, "none", 0, crmclient.FillDone},
		"by tag, without a contact": {true, "none", 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			bothPatches(t, func(c *crmclient.Config) { c.Target, c.OriginField = crmclient.TargetLead, test.idField }, func(w *world) {
				first := w.newCreator(func(c *crmclient.Config) {
					matching(c)
					c.Target, c.OriginField, c.Metrics = crmclient.TargetLead, test.idField, nil
					if test.alone {
						c.Match = crmclient.Match{}
					}
				})
				defer first.Close()
				w.card("Иван", "Петров", "+79160000001", "old@example.ru")
				former := w.creator
				w.creator = first
				r := as("", ivan(1))
				w.mustCreate(r)
				w.creator = former
				w.prepare()
				before := w.sim.Stats().Requests[leadSearch]
				r.Suspect = true
				if e := w.mustCreate(r); e.result.Fill != test.want || e.result.FillReason != "" || e.result.LeadID == 0 {
					t.Errorf("%+v", e.result)
				}
				if n := w.sim.Stats().Requests[leadSearch] - before; n != test.searches {
					t.Errorf("%d look-ups of leads", n)
				}
			})
		})
	}
}

// forbidUpdates has the portal refuse updates that are not in a batch.
func (w *world) forbidUpdates() {
	w.sim.Script(func(c crmtest.Call) crmtest.Action {
		if strings.HasPrefix(c.Method+" "+c.Path, "PATCH ") {
			return crmtest.Action{Status: 403, Code: "BITRIX_ACCESS_DENIED"}
		}
		return crmtest.Action{}
	})
}

// A card that lacks nothing is only read: that says nothing about updates, and ends no hold of them.
func TestFillThatOnlyReadsEndsNoHold(t *testing.T) {
	bothPatches(t, nil, func(w *world) {
		for n := range 2 {
			w.card(fmt.Sprintf("Name%d", n), "Surname", fmt.Sprintf("+7916%07d", n), fmt.Sprintf("old%d@example.ru", n))
		}
		w.card("Name2", "Surname", "+79160000002", "person2@example.ru")
		w.prepare()
		w.forbidUpdates()
		for n := range 2 {
			w.start(w.t.Context(), deal(n))
			later(time.Second)
		}
		failing := w.causes(false)
		if e := w.mustCreate(deal(2)); e.result.Fill != crmclient.FillNothing || failing != "credentials" || w.causes(false) != failing {
			w.t.Errorf("%+v, held by %q before and by %q after", e.result, failing, w.causes(false))
		}
		later(7 * time.Minute)
	})
}

// While updates have failed for five minutes, cards are read all the same: one that lacks nothing is no failure.
func TestCardThatLacksNothingWhileUpdatesFail(t *testing.T) {
	bothPatches(t, nil, func(w *world) {
		for n := range 4 {
			w.card(fmt.Sprintf("Name%d", n), "Surname", fmt.Sprintf("+7916%07d", n), fmt.Sprintf("old%d@example.ru", n))
		}
		w.card("Name4", "Surname", "+79160000004", "person4@example.ru")
		w.prepare()
		w.forbidUpdates()
		for n := range 2 {
			w.start(w.t.Context(), deal(n))
			later(time.Second)
		}
		later(6 * time.Minute)
		for n := 2; n < 4; n++ { // the first of them probes
			if e := w.mustCreate(deal(n)); e.result.Fill != crmclient.FillFailed || e.took > 5*time.Second {
				w.t.Errorf("event %d: %+v", n, e)
			}
		}
		if e := w.mustCreate(deal(4)); e.result.Fill != crmclient.FillNothing || e.result.FillReason != "" || e.took > 5*time.Second {
			w.t.Errorf("a card that lacks nothing: %+v", e)
		}
		if got := w.causes(false); got != "credentials" {
			w.t.Errorf("held by %q", got)
		}
	})
}

// A portal that does something else than its profile says: what an update took away comes back, what stands twice is
// left alone, and no more cards are filled.
func TestFillOfAnotherPortal(t *testing.T) {
	for _, really := range []crmclient.Patch{crmclient.PatchAdds, crmclient.PatchReplaces} {
		t.Run(string(really), func(t *testing.T) {
			other, state, logged := crmclient.PatchAdds, crmclient.FillFailed, "written back"
			want, updates := []string{"old@example.ru WORK"}, 2
			if really == other {
				other, state, logged = crmclient.PatchReplaces, crmclient.FillDone, "stands twice"
				want, updates = []string{"old@example.ru WORK", "old@example.ru WORK", "ivan@example.ru WORK"}, 1
			}
			inBubble(t, portalThat(really), fillingCards(other), func(w *world) {
				id := w.card("Иван", "Петров", "+79160000001", "old@example.ru")
				w.card("Name7", "Surname", "+79160000007", "old7@example.ru")
				e := w.mustCreate(ivan(1))
				if e.result.Fill != state || strings.Contains(e.result.FillReason, "PROFILE_DIFFERS") != (state == crmclient.FillFailed) {
					t.Errorf("%+v", e.result)
				}
				w.wantPoints(id, "email", want...)
				w.wantPoints(id, "phone", "+79160000001 WORK")
				if w.patches() != updates {
					t.Errorf("%d updates, want %d", w.patches(), updates)
				}
				if e := w.mustCreate(deal(7)); e.result.Fill != crmclient.FillFailed || w.patches() != updates || !e.result.Matched {
					t.Errorf("another: %+v", e.result)
				}
				if w.logs.count("leadbridge probe") != 1 || w.logs.count("details/1/", logged) != 1 {
					t.Error("nothing is logged")
				}
			})
		})
	}
}

// One request damages several cards: the log names each, and says which could not be repaired.
func TestDamagedCardsAreLogged(t *testing.T) {
	inBubble(t, portalThat(crmclient.PatchReplaces), func(c *crmclient.Config) {
		fillingCards(crmclient.PatchAdds)(c)
		c.BatchSize = 50
	}, func(w *world) {
		w.prepare()
		w.script(patchCall, func(int, crmtest.Call) crmtest.Action {
			return crmtest.Action{Status: 403, Code: "BITRIX_ACCESS_DENIED"}
		})
		var all []<-chan ended
		for n := range 3 {
			w.card("Name", "Surname", fmt.Sprintf("+7916%07d", n), fmt.Sprintf("old%d@example.ru", n))
			all = append(all, w.start(w.t.Context(), deal(n)))
		}
		for _, done := range all {
			if e := <-done; e.err != nil || e.result.Fill != crmclient.FillFailed {
				t.Errorf("%+v", e)
			}
		}
		if w.logs.count("leadbridge probe") != 1 {
			t.Error("it is not logged that no more cards are filled")
		}
		if w.logs.count("details/1/", "BITRIX_ACCESS_DENIED", "by hand") != 1 {
			t.Error("the failed repair of card 1 is not logged")
		}
		for _, card := range []string{"details/2/", "details/3/"} {
			if w.logs.count(card, "were written back") != 1 {
				t.Errorf("the repair of %s is not logged", card)
			}
		}
	})
}

// A card is not filled beyond what a person can have, and one that is gone is left alone.
func TestFillHasBounds(t *testing.T) {
	bothPatches(t, nil, func(w *world) {
		var phones []map[string]string
		for n := range 19 {
			phones = append(phones, map[string]string{"value": fmt.Sprintf("+7916000%04d", n), "typeId": "WORK"})
		}
		text, _ := json.Marshal(map[string]any{"name": "Иван", "phone": phones})
		id, err := w.sim.Create(string(text))
		if err != nil {
			w.t.Fatal(err)
		}
		r := ivan(1)
		r.Contact.Phones = append(r.Contact.Phones, crmclient.Multifield{Value: "+74950000001", TypeID: "WORK"}, crmclient.Multifield{Value: "+74950000002", TypeID: "WORK"})
		w.mustCreate(r)
		if n := len(w.points(id, "phone")); n != 20 {
			w.t.Errorf("%d phones", n)
		}
	})
}

// A Creator that would fill cards without knowing what updates do is not made.
func TestFillNeedsToKnowWhatUpdatesDo(t *testing.T) {
	_, err := crmclient.New(crmclient.Config{BaseURL: "http://crm", APIKey: crmclient.Secret{Value: goodKey}, Match: crmclient.Match{Email: true, Fill: true}})
	if err == nil || !strings.Contains(err.Error(), "PORTAL_PROFILE") {
		t.Errorf("error %v", err)
	}
}

// The check says what becomes of cards, and whether the key may read them.
func TestCheckTellsWhatBecomesOfCards(t *testing.T) {
	for name, test := range map[string]struct {
		fill, forbidden bool
		level, detail   string // "": it does not speak of filling
	}{
		"fill":      {true, false, "ok", "an update adds phones and replaces e-mails"},
		"forbidden": {true, true, "warn", "does not describe contacts"},
		"link":      {false, false, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, portalOfTargets(), func(c *crmclient.Config) {
				matching(c)
				c.Target, c.Match.Fill, c.Patch = crmclient.TargetLead, test.fill, crmclient.Patches{Phones: crmclient.PatchAdds, Emails: crmclient.PatchReplaces}
			}, func(w *world) {
				if test.forbidden {
					w.script(fieldsCall, func(int, crmtest.Call) crmtest.Action { return crmtest.Action{Status: 403} })
				}
				var got crmclient.Finding
				for _, f := range w.creator.Preflight(w.t.Context(), "", false) {
					if f.Check == "filling" {
						got = f
					}
				}
				if got.Level != test.level || !strings.Contains(got.Detail, test.detail) || test.level == "warn" && !strings.Contains(got.Remedy, "CRM_ON_MATCH=link") {
					t.Errorf("%+v", got)
				}
			})
		})
	}
}
