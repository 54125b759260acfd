package crmclient_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/leadbridge/leadbridge/crmclient"
	"github.com/leadbridge/leadbridge/crmclient/crmtest"
)

func originField(name string) func(*crmclient.Config) {
	return func(c *crmclient.Config) { c.OriginField = name }
}

// only is the one contact that the portal holds.
func (w *world) only() crmtest.Contact {
	w.t.Helper()
	all := w.sim.Contacts()
	if len(all) != 1 {
		w.t.Fatalf("portal holds %d contacts", len(all))
	}
	return all[0]
}

// Which field carries our id is found out in the order native, user field, tag.
func TestOriginFieldIsDetected(t *testing.T) {
	for name, test := range map[string]struct {
		portal crmtest.Options
		config func(*crmclient.Config)
		way    string
		check  func(crmtest.Contact) bool
	}{
		"native": {crmtest.Options{NativeOriginID: true, ExistingUserField: true}, nil, "originId",
			func(c crmtest.Contact) bool {
				return c.Text("originId") == originID(1) && c.Text("originatorId") == "leadbridge"
			}},
		"user field": {crmtest.Options{ExistingUserField: true}, nil, "ufCrm_LEADBRIDGE_EVENT_ID",
			func(c crmtest.Contact) bool { return c.Text(crmtest.OriginUserField) == originID(1) }},
		"user field, upper case": {crmtest.Options{ExistingUserField: true, UpperUserFields: true}, nil, "UF_CRM_LEADBRIDGE_EVENT_ID",
			func(c crmtest.Contact) bool { return c.Text(crmtest.OriginUserField) == originID(1) }},
		"tag": {crmtest.Options{}, nil, "none",
			func(c crmtest.Contact) bool {
				return c.Text("sourceDescription") == "landing [leadbridge:"+originID(1)+"]"
			}},
		"user fields not offered": {crmtest.Options{NoUserFields: true}, nil, "none",
			func(c crmtest.Contact) bool { return strings.Contains(c.Text("sourceDescription"), originID(1)) }},
		"none by setting": {crmtest.Options{NativeOriginID: true}, originField("none"), "none",
			func(c crmtest.Contact) bool { return c.Text("originId") == "" }},
		"named": {crmtest.Options{NativeOriginID: true, ExistingFields: []string{"UF_CRM_LEAD_KEY"}}, originField("UF_CRM_LEAD_KEY"), "ufCrm_LEAD_KEY",
			func(c crmtest.Contact) bool { return c.Text("UF_CRM_LEAD_KEY") == originID(1) }},
		"named in camel case": {crmtest.Options{ExistingFields: []string{"UF_CRM_LEAD_KEY"}}, originField("ufCrmLeadKey"), "ufCrm_LEAD_KEY",
			func(c crmtest.Contact) bool { return c.Text("UF_CRM_LEAD_KEY") == originID(1) }},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, test.portal, test.config, func(w *world) {
				r := lead(1)
				r.Contact.SourceDescription = "landing"
				created := w.mustCreate(r)
				if got := w.creator.Status().OriginField; got != test.way {
					t.Errorf("way %q, want %q", got, test.way)
				}
				if c := w.only(); !test.check(c) {
					b, _ := json.Marshal(c)
					t.Errorf("contact %s", b)
				}
				r.Suspect = true
				if e := w.mustCreate(r); !e.result.Found || e.result.ContactID != created.result.ContactID {
					t.Errorf("look-up: %+v", e)
				}
				w.wantContacts(1)
			})
		})
	}
}

// A field that the setting names and the portal lacks is no reason for another way.
func TestNamedFieldMissingHolds(t *testing.T) {
	inBubble(t, crmtest.Options{}, originField("UF_CRM_LEAD_KEY"), func(w *world) {
		ctx, cancel := context.WithTimeout(w.t.Context(), time.Hour)
		defer cancel()
		done := w.start(ctx, lead(1))
		later(time.Minute)
		w.wantHolds("origin_field")
		<-done
		w.wantContacts(0)
	})
}

