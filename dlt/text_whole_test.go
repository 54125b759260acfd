package dlt

import (
	"testing"

	"github.com/leadbridge/leadbridge/crmclient"
)

// By a part of a value nothing is found as a whole, so that nobody finds out a value letter by letter.
func TestWholeValuesOnly(t *testing.T) {
	t.Parallel()
	contact := crmclient.Contact{
		Name: "Фёдор", LastName: "Петров", Phones: []crmclient.Multifield{{Value: "+79167328966"}}, Emails: []crmclient.Multifield{{Value: "f.petrov@example.com"}},
	}
	l := Letter{EventID: "ce:/site 7", Code: "VALIDATION_ERROR", Message: "*** is wrong", Key: []byte("k-15")}
	text := searchedText(l, &contact, []byte(`{"fio":"ПЕТРОВ Фёдор","tel":"8 (916) 732-89-66","note":"secret"}`))
	whole := []string{"+79167328966", "89167328966", "8 (916) 732-89-66", "Федор", "фёдор петров", "Петров Федор", " F.Petrov@Example.com ", "CE:/site 7", "Петров f.petrov@example.com"}
	parts := []string{"secret", "note", "fio", "is wrong", "k-15", "ce:/site 8", "Петров Иван", "+79167328967", "79167328966 Иван", "site"}
	for _, query := range whole {
		if !newTextSearch(query).identifies(text, l.EventID) {
			t.Errorf("%q is not found", query)
		}
	}
	for _, value := range []string{"федор", "петров", "+79167328966", "89167328966", "f.petrov@example.com", "ce:/site 7"} {
		runes := []rune(value)
		for i := 1; i < len(runes); i++ {
			parts = append(parts, string(runes[:i]), string(runes[i:]))
		}
	}
	for _, query := range parts {
		if known := query == "79167328966"; newTextSearch(query).identifies(text, l.EventID) != known {
			t.Errorf("%q: found as a whole: %v", query, !known)
		}
	}
}
