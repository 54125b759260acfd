package transform

import (
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

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
		{"no environment", `{email: .m, name: ($ENV.PATH // env.HOME // "none")}`, `{"m":"a@example.com"}`, contact{Name: "none"}},
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
		{"nothing", `empty`, lead, ReasonMappingFailed, "gives nothing"},
		{"two results", `., .`, lead, ReasonMappingFailed, "more than one"},
		{"a result and an error", `., error`, lead, ReasonMappingFailed, "stops with an error"},
		{"no object", `.secret`, lead, ReasonMappingFailed, "no object"},
		{"no object of no object", `.`, `["Vasilisa"]`, ReasonMalformed, "no object"},
		{"error over no object", `.a`, `["Vasilisa"]`, ReasonMappingFailed, "stops with an error"},
		{"endless recursion", `def f: f; f`, lead, ReasonMappingFailed, "too long"},
		{"endless growing recursion", `def f: [f]; f`, lead, ReasonMappingFailed, "too long"},
		{"endless loop", `until(false; .)`, lead, ReasonMappingFailed, "too long"},
		{"endless list", `[range(infinite)]`, lead, ReasonMappingFailed, "too long"},
		{"endless results", `repeat(.)`, lead, ReasonMappingFailed, "more than one"},
		{"endless after the first", `., (until(false; .))`, lead, ReasonMappingFailed, "too long"},
		{"caught errors do not hide the end", `try (until(false; .)) catch {email: "a@example.com"}`, lead, ReasonMappingFailed, "too long"},
		{"long text", `{comments: ("x" * 2000000)}`, lead, ReasonMappingFailed, "too large"},
		{"long names", `{("x" * 2000000): 1}`, lead, ReasonMappingFailed, "too large"},
		{"many values", `{a: [range(300000) | 1.5]}`, lead, ReasonMappingFailed, "too large"},
		{"a small list that stands for an endless one", `{a: reduce range(60) as $i (1; [., .])}`, lead, ReasonMappingFailed, "too large"},
		{"deep", `{a: reduce range(2000) as $i (1; [.])}`, lead, ReasonMappingFailed, "too large"},
		{"a huge number", `{a: reduce range(22) as $i (10; . * .)}`, lead, ReasonMappingFailed, "too long"},
		{"a large number", `{a: reduce range(15) as $i (10; . * .), b: [range(30000) | "long enough, a text of some fifty letters or more"]}`, lead, ReasonMappingFailed, "too large"},
		{"no contact point", `{name: .secret}`, lead, ReasonNoContactPoint, "no usable phone"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := contactOf(t, Options{Mapping: tt.program}, tt.value)
			if reasonOf(err) != tt.reason || !strings.Contains(err.Error(), tt.message) {
				t.Errorf("err = %v, want %s …%s…", err, tt.reason, tt.message)
			}
			if err != nil && strings.Contains(err.Error(), "Vasilisa") {
				t.Errorf("a value of the event is in the error: %v", err)
			}
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

func TestMappingIsSafeForConcurrentUse(t *testing.T) {
	tr := newTransformer(t, Options{Mapping: `{email: .m, name: (.n | ascii_upcase)}`})
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
