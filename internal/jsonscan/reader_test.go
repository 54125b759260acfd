package jsonscan

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// FuzzValidJSON: what is JSON, and what an object's members are, is what encoding/json says.
func FuzzValidJSON(f *testing.F) {
	for _, text := range jsonSamples() {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		members := map[string]json.RawMessage{}
		got := Valid([]byte(text), func(name, value []byte) { members[string(name)] = value })
		if want := json.Valid([]byte(text)); got != want {
			t.Fatalf("%q: valid %v, encoding/json says %v", text, got, want)
		}
		var want map[string]json.RawMessage
		if json.Unmarshal([]byte(text), &want) == nil && want != nil {
			if diff := cmp.Diff(want, members); diff != "" {
				t.Errorf("%q (-want +got):\n%s", text, diff)
			}
		}
	})
}

// TestValidJSONCutOrChanged: every sample, cut at each place and with each
// byte replaced, is JSON exactly when encoding/json says so.
func TestValidJSONCutOrChanged(t *testing.T) {
	t.Parallel()
	const others = "\x00\x1f \t\n\"\\/{}[],:.-+0189aeEftnu\x7f\xff"
	for _, sample := range jsonSamples() {
		if len(sample) > 1000 {
			continue
		}
		texts := []string{sample}
		for i := range len(sample) {
			texts = append(texts, sample[:i], sample[i:], sample[:i]+sample[i+1:])
			for _, other := range []byte(others) {
				texts = append(texts, sample[:i]+string([]byte{other})+sample[i+1:], sample[:i]+string([]byte{other})+sample[i:])
			}
		}
		for _, text := range texts {
			if got, want := Valid([]byte(text), nil), json.Valid([]byte(text)); got != want {
				t.Fatalf("%q: valid %v, encoding/json says %v", text, got, want)
			}
		}
	}
}

func TestValidJSONDepth(t *testing.T) {
	t.Parallel()
	for _, depth := range []int{9_999, 10_000, 10_001, 500_000} {
		for _, pair := range []string{"[]", `{"a":}`} {
			open, end := pair[:len(pair)-1], pair[len(pair)-1:]
			for _, inner := range []string{"1", pair[:1] + end} {
				text := []byte(strings.Repeat(open, depth) + inner + strings.Repeat(end, depth))
				if got, want := Valid(text, nil), json.Valid(text); got != want {
					t.Errorf("%d times %s with %s: valid %v, encoding/json says %v", depth, pair, inner, got, want)
				}
			}
		}
	}
}

func jsonSamples() []string {
	return []string{
		"", " ", "null", "true", "false", " [ ] ", "{}", `{"a" : [1, 2.5, -0, -0.1e+10, 1E-7, 0e0] , "b":{"c":null}}`,
		`{"a":1,"\u0061" :{"b":[2]},"\ud800":"c", "":null}`, "{\"\xff\" : 1 }", `["\"\\\/\b\f\n\r\t\u0041\uD83D\uDE00\ud800","ж"]`, `[[[{}]],{"":""}]`, `"a b"`, `-12.50e07`, "\xEF\xBB\xBF{}", "nul", "truefalse", "1 2", "[1 2]", "[,]", "{,}",
		`{"a"}`, `{"a":}`, `{1:2}`, `["a",]`, `{"a":1,}`, `01`, `1.`, `.5`, `+1`, `1e`, `--1`, "\"\xff\"", "\"\x7f\"", "\x00", "[1]\x00", "[1\x00]", "[\v1]", `"\x41"`, `"\u12"`, `"\`,
	}
}
