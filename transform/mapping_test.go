package transform

import (
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/itchyny/gojq"

	"github.com/leadbridge/leadbridge/crmclient"
)

func TestMapping(t *testing.T) {
	type contact = crmclient.Contact
	tests := []struct {
		name, program, value string
		want                 contact
	}{
		{"object to object", `{firstName: .who.first, email: .mail}`, `{"who":{"first":"Ivan"},"mail":"a@example.com"}`, contact{Name: "Ivan"}},
		{"array to object", `{email: .[0].mail}`, `[{"mail":"a@example.com"}]`, contact{}},
		{"text to object", `{email: .}`, `"a@example.com"`, contact{}},
		{"null to object", `{email: "a@example.com"}`, `null`, contact{}},
		{"text in text to object", `fromjson`, `"{\"email\":\"a@example.com\"}"`, contact{}},
		{"data of a CloudEvent", `{email: .mail}`, `{"specversion":"1.0","data":{"mail":"a@example.com"}}`, contact{}},
		{"text data of a CloudEvent", `{email: .}`, `{"specversion":"1.0","data":"a@example.com"}`, contact{}},
		{"batch to object", `.[0].data`, `[{"specversion":"1.0","data":{"email":"a@example.com"}}]`, contact{}},
		{"our names and synonyms", `{"E-Mail": .m, leadId: "7"}`, `{"m":"a@example.com"}`, contact{LeadID: 7}},
		{"unknown fields in the order of their names", `{b: 1, a: 2, email: .m}`, `{"m":"a@example.com"}`, contact{Comments: "a: 2\nb: 1"}},
		{"whole numbers in full", `{email: .m, i: (.n * 2), f: (.n * 1.5), big: .b, nan: nan, inf: infinite}`,
			`{"m":"a@example.com","n":1000000000000,"b":123456789012345678901234567890}`,
			contact{Comments: "big: 123456789012345678901234567890\nf: 1500000000000\ni: 2000000000000\ninf: 1.7976931348623157e+308"}},
		{"of members with one name the last counts", `{email: .m, name: .n}`, `{"m":"a@example.com","n":"A","n":"B"}`, contact{Name: "B"}},
		{"absurd numbers", `{email: .m, a: (.n + 1), b: (.n | tostring | length > 3)}`, `{"m":"a@example.com","n":1e999999999}`,
			contact{Comments: "a: 1.7976931348623157e+308\nb: true"}},
		{"no environment", `{email: .m, name: ($ENV.PATH // env.HOME // "unset")}`, `{"m":"a@example.com"}`, contact{Name: "unset"}},
		{"invalid UTF-8", `{email: .m, name: .n, post: (if .n == "\ufffd" then "same" else "other" end)}`, "{\"m\":\"a@example.com\",\"n\":\"\xff\"}", contact{Name: "\uFFFD", Post: "same"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := contactOf(t, Options{Mapping: tt.program}, tt.value)
			if err != nil {
				t.Fatal(err)
			}
			tt.want.Emails = pointEmails
			if diff := cmp.Diff(tt.want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("contact (-want +got):\n%s", diff)
			}
		})
	}
}

