package demo

import (
	"bytes"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/leadbridge/leadbridge/crmclient"
	"github.com/leadbridge/leadbridge/crmclient/crmtest"
	"github.com/leadbridge/leadbridge/transform"
)

// TestLeads maps every lead: those that never reach the CRM must be rejected
// for the reason that stands beside them, the others must be contacts.
func TestLeads(t *testing.T) {
	t.Parallel()
	tr, err := transform.New(transform.Options{PhoneRegion: "RU", SourceID: "WEB", Mapping: mapping})
	if err != nil {
		t.Fatal(err)
	}
	leads := newLeads(600, 7, true)
	if len(leads) != 600 {
		t.Fatalf("%d leads, want 600", len(leads))
	}
	inCRM := []string{asContact, string(crmclient.ReasonRefused), string(crmclient.ReasonRetriesExhausted)}
	for i, l := range leads {
		if l.value == nil {
			continue
		}
		got := asContact
		e, err := tr.Decode(transform.Record{Topic: topic, Offset: int64(i), Key: l.key, Value: l.value, Headers: l.headers})
		if err == nil {
			_, err = tr.Contact(e)
		}
		if r, ok := errors.AsType[*transform.Rejection](err); ok {
			got = string(r.Reason)
		}
		if !slices.Contains(l.fate, got) && (got != asContact || !slices.Contains(inCRM, l.fate[0])) {
			t.Errorf("%.200s: %s (%v), want %v", l.value, got, err, l.fate)
		}
	}
}

func TestLeadsFollowTheSeed(t *testing.T) {
	t.Parallel()
	same := func(a, b []lead) bool {
		return slices.EqualFunc(a, b, func(x, y lead) bool { return bytes.Equal(x.value, y.value) })
	}
	if !same(newLeads(100, 3, false), newLeads(100, 3, false)) {
		t.Error("one seed makes different leads")
	}
	if same(newLeads(100, 3, false), newLeads(100, 4, false)) {
		t.Error("two seeds make the same leads")
	}
}

func TestEveryNumberOfLeads(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 2, len(shapes), 26, 100, 101} {
		if leads := newLeads(n, 1, n%2 == 0); len(leads) != n || outcomes(leads) > n {
			t.Errorf("%d leads with %d outcomes, want %d", len(leads), outcomes(leads), n)
		}
	}
}

// TestMarksAreInFieldsOfEachKind shows that the CRM refuses a marked lead whatever it is to become: a field that contacts or
// leads lack would stand in a comment, without which the object is made all the same.
func TestMarksAreInFieldsOfEachKind(t *testing.T) {
	t.Parallel()
	tr, err := transform.New(transform.Options{PhoneRegion: "RU", SourceID: "WEB", Mapping: mapping})
	if err != nil {
		t.Fatal(err)
	}
	crm := crmtest.New(crmtest.Options{})
	t.Cleanup(crm.Close)
	fields := map[string]string{}
	for _, kind := range []string{crmtest.Contacts, crmtest.Leads} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/v1/"+kind+"/fields", nil)
		r.Header.Set("X-Api-Key", apiKey)
		w := httptest.NewRecorder()
		crm.ServeHTTP(w, r)
		fields[kind] = w.Body.String()
	}
	marks := []string{markRefused, markBusiness, markConflict, markPoison, markForbid}
	seen := 0
	for _, s := range shapes {
		l := s.make(person{n: 1, first: "Ivan", last: "Kim", latin: "ivan.kim"})
		e, err := tr.Decode(transform.Record{Topic: topic, Value: l.value, Headers: l.headers})
		if err != nil {
			continue
		}
		c, err := tr.Contact(e)
		if err != nil {
			continue
		}
		for name, value := range c.Body() {
			if text, _ := value.(string); !slices.ContainsFunc(marks, func(m string) bool { return strings.Contains(text, m) }) {
				continue
			}
			seen++
			for kind, text := range fields {
				if name == "comments" || !strings.Contains(text, `"`+name+`":{`) {
					t.Errorf("a mark stands in %s, which %s do not have", name, kind)
				}
			}
		}
	}
	if seen != len(marks) {
		t.Errorf("%d marks, want %d", seen, len(marks))
	}
}
