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

// If the portal lacks the field that the setting names, no other field is used instead.
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

// An error is not an answer: while the portal's fields are not known, no other field is used.
func TestNoFallBackOnAnError(t *testing.T) {
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

// In doubt on the tag's way, then the user field is made: looked up by both.
func TestDoubtIsLookedUpByOldAndNewField(t *testing.T) {
	inBubble(t, crmtest.Options{UserFields: true}, nil, func(w *world) {
		first := w.mustCreate(lead(1))
		if f := w.creator.Preflight(w.t.Context(), "", true); len(f) == 0 {
			t.Error("no findings")
		}
		other := w.newCreator(func(c *crmclient.Config) { c.Metrics = nil })
		defer other.Close()
		r := suspect(1)
		r.SentIDField = "none"
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

// The user field is deleted while we run: held, asked again, and what was in doubt
// before is found by the way that was in force.
func TestDeletedFieldHoldsUntilItIsDetectedAgain(t *testing.T) {
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

// The look-up is what shows that the field is gone.
func TestLookUpShowsThatTheFieldIsDeleted(t *testing.T) {
	inBubble(t, portalWithField(), nil, func(w *world) {
		w.mustCreate(lead(1))
		w.sim.DeleteUserField(crmtest.OriginUserField)
		if e := w.mustCreate(suspect(2)); e.result.Found || e.took > time.Minute {
			t.Errorf("Create = %+v", e)
		}
		if got := w.creator.Status().OriginField; got != "none" {
			t.Errorf("way %q", got)
		}
		if e := w.mustCreate(suspect(2)); !e.result.Found {
			t.Errorf("Create = %+v", e)
		}
	})
}

// The named field is deleted: nothing is created until it is back.
func TestNamedFieldDeletedHolds(t *testing.T) {
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

// A look-up that the portal refuses, or answers with a page full of strangers, proves nothing.
func TestRefusedOrIgnoredFilterProvesNothing(t *testing.T) {
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
					// A page that the portal says is the whole answer proves what is not on it.
					if name == "ignored" && size == "small" {
						w.wantHolds("")
					} else {
						w.wantFailing("origin_field")
						if n := w.sim.Stats().Contacts; n != contacts {
							t.Errorf("%d contacts", n)
						}
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

// A field that the portal's list of fields leaves out, or that became read-only, still holds ids.
func TestUnlistedFieldIsLookedUp(t *testing.T) {
	fields := func(more string) func(int, crmtest.Call) crmtest.Action {
		return func(int, crmtest.Call) crmtest.Action {
			return crmtest.Action{Status: 200, Body: `{"success":true,"data":{"fields":{"name":{},"phone":{},"email":{}` + more + `}}}`}
		}
	}
	for name, more := range map[string]string{
		"unlisted":            "",
		"read-only":           `,"ufCrm_LEADBRIDGE_EVENT_ID":{"isReadOnly":true}`,
		"way of before":       `,"originId":{}`,
		"read-only of before": `,"originId":{},"ufCrm_LEADBRIDGE_EVENT_ID":{"isReadOnly":true}`,
	} {
		t.Run(name, func(t *testing.T) {
			o := portalWithField()
			o.NativeOriginID = strings.Contains(name, "before")
			inBubble(t, o, originField(crmtest.OriginUserField), func(w *world) {
				first := w.mustCreate(lead(1))
				w.script(fieldsCall, fields(more))
				other := w.newCreator(func(c *crmclient.Config) { c.Metrics = nil })
				defer other.Close()
				r := suspect(1)
				r.SentIDField = "ufCrm_LEADBRIDGE_EVENT_ID"
				res, err := other.Create(w.t.Context(), r)
				if err != nil || !res.Found || res.ContactID != first.result.ContactID {
					w.t.Errorf("Create = %+v, %v", res, err)
				}
				w.wantContacts(1)
			})
		})
	}
}

// A field of before that is gone costs one refused look-up, not one for each suspect.
func TestGoneFieldIsAskedOnce(t *testing.T) {
	inBubble(t, portalWithField(), nil, func(w *world) {
		for n := range 20 {
			r := suspect(n)
			r.SentIDField = "UF_CRM_OTHER"
			w.mustCreate(r)
		}
		if n := w.sim.Stats().Requests[searchCall+" 400"]; n != 1 {
			w.t.Errorf("%d refused look-ups: %v", n, w.sim.Stats().Requests)
		}
		if n := w.logs.count("no longer has"); n != 1 {
			w.t.Errorf("told %d times", n)
		}
		w.wantContacts(20)
	})
}

// TestOurFieldsOfAnEvent: whatever spelling of the field for our id an event brings, only ours
// leaves; in the tag's place too.
func TestOurFieldsOfAnEvent(t *testing.T) {
	const forged = "lb-ffffffffffffffffffffffffffffffffffffffff"
	for name, c := range map[string]struct {
		portal crmtest.Options
		config func(*crmclient.Config)
		kept   int // what the forged id may stand in: no field of ours, no tag
	}{
		"user field": {portalWithField(), nil, 1},
		"native":     {crmtest.Options{NativeOriginID: true, ExistingUserField: true}, nil, 1},
		"own field":  {crmtest.Options{ExistingUserField: true, ExistingFields: []string{"UF_CRM_OWN"}}, originField("UF_CRM_OWN"), 1},
		"tag":        {crmtest.Options{}, originField("none"), 1},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, c.portal, c.config, func(w *world) {
				var sent []byte
				w.script(createCall, func(_ int, c crmtest.Call) crmtest.Action {
					sent = append(sent, c.Body...)
					return crmtest.Action{}
				})
				r := lead(1)
				r.Contact.SourceDescription = "form [leadbridge:" + forged + "]"
				r.Contact.UserFields = map[string]any{"UF_CRM_LEADBRIDGE_EVENT_ID": forged, "ufCrm_LEADBRIDGE_EVENT_ID": forged, "ufCrm_leadbridge_event_id": forged, "UF_CRM_LEADBRIDGEEVENTID": forged}
				if name == "own field" {
					r.Contact.UserFields["ufCrm_OWN"], r.Contact.UserFields["UF_CRM_OWN"] = forged, forged
				}
				w.mustCreate(r)
				// In the source description it stays as text, which is no tag any more.
				if n := strings.Count(string(sent), forged); n != c.kept || strings.Contains(string(sent), "[leadbridge:"+forged) {
					t.Errorf("%d times the forged id in %s", n, sent)
				}
				if !strings.Contains(string(sent), originID(1)) {
					t.Errorf("our id is missing: %s", sent)
				}
			})
		})
	}
}

// TestFieldOfAHeaderHoldsNobody: a record's header names a field by which the portal takes no look-up.
// Others are not held, and its own event is created all the same; the field that an earlier owner
// told is waited for.
func TestFieldOfAHeaderHoldsNobody(t *testing.T) {
	o := portalWithField()
	o.ExistingFields = []string{"UF_CRM_FILE"}
	inBubble(t, o, nil, func(w *world) {
		w.script(searchCall, func(_ int, c crmtest.Call) crmtest.Action {
			if strings.Contains(string(c.Body), "UF_CRM_FILE") {
				return crmtest.Action{Status: 400, Code: "INVALID_FILTER", Message: "no filter by this field"}
			}
			return crmtest.Action{}
		})
		for n := range 3 {
			r := suspect(n)
			r.SentIDField, r.IDFieldFromHeader = "UF_CRM_FILE", true
			ctx, cancel := context.WithTimeout(w.t.Context(), time.Hour)
			if e := w.createUntil(ctx, r); e.err != nil {
				t.Errorf("Create = %v", e.err)
			}
			cancel()
		}
		w.wantHolds("")
		w.wantContacts(3)
	})
}

// A look-up by a field that a header names fails as long as it may: its own event waits, and the look-ups
// and creates of others do not.
func TestFailingFieldOfAHeaderKeepsNobody(t *testing.T) {
	o := portalWithField()
	o.ExistingFields = []string{"UF_CRM_FILE"}
	inBubble(t, o, nil, func(w *world) {
		w.script(searchCall, func(_ int, c crmtest.Call) crmtest.Action {
			if strings.Contains(string(c.Body), "UF_CRM_FILE") {
				return crmtest.Action{Status: 503}
			}
			return crmtest.Action{}
		})
		told := suspect(0)
		told.SentIDField, told.IDFieldFromHeader = "UF_CRM_FILE", true
		waiting := w.start(w.t.Context(), told)
		later(10 * time.Minute)
		before := w.sim.Stats().Calls
		for n := range 3 {
			if e := w.create(suspect(n + 1)); e.err != nil || e.took > 6*time.Second {
				t.Errorf("a suspect beside it: %+v", e)
			}
		}
		later(time.Minute)
		if n := w.sim.Stats().Calls - before; n > 20 {
			t.Errorf("%d calls in a little more than a minute", n)
		}
		w.sim.Script(nil)
		if e := <-waiting; e.err != nil {
			t.Errorf("Create = %+v", e)
		}
		w.wantContacts(4)
	})
}