func TestMappingFailures(t *testing.T) {
	const lead = `{"email":"a@example.com","secret":"Vasilisa"}`
	tests := []struct {
		name, program, value string
		reason               Reason
		message              string
	}{
		{"error", `error(.secret)`, lead, ReasonMappingFailed, "stops with an error"},
		{"wrong type", `.secret.first`, lead, ReasonMappingFailed, "stops with an error"},
		{"halt", `halt_error`, lead, ReasonMappingFailed, "stops with an error"},
		{"nothing", `empty`, lead, ReasonSkipped, "gives nothing"},
		{"two results", `., .`, lead, ReasonMappingFailed, "more than one"},
		{"a result and an error", `., error`, lead, ReasonMappingFailed, "stops with an error"},
		{"no object", `.secret`, lead, ReasonMappingFailed, "not an object"},
		{"no object of no object", `.`, `["Vasilisa"]`, ReasonMalformed, "not an object"},
		{"error over no object", `.a`, `["Vasilisa"]`, ReasonMappingFailed, "stops with an error"},
		{"endless recursion", `def f: f; f`, lead, ReasonMappingFailed, "too long"},
		{"endless growing recursion", `def f: [f]; f`, lead, ReasonMappingFailed, "too long"},
		{"endless loop", `until(false; .)`, lead, ReasonMappingFailed, "too long"},
		{"endless list", `[range(infinite)]`, lead, ReasonMappingFailed, "too long"},
		{"endless results", `repeat(.)`, lead, ReasonMappingFailed, "more than one"},
		{"endless after the first", `., (until(false; .))`, lead, ReasonMappingFailed, "too long"},
		{"caught errors do not hide the end", `try (until(false; .)) catch {email: "a@example.com"}`, lead, ReasonMappingFailed, "too long"},
		{"long text", `{comments: ("x" * 1000000 | . + .)}`, lead, ReasonMappingFailed, "too large"},
		{"long names", `{("x" * 1000000 | . + .): 1}`, lead, ReasonMappingFailed, "too large"},
		{"many values", `{a: [range(300000) | 1.5]}`, lead, ReasonMappingFailed, "too large"},
		{"a small list that stands for an endless one", `{a: reduce range(60) as $i (1; [., .])}`, lead, ReasonMappingFailed, "too large"},
		{"deep", `{a: reduce range(2000) as $i (1; [.])}`, lead, ReasonMappingFailed, "too large"},
		{"a huge number", `{a: reduce range(20) as $i (10; . * .)}`, lead, ReasonMappingFailed, "too large"},
		{"a large number", `{a: reduce range(15) as $i (10; . * .), b: [range(30000) | "long enough, a text of some fifty letters or more"]}`, lead, ReasonMappingFailed, "too large"},
		{"no contact point", `{name: .secret}`, lead, ReasonNoContactPoint, "no usable phone"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { // a clock that stands still: the other bounds end the run
				_, err := contactOf(t, Options{Mapping: tt.program}, tt.value)
				if reasonOf(err) != tt.reason || !strings.Contains(err.Error(), tt.message) {
					t.Errorf("err = %v, want %s …%s…", err, tt.reason, tt.message)
				}
				if err != nil && strings.Contains(err.Error(), "Vasilisa") {
					t.Errorf("a value of the event is in the error: %v", err)
				}
			})
		})
	}
}

// A panic of the interpreter costs one event.
func TestMappingPanic(t *testing.T) {
	m := &mapping{} // without code: run panics
	if _, reject := m.run(nil); reject == nil || reject.Reason != ReasonMappingFailed {
		t.Errorf("reject = %v", reject)
	}
}

func TestMappingFaults(t *testing.T) {
	tests := []struct{ name, program, want string }{
		{"look-ahead", `{phone: (.phone | gsub("\\d(?=\\d{4})"; "*"))}`, `"\\d(?=\\d{4})"`},
		{"look-ahead, remedy", `{phone: (.phone | gsub("\\d(?=\\d{4})"; "*"))}`, "no look-ahead"},
		{"negative look-ahead", `select(.name | test("^(?!test)"; "i"))`, "no look-ahead"},
		{"look-behind", `.a |= sub("(?<=a)b"; "c")`, "no look-behind"},
		{"negative look-behind", `[.a | scan("(?<!a)b")]`, "no look-behind"},
		{"back-reference", `.a | test("(.)\\1")`, "no back-references"},
		{"atomic group", `.a | [splits("(?>a)")]`, "(?>"},
		{"possessive", `.a | split("a++"; null)`, "a++"},
		{"no expression", `.a | capture("(?<x>a")`, "missing closing )"},
		{"in a function", `def clean: gsub("(?=a)"; ""); .a | clean`, "(?=a)"},
		{"in a list", `.a | match(["(?=a)", "g"])`, "(?=a)"},
		{"in a sum", `.a | test("a" + "(?=b)")`, "a(?=b)"},
		{"one of two", `.a | test("a", "(?=b)")`, "(?=b)"},
		{"in a variable", `"(?=a)" as $re | .a | test($re)`, "(?=a)"},
		{"in a constant function", `def last: "(?=a)"; def whole: "b" + last; .a | test(whole; "i")`, "b(?=a)"},
		{"flags", `.a | test("a"; "x")`, `flags "x"`},
		{"flags in a list", `.a | test(["a", "gx"])`, `flags "gx"`},
		{"flags of a replacement", `.a | sub("a"; "b"; "l")`, `flags "l"`},
		{"long", strings.Repeat(" ", settingsProgram().bytes) + ".", "longer than 128 KiB"},
		{"deep", strings.Repeat("[", 300) + strings.Repeat("]", 300), "200 brackets"},
		{"syntax", "{a: 1,\n b: }", "line 2"},
		{"syntax behind empty lines", "\n\n{a: }\n", "line 3"},
		{"unfinished", "{a: 1\n", "line 1: unexpected EOF"},
		{"unknown function", "nonsense(1)", "nonsense/1"},
		{"unknown variable", "$headers", "$headers"},
		{"input", "input", "input"},
		{"module", `import "a" as a; .`, "a"},
		{"include", `include "a"; .`, "a"},
		{"unknown preset", "preset:nonsense", "typeform"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := New(Options{Mapping: tt.program})
			if err == nil || !strings.Contains(err.Error(), "MAPPING_FILE") || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("err = %v", err)
			}
		})
	}
}

