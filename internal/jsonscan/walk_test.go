package jsonscan

import (
	"encoding/json"
	"maps"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestEntries(t *testing.T) {
	for text, want := range map[string]map[string]string{
		`{"a":1,"b":"x,}","c":{"d":[1,{"e":"]"}]},"f":[],"g":null}`: {"a": "1", "b": `"x,}"`, "c": `{"d":[1,{"e":"]"}]}`, "f": "[]", "g": "null"},
		" { \"a\\u0041\" : true ,\n\"\\\"\" : \"\\\\\" } ":          {"aA": "true", `"`: `"\\"`},
		`[{"id":1},"x",[2],3]`:                                      {"0": `{"id":1}`, "1": `"x"`, "2": "[2]", "3": "3"},
		`{"a":1,"a":2}`:                                             {"a": "2"},
		`{}`:                                                        {}, `[]`: {}, `null`: {}, `"{}"`: {}, ``: {},
	} {
		got := map[string]string{}
		for name, value := range Entries(json.RawMessage(text)) {
			got[name] = string(value)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", text, diff)
		}
	}
}

// FuzzEntries compares with encoding/json, and shows that nothing else breaks it.
func FuzzEntries(f *testing.F) {
	for _, seed := range []string{`{"a":1,"b":{"c":"d"}}`, `[1,"2",{}]`, `{"a`, `{"a":`, `[[`, `{"a" "b"}`, `{"\`, "{\"a\":1,}"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		got := maps.Collect(Entries(text))
		var want map[string]json.RawMessage
		if json.Unmarshal(text, &want) != nil || want == nil {
			return
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q (-want +got):\n%s", text, diff)
		}
	})
}
