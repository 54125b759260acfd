package crmclient_test

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leadbridge/leadbridge/crmclient"
	"github.com/leadbridge/leadbridge/crmclient/crmtest"
)

func TestContactJSON(t *testing.T) {
	no := false
	for name, test := range map[string]struct {
		contact crmclient.Contact
		want    string
	}{
		"nothing": {crmclient.Contact{}, `{}`},
		"all": {crmclient.Contact{
			Name: "Ivan", LastName: "Petrov", SecondName: "I.", Honorific: "HNR_RU_1",
			Phones: []crmclient.Multifield{{Value: "+79161234567", TypeID: "MOBILE"}},
			Emails: []crmclient.Multifield{{Value: "a@b.ru", TypeID: "WORK"}, {Value: "c@d.ru", TypeID: "HOME"}},
			Post:   "Boss", Comments: "c", TypeID: "CLIENT", SourceID: "WEB", SourceDescription: "s",
			CompanyID: 1, AssignedByID: 2, LeadID: 3, Opened: &no,
			UTMSource: "1", UTMMedium: "2", UTMCampaign: "3", UTMContent: "4", UTMTerm: "5",
			UserFields: map[string]any{"ufCrm_X": []any{"a", 1.0}, "ufCrm_Y": nil},
		}, `{"name":"Ivan","lastName":"Petrov","secondName":"I.","honorific":"HNR_RU_1",
			"phone":[{"value":"+79161234567","typeId":"MOBILE"}],"email":[{"value":"a@b.ru","typeId":"WORK"},{"value":"c@d.ru","typeId":"HOME"}],
			"post":"Boss","comments":"c","typeId":"CLIENT","sourceId":"WEB","sourceDescription":"s",
			"companyId":1,"assignedById":2,"leadId":3,"opened":false,
			"utmSource":"1","utmMedium":"2","utmCampaign":"3","utmContent":"4","utmTerm":"5","ufCrm_X":["a",1],"ufCrm_Y":null}`},
		"user fields do not replace ours": {crmclient.Contact{Name: "Ivan", UserFields: map[string]any{"name": "X"}}, `{"name":"Ivan"}`},
	} {
		got, err := json.Marshal(test.contact)
		if err != nil {
			t.Fatal(err)
		}
		var a, b any
		if err := json.Unmarshal(got, &a); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal([]byte(test.want), &b); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(b, a); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
	}
}

// What the portal would drop silently is reported once and kept in the comments.
func TestUnknownFieldsGoIntoComments(t *testing.T) {
	inBubble(t, crmtest.Options{ExistingUserField: true, ExistingFields: []string{"UF_CRM_KNOWN"}}, nil, func(w *world) {
		for n := range 3 {
			r := lead(n)
			r.Contact.Comments = "hello"
			r.Contact.UTMSource = "ads"
			r.Contact.UserFields = map[string]any{"ufCrm_known": "kept", "ufCrm_OTHER": []any{"a", 1.5, true, nil}, "ufCrm_EMPTY": nil}
			w.mustCreate(r)
		}
		for _, c := range w.sim.Contacts() {
			if got, want := c.Text("comments"), "hello\nufCrm_OTHER: a, 1.5, true\nWhere the visit came from:\nutm_source: ads"; got != want {
				t.Errorf("comments %q, want %q", got, want)
			}
			if c.Text("UF_CRM_KNOWN") != "kept" || len(c.Phones()) != 1 || len(c.Emails()) != 1 {
				t.Errorf("contact %+v", c)
			}
		}
		for _, field := range []string{"utmSource", "ufCrm_*"} {
			if n := w.logs.count(`"warn"`, field); n != 1 {
				t.Errorf("%s reported %d times", field, n)
			}
		}
		if n := w.logs.count("ads") + w.logs.count("ufCrm_OTHER"); n != 0 {
			t.Errorf("a value or the name of somebody's field is in the log")
		}
	})
}

// What cannot be written as JSON is a fault of ours with this contact alone.
func TestUnencodableContact(t *testing.T) {
	inBubble(t, crmtest.Options{ExistingUserField: true, ExistingFields: []string{"UF_CRM_KNOWN"}}, nil, func(w *world) {
		r := lead(1)
		r.Contact.UserFields = map[string]any{"ufCrm_KNOWN": math.NaN()}
		if e := w.create(r); rejection(e.err) == nil || !strings.Contains(e.err.Error(), "UNENCODABLE") {
			t.Errorf("Create = %+v", e)
		}
	})
}

// The portal's list of honorifics is asked for once, when the first contact has a title. Without it the contact is made all the same.
func TestTitleBecomesHonorific(t *testing.T) {
	const call = "GET /v1/statuses"
	titled := func(n int) crmclient.Request {
		r := lead(n)
		r.Contact.Salutation = "Mr"
		return r
	}
	list := crmtest.Action{Status: 200, Body: `{"success":true,"data":[{"entityId":"HONORIFIC","statusId":"HNR_EN_1","name":"Mr."}]}`}
	for name, test := range map[string]struct {
		answer crmtest.Action
		want   string
	}{"listed": {list, "HNR_EN_1"}, "fails": {crmtest.Action{Status: 500}, ""}, "not offered": {crmtest.Action{Status: 404}, ""}, "no answer": {crmtest.Action{Delay: time.Hour}, ""}} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, crmtest.Options{NativeOriginID: true}, nil, func(w *world) {
				asked := 0
				w.script(call, func(int, crmtest.Call) crmtest.Action { asked++; return test.answer })
				w.mustCreate(lead(1))
				if asked != 0 {
					t.Error("asked without need")
				}
				began := time.Now()
				w.mustCreate(titled(2))
				if took := time.Since(began); took > 10*time.Second {
					t.Errorf("the first contact with a title waited for %s", took)
				}
				w.mustCreate(titled(3))
				for _, n := range []int{2, 3} {
					for _, c := range w.sim.ByOrigin(originID(n)) {
						if got := c.Text("honorific"); got != test.want {
							t.Errorf("contact %d: honorific %q, want %q", n, got, test.want)
						}
					}
				}
				w.wantContacts(3)
				if asked != 1 {
					t.Errorf("asked %d times", asked)
				}
			})
		})
	}
}
