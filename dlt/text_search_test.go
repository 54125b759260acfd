package dlt

import (
	"testing"

	"github.com/leadbridge/leadbridge/crmclient"
)

// A letter is found by what it says, and by the contact that is made of it.
func TestTextSearchFindsTheBuiltContact(t *testing.T) {
	t.Parallel()
	contact := crmclient.Contact{
		Name: "Фёдор", LastName: "Петров", Phones: []crmclient.Multifield{{Value: "+79167328966"}}, Emails: []crmclient.Multifield{{Value: "f.petrov@example.com"}},
	}
	l := Letter{EventID: "ce:/site 7", Code: "VALIDATION_ERROR", Message: "*** is wrong", Key: []byte("k-15")}
	text := searchedText(l, &contact, []byte(`{"fio":"ПЕТРОВ Фёдор","tel":"8 (916) 732-89-66"}`))
	for query, want := range map[string]bool{
		"+79167328966": true, "89167328966": true, "8916": true, "7916732": true, "+7 (916) 732-89-66": true, "8 916 732‑89‑66": true, "9167328966": true, "732-89": true,
		"Петров Федор": true, "Федор Петров": true, "фёдор петров": true, "петр фед": true, "ПЕТРОВ": true, "F.Petrov@": true,
		"/site 7": true, "validation_error": true, "is wrong": true, "k-15": true, `"tel":"8 (916)`: true,
		"+79167328967": false, "Петров Иван": false, "89": true, "79167328966 Иван": false, "1-5": false, "nothing": false,
	} {
		if got := newTextSearch(query).foundIn(text); got != want {
			t.Errorf("%q: %v, want %v, in\n%s", query, got, want, text)
		}
	}
	if !newTextSearch(" \n").empty() {
		t.Error("blanks are looked for")
	}
}

// The list of a command and that of the page find the same letters.
func TestSearchFindsContactsInTheTopic(t *testing.T) {
	t.Parallel()
	bubble(t, 2, func(t *testing.T, r *rig) {
		all := letters(2, 2)
		one, other := &all[0], &all[1]
		one.value = `{"name":"Anna","lastName":"Ivanova","phone":"8 (916) 732-89-66"}`
		other.value = `{"name":"Ivan","lastName":"Annin","phone":"8 (916) 732-89-67"}`
		r.seed(all...)
		s := r.shelf(DefaultShelfLimits())
		r.refresh(s)
		for _, query := range []string{"+79167328966", "8916732 8966", "ivanova anna", "Anna Ivanova"} {
			found := s.Search(Query{Text: query}).Items
			listed := r.list(Filter{Text: Searching(query, s.by)})
			if len(found) != 1 || len(listed) != 1 || found[0].Position != listed[0].Position || found[0].EventID != one.id {
				t.Errorf("%q: the page finds %v, the command %v", query, found, listed)
			}
		}
	})
}
