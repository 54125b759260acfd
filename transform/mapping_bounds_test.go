package transform

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"
	"github.com/itchyny/gojq"
)

// TestMappingCannotBeMadeLarge runs ordinary functions over what an event can hold: a number that says how much, or
// two long values that are compared. None makes the process large or keeps it long.
func TestMappingCannotBeMadeLarge(t *testing.T) {
	const most = 256 << 20 // bytes over the whole run: nearly all of it is garbage at once
	long := strings.Repeat("a", 500_000)
	list := "[" + strings.Repeat("0,", 100_000) + "1]"
	tests := []struct{ name, program, value, fault string }{
		{"repeated text", `"x" * .n`, `{"n":1000000000}`, "repeats"},
		{"repeated from the left", `.n * "x"`, `{"n":1e9}`, "repeats"},
		{"repeated for ever", `"x" * infinite`, `{}`, "repeats"},
		{"repeated by an update", `.a *= .n`, `{"a":"x","n":1e9}`, "repeats"},
		{"caught", `try ("x" * .n) catch error(.)`, `{"n":1e9}`, "stops with an error"},
		{"index", `[] | .[1e8] = 1`, `{}`, "index"},
		{"index of the event", `. as $e | [] | .[$e.n] = 1`, `{"n":100000000}`, "index"},
		{"index of an update", `. as $e | [] | .[$e.n] |= 1`, `{"n":100000000}`, "index"},
		{"index of a sum", `. as $e | [] | .[$e.n] += 1`, `{"n":100000000}`, "index"},
		{"index behind a name", `.a[.n] = 1`, `{"n":100000000}`, "index"},
		{"index as text", `. as $e | [] | .[$e.n | tonumber] = 1`, `{"n":"100000000"}`, "index"},
		{"setpath", `setpath(["a", .n]; 1)`, `{"n":100000000}`, "index"},
		{"getpath", `getpath(["a", .n]) = 1`, `{"n":100000000}`, "index"},
		{"pick", `. as $e | [] | pick(.[$e.n])`, `{"n":100000000}`, "index"},
		{"nth", `. as $e | [] | nth($e.n) = 1`, `{"n":100000000}`, "index"},
		{"fromstream", `fromstream(.events[])`, `{"events":[[["a",100000000],1],[["a"]]]}`, "index"},
		{"matches", `[.a | match("a"; "g")] | length`, `{"a":"` + long + `"}`, "matches"},
		{"matches by a list", `[.a | match(["a", "g"])] | length`, `{"a":"` + long + `"}`, "matches"},
		{"scan", `[.a | scan("a")] | length`, `{"a":"` + long + `"}`, "matches"},
		{"gsub", `.a | gsub("a"; "b")`, `{"a":"` + long + `"}`, "matches"},
		{"sub", `.a | sub("a"; "b"; "g")`, `{"a":"` + long + `"}`, "matches"},
		{"splits", `[.a | splits("a")]`, `{"a":"` + long + `"}`, "matches"},
		{"split", `.a | split("a"; null)`, `{"a":"` + long + `"}`, "matches"},
		{"difference", `.a - .a[1:]`, `{"a":` + list + `}`, "compares"},
		{"difference by an update", `.a -= .b`, `{"a":` + list + `,"b":` + list + `}`, "compares"},
		{"contains", `.a | contains(.)`, `{"a":` + list + `}`, "compares"},
		{"inside", `.a | inside(.)`, `{"a":` + list + `}`, "compares"},
		{"indices", `.a | indices(.[50000:])`, `{"a":` + list + `}`, "compares"},
		{"index of a text", `.a | index(.[250000:] + "b")`, `{"a":"` + long + `"}`, "compares"},
		{"join", `. as $e | [range(100000) | ""] | join($e.a)`, `{"a":"` + long + `"}`, "joins"},
		{"transpose", `[range(100000) | []] + [[range(1000)]] | transpose`, `{}`, "transposes"},
		{"digits as text", `.a | tonumber`, `{"a":"` + strings.Repeat("7", 500_000) + `"}`, "digits"},
		{"digits in JSON as text", `.a | fromjson + 1`, `{"a":"` + strings.Repeat("7", 500_000) + `"}`, "digits"},
		{"digits", `.a + 1`, `{"a":` + strings.Repeat("7", 500_000) + `}`, "digits"},
		{"digits deep inside", `.`, `{"a":[{"b":` + strings.Repeat("7", 500_000) + `}]}`, "digits"},
		{"Bessel function", `.n as $n | 1 | jn($n; $n)`, `{"n":2e9}`, "Bessel"},
		{"endless list", `[range(.n)]`, `{"n":1e18}`, "runs too long"},
		{"endless limit", `[limit(.n; repeat(1))]`, `{"n":1e18}`, "runs too long"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m, err := compileMapping(tt.program)
			if err != nil {
				t.Fatal(err)
			}
			data := jsonReader{b: []byte(tt.value)}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			var reject *Rejection
			synctest.Test(t, func(*testing.T) { // a clock that stands still: the other bounds end the run
				_, reject = m.run(data.value())
			})
			runtime.ReadMemStats(&after)
			if reject == nil || reject.Reason != ReasonMappingFailed || !strings.Contains(reject.Message, tt.fault) {
				t.Errorf("reject = %v, want …%s…", reject, tt.fault)
			}
			if got := after.TotalAlloc - before.TotalAlloc; got > most {
				t.Errorf("%d MiB allocated", got>>20)
			}
		})
	}
}

