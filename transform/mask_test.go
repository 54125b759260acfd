package transform

import (
	"errors"
	"strings"
	"testing"

	"github.com/leadbridge/leadbridge/crmclient"
)

func TestMaskHidesPeopleAndLeavesTheRest(t *testing.T) {
	t.Parallel()
	contact := crmclient.Contact{Name: "Иван", LastName: "Петров", Phones: []crmclient.Multifield{{Value: "+79161234567"}}}
	for _, tt := range []struct{ value, want string }{
		{`{"firstName":"Anna","phone":"8 916 1","email":["a@b.ru",{"value":"c@d.ru","typeId":"WORK"}],"budget":5000,"utm_source":"ads"}`,
			`{"firstName":"***","phone":"***","email":["***",{"value":"***","typeId":"WORK"}],"budget":5000,"utm_source":"ads"}`},
		{`{"comment":"ask Иван, or write to x@y.ru or 8 (916) 123-45-67","opened":true,"none":null}`,
			`{"comment":"ask ***, or write to *** or ***","opened":true,"none":null}`},
		{`{"specversion":"1.0","id":"a-1","time":"2026-03-04T05:06:07Z","data":{"klient":"петров","name":{"first":"A"}}}`,
			`{"specversion":"1.0","id":"a-1","time":"2026-03-04T05:06:07Z","data":{"klient":"***","name":{"first":"***"}}}`},
		{`{"data":"{\"name\":\"Anna\",\"city\":\"Омск\"}","data_base64":"eyJ9"}`,
			`{"data":"{\"name\":\"***\",\"city\":\"Омск\"}","data_base64":"***"}`},
		{`[{"name":"lastname","value":"Smith"},{"name":"Anna","text":"hello"}]`,
			`[{"name":"lastname","value":"***"},{"name":"***","text":"hello"}]`},
		{`{"n":79161234567,"ivan@x.ru":1}`, `{"n":"***","***":1}`},
		{`name=Anna&phone=123`, `***=***&***=***`},
		{`{"name":"Иван"`, `{"***":"***"`},
		{``, ``},
	} {
		if got := Mask([]byte(tt.value), contact); got != tt.want {
			t.Errorf("%s\n got %s\nwant %s", tt.value, got, tt.want)
		}
	}
}

func TestMaskCutsLongTexts(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 20_000)
	for _, value := range []string{`{"a":"` + long + `"}`, long + "!"} {
		if got := Mask([]byte(value), crmclient.Contact{}); len(got) > 5000 {
			t.Errorf("%d bytes of %d", len(got), len(value))
		}
	}
}

// Who leaves no way to be reached has a name all the same.
func TestMaskKnowsWhoHasNoContactPoint(t *testing.T) {
	t.Parallel()
	tr, err := New(Options{Mapping: "preset:typeform"})
	if err != nil {
		t.Fatal(err)
	}
	value := []byte(`{"form_response":{"definition":{"fields":[{"id":"q1","title":"First name"},{"id":"q2","title":"City"}]},` +
		`"answers":[{"type":"text","text":"Anna","field":{"id":"q1"}},{"type":"text","text":"Омск","field":{"id":"q2"}}]}}`)
	e, err := tr.Decode(Record{Topic: "leads", Value: value})
	if err != nil {
		t.Fatal(err)
	}
	contact, err := tr.Contact(e)
	if r, ok := errors.AsType[*Rejection](err); !ok || r.Reason != ReasonNoContactPoint {
		t.Fatal(err)
	}
	if masked := Mask(value, contact); strings.Contains(masked, "Anna") || !strings.Contains(masked, "Омск") {
		t.Error(masked)
	}
}

// A key is about the same person as its value: what is hidden in the one is hidden in the other.
func TestMaskKeyHidesWhatTheValueHides(t *testing.T) {
	t.Parallel()
	contact := crmclient.Contact{Name: "Иван", Phones: []crmclient.Multifield{{Value: "+79161234567"}}}
	for _, tt := range []struct{ key, value, want string }{
		{"+79161234567", `{"budget":1}`, "***"},
		{"a@b.ru", `{"budget":1}`, "***"},
		{"иван-7", `{"budget":1}`, "***-7"},
		{"form-7", `{"budget":5000}`, "form-7"},
		{"5000", `{"budget":5000}`, "5000"},
		// Fields that did not come into the contact.
		{"Anna", `{"first_name":"Anna"}`, "***"},
		{"lead:anna:7", `{"name":{"first":"Anna"}}`, "lead:***:7"},
		{"Li", `{"name":"Li"}`, "***"},
		{"31337", `{"phone":31337}`, "***"},
		{"p-4567", `{"phone":"8 (916) 123-45-67"}`, "p-***"},
		{`{"phone":"1","b":2}`, `{"a":1}`, `{"phone":"***","b":2}`},
		// Of these nothing is known.
		{"site 7", `name=Anna`, "*** ***"},
		{"site 7", ``, "*** ***"},
	} {
		if got := MaskKey([]byte(tt.key), []byte(tt.value), contact); got != tt.want {
			t.Errorf("%q beside %s: %q, want %q", tt.key, tt.value, got, tt.want)
		}
	}
}
