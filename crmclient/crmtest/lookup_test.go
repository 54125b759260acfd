package crmtest_test

import (
	"fmt"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leadbridge/leadbridge/crmclient/crmtest"
)

func TestFilters(t *testing.T) {
	tests := []struct {
		filter string
		want   []int
	}{
		{`{}`, []int{1, 2, 3}},
		{`{"id":2}`, []int{2}},
		{`{"id":"2"}`, []int{2}},
		{`{"id":{"$in":[3,1,3]}}`, []int{1, 3}},
		{`{"id":{"$gt":1}}`, []int{2, 3}},
		{`{"id":{"$gte":2,"$lt":3}}`, []int{2}},
		{`{"id":{"$lte":1}}`, []int{1}},
		{`{"id":{"$ne":2}}`, []int{1, 3}},
		{`{"originId":"o-2"}`, []int{2}},
		{`{"originId":{"$in":["o-3","o-1","x"]}}`, []int{1, 3}},
		{`{"originId":{"$in":[]}}`, []int{}},
		{`{"originId":{"$ne":"o-1"}}`, []int{2, 3}},
		{`{"originId":"O-2"}`, []int{}},
		{`{"phone":"+71"}`, []int{1, 2}},
		{`{"phone":"+72"}`, []int{1}},
		{`{"phone":"+7"}`, []int{}},
		{`{"phone":{"$contains":"+7"}}`, []int{1, 2}},
		{`{"phone":null}`, []int{3}},
		{`{"phone":{"$in":["+72",null]}}`, []int{1, 3}},
		{`{"email":"C@D.com"}`, []int{3}},
		{`{"phone":"+71","name":"Anna"}`, []int{2}},
		{`{"name":{"$contains":"n"}}`, []int{1, 2}},
		{`{"companyId":15}`, []int{1}},
		{`{"companyId":{"$gte":15}}`, []int{1, 2}},
		{`{"opened":false}`, []int{3}},
		{`{"opened":"Y"}`, []int{1, 2}},
		{`{"sourceId":"CALL"}`, []int{1, 2, 3}},
		{`{"createdTime":{"$gte":"2000-01-01T03:01:00+03:00"}}`, []int{2, 3}},
		{`{"createdTime":{"$gte":"2000-01-01T00:01:00Z"}}`, []int{2, 3}},
		{`{"createdTime":{"$gt":"2000-01-01T03:01:00"}}`, []int{3}},
		{`{"createdTime":"2000-01-01 03:00:00"}`, []int{1}},
		{`{"ufCrm_CITY":"Tula"}`, []int{1}},
		{`{"UF_CRM_CITY":{"$contains":"ul"}}`, []int{1}},
		{`{"createdBy":1}`, []int{1, 2, 3}},
	}
	bubble(t, crmtest.Options{NativeOriginID: true, ExistingFields: []string{"CITY"}}, func(p *portal) {
		t := p.t
		for _, body := range []string{
			`{"name":"Ivan","phone":["+71","+72"],"email":"a@b.com","originId":"o-1","companyId":15,"ufCrm_CITY":"Tula"}`,
			`{"name":"Anna","phone":"+71","originId":"o-2","companyId":16}`,
			`{"name":"Олег","email":"c@d.com","originId":"o-3","opened":false}`,
		} {
			p.create(body)
			advance(time.Minute)
		}
		for _, test := range tests {
			r := p.do("POST /v1/contacts/search", `{"filter":`+test.filter+`}`).want(t, http.StatusOK, "")
			if diff := cmp.Diff(test.want, r.ids(t)); diff != "" {
				t.Errorf("%s: ids differ (-want +got):\n%s", test.filter, diff)
			}
			if r.Meta.Total != len(test.want) || r.Meta.HasMore {
				t.Errorf("%s: meta is %+v", test.filter, r.Meta)
			}
		}
	})
}

func TestListByQuery(t *testing.T) {
	tests := map[string][]int{
		"filter[originId]=o-2":                                    {2},
		"filter[originId][$in]=o-1,o-3":                           {1, 3},
		"filter[originId][$in][]=o-1&filter[originId][$in][]=o-2": {1, 2},
		"filter[id][$gte]=2&filter[id][$lt]=3":                    {2},
		"limit=2":                                                 {1, 2},
		"limit=2&offset=2":                                        {3},
		"":                                                        {1, 2, 3},
	}
	bubble(t, crmtest.Options{NativeOriginID: true}, func(p *portal) {
		t := p.t
		for i := range 3 {
			p.create(fmt.Sprintf(`{"originId":"o-%d"}`, i+1))
		}
		for query, want := range tests {
			values, err := url.ParseQuery(query)
			if err != nil {
				t.Fatal(err)
			}
			got := p.do("GET /v1/contacts?"+values.Encode(), "").want(t, http.StatusOK, "").ids(t)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s: ids differ (-want +got):\n%s", query, diff)
			}
		}
	})
}

