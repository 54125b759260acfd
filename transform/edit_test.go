package transform

import (
	"strings"
	"testing"
)

func TestEdit(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ program, value, want string }{
		{`.data.phone |= sub("^89"; "+79")`, `{"specversion":"1.0","data":{"phone":"89161234567","z":1.50,"a":"<é>"}}`,
			`{"data":{"a":"<é>","phone":"+79161234567","z":1.50},"specversion":"1.0"}`},
		{`if .x then .y = 1 else . end`, "{ \"b\": 2,\n\"a\": 12345678901234567890 }", "{ \"b\": 2,\n\"a\": 12345678901234567890 }"},
		{`.list[0]`, `{"list":["a"]}`, `"a"`},
		{`del(.a)`, `{"a":1,"b":[true,null]}`, `{"b":[true,null]}`},
	} {
		e, err := NewEditor(tt.program)
		if err != nil {
			t.Fatal(err)
		}
		got, err := e.Edit([]byte(tt.value))
		if err != nil || string(got) != tt.want {
			t.Errorf("%s of %s\n got %s, %v\nwant %s", tt.program, tt.value, got, err, tt.want)
		}
	}
}

func TestEditFaultsHoldNoValue(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ program, value, want string }{
		{`.`, `name=Anna`, "not JSON"},
		{`.`, ``, "empty"},
		{`error(.name)`, `{"name":"Anna"}`, "stops with an error"},
		{`empty`, `{"name":"Anna"}`, "gives nothing"},
		{`.,.`, `{"name":"Anna"}`, "more than one"},
		{`def f: f; f`, `{"name":"Anna"}`, "runs too long"},
		{`[range(200000)|tostring]`, `{"name":"Anna"}`, "too"},
	} {
		e, err := NewEditor(tt.program)
		if err != nil {
			t.Fatal(err)
		}
		got, err := e.Edit([]byte(tt.value))
		if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "Anna") {
			t.Errorf("%s of %s: %s, %v; want an error with %q", tt.program, tt.value, got, err, tt.want)
		}
	}
	for _, program := range []string{`.a |`, `input`, `env.HOME`, `nosuch(1)`} {
		if _, err := NewEditor(program); err == nil && program != `env.HOME` {
			t.Errorf("%s compiles", program)
		}
	}
}
