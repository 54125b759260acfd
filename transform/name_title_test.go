package transform

import "testing"

// A title in front of a full name is kept for the CRM's honorific. A word that is also a name is not taken for a title.
func TestTitles(t *testing.T) {
	tests := map[string]string{
		`{"name":"Mr. John Smith"}`: "Mr.", `{"name":"Dr Anna Petrova"}`: "Dr", `{"full_name":"Frau Erika Mustermann"}`: "Frau", `{"ФИО":"г-жа Иванова Анна"}`: "г-жа",
		`{"name":"Mrs Smith"}`: "Mrs", `{"name":"Herr Dr. Max Mustermann"}`: "Herr", `{"name":"Mr&nbsp;John Smith"}`: "Mr", `{"name":"Господин Петров"}`: "Господин",
		`{"name":"John Smith"}`: "", `{"name":"Pan Wei"}`: "", `{"name":"Don Johnson"}`: "", `{"name":"Mr"}`: "", `{"name":"Smith, Mr"}`: "", `{"first_name":"Ivan","last_name":"Mr"}`: "",
	}
	for fields, want := range tests {
		got, err := contactOf(t, Options{}, fields[:len(fields)-1]+`,"email":"a@example.com"}`)
		if err != nil || got.Salutation != want {
			t.Errorf("%s: %q, want %q; %v", fields, got.Salutation, want, err)
		}
	}
}
