package crmtest_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/leadbridge/leadbridge/crmclient/crmtest"
)

// numbersOf are the phones of the only contact.
func numbersOf(p *portal) (values []string) {
	for _, m := range p.Contacts()[0].Phones() {
		values = append(values, m.Value)
	}
	return values
}

func TestUpdateReplacesOrAddsPhones(t *testing.T) {
	t.Parallel()
	for adds, want := range map[bool][]string{false: {"+74950000002"}, true: {"+74950000001", "+74950000002"}} {
		t.Run(fmt.Sprint(adds), func(t *testing.T) {
			t.Parallel()
			bubble(t, crmtest.Options{PatchAdds: adds}, func(p *portal) {
				p.do("POST /v1/contacts", `{"phone":"+74950000001"}`)
				p.do("PATCH /v1/contacts/1", `{"phone":"+74950000002"}`)
				if got := numbersOf(p); !slices.Equal(got, want) {
					t.Errorf("phones %v, want %v", got, want)
				}
			})
		})
	}
}

// total is how many contacts a filter finds.
func total(p *portal, filter string) int {
	return p.do("POST /v1/contacts/search", `{"filter":`+filter+`}`).Meta.Total
}

func TestNormalisedPhonesAreFoundInAnySpelling(t *testing.T) {
	t.Parallel()
	for _, normalised := range []bool{false, true} {
		bubble(t, crmtest.Options{NormalisedPhones: normalised}, func(p *portal) {
			p.do("POST /v1/contacts", `{"phone":"+74950000001"}`)
			for _, spelling := range []string{"84950000001", "74950000001", "+7 (495) 000-00-01"} {
				if found := total(p, `{"phone":"`+spelling+`"}`) == 1; found != normalised {
					t.Errorf("normalised %t: %s found: %t", normalised, spelling, found)
				}
			}
			if total(p, `{"phone":{"$in":["+74950000001"]}}`) != 1 || total(p, `{"phone":"+74950000009"}`) != 0 {
				t.Errorf("normalised %t: the number itself is not found, or a stranger's is", normalised)
			}
		})
	}
}

func TestIgnoredFiltersAnswerWithStrangers(t *testing.T) {
	t.Parallel()
	bubble(t, crmtest.Options{IgnoredFilters: []string{"phone", "$contains"}}, func(p *portal) {
		p.do("POST /v1/contacts", `{"name":"Nobody"}`)
		for filter, want := range map[string]int{`{"phone":"+74950000009"}`: 1, `{"name":{"$contains":"xyz"}}`: 1, `{"name":"xyz"}`: 0} {
			if got := total(p, filter); got != want {
				t.Errorf("%s finds %d, want %d", filter, got, want)
			}
		}
	})
}

func TestIgnoredZonesShiftTimes(t *testing.T) {
	t.Parallel()
	for ignored, want := range map[bool]int{false: 0, true: 1} {
		bubble(t, crmtest.Options{IgnoredZones: ignored}, func(p *portal) {
			p.do("POST /v1/contacts", `{"name":"Nobody"}`)
			later := time.Now().UTC().Add(time.Hour).Format(time.RFC3339) // two hours ago by the portal's clock without a zone
			if got := total(p, `{"createdTime":{"$gte":"`+later+`"}}`); got != want {
				t.Errorf("ignored %t: finds %d, want %d", ignored, got, want)
			}
		})
	}
}

func TestUserFieldIsDeleted(t *testing.T) {
	t.Parallel()
	for kept, want := range map[bool]int{false: 200, true: 403} {
		bubble(t, crmtest.Options{ExistingUserField: true, KeptUserFields: kept}, func(p *portal) {
			p.do("POST /v1/leads", `{"title":"t","UF_CRM_LEADBRIDGE_EVENT_ID":"a1"}`)
			if got := p.do("DELETE /v1/userfields/leads/1", "").status; got != want {
				t.Errorf("kept %t: status %d, want %d", kept, got, want)
			}
			if got := p.Records(crmtest.Leads)[0].Text("UF_CRM_LEADBRIDGE_EVENT_ID"); (got == "") == kept {
				t.Errorf("kept %t: the value is %q", kept, got)
			}
		})
	}
}