// H21: an error is not an answer: while the portal does not tell, there is no falling back.
func TestH21NoFallBackOnAnError(t *testing.T) {
	for _, path := range []string{"GET /v1/me", fieldsCall, "GET /v1/userfields/contacts"} {
		for _, status := range []int{401, 429, 500, 502, 503} {
			t.Run(fmt.Sprint(path, status), func(t *testing.T) {
				inBubble(t, crmtest.Options{}, nil, func(w *world) {
					w.script(path, func(n int, _ crmtest.Call) crmtest.Action {
						if n <= 5 {
							return crmtest.Action{Status: status, Code: "INTERNAL_ERROR"}
						}
						return crmtest.Action{}
					})
					done := w.start(w.t.Context(), lead(1))
					later(500 * time.Millisecond)
					if s := w.creator.Status(); s.OriginField != "" || len(s.Holds) != 1 {
						t.Errorf("status %+v", s)
					}
					if e := <-done; e.err != nil {
						t.Errorf("Create = %+v", e)
					}
				})
			})
		}
	}
}

// H21: in doubt on the tag's way, then the user field is made: looked up by both.
func TestH21TheWayChanges(t *testing.T) {
	inBubble(t, crmtest.Options{UserFields: true}, nil, func(w *world) {
		first := w.mustCreate(lead(1))
		if f := w.creator.Preflight(w.t.Context(), "", true); len(f) == 0 {
			t.Error("no findings")
		}
		other := w.newCreator(func(c *crmclient.Config) { c.Metrics = nil })
		defer other.Close()
		r := suspect(1)
		r.SentWay = "none"
		res, err := other.Create(w.t.Context(), r)
		if err != nil || !res.Found || res.ContactID != first.result.ContactID {
			t.Errorf("Create = %+v, %v", res, err)
		}
		if got := other.Status().OriginField; got != "ufCrm_LEADBRIDGE_EVENT_ID" {
			t.Errorf("way %q", got)
		}
		w.wantContacts(1)
	})
}

// H31: the user field is deleted while we run: held, asked again, and what was in doubt
// before is found by the way that was in force.
func TestH31FieldDeleted(t *testing.T) {
	inBubble(t, portalWithField(), nil, func(w *world) {
		w.mustCreate(lead(1))
		w.sim.DeleteUserField(crmtest.OriginUserField)
		if e := w.mustCreate(lead(2)); e.result.ContactID == 0 {
			t.Errorf("Create = %+v", e)
		}
		w.mustCreate(lead(3))
		if got := w.creator.Status().OriginField; got != "none" {
			t.Errorf("way %q", got)
		}
		w.wantHolds("")
		if n := w.logs.count("CRM held", "origin_field"); n != 1 {
			t.Errorf("hold logged %d times", n)
		}
		if e := w.mustCreate(suspect(3)); !e.result.Found {
			t.Errorf("Create = %+v", e)
		}
		if n := w.sim.Stats().Contacts; n != 3 {
			t.Errorf("%d contacts", n)
		}
	})
}

// The named field is deleted: nothing is created until it is back.
func TestH31NamedFieldDeletedHolds(t *testing.T) {
	inBubble(t, portalWithField(), originField(crmtest.OriginUserField), func(w *world) {
		w.mustCreate(lead(1))
		w.sim.DeleteUserField(crmtest.OriginUserField)
		w.mustCreate(lead(2)) // shows it
		ctx, cancel := context.WithCancel(w.t.Context())
		done := w.start(ctx, lead(3))
		later(time.Hour)
		w.wantHolds("origin_field")
		if n := w.sim.Stats().Contacts; n != 2 {
			t.Errorf("%d contacts", n)
		}
		cancel()
		<-done
	})
}

