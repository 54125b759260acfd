package crmclient_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/leadbridge/leadbridge/crmclient"
	"github.com/leadbridge/leadbridge/crmclient/crmtest"
)

// Another originator's contact with the same id is not ours.
func TestContactOfAnotherOriginatorIsNotOurs(t *testing.T) {
	inBubble(t, crmtest.Options{NativeOriginID: true}, nil, func(w *world) {
		other := w.newCreator(func(c *crmclient.Config) { c.Metrics, c.Originator = nil, "other-bridge" })
		defer other.Close()
		theirs, err := other.Create(w.t.Context(), lead(1))
		if err != nil {
			t.Fatal(err)
		}
		e := w.mustCreate(suspect(1))
		if e.result.Found || e.result.ContactID == theirs.ContactID {
			t.Errorf("Create = %+v", e)
		}
		if e := w.mustCreate(suspect(1)); !e.result.Found || e.result.ContactID == theirs.ContactID {
			t.Errorf("Create = %+v", e)
		}
	})
}

// Strangers with our ids push rows out of a full page; it is asked for again in halves.
func TestFullPageIsAskedForAgainInHalves(t *testing.T) {
	inBubble(t, crmtest.Options{NativeOriginID: true}, nil, func(w *world) {
		other := w.newCreator(func(c *crmclient.Config) { c.Metrics, c.Originator = nil, "other-bridge" })
		defer other.Close()
		for n := range 40 { // their rows come first
			if _, err := other.Create(w.t.Context(), lead(n)); err != nil {
				t.Fatal(err)
			}
		}
		for n := range 50 {
			w.mustCreate(lead(n))
		}
		created := w.sim.Stats().Contacts
		var all []<-chan ended
		for n := range 50 {
			all = append(all, w.start(w.t.Context(), suspect(n)))
		}
		for n, done := range all {
			if e := <-done; !e.result.Found {
				t.Errorf("event %d: %+v", n, e)
			}
		}
		if n := w.sim.Stats().Contacts; n != created {
			t.Errorf("%d contacts more", n-created)
		}
	})
}

// hasMore alone is reason enough to ask again.
func TestPageWithMoreIsAskedForAgain(t *testing.T) {
	inBubble(t, portalWithField(), nil, func(w *world) {
		w.mustCreate(lead(1))
		w.script(searchCall, func(n int, c crmtest.Call) crmtest.Action {
			if concerns(c, 1) && concerns(c, 2) {
				return crmtest.Action{Status: 200, Body: `{"success":true,"data":[],"meta":{"hasMore":true}}`}
			}
			return crmtest.Action{}
		})
		one, two := w.start(w.t.Context(), suspect(1)), w.start(w.t.Context(), suspect(2))
		if a, b := <-one, <-two; !a.result.Found || b.result.Found {
			t.Errorf("Creates = %+v, %+v", a, b)
		}
		w.wantContacts(2)
	})
}

// hasMore beside an empty page of one event is a slip of the portal.
func TestHasMoreOfNothing(t *testing.T) {
	inBubble(t, portalWithField(), nil, func(w *world) {
		w.script(searchCall, func(int, crmtest.Call) crmtest.Action {
			return crmtest.Action{Status: 200, Body: `{"success":true,"data":[],"meta":{"total":0,"hasMore":true}}`}
		})
		if e := w.mustCreate(suspect(1)); e.result.Found || e.took > settle+time.Second {
			t.Errorf("Create = %+v", e)
		}
	})
}

// A look-up that fails is asked again; it is no evidence against the event, and creates do not wait
// for it, unless its answer shows that the filter by our field is not obeyed.
func TestLookUpFailsAndAsksAgain(t *testing.T) {
	for name, a := range map[string]crmtest.Action{
		"502":       {Status: 502, Code: "BITRIX_UNAVAILABLE"},
		"429":       {Status: 429, Code: "RATE_LIMITED", RetryAfter: 3},
		"401":       {Status: 401, Code: "KEY_EXPIRED"},
		"reset":     {End: crmtest.Reset},
		"truncated": {End: crmtest.Truncate},
		"no rows":   {Status: 200, Body: `{"success":true}`},
		"html":      {Status: 200, Body: `<html>`},
		"no list":   {Status: 200, Body: `{"success":true,"data":{"contacts":[]}}`},
		"null":      {Status: 200, Body: `{"success":true,"data":null}`},
		"no id":     {Status: 200, Body: ourRow(1, `null`)},
		"odd id":    {Status: 200, Body: ourRow(1, `1e30`)},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, portalWithField(), nil, func(w *world) {
				w.mustCreate(lead(1))
				w.script(searchCall, func(n int, _ crmtest.Call) crmtest.Action {
					if n <= 30 {
						return a
					}
					return crmtest.Action{}
				})
				done := w.start(w.t.Context(), suspect(1))
				later(5 * time.Second)
				if strings.HasSuffix(name, " id") {
					w.wantFailing("origin_field")
				} else {
					w.wantHolds("")
					e, longest := w.mustCreate(lead(2)), time.Duration(0)
					if a.Status == 429 { // which is said of the key, for all that it sends
						longest = 3500 * time.Millisecond
					}
					if e.took > longest {
						t.Errorf("a create waits for look-ups: %+v", e)
					}
				}
				if n := w.metric("leadbridge_crm_lookups_total", "outcome=failed"); n == 0 {
					t.Error("no failed look-up is counted")
				}
				if e := <-done; !e.result.Found || e.err != nil {
					t.Errorf("Create = %+v", e)
				}
				if s := w.sim.Stats(); s.Duplicates != 0 {
					t.Errorf("%d duplicates", s.Duplicates)
				}
				w.wantHolds("")
			})
		})
	}
}