// TestMappingBoundsLeaveRoom runs the same functions over what real events hold.
func TestMappingBoundsLeaveRoom(t *testing.T) {
	long := strings.Repeat("a line of a long text\\n", 2000)
	tests := []struct{ name, program, value string }{
		{"repeated text", `"x" * 1000000 | length`, `{}`},
		{"not repeated", `"x" * -1`, `{}`},
		{"index", `[] | .[65536] = 1 | length`, `{}`},
		{"price in a stream", `[tostream] | fromstream(.[])`, `{"price":100000000}`},
		{"list as an index", `.a[[100000]]`, `{"a":[1,100000]}`},
		{"lines", `.a | gsub("^a"; "") | length`, `{"a":"` + long + `"}`},
		{"words", `[.a[:4000] | scan("\\w+")] | length`, `{"a":"` + long + `"}`},
		{"part of a long text", `.a | contains("no such text is in there, however long it is")`, `{"a":"` + long + `"}`},
		{"known tags", `.a - ["lead", "new"] | length`, `{"a":[` + strings.Repeat(`"tag",`, 20_000) + `"lead"]}`},
		{"long number", `.a * 10`, `{"a":` + strings.Repeat("7", maxDigits) + `}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m, err := compileMapping(tt.program)
			if err != nil {
				t.Fatal(err)
			}
			data := jsonReader{b: []byte(tt.value)}
			synctest.Test(t, func(t *testing.T) { // a clock that stands still, however busy the machine is
				if _, fault := m.result(data.value()); fault != "" {
					t.Errorf("the mapping %s", fault)
				}
			})
		})
	}
}

// ordinaryPrograms run over each of ordinaryValues.
func ordinaryPrograms() []string {
	return []string{
		`.`, `.a`, `.a + .b`, `.a - .b`, `.a * .b`, `.a / .b`, `.a % .b`, `.a == .b`, `.a != .b`, `.a < .b`, `.a > .b`, `.a <= .b`, `.a >= .b`, `-.a`,
		`[(.a, .b) + (1, 2)]`, `[(1, 2) - (3, 5)]`, `[(1, 2) < (0, 2)]`, `[(1, 2) * (3, error("x"))?]`, `[try ((.a, .b) + (1, "x")) catch .]`,
		`.a += 1`, `.a -= 1`, `.a *= 2`, `.a /= 2`, `.a %= 2`, `.a //= 5`, `.a |= . + 1`, `.a |= empty`, `.[] |= empty`, `.[] += 1`, `(.a, .b) |= 3`, `(.a, .b) = (1, 2)`, `[.a += (1, 2)]`,
		`.a[0] = 1`, `.a[1:3] = ["x"]`, `.a[-1] = 1`, `.a[0] |= 1`, `.[0] = 1`, `.[0] += 1`, `.a["b"] = 1`, `.["a"] = 1`, `.a[65] = 1`, `.a[(1, 0)] = 1`, `.a[1:] |= map(1)`, `.a[.b] = 1`, `.[("a", "b")] |= 1`,
		`path(.a)`, `[path(..)]`, `path(.a[0])`, `path(.a[1:2])`, `path(.a[.b])`, `[path(.[]?)]`, `path(first(.a[]?))`, `path(getpath(["a", 0])?)`, `path(.a | select(. != null))`, `[path(.. | select(type == "number" and . > 1))]`,
		`path(if .a == 1 then .a else .b end)`, `path(.a // .b)`, `path(.a as $x | .b)`, `path(reduce (1, 2) as $i (.; .a))`, `path(.a + .b)`, `path(1)`, `path(.a | tostring)`, `path(try error("x") catch .)`, `try path(.a | map(.)) catch .`,
		`del(.a)`, `del(.a[0])`, `del(.a[0, 1])`, `del(.[0:2])`, `del(..)`, `[paths]`, `[paths(type == "number")]`, `delpaths([["a"], ["b"]])`, `to_entries`, `with_entries(.value += 1)`, `with_entries(select(.key != "a"))`, `from_entries`, `to_entries | from_entries`,
		`limit(1; .[]) = 2`, `first(.a[]) |= 1`, `getpath(["a"]) = 1`, `getpath(["a", 0])`, `setpath(["a", 1]; 2)`, `setpath(["x", "y"]; 2)`, `[.. | numbers]`, `recurse(.a?; . != null)`, `[recurse]`, `walk(if type == "number" then . + 1 else . end)`, `pick(.a)`, `pick(.a[0])`, `map_values(.)`, `map_values(empty)`, `map(.)`, `map(. + 1)`,
		`add`, `add(.[]?)`, `.a | add`, `[.[]?] | add`, `any`, `all`, `any(. == 1)`, `all(. == 1)`, `[.[] | tostring]`, `[.[] | tojson]`, `tojson | fromjson`, `.a | fromjson`, `.a | tonumber`, `"<\(.a)>&\(.b)"`, `@html "<\(.a)>"`, `@base64 "<\(.a)>"`, `@json "v: \(.)"`, `[.[] | @text, @html, @uri, @sh]?`, `.a | @csv, @tsv`, `@base64 | @base64d`, `[format("text", "json", "uri")]`, `format("x")`,
		`.a | length`, `length`, `.a | utf8bytelength`, `keys`, `keys_unsorted?`, `.a | keys`, `.a | reverse`, `.a | sort`, `.a | unique`, `.a | min, max`, `.a | group_by(.)`, `.a | sort_by(-.)`, `.a | unique_by(. == 1)`, `.a | min_by(.), max_by(.)`, `.a | flatten`, `.a | flatten(1)`, `.a | transpose`, `.a | bsearch(1)`,
		`.a | explode`, `.a | explode | implode`, `.a | split(",")`, `.a | split(", *"; "g")`, `.a / ","`, `.a | join(", ")`, `.a | ascii_upcase, ascii_downcase`, `.a | trim, ltrim, rtrim`, `.a | ltrimstr("a"), rtrimstr("b")`, `.a | startswith("a")`, `.a | endswith("b")`, `.a | index("b"), rindex("b"), indices("b")`, `.a | index(1)`, `.a | indices([1])`, `.a[[1]]`, `contains({a: 1})`, `inside({a: 1, b: 2, c: 3})`, `.a | contains("a")`, `.a | has(0)`, `has("a")`,
		`.a | test("B"; "i")`, `.a | test("b")`, `.a | [match("(?<x>[a-c])"; "g")]`, `.a | capture("(?<x>[a-c])(?<y>[0-9])?")`, `.a | [scan("[a-z]")]`, `.a | [scan("([a-z])([0-9])?")]`, `.a | sub("b"; "x")`, `.a | gsub("[a-c]"; "<" + "x" + ">")`, `.a | gsub("(?<l>[a-z])"; "\(.l)\(.l)")`, `.a | [sub("(?<l>[a-z])"; .l, "2")]`, `.a | gsub(""; "-")`, `.a | gsub("^"; ">")`, `.a | [splits(", *")]`, `.a | test(["B", "i"])`, `.a | gsub("B"; "x"; "i")`,
		`.a[1:]`, `.a[:-1]`, `.a[1:2]`, `.a[0]`, `.a[-1]`, `.a[.b]?`, `.a | first, last, nth(1)`, `first(.[])`, `[limit(2; .[])]`, `[.[]?]`, `[.a[]?]`, `.a[]?`, `try .a[] catch .`, `[.a[0]?]`, `[.a?[0]?, .b?]`, `.["a"]`, `.a."b"?`, `."a"`, `.["a", "b"]`, `[..]`,
		`reduce .[] as $x (0; . + ($x | numbers))`, `[foreach (1, 2, 3) as $x (0; . + $x; [$x, .])]`, `label $f | 1, break $f, 2`, `[label $f | .[] | if . == 1 then break $f else . end]`, `def f(x): x + 1; f(.a)`, `def f($x; $y): $x + $y; f(.a; .b)`, `def fac: if . <= 1 then 1 else . * (. - 1 | fac) end; 10 | fac`,
		`def add(x): "mine"; add(.)`, `def map(f): "mine"; [1] | map(.)`, `def tostring: "mine"; "\(.)"`, `def recurse: "mine"; ..`, `def getpath(p): "mine"; getpath(["a"])`, `def path(f): "mine"; path(.a)`,
		`. as {a: $x, b: $y} | [$x, $y]`, `. as {a: [$x]} ?// {a: $x} | $x`, `. as {("a", "b"): $x} | $x`, `. as {"a": $x} | $x`, `{a, "b": 2, (.a | tostring): 3, "x\(1)": 4, (@text "y"): 5}`, `{"a\(1 + 1)"}`, `{$__loc__}`, `{a: (1, 2), b: (3, 4)}`, `[.a, .b] | .[0] + .[1]`, `if .a == 1 then "one" elif .a > 1 then "more" else "less" end`, `try error("x") catch . + "y"`, `try (1 + "x") catch .`, `try ({} | .[0]) catch .`, `.a.b.c?`, `(.a | tostring) + "x"`, `.a // "none"`, `.a and .b`, `.a or .b | not`, `[.a, .b] | @json`, `[range(5)]`, `[range(0; 10; 3)]`, `[while(. != null; null)] | length`, `[1 | until(. > 100; . * 2)]`, `[repeat(1; 2)?]`, `[combinations]?`, `[[1, 2], [3, 4]] | [combinations]`, `[0, 1] | [combinations(2)]`, `INDEX(.a?)`, `[IN(1, 2)]`, `.a | IN(1, 2)`, `[tostream]`, `fromstream(tostream)`, `[1 | truncate_stream([[0], 1], [[1, 0], 2], [[1, 0]], [[1]])]`, `tojson | length`, `ascii`, `@text`, `$ENV | length`, `env | length`, `1e1000`, `[1e1000, -1e1000] | map(. + 0)`, `9007199254740993 + 1`, `9223372036854775807 + 1`, `123456789012345678901234567890 * 10 % 7`, `100000000000000000000 / 10`, `4611686018427387904 * 2 + -1`, `nan < nan, nan == nan`, `[nan] | sort`, `infinite | tostring`, `null + 1`, `{} + null`, `[] + [1]`, `{a: {b: 1}} * {a: {c: 2}}`, `"ab" * 3`, `3 * "ab"`, `"ab" * 0`, `"ab" * -1`, `"ab" * 0.5`, `"ab" * nan`, `[1, 2, 1] - [1]`, `1 / 0`, `1 % 0`, `"a" - 1`, `0 | todate`, `"2015-03-05T23:51:47Z" | fromdate`, `0 | strftime("%Y")`, `"10:20" | strptime("%H:%M")`, `getpath(["a", "b"])?`, `splits("a")?`, `jn(2; 1.5)`, `builtins | length > 100`, `[.[] | numbers, strings]`, `[.[]?] | map(select(. != null)) | length`, `tojson as $x | [$x, $x] | join("-")`, `. as [$a, [$b]] | $a`, `[.[] as [$a] ?// $a | $a]`, `error`, `error(null)`, `error({a: 1})`, `try error({a: 1}) catch .a`, `halt_error`, `(.a | . as $x | $x + 1)?`, `.a as [$x, $y] | $x + $y`, `[.a | (.. | numbers) |= . + 1]`, `reduce range(10) as $i ([]; .[$i] = $i * 2)`, `reduce range(10) as $i (.; .["k\($i)"] += 1)`, `(.a | if type == "array" then .[1:] else . end) |= "x"`, `ltrimstr("a")`, `[limit(3; repeat("x"))]`, `getpath(["a"]) |= 5`, `to_entries[] | select(.value == 1) | .key`, `delpaths([paths])`, `[splits("a"; "g")?]`,
	}
}

func ordinaryValues() []string {
	return []string{`{"a":1,"b":2}`, `{"a":"abc","b":"b"}`, `{"a":"a, b,c","b":null}`, `{"a":[1,2,3],"b":1}`, `{"a":[[1],[2,3]],"b":[1]}`, `{"a":{"b":{"c":1}},"b":{"c":2}}`, `[1,2,3]`, `[[1,[2]],{"a":1}]`,
		`null`, `"text"`, `5`, `{"a":12345678901234567890,"b":1.5}`, `{"a":"  Ёж B ","b":true}`, `{"a":["x","y"],"b":","}`, `{}`, `[]`, `{"a":"[1,2]","b":0}`, `[{"key":"a","value":1},{"name":"b","Value":2}]`}
}

// TestMappingBoundsChangeNothing compares with the interpreter as it is, but
// for the words of an error that nobody catches.
func TestMappingBoundsChangeNothing(t *testing.T) {
	var values []any
	for _, text := range ordinaryValues() {
		values = append(values, jsonValue(t, []byte(text)))
	}
	for _, program := range ordinaryPrograms() {
		compareToPlain(t, program, values)
	}
}

// TestMappingBoundsKeepPresets does so for the presets over all forms.
func TestMappingBoundsKeepPresets(t *testing.T) {
	inputs, err := filepath.Glob("testdata/forms/*/*.input.json")
	if err != nil || len(inputs) == 0 {
		t.Fatal(err)
	}
	var values []any
	for _, input := range inputs {
		text, err := os.ReadFile(input)
		if err != nil {
			t.Fatal(err)
		}
		values = append(values, jsonValue(t, text))
	}
	for _, name := range presetNames() {
		program, _ := presetProgram(name)
		compareToPlain(t, program, values)
	}
}

func compareToPlain(t *testing.T, program string, values []any) {
	t.Helper()
	query, err := gojq.Parse(program)
	if err != nil {
		t.Errorf("%s: %v", program, err)
		return
	}
	plain, plainErr := gojq.Compile(query)
	m, err := compileMapping(program)
	if (err != nil) != (plainErr != nil) {
		t.Errorf("%s: %v, without bounds %v", program, err, plainErr)
	}
	if err != nil || plainErr != nil {
		return
	}
	bounded, err := m.compile()
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range values {
		want, got := results(plain.Run(v)), results(bounded.Run(v))
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s of %.100v (-without +with bounds):\n%s", program, v, diff)
		}
	}
}

func results(run gojq.Iter) []string {
	var texts []string
	for len(texts) < 1000 {
		v, ok := run.Next()
		if !ok {
			break
		}
		if err, failed := v.(error); failed {
			_, isBound := errors.AsType[boundError](err)
			return append(texts, fmt.Sprintf("error, by a bound: %v", isBound))
		}
		text, err := gojq.Marshal(v)
		if err != nil {
			return append(texts, err.Error())
		}
		texts = append(texts, string(text))
	}
	return texts
}

func jsonValue(t *testing.T, text []byte) any {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(string(text)))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatal(err)
	}
	return v
}
