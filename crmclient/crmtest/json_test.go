package crmtest

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func jsonTexts() []string {
	return []string{
		``, ` `, `{}`, ` { } `, `[]`, `{"a":1}`, `{"a" : [1, 2.5, -0, -1e3, 1E+2, 1e-2] , "b":{"c":null}}`, `"x"`, `"\u00e9\n\\\"\/"`, `"Ж"`,
		`true`, `false`, `null`, `tru`, `nulll`, `{"a":1,}`, `[1,]`, `[,1]`, `{,}`, `{"a"}`, `{"a":}`, `{a:1}`, `{1:2}`, `{"a":1 "b":2}`, `[1 2]`,
		`{"a":1`, `[1`, `"x`, `"\x"`, `"\u12g4"`, `"\u12`, `"\`, "\"\n\"", `01`, `-`, `-01`, `1.`, `.5`, `1e`, `1e+`, `+1`, `1 2`, `{}{}`, `]`, `}`, `{"a":]`, `[}`,
		`[[[[]]]]`, strings.Repeat("[", 300) + strings.Repeat("]", 300), strings.Repeat("[", 10), "\"\x00\"", "\x00", "\"\xff\"",
	}
}

// readable reports whether a reader takes the text.
func readable(text string) bool {
	r := reader{text: text}
	return r.raw() != "" && r.whole()
}

func TestReaderTakesJSONOnly(t *testing.T) {
	t.Parallel()
	for _, text := range jsonTexts() {
		if got, want := readable(text), json.Valid([]byte(text)); got != want {
			t.Errorf("%q is taken: %t, want %t", text, got, want)
		}
	}
	if readable(strings.Repeat("[", 2*maxDepth) + strings.Repeat("]", 2*maxDepth)) {
		t.Error("nesting without end is taken")
	}
}

func TestReaderFindsValues(t *testing.T) {
	t.Parallel()
	r := reader{text: ` {"skipped": [{"a":1}], "list": [ 1 , {"b": "]"} ], "\u0061": "x" } `}
	var got []string
	for name := range r.members {
		switch name {
		case "list":
			for range r.elements {
				got = append(got, r.raw())
			}
		case "a":
			got = append(got, name+"="+r.raw())
		}
	}
	if diff := cmp.Diff([]string{`1`, `{"b": "]"}`, `a="x"`}, got); diff != "" || !r.whole() {
		t.Errorf("whole %t\n%s", r.whole(), diff)
	}
}

// FuzzReader takes what encoding/json takes.
func FuzzReader(f *testing.F) {
	for _, text := range jsonTexts() {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if strings.Count(text, "[")+strings.Count(text, "{") >= maxDepth {
			return
		}
		if got, want := readable(text), json.Valid([]byte(text)); got != want {
			t.Errorf("%q is taken: %t, want %t", text, got, want)
		}
	})
}