// Texts that only look like a constant regular expression are left alone.
func TestMappingPatternsThatMayBeGood(t *testing.T) {
	for _, program := range []string{
		`def test($re): . == $re; .a | test("(?=b)")`, `def f($re): test($re); f("a")`, `.re as $re | .a | test($re)`,
		`"a" as $re | .a | test("(?=b)" | sub("\\?="; ""))`, `def re: .b; .a | test(re)`, `.a | split("(?=b)")`, `.a | index("(?=b)")`,
		`"(?=a)" as $re | "a" as $re | .a | test($re)`, `["(?=a)"] as [$x] | .a | test("a")`, `.a | test("a"; .flags)`, `.a | test("(?i)a(?:b|c)\\pL+?")`,
	} {
		if _, err := New(Options{Mapping: program}); err != nil {
			t.Errorf("%s: %v", program, err)
		}
	}
}

// A regular expression of the event that Go does not know is told by the letter, without its text.
func TestMappingPatternOfTheEvent(t *testing.T) {
	_, err := contactOf(t, Options{Mapping: `{email: .m, a: (.re as $re | .m | test($re))}`}, `{"m":"a@example.com","re":"(?=Vasilisa)"}`)
	if reasonOf(err) != ReasonMappingFailed || !strings.Contains(err.Error(), "regular expression that Go does not know") || strings.Contains(err.Error(), "Vasilisa") {
		t.Errorf("err = %v", err)
	}
}

// TestMappingTime: a run that the clock ends is tried once more, since the process may have been frozen.
func TestMappingTime(t *testing.T) {
	for freezes, want := range map[int]string{1: "", 2: faultTime} {
		synctest.Test(t, func(t *testing.T) {
			left := freezes
			freeze := gojq.WithFunction("freeze", 0, 0, func(v any, _ []any) any {
				if left--; left >= 0 {
					time.Sleep(2 * maxRunTime)
				}
				return v
			})
			query, err := gojq.Parse("freeze")
			if err != nil {
				t.Fatal(err)
			}
			m, err := newMapping(func() (*gojq.Code, error) { return gojq.Compile(query, freeze) }, false)
			if err != nil {
				t.Fatal(err)
			}
			if _, fault := m.result("x"); fault != want {
				t.Errorf("%d freezes: %q, want %q", freezes, fault, want)
			}
		})
	}
}

func TestMappingIsSafeForConcurrentUse(t *testing.T) {
	tr := newTransformer(t, Options{Mapping: `{email: .m, name: (.n as $n | .n | sub($n; "ivan") | ascii_upcase)}`})
	e, err := tr.Decode(record(`{"m":"a@example.com","n":"ivan"}`))
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 50 {
				if c, err := tr.Contact(e); err != nil || c.Name != "IVAN" {
					t.Errorf("%+v, %v", c, err)
				}
			}
		})
	}
	wg.Wait()
}
