package transform

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/idna"
)

func TestEmails(t *testing.T) {
	t.Parallel()
	type row struct {
		name     string
		raw      any
		want     string // "value" with kind WORK, or "value TYPE", by commas
		unusable []string
	}
	str := func(name, in, want string, unusable ...string) row {
		return row{name: name, raw: in, want: want, unusable: unusable}
	}
	label63, local64 := strings.Repeat("d", 63), strings.Repeat("l", 64)
	domain189 := label63 + "." + label63 + "." + strings.Repeat("e", 61) // 64 + 1 + 189 = 254
	rows := []row{
		str("plain", "ivan@company.ru", "ivan@company.ru"),
		str("capitals", "Ivan.Petrov@Company.RU", "ivan.petrov@company.ru"),
		str("blanks around", "  ivan@company.ru\t", "ivan@company.ru"),
		str("plus tag", "ivan+site@company.ru", "ivan+site@company.ru"),
		str("every atext sign", "!#$%&'*+-/=?^_`{|}~@x.ru", "!#$%&'*+-/=?^_`{|}~@x.ru"),
		str("slash and bar in the local part", "a/b|c@x.ru", "a/b|c@x.ru"),

		// Display names, brackets, punctuation.
		str("display name", "Ivan Petrov <ivan@company.ru>", "ivan@company.ru"),
		str("quoted display name", `"Petrov, Ivan; sales" <ivan@company.ru>`, "ivan@company.ru"),
		str("Cyrillic display name", "Иван Петров <ivan@company.ru>", "ivan@company.ru"),
		str("display name is the address", "ivan@company.ru <ivan@company.ru>", "ivan@company.ru"),
		str("display name is another address", "a@x.ru <b@x.ru>", "b@x.ru", "a@x.ru <b@x.ru>"),
		str("brackets only", "<ivan@company.ru>", "ivan@company.ru"),
		str("brackets with blanks", "< ivan@company.ru >", "ivan@company.ru"),
		str("two with display names", "A <a@x.ru>, B <b@x.ru>", "a@x.ru,b@x.ru"),
		str("two without a separator", "A <a@x.ru> B <b@x.ru>", "a@x.ru,b@x.ru"),
		str("name with a comma, unquoted", "Petrov, Ivan <ivan@x.ru>", "ivan@x.ru", "Petrov"),
		str("words behind", "<a@x.ru> after six", "a@x.ru", "<a@x.ru> after six"),
		str("comment", "ivan@x.ru (work, not private)", "ivan@x.ru"),
		str("comment in front", "(work) ivan@x.ru", "ivan@x.ru"),
		str("nested comments", "ivan@x.ru (a (b) c)", "ivan@x.ru"),
		str("comment only", "(work)", "", "(work)"),
		str("comment left open", "ivan@x.ru (work", "ivan@x.ru", "ivan@x.ru (work"),
		str("full stop behind", "ivan@x.ru.", "ivan@x.ru"),
		str("punctuation around", "«ivan@x.ru»!", "ivan@x.ru"),
		str("in quotes", `"ivan@x.ru"`, "ivan@x.ru"),
		str("in single quotes", `'ivan@x.ru'`, "ivan@x.ru"),
		str("apostrophe stays", "o'hara@x.ru", "o'hara@x.ru"),
		str("label", "E-mail: ivan@x.ru", "ivan@x.ru"),
		str("label glued", "email:ivan@x.ru", "ivan@x.ru"),
		str("words around", "write to ivan@x.ru please", "ivan@x.ru", "write to ivan@x.ru please"),

		// mailto:
		str("mailto", "mailto:ivan@x.ru", "ivan@x.ru"),
		str("mailto in capitals", "MAILTO:ivan@x.ru", "ivan@x.ru"),
		str("mailto with a query", "mailto:ivan@x.ru?subject=Hi&body=a,b", "ivan@x.ru"),
		str("mailto percent-encoded", "mailto:ivan%2Bsite%40x.ru", "ivan+site@x.ru"),
		str("mailto keeps a plus", "mailto:ivan+site@x.ru", "ivan+site@x.ru"),
		str("mailto of two", "mailto:a@x.ru,b@x.ru?cc=c@x.ru", "a@x.ru,b@x.ru"),
		str("mailto by to=", "mailto:?to=a@x.ru,b%40x.ru", "a@x.ru,b@x.ru"),
		str("mailto in brackets", "Ivan <mailto:ivan@x.ru?subject=Hi>", "ivan@x.ru"),
		str("mailto behind a label", "email: mailto:ivan@x.ru", "ivan@x.ru"),
		str("mailto of an IDN", "mailto:ivan@%D0%BF%D1%80%D0%B8%D0%BC%D0%B5%D1%80.%D1%80%D1%84", "ivan@xn--e1afmkfd.xn--p1ai"),
		str("mailto of nothing", "mailto:", "", "mailto:"),
		str("mailto with a broken escape", "mailto:i%zz@x.ru", "i%zz@x.ru"),

		// Several.
		str("comma", "a@x.ru,b@x.ru", "a@x.ru,b@x.ru"),
		str("semicolon", "a@x.ru; b@x.ru;", "a@x.ru,b@x.ru"),
		str("line end", "a@x.ru\nb@x.ru\r\nc@x.ru", "a@x.ru,b@x.ru,c@x.ru"),
		str("line end within quotes", "he said \"yes\na@x.ru, b@x.ru\"", "a@x.ru,b@x.ru", `he said "yes`),
		str("blank", "a@x.ru b@x.ru", "a@x.ru,b@x.ru"),
		str("slash between blanks", "a@x.ru / b@x.ru", "a@x.ru,b@x.ru"),
		str("bar between blanks", "a@x.ru | b@x.ru", "a@x.ru,b@x.ru"),
		str("slash without blanks", "a@x.ru/b@x.ru", "", "a@x.ru/b@x.ru"),
		str("bar without blanks", "a@x.ru|b@x.ru", "", "a@x.ru|b@x.ru"),
		str("or", "a@x.ru или b@x.ru or c@x.ru", "a@x.ru,b@x.ru,c@x.ru"),
		str("repeats", "a@x.ru, A@X.RU, <a@x.ru>", "a@x.ru"),
		str("one unusable", "a@x.ru, b@, c@x.ru", "a@x.ru,c@x.ru", "b@"),
		str("separators only", ", ; \n", ""),

		// Domains.
		str("IDN", "ivan@пример.рф", "ivan@xn--e1afmkfd.xn--p1ai"),
		str("IDN in capitals", "ivan@ПРИМЕР.РФ", "ivan@xn--e1afmkfd.xn--p1ai"),
		str("IDN in ASCII", "ivan@XN--E1AFMKFD.xn--p1ai", "ivan@xn--e1afmkfd.xn--p1ai"),
		str("sharp s is kept (nontransitional)", "a@straße.de", "a@xn--strae-oqa.de"),
		str("joiners are kept in domains", "Ali <a@نامه\u200cای.com>", "a@xn--mgba3gch31f060k.com"),
		str("ideographic full stop", "a@例え。テスト", "a@xn--r8jz45g.xn--zckzah"),
		str("broken punycode", "a@xn--a.ru", "", "a@xn--a.ru"),
		str("underscore", "a@my_host.ru", "", "a@my_host.ru"),
		str("hyphen in front", "a@-x.ru", "", "a@-x.ru"),
		str("hyphen behind", "a@x-.ru", "", "a@x-.ru"),
		str("hyphen at the last label's end", "a@x.ru-", "", "a@x.ru-"),
		str("hyphens within", "a@b--c-d.ru", "a@b--c-d.ru"),
		str("hyphens in the third and fourth place", "a@ab--cd.ru", "a@ab--cd.ru"),
		str("any last label", "a@x.whatever2", "a@x.whatever2"),
		str("a number as last label", "a@192.168.0.1", "a@192.168.0.1"),
		str("subdomains", "a@b.c.d.co.uk", "a@b.c.d.co.uk"),
		str("no top-level domain", "ivan@localhost", "", "ivan@localhost"),
		str("address literal", "ivan@[127.0.0.1]", "", "ivan@[127.0.0.1]"),
		str("empty label", "a@x..ru", "", "a@x..ru"),
		str("dot in front", "a@.x.ru", "", "a@.x.ru"),
		str("no domain", "ivan@", "", "ivan@"),
		str("no local part", "@x.ru", "", "@x.ru"),
		str("no @", "ivan.x.ru", "", "ivan.x.ru"),
		str("double @", "ivan@@x.ru", "", "ivan@@x.ru"),
		str("two @", "a@b@x.ru", "", "a@b@x.ru"),
		str("look-alike letters are not repaired", "iv\u0430n@x.ru", "", "iv\u0430n@x.ru"),
		str("local part outside ASCII", "иван@x.ru", "", "иван@x.ru"),

		// Local parts.
		str("dots in a row", "a..b@x.ru", "", "a..b@x.ru"),
		str("dot in front of the local part", ".a@x.ru", "", ".a@x.ru"),
		str("dot at the local part's end", "a.@x.ru", "", "a.@x.ru"),
		str("quotes that are not needed", `"ivan.petrov"@x.ru`, "ivan.petrov@x.ru"),
		str("quotes that are", `"ivan petrov"@x.ru`, "", `"ivan petrov"@x.ru`),
		str("comma in the local part's quotes", `"a,b"@x.ru`, "", `"a,b"@x.ru`),

		// Lengths.
		str("label of 63", "a@"+label63+".ru", "a@"+label63+".ru"),
		str("label of 64", "a@d"+label63+".ru", "", "a@d"+label63+".ru"),
		str("local part of 64", local64+"@x.ru", local64+"@x.ru"),
		str("local part of 65", "l"+local64+"@x.ru", "", "l"+local64+"@x.ru"),
		str("254 in all", local64+"@"+domain189, local64+"@"+domain189),
		str("255 in all", local64+"@"+domain189+"e", "", local64+"@"+domain189+"e"),
		str("IDN label too long in ASCII", "a@"+strings.Repeat("ж", 63)+".рф", "", "a@"+strings.Repeat("ж", 63)+".рф"),

		// Unicode.
		str("full-width", "ｉｖａｎ＠ｘ．ｒｕ", "ivan@x.ru"),
		str("full-width, unusable", "ｉｖａｎ＠ｘ", "", "ｉｖａｎ＠ｘ"),
		str("full-width separators", "a@x.ru，b@x.ru；c@x.ru", "a@x.ru,b@x.ru,c@x.ru"),
		str("full-width brackets", "Ivan ＜ivan@x.ru＞", "ivan@x.ru"),
		str("NBSP around", "\u00a0ivan@x.ru\u00a0", "ivan@x.ru"),
		str("NBSP between", "a@x.ru\u00a0b@x.ru", "a@x.ru,b@x.ru"),
		str("ideographic blank", "a@x.ru\u3000b@x.ru", "a@x.ru,b@x.ru"),
		str("zero width", "\ufeffiv\u200ban@x\u2060.r\u00adu", "ivan@x.ru"),
		str("line separator", "a@x.ru\u2028b@x.ru", "a@x.ru,b@x.ru"),
		str("broken UTF-8 in the domain", "a@\xb7.ru", "", "a@\xb7.ru"),
		str("broken UTF-8", "iv\xffan@x.ru", "", "iv\xffan@x.ru"),

		// JSON values.
		str("empty", "", ""),
		str("words", "нет", "", "нет"),
		{name: "null", raw: nil},
		{name: "number", raw: json.Number("5"), unusable: []string{"5"}},
		{name: "boolean", raw: false, unusable: []string{"false"}},
		{name: "array", raw: []any{"a@x.ru", []any{"b@x.ru", nil}, "A@x.ru"}, want: "a@x.ru,b@x.ru"},

		// Objects.
		{name: "value and typeId", raw: obj("value", "a@x.ru", "typeId", "HOME"), want: "a@x.ru HOME"},
		{name: "native", raw: []any{obj("VALUE", "a@x.ru", "VALUE_TYPE", "MAILING")}, want: "a@x.ru MAILING"},
		{name: "native in full", raw: obj("ID", "1", "VALUE", "a@x.ru", "VALUE_TYPE", "HOME", "TYPE_ID", "EMAIL"), want: "a@x.ru HOME"},
		{name: "lower case", raw: obj("value", "a@x.ru", "typeid", "other"), want: "a@x.ru OTHER"},
		{name: "a phone's kind", raw: obj("value", "a@x.ru", "typeId", "MOBILE"), want: "a@x.ru", unusable: []string{"typeId: MOBILE"}},
		{name: "personal", raw: obj("address", "a@x.ru", "type", "personal"), want: "a@x.ru HOME"},
		{name: "unknown kind", raw: obj("value", "a@x.ru", "typeId", "pigeon"), want: "a@x.ru", unusable: []string{"typeId: pigeon"}},
		{name: "by kind", raw: obj("work", "a@x.ru", "home", "b@x.ru"), want: "b@x.ru HOME,a@x.ru"},
		{name: "first kind of a repeat stays", raw: []any{"a@x.ru", obj("value", "a@x.ru", "typeId", "HOME")}, want: "a@x.ru"},
	}
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			emails, unusable := normalizeEmails(r.raw)
			if diff := cmp.Diff(r.want, strings.ReplaceAll(show(emails), " WORK", "")); diff != "" {
				t.Errorf("e-mails (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(r.unusable, unusable); diff != "" {
				t.Errorf("unusable (-want +got):\n%s", diff)
			}
		})
	}
}

