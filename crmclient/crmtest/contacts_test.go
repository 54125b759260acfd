package crmtest_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leadbridge/leadbridge/crmclient/crmtest"
)

func TestMultifieldForms(t *testing.T) {
	work := func(values ...string) []crmtest.Multifield {
		var m []crmtest.Multifield
		for _, v := range values {
			m = append(m, crmtest.Multifield{Value: v, TypeID: "WORK"})
		}
		return m
	}
	tests := []struct {
		name, body string
		phones     []crmtest.Multifield
		code       string
	}{
		{name: "text", body: `{"phone":"+71"}`, phones: work("+71")},
		{name: "array of texts", body: `{"phone":["+71","+72"]}`, phones: work("+71", "+72")},
		{name: "array of objects", body: `{"phone":[{"value":"+71","typeId":"MOBILE"},{"value":"+72"}]}`,
			phones: []crmtest.Multifield{{Value: "+71", TypeID: "MOBILE"}, {Value: "+72", TypeID: "WORK"}}},
		{name: "null", body: `{"phone":null}`},
		{name: "empty", body: `{"phone":""}`},
		{name: "native form", body: `{"phone":[{"VALUE":"+71","VALUE_TYPE":"WORK"}]}`, code: "INVALID_MULTIFIELD_SHAPE"},
		{name: "native form of e-mail", body: `{"email":[{"VALUE":"a@b.com","VALUE_TYPE":"WORK"}]}`, code: "INVALID_MULTIFIELD_SHAPE"},
		{name: "object", body: `{"phone":{"value":"+71"}}`, code: "INVALID_MULTIFIELD_SHAPE"},
		{name: "number", body: `{"phone":71}`, code: "INVALID_MULTIFIELD_SHAPE"},
		{name: "array of numbers", body: `{"phone":[71]}`, code: "INVALID_MULTIFIELD_SHAPE"},
		{name: "value of a wrong type", body: `{"phone":[{"value":71}]}`, code: "INVALID_REQUEST"},
		{name: "a kind of e-mails", body: `{"phone":[{"value":"+71","typeId":"MAILING"}]}`, code: "INVALID_REQUEST"},
		{name: "a kind of phones", body: `{"email":[{"value":"a@b.com","typeId":"MOBILE"}]}`, code: "INVALID_REQUEST"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			bubble(t, crmtest.Options{}, func(p *portal) {
				t := p.t
				r := p.do("POST /v1/contacts", test.body)
				if test.code != "" {
					r.want(t, http.StatusBadRequest, test.code)
					if p.Count() != 0 {
						t.Error("a refused contact is held")
					}
					return
				}
				r.want(t, http.StatusCreated, "")
				if diff := cmp.Diff(test.phones, p.Contacts()[0].Phones()); diff != "" {
					t.Errorf("phones differ (-want +got):\n%s", diff)
				}
			})
		})
	}
}

func TestFieldTypes(t *testing.T) {
	tests := []struct {
		body   string
		status int
		field  string
		want   any
	}{
		{`{"name":"Иван \"x\""}`, 201, "name", `Иван "x"`},
		{`{"name":1}`, 400, "", nil},
		{`{"name":["a"]}`, 400, "", nil},
		{`{"name":null}`, 201, "name", nil},
		{`{"companyId":15}`, 201, "companyId", 15.0},
		{`{"companyId":"15"}`, 400, "", nil},
		{`{"companyId":1.5}`, 400, "", nil},
		{`{"leadId":null}`, 201, "leadId", nil},
		{`{"opened":false}`, 201, "opened", false},
		{`{"opened":"N"}`, 201, "opened", false},
		{`{"opened":"yes"}`, 400, "", nil},
		{`{"opened":1}`, 400, "", nil},
		{`{"nname":"typo"}`, 201, "nname", nil},
		{`{"id":77,"createdBy":5}`, 201, "createdBy", nil},
		{`{"originId":"x","originatorId":"y"}`, 201, "originId", nil},
		{`{"ufCrm_UNKNOWN":"x"}`, 201, "ufCrm_UNKNOWN", nil},
		{`{"ufCrm_CITY":"Tula"}`, 201, "UF_CRM_CITY", "Tula"},
		{`{"UF_CRM_CITY":"Tula"}`, 201, "ufCrmCity", "Tula"},
		{`[]`, 400, "", nil},
		{`null`, 400, "", nil},
		{`{"name":`, 400, "", nil},
		{`name=x`, 400, "", nil},
		{``, 201, "name", nil},
	}
	for _, test := range tests {
		t.Run(test.body, func(t *testing.T) {
			bubble(t, crmtest.Options{ExistingFields: []string{"UF_CRM_CITY"}}, func(p *portal) {
				t := p.t
				r := p.do("POST /v1/contacts", test.body)
				if test.status == 400 {
					r.want(t, 400, "INVALID_REQUEST")
					return
				}
				r.want(t, 201, "")
				if diff := cmp.Diff(test.want, p.Contacts()[0].Get(test.field)); diff != "" {
					t.Errorf("%s differs (-want +got):\n%s", test.field, diff)
				}
			})
		})
	}
}

