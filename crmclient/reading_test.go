package crmclient_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/leadbridge/leadbridge/crmclient"
	"github.com/leadbridge/leadbridge/crmclient/crmtest"
)

// A portal takes filters by an object's own id and does not apply them: more than a page is not read on, and what was
// not read is not absent.
func TestPagesWhereIDsAreNotFiltered(t *testing.T) {
	t.Run("look-up by tag", func(t *testing.T) {
		inBubble(t, crmtest.Options{IgnoredFilters: []string{"id"}}, nil, func(w *world) {
			one := func(n int) crmclient.Request {
				r := lead(n)
				r.Contact.Phones[0].Value = "+79160000000"
				return r
			}
			for n := range 120 {
				w.mustCreate(one(n))
			}
			for _, n := range []int{0, 60, 119} {
				r := one(n)
				r.Suspect = true
				w.startFor(2*time.Minute, r)
			}
			w.wantContacts(120)
		})
	})
	t.Run("reading", func(t *testing.T) {
		o := portalWithField()
		o.IgnoredFilters = []string{"$gt", "$lt"}
		inBubble(t, o, nil, func(w *world) {
			w.addStrangers(crmtest.Contacts, 60)
			r := lead(1)
			w.mustCreate(r)
			w.addStrangers(crmtest.Contacts, 60)
			w.setFaults(crmtest.Faults{Blind: []string{crmtest.OriginUserField}})
			w.anotherProcess("")
			r.Suspect = true
			w.startFor(5*time.Minute, r)
			w.wantContacts(121)
		})
	})
}

// startFor runs a Create that ends after so long, whatever it waits for.
func (w *world) startFor(long time.Duration, r crmclient.Request) ended {
	ctx, cancel := context.WithTimeout(w.t.Context(), long)
	defer cancel()
	return w.createUntil(ctx, r)
}

// What a portal says of how many objects it holds may be no count: a full page is all of them only when it counts as
// many, and one that is not full is not when it counts more.
func TestCountsThatTellNothing(t *testing.T) {
	for name, test := range map[string]struct {
		rows int
		meta string
	}{
		"full, total 0":       {50, `{"total":0}`},
		"full, total of page": {50, `{"total":50,"hasMore":true}`},
		"20, total 300":       {20, `{"total":300}`},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, portalWithField(), nil, func(w *world) {
				r := lead(1)
				w.mustCreate(r)
				w.addStrangers(crmtest.Contacts, 300)
				w.setFaults(crmtest.Faults{Blind: []string{crmtest.OriginUserField, "createdTime"}})
				w.anotherProcess("")
				rows := make([]string, test.rows)
				for i := range rows {
					rows[i] = fmt.Sprintf(`{"id":%d,"ufCrm_LEADBRIDGE_EVENT_ID":null}`, 301-i)
				}
				w.script(searchCall, func(_ int, c crmtest.Call) crmtest.Action {
					if strings.Contains(string(c.Body), `"filter":{}`) {
						return crmtest.Action{Status: 200, Body: `{"success":true,"data":[` + strings.Join(rows, ",") + `],"meta":` + test.meta + `}`}
					}
					return crmtest.Action{}
				})
				r.Suspect = true
				w.startFor(5*time.Minute, r)
				w.wantContacts(301)
			})
		})
	}
}

// The hold of look-ups that nothing can be tried with ends when reading shows what is absent, though nothing else comes.
func TestHoldEndsWhenReadingWorksAgain(t *testing.T) {
	inBubble(t, portalWithField(), nil, func(w *world) {
		w.addStrangers(crmtest.Contacts, 60)
		w.setFaults(crmtest.Faults{Blind: []string{"createdTime"}})
		done := w.start(w.t.Context(), suspect(1))
		later(2 * time.Minute)
		w.wantUntrusted(noneOfOurs)
		w.setFaults(crmtest.Faults{})
		if e := <-done; e.err != nil {
			t.Errorf("Create = %+v", e)
		}
		later(time.Hour)
		if holds := w.creator.Status().Holds; len(holds) != 0 {
			t.Errorf("holds %+v", holds)
		}
	})
}

