package vibe

import (
	"slices"
	"testing"
)

func TestKnown(t *testing.T) {
	for name, row := range map[string]string{
		"texts":      `{"id":7,"name":"Ivan","lastName":"Petrov","secondName":"S","phone":"+79161234567","email":"a@example.ru"}`,
		"flattened":  `{"id":7,"name":"Ivan","lastName":"Petrov","secondName":"S","phone":null,"phoneWork":"+79161234567","emailHome":"a@example.ru","hasPhone":"Y"}`,
		"lists":      `{"NAME":"Ivan","LAST_NAME":"Petrov","SECOND_NAME":"S","phone":["+79161234567"],"email":["a@example.ru"]}`,
		"objects":    `{"name":"Ivan","lastName":"Petrov","secondName":"S","phone":[{"value":"+79161234567","typeId":"WORK"}],"email":{"value":"a@example.ru"}}`,
		"native":     `{"NAME":"Ivan","LAST_NAME":"Petrov","SECOND_NAME":"S","PHONE":[{"ID":"1","VALUE":"+79161234567","VALUE_TYPE":"WORK"}],"EMAIL":[{"VALUE":"a@example.ru"}]}`,
		"fm list":    `{"name":"Ivan","lastName":"Petrov","secondName":"S","fm":[{"typeId":"PHONE","valueType":"WORK","value":"+79161234567"},{"typeId":"EMAIL","value":"a@example.ru"}]}`,
		"fm by kind": `{"name":"Ivan","lastName":"Petrov","secondName":"S","fm":{"PHONE":[{"VALUE":"+79161234567"}],"EMAIL":[{"VALUE":"a@example.ru"}]}}`,
	} {
		k := Row(row).Known()
		if k.Name != "Ivan" || k.LastName != "Petrov" || k.SecondName != "S" || !slices.Equal(k.Phones, []string{"+79161234567"}) || !slices.Equal(k.Emails, []string{"a@example.ru"}) {
			t.Errorf("%s: %+v", name, k)
		}
	}
	if k := Row(`{"phone":"+79161234567; 89161234567","email":5}`).Known(); len(k.Phones) != 3 {
		t.Errorf("%+v", k)
	}
	for _, row := range []string{`null`, `[]`, `{"phone":{"a":[}}`, `{"fm":[[[{"value":null}]]]}`} {
		if k := Row(row).Known(); len(k.Phones) != 0 {
			t.Errorf("%s: %+v", row, k)
		}
	}
}