// A look-up that the portal refuses or answers with strangers proves nothing.
func TestH31FilterRefusedOrIgnored(t *testing.T) {
	for name, begin := range map[string]func(*world){
		"ignored": func(w *world) { w.setFaults(crmtest.Faults{IgnoreFilters: true}) },
		"refused": func(w *world) {
			w.script(searchCall, func(int, crmtest.Call) crmtest.Action {
				return crmtest.Action{Status: 400, Code: "INVALID_FILTER_FIELD"}
			})
		},
	} {
		for size, contacts := range map[string]int{"small": 5, "large": 120} {
			t.Run(name+" "+size, func(t *testing.T) {
				inBubble(t, portalWithField(), nil, func(w *world) {
					for n := range contacts {
						w.mustCreate(lead(n))
					}
					begin(w)
					ctx, cancel := context.WithCancel(w.t.Context())
					old, fresh := w.start(ctx, suspect(1)), w.start(ctx, suspect(1000))
					later(10 * time.Minute)
					w.wantHolds("origin_field")
					if n := w.sim.Stats().Contacts; n != contacts {
						t.Errorf("%d contacts", n)
					}
					w.sim.Script(nil)
					w.setFaults(crmtest.Faults{})
					if e := <-old; !e.result.Found {
						t.Errorf("Create = %+v", e)
					}
					if e := <-fresh; e.err != nil || e.result.Found {
						t.Errorf("Create = %+v", e)
					}
					cancel()
					w.wantContacts(contacts + 1)
					w.wantHolds("")
				})
			})
		}
	}
}

// A portal may keep our id without repeating it in its answers.
func TestTerseAnswers(t *testing.T) {
	inBubble(t, portalWithField(), nil, func(w *world) {
		w.script(createCall, func(n int, _ crmtest.Call) crmtest.Action {
			return crmtest.Action{Apply: crmtest.Now, Status: 201, Body: fmt.Sprintf(`{"success":true,"data":{"id":%d}}`, n)}
		})
		for n := range 5 {
			w.mustCreate(lead(n))
		}
		w.wantHolds("")
		if n := w.logs.count("CRM held"); n != 1 {
			t.Errorf("held %d times", n)
		}
		w.wantContacts(5)
	})
}

// H17: two people with one phone, and one person twice, on the tag's way.
func TestH17OnePersonTwice(t *testing.T) {
	inBubble(t, crmtest.Options{}, nil, func(w *world) {
		phone := []crmclient.Multifield{{Value: "+79161234567", TypeID: "MOBILE"}}
		requests := make([]crmclient.Request, 3)
		for n := range requests {
			requests[n] = lead(n)
			requests[n].Contact.Phones = phone
		}
		requests[1].Contact = requests[0].Contact // the same person again
		first := w.mustCreate(requests[0])
		requests[1].Suspect, requests[2].Suspect = true, true
		for _, r := range requests[1:] {
			if e := w.mustCreate(r); e.result.Found {
				t.Errorf("another's contact was taken for its own: %+v", e)
			}
		}
		requests[0].Suspect = true
		if e := w.mustCreate(requests[0]); !e.result.Found || e.result.ContactID != first.result.ContactID {
			t.Errorf("Create = %+v", e)
		}
		w.wantContacts(3)
	})
}

// H17: the portal's clock and zone are not ours.
func TestH17Clocks(t *testing.T) {
	for name, test := range map[string]struct {
		skew     time.Duration
		recorded time.Duration // from now
	}{
		"portal ahead":       {5 * time.Hour, -time.Minute},
		"portal behind":      {-5 * time.Hour, -time.Minute},
		"days behind":        {-72 * time.Hour, -time.Minute},
		"record of tomorrow": {0, 26 * time.Hour},
		"old record":         {0, -30 * 24 * time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, crmtest.Options{Skew: test.skew, Zone: time.FixedZone("", -7*3600)}, nil, func(w *world) {
				r := lead(1)
				r.RecordedAt = time.Now().Add(test.recorded)
				w.mustCreate(r)
				r.Suspect = true
				if e := w.mustCreate(r); !e.result.Found {
					t.Errorf("Create = %+v", e)
				}
				w.wantContacts(1)
			})
		})
	}
}