// TestEmailsBounded: an absurd number of addresses keeps the first fifty and
// loses none; long nonsense stays cheap.
func TestEmailsBounded(t *testing.T) {
	t.Parallel()
	texts := make([]string, 10000)
	list := make([]any, len(texts))
	for i := range texts {
		texts[i] = fmt.Sprintf("lead%d@x.ru", i)
		list[i] = texts[i]
	}
	for name, raw := range map[string]any{"array": list, "one string": strings.Join(texts, ", ")} {
		if emails, unusable := normalizeEmails(raw); len(emails) != maxMultifields || len(unusable) != len(texts)-maxMultifields {
			t.Errorf("%s: %d e-mails and %d unusable", name, len(emails), len(unusable))
		}
	}
	for _, s := range []string{"(", `"`, "<", "<>", "@", "a@", ",", "mailto:", "a@x.ru<", "ж", "é@é.", `"a,`, "(,", "b,", "<b>", "&amp;", `\\`, "%25", "a "} {
		text := "a@x.ru," + strings.Repeat(s, 1<<17/len(s))
		if emails, _ := normalizeEmails(text); len(emails) > 1 {
			t.Errorf("%d e-mails of repeated %q", len(emails), s)
		}
	}
}

func FuzzEmails(f *testing.F) {
	for _, s := range []string{"ivan@company.ru", `"Petrov, Ivan" <Ivan@Пример.РФ>; b@x.ru`, "mailto:a%40x.ru,b@x.ru?to=c@x.ru&cc=d@x.ru",
		"ａ＠ｘ．ｒｕ / b|c@x.ru", `"a"@x.ru (c)`, "a@xn--e1afmkfd.xn--p1ai", "a@faß.de", "a@ab--cd.ru", "a@\u200dx.ru"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		emails, unusable := normalizeEmails([]any{text, map[string]any{"VALUE": text, "VALUE_TYPE": "home"}})
		if len(emails) > maxMultifields {
			t.Fatalf("%d e-mails", len(emails))
		}
		size := 0
		for _, u := range unusable {
			size += len(u)
		}
		if size > 8*len(text)+100 { // folding may replace a broken byte by three
			t.Fatalf("unusable is %d bytes of %d", size, len(text))
		}
		again, rest := normalizeEmails(asValues(emails))
		if len(rest) != 0 || !cmp.Equal(emails, again) {
			t.Fatalf("%q became %v, then %v and %q", text, emails, again, rest)
		}
		for _, e := range emails {
			if len(e.Value) > maxEmail || e.Value != strings.ToLower(e.Value) || strings.ContainsFunc(e.Value, func(c rune) bool { return c <= ' ' || c > '~' }) {
				t.Fatalf("%q became %q", text, e.Value)
			}
		}
	})
}