func TestTooLarge(t *testing.T) {
	bubble(t, crmtest.Options{MaxBody: 100}, func(p *portal) {
		t := p.t
		p.do("POST /v1/contacts", `{"comments":"`+strings.Repeat("x", 100)+`"}`).want(t, http.StatusRequestEntityTooLarge, "PAYLOAD_TOO_LARGE")
	})
}

func TestContactByID(t *testing.T) {
	bubble(t, crmtest.Options{}, func(p *portal) {
		t := p.t
		made := p.create(`{"name":"A","phone":"+71","email":"a@b.com"}`)
		got := p.do("GET /v1/contacts/1", "").want(t, http.StatusOK, "").object(t)
		if diff := cmp.Diff(made, got); diff != "" {
			t.Errorf("reading back differs (-created +read):\n%s", diff)
		}
		if got["phone"] != "+71" {
			t.Errorf("phone reads %v, want it flattened", got["phone"])
		}
		advance(time.Minute)
		updated := p.do("PATCH /v1/contacts/1", `{"lastName":"B","phone":null}`).want(t, http.StatusOK, "").object(t)
		if updated["name"] != "A" || updated["lastName"] != "B" || updated["phone"] != nil || updated["updatedTime"] == made["updatedTime"] || updated["createdTime"] != made["createdTime"] {
			t.Errorf("update gave %v", updated)
		}
		p.do("DELETE /v1/contacts/1", "").want(t, http.StatusOK, "")
		p.do("GET /v1/contacts/1", "").want(t, http.StatusNotFound, "NOT_FOUND")
		p.do("PATCH /v1/contacts/1", `{}`).want(t, http.StatusNotFound, "NOT_FOUND")
		p.do("DELETE /v1/contacts/1", "").want(t, http.StatusNotFound, "NOT_FOUND")
		if id := p.create(`{}`)["id"]; id != 2.0 {
			t.Errorf("the next id is %v, want 2: ids are not given again", id)
		}
	})
}

func TestUnknownPaths(t *testing.T) {
	bubble(t, crmtest.Options{NoBatch: true, NoUserFields: true}, func(p *portal) {
		t := p.t
		p.do("POST /v2/contacts", "").wantStatus(t, http.StatusNotFound)
		for _, call := range []string{"GET /v1/companies", "GET /v1/contacts/x", "GET /v1/", "POST /v1/batch", "GET /v1/userfields/contacts"} {
			p.do(call, "").want(t, http.StatusNotFound, "NOT_FOUND")
		}
		r := p.do("PUT /v1/contacts", "").want(t, http.StatusMethodNotAllowed, "METHOD_NOT_ALLOWED")
		if got := r.header.Get("Allow"); got != "GET, POST" {
			t.Errorf("Allow is %q", got)
		}
	})
}

func TestEveryAnswerHasARequestID(t *testing.T) {
	bubble(t, crmtest.Options{NoScope: true}, func(p *portal) {
		t := p.t
		seen := map[string]bool{}
		for _, call := range []string{"GET /v1/me", "GET /v1/contacts", "GET /v1/nothing", "DELETE /v1/me"} {
			seen[p.do(call, "").header.Get("X-Request-Id")] = true
		}
		if len(seen) != 4 || seen[""] {
			t.Errorf("request ids %v, want four different ones", seen)
		}
	})
}

