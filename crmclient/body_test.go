package crmclient

import (
	"encoding/json"
	"maps"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// FuzzBody compares with encoding/json, byte for byte.
func FuzzBody(f *testing.F) {
	for _, seed := range []string{"", "Иван", `"`, `\`, "a\nb", "a\nb\tc", "\"a\"\n<", "<b>&", "\u2028", "\u2029\u2030", "\xff", "\x7f", "ufCrm_X", "name", "comments"} {
		f.Add(seed, seed, int64(0))
	}
	f.Add("name", "Иван", int64(7))
	f.Fuzz(func(t *testing.T, name, text string, n int64) {
		yes := n%2 == 0
		c := Contact{
			Name: text, Comments: text + name, CompanyID: n, Opened: &yes, Phones: []Multifield{{text, name}, {name, text}},
			UserFields: map[string]any{name: text, "ufCrm_N": float64(n), "ufCrm_L": []any{text, nil}, "name": name},
		}
		got, err := c.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		want := maps.Clone(c.UserFields)
		for _, field := range c.body(nil) {
			want[field.name] = field.value
		}
		text2, err := json.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(text2), string(got)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}
