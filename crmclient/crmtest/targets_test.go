package crmtest_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/leadbridge/leadbridge/crmclient/crmtest"
)

// Leads and deals are made, listed, searched, changed and deleted as contacts are.
func TestLeadsAndDeals(t *testing.T) {
	for entity, own := range map[string]string{"leads": "statusId", "deals": "stageId"} {
		t.Run(entity, func(t *testing.T) {
			bubble(t, crmtest.Options{ExistingUserField: true}, func(p *portal) {
				t := p.t
				made := p.do("POST /v1/"+entity, `{"title":"A","amount":12.5,"contactId":7,"ufCrm_LEADBRIDGE_EVENT_ID":"e-1","nope":1}`).want(t, http.StatusCreated, "").object(t)
				if made[own] != "NEW" || made["amount"] != 12.5 || made["nope"] != nil {
					t.Errorf("made %v", made)
				}
				p.do("POST /v1/"+entity, `{"title":"B","contactId":8}`).want(t, http.StatusCreated, "")
				p.do("POST /v1/"+entity, `{"title":1}`).want(t, http.StatusBadRequest, "INVALID_REQUEST")
				for name, filter := range map[string]string{
					"by our id":       `{"ufCrm_LEADBRIDGE_EVENT_ID":{"$in":["e-1","e-2"]}}`,
					"by the contact":  `{"contactId":7}`,
					"by text":         `{"contactId":{"$in":["7"]}}`,
					"by the contacts": `{"contactId":{"$lt":8}}`,
				} {
					if ids := p.do("POST /v1/"+entity+"/search", `{"filter":`+filter+`}`).want(t, 200, "").ids(t); len(ids) != 1 || ids[0] != 1 {
						t.Errorf("%s: %v", name, ids)
					}
				}
				p.do("PATCH /v1/"+entity+"/1", `{"title":"C"}`).want(t, 200, "")
				if got := p.Records(entity)[0]; got.Text("title") != "C" || got.OriginID() != "e-1" {
					t.Errorf("held %v", got)
				}
				p.do("DELETE /v1/"+entity+"/2", "").want(t, 200, "")
				p.do("GET /v1/"+entity+"/2", "").want(t, http.StatusNotFound, "NOT_FOUND")
				if s := p.Stats(); s.Contacts != 0 || s.Leads+s.Deals != 1 {
					t.Errorf("stats %+v", s)
				}
			})
		})
	}
}

// What the fields of each kind are called: times differ, and deals have no phones.
func TestFieldsOfKinds(t *testing.T) {
	bubble(t, crmtest.Options{}, func(p *portal) {
		for entity, want := range map[string]string{
			"contacts": "phone createdTime leadId", "leads": "phone createdTime title statusId", "deals": "createdAt contactId stageId",
		} {
			text := p.do("GET /v1/"+entity+"/fields", "").want(p.t, 200, "").text
			for name := range strings.FieldsSeq(want) {
				if !strings.Contains(text, `"`+name+`":`) {
					p.t.Errorf("%s lack %s", entity, name)
				}
			}
		}
		if text := p.do("GET /v1/deals/fields", "").text; strings.Contains(text, "phone") {
			p.t.Errorf("fields of deals %s", text)
		}
	})
}

// One batch may hold calls on several kinds, and each kind has user fields of its own.
func TestBatchOfSeveralKinds(t *testing.T) {
	bubble(t, crmtest.Options{UserFields: true}, func(p *portal) {
		t := p.t
		p.do("POST /v1/userfields/deals", `{"userTypeId":"string","fieldName":"LEADBRIDGE_EVENT_ID"}`).want(t, http.StatusCreated, "")
		p.do("POST /v1/batch", calls(
			`{"id":"a","entity":"contacts","action":"create","params":{"name":"A","ufCrm_LEADBRIDGE_EVENT_ID":"e-1"}}`,
			`{"id":"b","entity":"deals","action":"create","params":{"title":"B","ufCrm_LEADBRIDGE_EVENT_ID":"e-1"}}`,
			`{"id":"c","entity":"leads","action":"create","params":{"title":"C"}}`,
			`{"id":"d","entity":"timelines","action":"create","params":{"entityType":"deal","entityId":1,"comment":"hello"}}`,
		)).want(t, 200, "")
		p.do("POST /v1/batch", calls(`{"id":"a","entity":"deals","action":"update","entityId":1,"params":{"title":"D"}}`)).want(t, 200, "")
		if s := p.Stats(); s.Contacts != 1 || s.Deals != 1 || s.Leads != 1 || s.Timelines != 1 || s.Duplicates != 0 {
			t.Errorf("stats %+v", s)
		}
		if c, d := p.Contacts()[0], p.Records("deals")[0]; c.OriginID() != "" || d.OriginID() != "e-1" || d.Text("title") != "D" {
			t.Errorf("contact %v, deal %v", c, d)
		}
	})
}

// Comments are listed by card only, and need a text.
func TestTimelines(t *testing.T) {
	bubble(t, crmtest.Options{}, func(p *portal) {
		t := p.t
		for _, body := range []string{`{"entityType":"deal","entityId":1,"comment":" "}`, `{"entityType":"car","entityId":1,"comment":"x"}`} {
			p.do("POST /v1/timelines", body).want(t, http.StatusUnprocessableEntity, "BITRIX_ERROR")
		}
		for _, card := range []string{`"deal","entityId":1`, `"deal","entityId":2`, `"contact","entityId":1`} {
			p.do("POST /v1/timelines", `{"entityType":`+card+`,"comment":"x"}`).want(t, http.StatusCreated, "")
		}
		p.do("GET /v1/timelines?filter[entityType]=deal", "").want(t, http.StatusBadRequest, "MISSING_PARAMS")
		if ids := p.do("GET /v1/timelines?filter[entityType]=deal&filter[entityId]=2", "").want(t, 200, "").ids(t); len(ids) != 1 || ids[0] != 2 {
			t.Errorf("ids %v", ids)
		}
	})
}

// What the key may do nothing with fails alone; a portal may take a filter and find nothing by it.
func TestForbiddenKindsAndBlindFilters(t *testing.T) {
	bubble(t, crmtest.Options{NativeOriginID: true}, func(p *portal) {
		t := p.t
		if err := p.SetFaults(crmtest.Faults{Forbidden: []string{"deals"}, Blind: []string{"originId", "$contains"}, Mandatory: []string{"leads.title"}}); err != nil {
			t.Fatal(err)
		}
		p.do("POST /v1/deals", `{"title":"A"}`).want(t, http.StatusForbidden, "BITRIX_ACCESS_DENIED")
		p.do("GET /v1/deals/fields", "").want(t, http.StatusForbidden, "BITRIX_ACCESS_DENIED")
		p.do("GET /v1/userfields/deals", "").want(t, http.StatusForbidden, "BITRIX_ACCESS_DENIED")
		p.do("POST /v1/leads", `{"name":"A"}`).want(t, http.StatusBadRequest, "VALIDATION_ERROR")
		p.create(`{"name":"Anna","originId":"e-1"}`)
		for filter, want := range map[string]int{`{"originId":"e-1"}`: 0, `{"name":{"$contains":"n"}}`: 0, `{"name":"Anna"}`: 1} {
			if ids := p.do("POST /v1/contacts/search", `{"filter":`+filter+`}`).want(t, 200, "").ids(t); len(ids) != want {
				t.Errorf("%s finds %v", filter, ids)
			}
		}
		if err := p.SetFaults(crmtest.Faults{Forbidden: []string{"cars"}}); err == nil {
			t.Error("an unknown kind can be forbidden")
		}
	})
}
