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

	"github.com/google/go-cmp/cmp"
	"github.com/itchyny/gojq"
)

// hostilePrograms do much in few steps of the interpreter.
func hostilePrograms() []string {
	const double = `def p: .+.; def q: p|p|p|p|p|p; `
	const shared = `reduce range(60) as $i (1; [., .]) | `
	const long = `("ab" * 500000) as $s | `
	return []string{
		`("ab" * 100000000) | explode | length`,
		`"x" * 1000000000`, `1000000000 * "x"`, `"x" * nan`, `"x" * infinite`, `.a = "x" | .a *= 1e9`,
		double + `("x" * 1000) | q|q|q|q`,
		double + `[range(1000)] | q|q|q|q`,
		`def f: . += .; "x" * 1000 | f|f|f|f|f|f|f|f|f|f|f|f|f|f|f|f|f|f|f|f|f|f|f|f`,
		`reduce range(40) as $i ("x" * 1000; "\(.)\(.)")`,
		`reduce range(40) as $i ("x" * 1000; @html "\(.)\(.)")`,
		`reduce range(40) as $i ("x" * 1000; [., .] | add)`, `reduce range(40) as $i ("x" * 1000; add(., .))`,
		`reduce range(40) as $i ("x" * 1000; [., .] | join(","))`, `reduce range(40) as $i ("x"; [range(1000) | ""] | join("y" * 100000))`,
		`reduce range(40) as $i ("x" * 1000; [., .] | @csv)`, `reduce range(40) as $i ("x" * 1000; tojson)`, `reduce range(60) as $i ("x" * 1000; @base64)`,
		`reduce range(40) as $i ({a: 1}; {a: .} * {b: .} | tojson | {a: .})`,
		`reduce range(40) as $i ("x" * 1000; gsub("x"; "xx"))`, `reduce range(40) as $i ("x" * 1000; sub("x"; $i | tostring * 10000000))`,
		`reduce range(40) as $i ([1]; [., .] | flatten)`, `reduce range(40) as $i ([1]; flatten + flatten)`,
		`setpath([1e8]; 1)`, `null | .[100000000] = 1`, `[] | .[1e8] = 1`, `[] | .[1e8] |= 1`, `[] | .[1e8] += 1`, `null | getpath([1e8]) = 1`,
		`null | setpath([100000000]; 1)`, `("1" + "00000000" | tonumber) as $n | [] | .[$n] = 1`, `[] | ("100000000" | fromjson) as $n | .[$n] = 1`,
		`.a[1e8] = 1`, `[] | pick(.[100000000])`, `[[1e8], 1] as $e | fromstream($e, [[1e8]])`, `limit(1e9; repeat(1)) | empty`, `[limit(1e9; repeat(1))]`,
		shared + `tojson`, shared + `. == .`, shared + `flatten`, shared + `[., .] | sort`, shared + `[., .] | unique`, shared + `tostring`, shared + `"\(.)"`,
		shared + `contains(.)`, shared + `index(.)`, shared + `[.] - [.]`, shared + `[.[] | .] | group_by(.)`, shared + `@json`, shared + `[.] | inside([.])`,
		shared + `[..]`, shared + `[paths]`, shared + `walk(.)`, shared + `[tostream]`, shared + `. as $d | {a: 1, b: 1} | (.a, .b) |= if . == 1 and . then $d else empty end`,
		shared + `del(.[0])`, shared + `{a: .} < {a: .}`, shared + `min_by(.)`, shared + `bsearch(.)`, shared + `.[0] = 1 | tojson`, shared + `[.] | combinations | tojson`,
		long + `def f: ($s | length) as $n | f; f`, long + `def f: ($s | explode) as $n | f; f`, long + `def f: ($s[1:2]) as $n | f; f`, long + `def f: ($s | .[0]) as $n | f; f`,
		long + `def f: ($s | test("x$")) as $n | f; f`, long + `[$s | match("a"; "g")] | length`, long + `$s | [scan("a")] | length`, long + `$s | gsub("a"; "b")`,
		long + `def f: ($s | ascii_upcase) as $n | f; f`, long + `def f: ($s == ("ab" * 500000)) as $n | f; f`, long + `$s | index("ab" * 200000)`, long + `$s | split("") | length as $n | [range($n)]`,
		long + `$s | [splits("a")] | length`, long + `$s / "" | . - . | length`, long + `def f: ($s | ltrimstr("a")) as $n | f; f`, long + `def f: ($s | @uri) as $n | f; f`,
		`[range(30000)] | def f: (.[] | empty), f; f`, `[range(100000)] as $a | def f: ($a | reverse) as $n | f; f`, `[range(30000)] | reduce range(30000) as $i (.; . + [1])`,
		`reduce range(30000) as $i ({}; .[$i | tostring] = 1)`, `[range(30000)] as $a | $a - $a`, `[range(30000)] as $a | $a | index($a[1:])`,
		`[range(30000)] as $a | $a | contains($a)`, `reduce range(100000) as $i (1; [.]) | [paths]`, `reduce range(100000) as $i (1; [.]) | (..) |= .`,
		`reduce range(40) as $i (10; . * .) | tostring`, `[range(40)] | map("1" * 100000 | tonumber) | reduce .[] as $n (1; . * $n)`,
		`"a" | test("(x{1000})" * 300)`, `range(100000) | tostring as $n | "a" | test("(x{900})" + $n) | empty`, `jn(2e9; 2e9)`, `yn(2e9; 2e9)`,
		`[range(2000)] | [[.], [.], .] | transpose | [range(100000)] as $a | [range(1000) | []] + [$a] | transpose`, `0 | strftime("%1024d" * 100000)`,
		`def f: try ("x" * 1000000000) catch f; f`, `def f: ("x" * 1000000000)? // f; f`, `try ("x" * 1000000000) catch {email: "a@example.com"}`,
		`[range(1000)] | [.,.,.,.,.,.,.,.] | combinations | empty`, `[range(100)] | combinations(4) | empty`, `[builtins] as $b | def f: builtins as $x | f; f`,
	}
}

