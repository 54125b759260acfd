package transform

import (
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