// FuzzPlainDomain: the short cut for plain domains answers as UTS 46 does,
// but for hyphens in the third and fourth place of a label.
func FuzzPlainDomain(f *testing.F) {
	for _, s := range []string{"x.ru", "X.RU", "a-b.c", "-a.b", "a-.b", "a_b.c", "a..b", "x", "xn--p1ai.ru"} {
		f.Add(s)
	}
	profile := idna.New(idna.MapForLookup(), idna.Transitional(false), idna.BidiRule(), idna.VerifyDNSLength(true))
	f.Fuzz(func(t *testing.T, domain string) {
		plain, ok := plainDomain(domain)
		if !ok || len(domain) > 253 {
			return
		}
		for label := range strings.SplitSeq(domain, ".") {
			if len(label) > 3 && label[2:4] == "--" {
				return
			}
		}
		if ascii, err := profile.ToASCII(domain); err != nil || ascii != plain {
			t.Fatalf("%q: %q, UTS 46 says %q, %v", domain, plain, ascii, err)
		}
	})
}

func BenchmarkEmails(b *testing.B) {
	for name, raw := range map[string]any{
		"plain":   "ivan@company.ru",
		"capital": "Ivan@Company.ru",
		"display": "Ivan Petrov <ivan@company.ru>",
		"idn":     "ivan@пример.рф",
		"object":  []any{map[string]any{"value": "ivan@company.ru", "typeId": "WORK"}},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				normalizeEmails(raw)
			}
		})
	}
}