// ourRow answers a look-up with an event's contact.
func ourRow(n int, id string) string {
	return fmt.Sprintf(`{"success":true,"data":[{"id":%s,"ufCrm_LEADBRIDGE_EVENT_ID":%q}],"meta":{"total":1,"hasMore":false}}`, id, originID(n))
}

// A stranger on a page that the portal says is whole does not make the look-up fail; one
// without any value of our field, or on a page of unknown size, does.
func TestStrangersBesideTheAnswer(t *testing.T) {
	for name, c := range map[string]struct {
		page  string
		fails bool
	}{
		"whole page":       {`{"success":true,"data":[{"id":9,"ufCrm_LEADBRIDGE_EVENT_ID":"lb-ffff"}],"meta":{"total":1,"hasMore":false}}`, false},
		"row without id":   {`{"success":true,"data":[{"id":9}],"meta":{"total":1,"hasMore":false}}`, true},
		"nobody counted":   {`{"success":true,"data":[{"id":9,"ufCrm_LEADBRIDGE_EVENT_ID":"lb-ffff"}]}`, true},
		"more than a page": {`{"success":true,"data":[{"id":9,"ufCrm_LEADBRIDGE_EVENT_ID":"lb-ffff"}],"meta":{"total":70}}`, true},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, portalWithField(), nil, func(w *world) {
				w.script(searchCall, func(int, crmtest.Call) crmtest.Action {
					return crmtest.Action{Status: 200, Body: c.page}
				})
				done := w.start(w.t.Context(), suspect(1))
				later(10 * time.Minute)
				if c.fails {
					w.wantFailing("origin_field")
					w.sim.Script(nil)
				}
				if e := <-done; e.err != nil || e.result.Found {
					t.Errorf("Create = %+v", e)
				}
				w.wantContacts(1)
			})
		})
	}
}

// Look-ups of one kind of object fail: those of another are as quick as ever.
func TestFailingLookUpsOfDealsKeepNoContact(t *testing.T) {
	inBubble(t, portalWithField(), nil, func(w *world) {
		made := w.mustCreate(deal(1)).result
		w.sim.Script(func(c crmtest.Call) crmtest.Action {
			if c.Is("POST /v1/deals/search") {
				return crmtest.Action{Status: 503, Code: "BITRIX_UNAVAILABLE", RetryAfter: 600}
			}
			return crmtest.Action{}
		})
		again := deal(1)
		again.Suspect = true
		waits := w.start(w.t.Context(), again)
		for n := range 20 {
			later(10 * time.Second)
			w.mustCreate(lead(100 + n))
			if e := w.mustCreate(suspect(100 + n)); !e.result.Found || e.took > time.Second {
				t.Errorf("a contact's look-up: %+v", e)
			}
		}
		if holds := w.creator.Status().Holds; len(holds) != 1 || holds[0].Of != "deals" || holds[0].Held {
			t.Errorf("holds %+v", holds)
		}
		if n := w.metric("leadbridge_crm_lookups_total", "of=deals", "outcome=failed"); n == 0 {
			t.Error("no failed look-up of deals is counted")
		}
		w.wantMetric(0, "leadbridge_crm_lookups_total", "of=contacts", "outcome=failed")
		w.sim.Script(nil)
		if e := <-waits; e.result.Made() != made.Made() || !e.result.Found {
			t.Errorf("Create = %+v", e)
		}
		if holds := w.creator.Status().Holds; len(holds) != 0 {
			t.Errorf("holds %+v", holds)
		}
	})
}
