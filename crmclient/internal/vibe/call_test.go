package vibe

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestCallsOnTheWire(t *testing.T) {
	var got string
	c := answering(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got = r.Method + " " + r.URL.String()
		if len(body) > 0 {
			got += " " + string(body)
		}
		_, _ = io.WriteString(w, `{"success":true,"data":{}}`)
	})
	since := time.Date(2026, 4, 15, 12, 0, 0, 0, time.FixedZone("MSK", 3*60*60))
	for _, test := range []struct {
		call Call
		op   Operation
		want string
	}{
		{Me(), OpMe, "GET /v1/me"},
		{ListFields(Contacts), OpFields, "GET /v1/contacts/fields"},
		{UserFields(Contacts, "UF_CRM_X&Y"), OpUserFields, "GET /v1/userfields/contacts?fieldName=UF_CRM_X%26Y"},
		{MakeUserField(Contacts, "X", "an id"), OpUserFields,
			`POST /v1/userfields/contacts {"fieldName":"X","label":"an id","showFilter":"Y","userTypeId":"string"}`},
		{Statuses("SOURCE"), OpStatuses, "GET /v1/statuses?filter%5BentityId%5D=SOURCE"},
		{CreateOne(Contacts, []byte(`{"name":"a"}`), nil), OpCreate, `POST /v1/contacts {"name":"a"}`},
		{CreateBatch(contactsOf(`{"name":"a"}`, `{}`), nil), OpBatch,
			`POST /v1/batch {"calls":[{"id":"0","entity":"contacts","action":"create","params":{"name":"a"}},` +
				`{"id":"1","entity":"contacts","action":"create","params":{}}]}`},
		{Search(Contacts, Filter{"originId": In("a", "b")}, []string{"id", "originId"}, 50), OpLookUp,
			`POST /v1/contacts/search {"filter":{"originId":{"$in":["a","b"]}},"select":["id","originId"],"limit":50}`},
		{ListBatch(Contacts, []string{"id"}, 50, Filter{"phone": Equal("+7"), "createdTime": NotBefore(since)}, Filter{"sourceDescription": Equal(`["]`)}), OpLookUp,
			`POST /v1/batch {"calls":[{"id":"0","entity":"contacts","action":"list","params":{"filter":{"createdTime":{"$gte":"2026-04-15T09:00:00Z"},"phone":"+7"},"select":["id"],"limit":50}},` +
				`{"id":"1","entity":"contacts","action":"list","params":{"filter":{"sourceDescription":"[\"]"},"select":["id"],"limit":50}}]}`},
	} {
		if o := c.Do(t.Context(), test.call); o.Class != Done {
			t.Errorf("%s: %+v", test.want, o)
		}
		if diff := cmp.Diff(test.want, got); diff != "" || test.call.Operation != test.op {
			t.Errorf("%s (-want +got):\n%s", test.call.Operation, diff)
		}
	}
}

func TestBatchBodyIsJSON(t *testing.T) {
	for n := range 3 {
		bodies := contactsOf(slices.Repeat([]string{`{"name":"a\"b"}`}, n)...)
		var got struct{ Calls []struct{ ID string } }
		if err := json.Unmarshal(CreateBatch(bodies, nil).body, &got); err != nil || len(got.Calls) != n {
			t.Errorf("%d calls: %v, %v", n, got, err)
		}
	}
}