func TestFields(t *testing.T) {
	documented := []string{"id", "name", "lastName", "secondName", "phone", "email", "companyId", "post", "comments", "typeId", "sourceId",
		"sourceDescription", "assignedById", "createdBy", "updatedBy", "createdTime", "updatedTime", "opened", "export", "leadId", "honorific"}
	tests := []struct {
		name string
		opts crmtest.Options
		more []string
	}{
		{"documented", crmtest.Options{}, nil},
		{"origin id", crmtest.Options{NativeOriginID: true}, []string{"originatorId", "originId", "originVersion"}},
		{"utm", crmtest.Options{NativeUTM: true}, []string{"utmSource", "utmMedium", "utmCampaign", "utmContent", "utmTerm", "birthdate"}},
		{"user field", crmtest.Options{ExistingUserField: true}, []string{"ufCrm_LEADBRIDGE_EVENT_ID"}},
		{"user field, upper", crmtest.Options{ExistingUserField: true, UpperUserFields: true}, []string{"UF_CRM_LEADBRIDGE_EVENT_ID"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			bubble(t, test.opts, func(p *portal) {
				t := p.t
				var data struct {
					Fields map[string]struct {
						Type       string
						IsReadOnly bool
					}
				}
				r := p.do("GET /v1/contacts/fields", "").want(t, http.StatusOK, "")
				if err := json.Unmarshal(r.Data, &data); err != nil {
					t.Fatal(err)
				}
				want := map[string]bool{}
				for _, name := range append(documented, test.more...) {
					want[name] = true
				}
				if diff := cmp.Diff(want, keys(data.Fields)); diff != "" {
					t.Errorf("fields differ (-want +got):\n%s", diff)
				}
				if !data.Fields["id"].IsReadOnly || data.Fields["name"].IsReadOnly || data.Fields["name"].Type != "string" {
					t.Errorf("id and name are %+v, %+v", data.Fields["id"], data.Fields["name"])
				}
				// What is listed is what answers show.
				delete(want, "fm")
				got := keys(p.create(`{"name":"A"}`))
				delete(got, "fm")
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("fields of an answer differ (-want +got):\n%s", diff)
				}
			})
		})
	}
}

func TestUserFields(t *testing.T) {
	const request = `{"userTypeId":"string","fieldName":"LEADBRIDGE_EVENT_ID","label":"Event","showFilter":"Y"}`
	bubble(t, crmtest.Options{UserFields: true}, func(p *portal) {
		t := p.t
		search := `{"filter":{"ufCrm_LEADBRIDGE_EVENT_ID":"e-1"}}`
		p.do("POST /v1/contacts/search", search).want(t, http.StatusBadRequest, "INVALID_FILTER_FIELD")
		made := p.do("POST /v1/userfields/contacts", request).want(t, http.StatusCreated, "").object(t)
		if made["fieldName"] != crmtest.OriginUserField || made["userTypeId"] != "string" || made["label"] != "Event" {
			t.Errorf("made %v", made)
		}
		p.do("POST /v1/userfields/contacts", request).want(t, http.StatusConflict, "ALREADY_EXISTS")
		p.do("POST /v1/userfields/contacts", `{"label":"x"}`).want(t, http.StatusBadRequest, "MISSING_PARAMS")
		for query, want := range map[string]int{"": 1, "?fieldName=UF_CRM_LEADBRIDGE_EVENT_ID": 1, "?fieldName=LEADBRIDGE_EVENT_ID": 1, "?fieldName=ufCrm_LEADBRIDGE_EVENT_ID": 1, "?fieldName=ufCrmLeadbridgeEventId": 1, "?fieldName=UF_CRM_OTHER": 0} {
			if got := len(p.do("GET /v1/userfields/contacts"+query, "").want(t, http.StatusOK, "").ids(t)); got != want {
				t.Errorf("%q lists %d fields, want %d", query, got, want)
			}
		}
		p.create(`{"name":"A","UF_CRM_LEADBRIDGE_EVENT_ID":"e-1"}`)
		for _, name := range []string{"ufCrm_LEADBRIDGE_EVENT_ID", "UF_CRM_LEADBRIDGE_EVENT_ID"} {
			body := fmt.Sprintf(`{"filter":{%q:{"$in":["e-1","e-2"]}},"select":["id",%[1]q]}`, name)
			if got := p.do("POST /v1/contacts/search", body).want(t, http.StatusOK, "").ids(t); len(got) != 1 {
				t.Errorf("%s finds %v", name, got)
			}
		}
		if got := p.ByOrigin("e-1"); len(got) != 1 || got[0].OriginID() != "e-1" {
			t.Errorf("by origin: %v", got)
		}
		p.DeleteUserField("LEADBRIDGE_EVENT_ID")
		p.do("POST /v1/contacts/search", search).want(t, http.StatusBadRequest, "INVALID_FILTER_FIELD")
		if got := p.create(`{"ufCrm_LEADBRIDGE_EVENT_ID":"e-3"}`); got["ufCrm_LEADBRIDGE_EVENT_ID"] != nil || len(p.ByOrigin("e-1")) != 0 {
			t.Errorf("a deleted field still holds values: %v", got)
		}
	})
}