// TestMappingDoesLittle: no program makes the process large or keeps it long,
// nor catches its end.
func TestMappingDoesLittle(t *testing.T) {
	const most = 1 << 30 // over the whole run: nearly all of it is garbage at once
	for _, program := range hostilePrograms() {
		t.Run(program, func(t *testing.T) {
			m, err := compileMapping(program)
			if err != nil {
				t.Fatal(err)
			}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, reject := m.run(object{})
			runtime.ReadMemStats(&after)
			if reject == nil || reject.Reason != ReasonMappingFailed {
				t.Errorf("reject = %v", reject)
			}
			if got := after.TotalAlloc - before.TotalAlloc; got > most {
				t.Errorf("%d MiB allocated", got>>20)
			}
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
		`.a | test("B"; "i")`, `.a | test("b")`, `.a | [match("(?<x>[a-c])"; "g")]`, `.a | capture("(?<x>[a-c])(?<y>[0-9])?")`, `.a | [scan("[a-z]")]`, `.a | [scan("([a-z])([0-9])?")]`, `.a | sub("b"; "x")`, `.a | gsub("[a-c]"; "<" + "x" + ">")`, `.a | gsub("(?<l>[a-z])"; "\(.l)\(.l)")`, `.a | [sub("(?<l>[a-z])"; .l, "2")]`, `.a | gsub(""; "-")`, `.a | gsub("^"; ">")`, `.a | [splits(", *")]`, `.a | test(["B", "i"])`, `.a | test("(")`, `.a | gsub("B"; "x"; "i")`,
		`.a[1:]`, `.a[:-1]`, `.a[1:2]`, `.a[0]`, `.a[-1]`, `.a[.b]?`, `.a | first, last, nth(1)`, `first(.[])`, `[limit(2; .[])]`, `[.[]?]`, `[.a[]?]`, `.a[]?`, `try .a[] catch .`, `[.a[0]?]`, `[.a?[0]?, .b?]`, `.["a"]`, `.a."b"?`, `."a"`, `.["a", "b"]`, `[..]`,
		`reduce .[] as $x (0; . + ($x | numbers))`, `[foreach (1, 2, 3) as $x (0; . + $x; [$x, .])]`, `label $f | 1, break $f, 2`, `[label $f | .[] | if . == 1 then break $f else . end]`, `def f(x): x + 1; f(.a)`, `def f($x; $y): $x + $y; f(.a; .b)`, `def fac: if . <= 1 then 1 else . * (. - 1 | fac) end; 10 | fac`,
		`def add(x): "mine"; add(.)`, `def map(f): "mine"; [1] | map(.)`, `def tostring: "mine"; "\(.)"`, `def recurse: "mine"; ..`, `def getpath(p): "mine"; getpath(["a"])`, `def path(f): "mine"; path(.a)`,
		`. as {a: $x, b: $y} | [$x, $y]`, `. as {a: [$x]} ?// {a: $x} | $x`, `. as {("a", "b"): $x} | $x`, `. as {"a": $x} | $x`, `{a, "b": 2, (.a | tostring): 3, "x\(1)": 4, (@text "y"): 5}`, `{"a\(1 + 1)"}`, `{$__loc__}`, `{a: (1, 2), b: (3, 4)}`, `[.a, .b] | .[0] + .[1]`, `if .a == 1 then "one" elif .a > 1 then "more" else "less" end`, `try error("x") catch . + "y"`, `try (1 + "x") catch .`, `try ({} | .[0]) catch .`, `.a.b.c?`, `(.a | tostring) + "x"`, `.a // "none"`, `.a and .b`, `.a or .b | not`, `[.a, .b] | @json`, `[range(5)]`, `[range(0; 10; 3)]`, `[while(. != null; null)] | length`, `[1 | until(. > 100; . * 2)]`, `[repeat(1; 2)?]`, `[combinations]?`, `[[1, 2], [3, 4]] | [combinations]`, `[0, 1] | [combinations(2)]`, `INDEX(.a?)`, `[IN(1, 2)]`, `.a | IN(1, 2)`, `[tostream]`, `fromstream(tostream)`, `[1 | truncate_stream([[0], 1], [[1, 0], 2], [[1, 0]], [[1]])]`, `tojson | length`, `ascii`, `@text`, `$ENV | length`, `env | length`, `1e1000`, `[1e1000, -1e1000] | map(. + 0)`, `9007199254740993 + 1`, `9223372036854775807 + 1`, `123456789012345678901234567890 * 10 % 7`, `100000000000000000000 / 10`, `4611686018427387904 * 2 + -1`, `nan < nan, nan == nan`, `[nan] | sort`, `infinite | tostring`, `null + 1`, `{} + null`, `[] + [1]`, `{a: {b: 1}} * {a: {c: 2}}`, `"ab" * 3`, `3 * "ab"`, `"ab" * 0`, `"ab" * -1`, `"ab" * 0.5`, `[1, 2, 1] - [1]`, `1 / 0`, `1 % 0`, `"a" - 1`, `0 | todate`, `"2015-03-05T23:51:47Z" | fromdate`, `0 | strftime("%Y")`, `"10:20" | strptime("%H:%M")`, `getpath(["a", "b"])?`, `splits("a")?`, `jn(2; 1.5)`, `builtins | length > 100`, `[.[] | numbers, strings]`, `[.[]?] | map(select(. != null)) | length`, `tojson as $x | [$x, $x] | join("-")`, `. as [$a, [$b]] | $a`, `[.[] as [$a] ?// $a | $a]`, `error`, `error(null)`, `error({a: 1})`, `try error({a: 1}) catch .a`, `halt_error`, `(.a | . as $x | $x + 1)?`, `.a as [$x, $y] | $x + $y`, `[.a | (.. | numbers) |= . + 1]`, `reduce range(10) as $i ([]; .[$i] = $i * 2)`, `reduce range(10) as $i (.; .["k\($i)"] += 1)`, `(.a | if type == "array" then .[1:] else . end) |= "x"`, `ltrimstr("a")`, `[limit(3; repeat("x"))]`, `getpath(["a"]) |= 5`, `to_entries[] | select(.value == 1) | .key`, `delpaths([paths])`, `[splits("a"; "g")?]`,
	}
}

func ordinaryValues() []string {
	return []string{`{"a":1,"b":2}`, `{"a":"abc","b":"b"}`, `{"a":"a, b,c","b":null}`, `{"a":[1,2,3],"b":1}`, `{"a":[[1],[2,3]],"b":[1]}`, `{"a":{"b":{"c":1}},"b":{"c":2}}`, `[1,2,3]`, `[[1,[2]],{"a":1}]`,
		`null`, `"text"`, `5`, `{"a":12345678901234567890,"b":1.5}`, `{"a":"  Ёж B ","b":true}`, `{"a":["x","y"],"b":","}`, `{}`, `[]`, `{"a":"[1,2]","b":0}`, `[{"key":"a","value":1},{"name":"b","Value":2}]`}
}

// TestMappingGuardChangesNothing compares with the interpreter as it is, but
// for the words of an error that nobody catches.
func TestMappingGuardChangesNothing(t *testing.T) {
	var values []any
	for _, text := range ordinaryValues() {
		values = append(values, jsonValue(t, []byte(text)))
	}
	for _, program := range ordinaryPrograms() {
		compareToPlain(t, program, values)
	}
}

// TestMappingGuardKeepsPresets does so for the presets over all forms.
func TestMappingGuardKeepsPresets(t *testing.T) {
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
		t.Errorf("%s: %v, without guard %v", program, err, plainErr)
	}
	if err != nil || plainErr != nil {
		return
	}
	p, err := m.take()
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range values {
		p.guard.start(newStepContext(maxSteps))
		want, got := results(plain.Run(v)), results(p.code.Run(v))
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s of %.100v (-without +with guard):\n%s", program, v, diff)
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
			return append(texts, fmt.Sprintf("error, too much: %v", errors.Is(err, errTooMuch)))
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