// The portal accepts our field in filters and in select, but does not know it: rows do not show whose objects they are.
func TestRowsWithoutOurFieldShowNoAbsence(t *testing.T) {
	for _, strangers := range []int{0, 10, 60} {
		t.Run(fmt.Sprint(strangers), func(t *testing.T) {
			inBubble(t, portalWithField(), nil, func(w *world) {
				w.addStrangers(crmtest.Contacts, strangers)
				r := lead(1)
				w.mustCreate(r)
				w.anotherProcess("")
				w.script(searchCall, func(_ int, c crmtest.Call) crmtest.Action {
					if strings.Contains(string(c.Body), originID(1)) {
						return crmtest.Action{Status: 200, Body: `{"success":true,"data":[],"meta":{"total":0,"hasMore":false}}`}
					}
					rows := make([]string, min(50, strangers+1))
					for i := range rows {
						rows[i] = fmt.Sprintf(`{"id":%d}`, strangers+1-i)
					}
					return crmtest.Action{Status: 200, Body: `{"success":true,"data":[` + strings.Join(rows, ",") + `]}`}
				})
				r.Suspect = true
				w.startFor(5*time.Minute, r)
				w.wantContacts(strangers + 1)
			})
		})
	}
}

// A portal leaves out empty fields, in lists and in single objects: rows without our field are not ours.
func TestPortalThatLeavesOutWhatIsEmpty(t *testing.T) {
	inBubble(t, portalWithField(), nil, func(w *world) {
		w.addStrangers(crmtest.Contacts, 10)
		w.sim.Script(func(c crmtest.Call) crmtest.Action {
			switch {
			case c.Is(searchCall) && strings.Contains(string(c.Body), `"filter":{}`):
				return crmtest.Action{Status: 200, Body: `{"success":true,"data":[{"id":9},{"id":10}],"meta":{"total":2}}`}
			case c.Is("GET /v1/contacts/10"):
				return crmtest.Action{Status: 200, Body: `{"success":true,"data":{"id":10,"name":"Stranger"}}`}
			}
			return crmtest.Action{}
		})
		if e := w.startFor(5*time.Minute, suspect(1)); e.err != nil || e.took > settle+time.Second {
			t.Errorf("Create = %+v", e)
		}
		w.wantContacts(11)
	})
}

// A new group on a topic of a week, in a portal where others create 900 contacts a day: the youngest event is created
// first, as fewer were created since, and all others after it.
func TestNewGroupWithABacklog(t *testing.T) {
	for name, field := range map[string]bool{"field": true, "tag": false} {
		t.Run(name, func(t *testing.T) {
			o := crmtest.Defaults()
			o.ExistingUserField, o.UserFields = field, field
			inBubble(t, o, production, func(w *world) {
				w.prepare()
				var backlog []crmclient.Request
				for n := range 70 {
					backlog = append(backlog, suspect(n))
					w.addStrangers(crmtest.Contacts, 90)
					later(24 * time.Hour / 10)
				}
				before := w.sim.Stats().Calls
				var all []<-chan ended
				for _, r := range backlog {
					all = append(all, w.start(w.t.Context(), r))
				}
				later(15 * time.Minute)
				if n := w.sim.Stats().Calls - before; n > 1200 || countEnded(all) < len(all) {
					w.t.Errorf("%d of %d ended, by %d requests", countEnded(all), len(all), n)
				}
				w.mustCreate(lead(5000))
				w.waits(all)
				w.wantContacts(70*90 + 71)
			})
		})
	}
}

// Too many objects for a reading, and suspects that are asked for by phone, by e-mail and by tag: one reading serves
// all of them, and leaves requests for what is new.
func TestOneReadingServesAllWaysToAsk(t *testing.T) {
	o := crmtest.Defaults()
	o.UserFields = false
	inBubble(t, o, production, func(w *world) {
		w.prepare()
		w.addStrangers(crmtest.Contacts, 5300)
		later(time.Hour)
		ctx, cancel := context.WithCancel(w.t.Context())
		defer cancel()
		for n := range 9 {
			r := suspect(n)
			if n%3 > 0 {
				r.Contact.Phones = nil
			}
			if n%3 > 1 {
				r.Contact.Emails = nil
			}
			w.start(ctx, r)
		}
		later(3 * time.Minute)
		if n := w.sim.Stats().Requests[searchCall+" 200"]; n < 100 || n > 110 {
			t.Errorf("%d pages were read, want about 100", n)
		}
		if e := w.mustCreate(lead(1000)); e.took > time.Second {
			t.Errorf("a new lead waited for %v", e.took)
		}
	})
}