func TestUserFieldWithoutTheRight(t *testing.T) {
	bubble(t, crmtest.Options{}, func(p *portal) {
		t := p.t
		p.do("POST /v1/userfields/contacts", `{"userTypeId":"string","fieldName":"X"}`).want(t, http.StatusForbidden, "BITRIX_ACCESS_DENIED")
	})
}

func TestStatuses(t *testing.T) {
	bubble(t, crmtest.Options{}, func(p *portal) {
		t := p.t
		for query, want := range map[string]string{"?filter[entityId]=SOURCE": "WEB", "?filter%5BentityId%5D=CONTACT_TYPE": "CLIENT"} {
			r := p.do("GET /v1/statuses"+query, "").want(t, http.StatusOK, "")
			if !strings.Contains(r.text, `"statusId":"`+want+`"`) || strings.Count(r.text, "entityId") != r.Meta.Total {
				t.Errorf("%s answers %s", query, r.text)
			}
		}
	})
}

func TestOriginOfAContact(t *testing.T) {
	tests := []struct {
		name, body, want string
		opts             crmtest.Options
	}{
		{"native", `{"originId":"lb-1","sourceDescription":"[leadbridge:lb-0123456789abcdef]"}`, "lb-1", crmtest.Options{NativeOriginID: true}},
		{"user field", `{"ufCrm_LEADBRIDGE_EVENT_ID":"lb-2"}`, "lb-2", crmtest.Options{ExistingUserField: true}},
		{"tag", `{"sourceDescription":"landing-page-2026-autumn [leadbridge:lb-0123456789abcdef]"}`, "lb-0123456789abcdef", crmtest.Options{}},
		{"no tag", `{"sourceDescription":"landing page"}`, "", crmtest.Options{}},
		{"a long word", `{"sourceDescription":"landing-page-of-the-autumn-sale"}`, "", crmtest.Options{}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			bubble(t, test.opts, func(p *portal) {
				t := p.t
				p.create(test.body)
				if got := p.Contacts()[0].OriginID(); got != test.want {
					t.Errorf("origin id %q, want %q", got, test.want)
				}
				if got := len(p.ByOrigin(test.want)); test.want != "" && got != 1 {
					t.Errorf("%d by origin, want 1", got)
				}
				p.create(test.body)
				if got, want := p.Stats().Duplicates, min(1, len(test.want)); got != want {
					t.Errorf("%d duplicates, want %d", got, want)
				}
				p.Delete(1)
				if got := p.Stats().Duplicates; got != 0 {
					t.Errorf("%d duplicates after a delete, want 0", got)
				}
			})
		})
	}
}

func TestCreatedByHand(t *testing.T) {
	bubble(t, crmtest.Options{}, func(p *portal) {
		t := p.t
		if err := p.SetFaults(crmtest.Faults{Mandatory: []string{"post"}}); err != nil {
			t.Fatal(err)
		}
		id, err := p.Create(`{"name":"A"}`)
		if err != nil || id != 1 || p.Count() != 1 {
			t.Errorf("id %d, %v, %d contacts", id, err, p.Count())
		}
		if _, err := p.Create(`{"name":1}`); err == nil {
			t.Error("a wrong type is taken")
		}
	})
}