func TestBadLookups(t *testing.T) {
	bubble(t, crmtest.Options{}, func(p *portal) {
		t := p.t
		for body, code := range map[string]string{
			`{"filter":{"originId":"x"}}`:                "INVALID_FILTER_FIELD",
			`{"filter":{"nname":"x"}}`:                   "INVALID_FILTER_FIELD",
			`{"filter":{"ufCrm_NONE":"x"}}`:              "INVALID_FILTER_FIELD",
			`{"filter":{"name":{"$like":"x"}}}`:          "INVALID_REQUEST",
			`{"filter":{"name":{"$in":"x"}}}`:            "INVALID_REQUEST",
			`{"filter":{"createdTime":{"$gte":"soon"}}}`: "INVALID_REQUEST",
			`{"filter":{"companyId":"many"}}`:            "INVALID_REQUEST",
			`{"filter":[]}`:                              "INVALID_REQUEST",
			`{"limit":"x"}`:                              "INVALID_PARAMS",
			`{"limit":-1}`:                               "INVALID_PARAMS",
			`{"select":"id"}`:                            "INVALID_PARAMS",
		} {
			p.do("POST /v1/contacts/search", body).want(t, http.StatusBadRequest, code)
		}
	})
}

func TestPagesOfALookup(t *testing.T) {
	tests := []struct {
		body     string
		rows     int
		hasMore  bool
		requests int // of the portal
	}{
		{`{}`, 50, true, 1},
		{`{"limit":50}`, 50, true, 1},
		{`{"limit":1}`, 1, true, 1},
		{`{"limit":51}`, 51, true, 2},
		{`{"limit":120}`, 120, true, 3}, // so is this one
		{`{"offset":70}`, 50, true, 1},  // wrong on the exact last page
		{`{"offset":71}`, 49, false, 1},
		{`{"offset":119,"limit":5}`, 1, false, 1},
		{`{"limit":121}`, 120, false, 3},
		{`{"limit":9999}`, 120, false, 10},
	}
	bubble(t, crmtest.Options{}, func(p *portal) {
		t := p.t
		for range 120 {
			if _, err := p.Create(`{"name":"A"}`); err != nil {
				t.Fatal(err)
			}
		}
		for _, test := range tests {
			before := p.Stats().PortalRequests
			r := p.do("POST /v1/contacts/search", test.body).want(t, http.StatusOK, "")
			if got := len(r.ids(t)); got != test.rows || r.Meta.HasMore != test.hasMore || r.Meta.Total != 120 {
				t.Errorf("%s: %d rows, meta %+v; want %d, more %v", test.body, got, r.Meta, test.rows, test.hasMore)
			}
			if got := p.Stats().PortalRequests - before; got != test.requests {
				t.Errorf("%s: %d portal requests, want %d", test.body, got, test.requests)
			}
		}
	})
}

func TestSelect(t *testing.T) {
	bubble(t, crmtest.Options{ExistingUserField: true}, func(p *portal) {
		t := p.t
		p.create(`{"name":"A","ufCrm_LEADBRIDGE_EVENT_ID":"e"}`)
		r := p.do("POST /v1/contacts/search", `{"select":["id","UF_CRM_LEADBRIDGE_EVENT_ID","nothing"]}`).want(t, http.StatusOK, "")
		if got, want := string(r.Data), `[{"id":1,"ufCrm_LEADBRIDGE_EVENT_ID":"e"}]`; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	})
}

// TestManyContacts keeps look-ups by an indexed field quick however much is held.
func TestManyContacts(t *testing.T) {
	bubble(t, crmtest.Options{NativeOriginID: true}, func(p *portal) {
		t := p.t
		const many = 20000
		for i := range many {
			if _, err := p.Create(fmt.Sprintf(`{"name":"A","phone":"+7%d","originId":"o-%d"}`, i%1000, i)); err != nil {
				t.Fatal(err)
			}
		}
		for i := 1; i <= many; i += 997 {
			body := fmt.Sprintf(`{"filter":{"originId":"o-%d"}}`, i-1)
			if got := p.do("POST /v1/contacts/search", body).ids(t); !cmp.Equal(got, []int{i}) {
				t.Fatalf("o-%d finds %v", i-1, got)
			}
		}
		if r := p.do("POST /v1/contacts/search", `{"filter":{"phone":"+77"}}`); r.Meta.Total != many/1000 {
			t.Errorf("a shared phone finds %d, want %d", r.Meta.Total, many/1000)
		}
	})
}
