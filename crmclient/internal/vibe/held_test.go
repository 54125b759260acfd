package vibe

import (
	"fmt"
	"slices"
	"testing"
)

// Phones and e-mails are read in every shape that answers are known to have, each once, with the kind that is told.
func TestHeldPoints(t *testing.T) {
	const phone, email = "+79161234567 MOBILE", "a@example.ru HOME"
	for name, row := range map[string]string{
		"flattened":     `{"phone":"+79161234567","phoneMobile":"+79161234567","email":"a@example.ru","emailHome":"a@example.ru"}`,
		"objects":       `{"phone":[{"value":"+79161234567","typeId":"MOBILE"}],"email":[{"value":"a@example.ru","typeId":"HOME"}]}`,
		"native":        `{"PHONE":[{"ID":"1","VALUE":"+79161234567","VALUE_TYPE":"MOBILE"}],"EMAIL":[{"VALUE":"a@example.ru","VALUE_TYPE":"HOME"}]}`,
		"list of both":  `{"phone":"+79161234567","email":"a@example.ru","fm":[{"typeId":"PHONE","valueType":"MOBILE","value":"+79161234567"},{"typeId":"EMAIL","valueType":"HOME","value":"a@example.ru"},{"typeId":"WEB","valueType":"WORK","value":"example.ru"}]}`,
		"both by field": `{"fm":{"PHONE":[{"VALUE":"+79161234567","VALUE_TYPE":"MOBILE"}],"EMAIL":[{"VALUE":"a@example.ru","VALUE_TYPE":"HOME"}],"IM":[{"VALUE":"x"}]}}`,
	} {
		h := Row(row).Held()
		if got := words(h.Phones); !slices.Equal(got, []string{phone}) {
			t.Errorf("%s: phones %q", name, got)
		}
		if got := words(h.Emails); !slices.Equal(got, []string{email}) {
			t.Errorf("%s: emails %q", name, got)
		}
	}
	for row, want := range map[string][]string{
		`{"phone":"+79161234567; 89161234567"}`:                                                   {"+79161234567 ", "89161234567 "},
		`{"phone":[{"value":"1","typeId":"WORK"},{"value":"1","typeId":"WORK"}],"phoneWork":"1"}`: {"1 WORK", "1 WORK"},
		`{"phone":[{"value":"1","typeId":"WORK"},{"value":"1","typeId":"HOME"}],"phoneHome":"1"}`: {"1 WORK", "1 HOME"},
		`{"phone":[{"value":"8 916, ext 5","typeId":"WORK"}]}`:                                    {"8 916, ext 5 WORK"},
		`{"phoneWork":"8 916 1234567, ext 5"}`:                                                    {"8 916 1234567 ", "ext 5 "},
		`{"phoneWork":"+79161234567;"}`:                                                           {"+79161234567 "},
		`{"phone":null,"hasPhone":"Y"}`:                                                           nil,
		`{"phone":{"a":[}}`:                                                                       nil,
		`[]`:                                                                                      nil,
	} {
		if got := words(Row(row).Held().Phones); !slices.Equal(got, want) {
			t.Errorf("%s: phones %q, want %q", row, got, want)
		}
	}
}

func words(list []Multifield) (all []string) {
	for _, m := range list {
		all = append(all, fmt.Sprint(m.Value, " ", m.TypeID))
	}
	return all
}

// A field is empty only if the answer says so, or if answers leave out empty fields.
func TestHeldEmpty(t *testing.T) {
	for name, c := range map[string]struct {
		row   string
		empty bool
	}{
		"null":          {`{"post":null}`, true},
		"blank":         {`{"post":" "}`, true},
		"no elements":   {`{"post":[]}`, true},
		"text":          {`{"post":"x"}`, false},
		"false":         {`{"post":false}`, false},
		"a number":      {`{"post":0}`, false},
		"another name":  {`{"POST":"x"}`, false},
		"not told":      {`{"name":"x","lastName":null}`, false},
		"none is empty": {`{"name":"x"}`, true},
	} {
		if got := Row(c.row).Held().Empty("post"); got != c.empty {
			t.Errorf("%s: %v", name, got)
		}
	}
	h := Row(`{"companyId":"0","leadId":0,"ufCrm_1":null,"UF_CRM_2":"x"}`).Held()
	if !h.Empty("companyId") || !h.Empty("leadId") || !h.Empty("UF_CRM_1") || h.Empty("ufCrm_2") {
		t.Errorf("%+v", h)
	}
}

// If an answer has no phones although it has empty fields, nothing is known of the phones.
func TestHeldShowsPoints(t *testing.T) {
	for row, want := range map[string]bool{`{"phone":null}`: true, `{"fm":[],"name":null}`: true, `{"name":null}`: false, `{"name":"x"}`: true, `{"phoneWork":"1"}`: true} {
		if got := Row(row).Held().ShowsPoints("phone"); got != want {
			t.Errorf("%s: %v", row, got)
		}
	}
}