// A person with more contacts than a page holds.
func TestTagBeyondAPage(t *testing.T) {
	inBubble(t, crmtest.Options{}, nil, func(w *world) {
		last := 130
		for n := range last {
			r := lead(n)
			r.Contact = lead(0).Contact
			w.mustCreate(r)
		}
		for n := range []int{0, 60, last - 1} {
			r := suspect(n)
			r.Contact = lead(0).Contact
			if e := w.mustCreate(r); !e.result.Found {
				t.Errorf("event %d: %+v", n, e)
			}
		}
		r := suspect(last)
		r.Contact = lead(0).Contact
		if e := w.mustCreate(r); e.result.Found {
			t.Errorf("Create = %+v", e)
		}
		w.wantContacts(last + 1)
	})
}

// Fifty look-ups by tag make one batch; without a batch they go one by one.
func TestTagLookUpsShareABatch(t *testing.T) {
	for name, test := range map[string]struct {
		noBatch bool
		call    string
		most    int
	}{"batch": {false, "POST /v1/batch 200", 4}, "no batch": {true, searchCall + " 200", 80}} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, crmtest.Options{NoBatch: test.noBatch}, nil, func(w *world) {
				for n := range 40 {
					w.mustCreate(lead(n))
				}
				var all []<-chan ended
				for n := range 60 {
					all = append(all, w.start(w.t.Context(), suspect(n)))
				}
				for n, done := range all {
					if e := <-done; e.err != nil || e.result.Found != (n < 40) {
						t.Errorf("event %d: %+v", n, e)
					}
				}
				if n := w.sim.Stats().Requests[test.call]; n == 0 || n > test.most {
					t.Errorf("%d requests %s", n, test.call)
				}
				w.wantContacts(60)
			})
		})
	}
}

// One item of a batch of look-ups fails: it asks again, the others have their answer.
func TestTagLookUpItemFails(t *testing.T) {
	inBubble(t, crmtest.Options{}, nil, func(w *world) {
		w.mustCreate(lead(1))
		w.mustCreate(lead(2))
		w.script("POST /v1/batch", func(n int, _ crmtest.Call) crmtest.Action {
			if n == 1 {
				return crmtest.Action{Items: map[string]crmtest.ItemError{"0": {Code: "BITRIX_UNAVAILABLE"}}}
			}
			if n == 2 {
				return crmtest.Action{Items: map[string]crmtest.ItemError{"0": {}}} // in neither map
			}
			return crmtest.Action{}
		})
		one, two := w.start(w.t.Context(), suspect(1)), w.start(w.t.Context(), suspect(2))
		if a, b := <-one, <-two; !a.result.Found || !b.result.Found {
			t.Errorf("Creates = %+v, %+v", a, b)
		}
		w.wantContacts(2)
	})
}

// H20: another originator's contact with the same id is not ours.
func TestH20OtherOriginator(t *testing.T) {
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

// H33: strangers with our ids push rows out of a full page; it is asked for again in halves.
func TestH33FullPage(t *testing.T) {
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
func TestH33HasMore(t *testing.T) {
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

// A look-up that fails asks again; it is no evidence against the event.
func TestLookUpFailsAndAsksAgain(t *testing.T) {
	for name, a := range map[string]crmtest.Action{
		"502":       {Status: 502, Code: "BITRIX_UNAVAILABLE"},
		"429":       {Status: 429, Code: "RATE_LIMITED", RetryAfter: 3},
		"401":       {Status: 401, Code: "KEY_EXPIRED"},
		"reset":     {End: crmtest.Reset},
		"truncated": {End: crmtest.Truncate},
		"no rows":   {Status: 200, Body: `{"success":true}`},
		"html":      {Status: 200, Body: `<html>`},
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
				if w.holds() == "" {
					t.Error("nothing is shown while look-ups fail")
				}
				if e := <-done; !e.result.Found || e.err != nil {
					t.Errorf("Create = %+v", e)
				}
				w.wantContacts(1)
				w.wantHolds("")
			})
		})
	}
}
