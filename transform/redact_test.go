package transform

import (
	"encoding/base64"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/leadbridge/leadbridge/crmclient"
)

func b64(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }

func TestRedact(t *testing.T) {
	const lead = `{"name":"Василиса Петрова","phone":"8 (916) 123-45-67","email":"Vasilisa@Example.com","city":"Омск","budget":12345,"agree":true,
		"age":42,"answers":{"q":["Blue whale"]},"message":"First line\nSecond line","ufCrm_1":"Zebra"}`
	long := "a very long story of a person that nobody else should read"
	tests := []struct{ name, value, text, want string }{
		{"value", lead, `city "Омск" is unknown`, `city "***" is unknown`},
		{"case", lead, `ОМСК or омск`, `*** or ***`},
		{"parts of the name", lead, `LAST_NAME Петрова refused`, `LAST_NAME *** refused`},
		{"whole name", lead, `Василиса Петрова refused`, `*** refused`},
		{"number", lead, `12345 is too much`, `*** is too much`},
		{"nested", lead, `not a Blue Whale!`, `not a ***!`},
		{"user field", lead, `field: zebra`, `field: ***`},
		{"short values stay", lead, `42 of them`, `42 of them`},
		{"true stays", lead, `agree must be true`, `agree must be true`},
		{"phone as sent", lead, `phone +79161234567 exists`, `phone *** exists`},
		{"phone in digits", lead, `phone 79161234567 exists`, `phone *** exists`},
		{"phone as given", lead, `phone 8 (916) 123-45-67 exists`, `phone *** exists`},
		{"phone in another form", lead, `phone +7 916 123 45 67, exists`, `phone ***, exists`},
		{"e-mail as sent", lead, `<vasilisa@example.com> exists`, `<***> exists`},
		{"another e-mail", lead, `mail of "o.ther@example.org": exists`, `mail of "***": exists`},
		{"another phone", lead, `(495) 765-43-21 exists`, `*** exists`},
		{"comments by line", lead, `in: second line.`, `in: ***.`},
		{"comments as a whole", lead, "in: First line\nSecond line", "in: ***"},
		{"value inside a word", lead, `xОмскx`, `x***x`},
		{"values side by side", lead, `ОмскЗебра Омск`, `***Зебра ***`},
		{"beginning of a long value", `{"story":"` + long + `"}`, `bad: "A very long story of…"`, `bad: "***…"`},
		{"long value in full", `{"story":"` + long + `"}`, `bad: ` + long + `.`, `bad: ***.`},
		{"nothing to hide", `{}`, `Required field is missing: 400`, `Required field is missing: 400`},
		{"no text", lead, ``, ``},
		{"invalid UTF-8", "{\"a\":\"x\xffyz\"}", "x\uFFFDyz, x\xffyz", "***, ***"},
		{"percent-encoded", lead, `q=%D0%9E%D0%BC%D1%81%D0%BA&mail=vasilisa%40example.com&x=%20`, `***%20`},
		{"percent-encoded, lower case", lead, `q=%d0%9e%d0%bc%d1%81%d0%ba.`, `q=***.`},
		{"as a form", lead, `q=Blue+whale`, `q=***`},
		{"HTML", lead, `<b>&#1054;&#x43c;ск</b> vasilisa&#64;example.com &amp;`, `<b>***</b> *** &amp;`},
		{"unicode escapes", lead, `{"city":"\u041e\u043C\u0441\u043a","mail":"vasilisa\u0040example.com"}`, `{"city":"***","mail":"***"}`},
		{"unicode escapes beyond", `{"a":"😀😀😀"}`, `\ud83d\ude00\ud83d\ude00\ud83d\ude00 \ud83d`, `*** \ud83d`},
		{"Base64", lead, b64("vasilisa@example.com") + " refused", `***0= refused`},
		{"Base64 within Base64", lead, "x=" + b64(`{"v":"vasilisa@example.com"}`) + ";", "x=eyJ2Ijoi***0ifQ==;"},
		{"Base64, one byte later", lead, "x=" + b64(`{"vv":"vasilisa@example.com"}`) + ";", "x=eyJ2diI6In***In0=;"},
		{"Base64 of an address", lead, base64.RawURLEncoding.EncodeToString([]byte("Василиса Петрова")), `***A`},
		{"local part", lead, `user VASILISA exists`, `user *** exists`},
		{"last digits", lead, `the number that ends with 4567, or 45-67; 1234 of them`, `the number that ends with ***, or ***; 1234 of them`},
		{"what only looks escaped", lead, `100% &&&; \u00 %zz &#; 5%`, `100% &&&; \u00 %zz &#; 5%`},
		{"folding changes the length", `{"a":"İstanbul"}`, `in ISTANBUL, İSTANBUL`, `in ***, ***`},
	}
	tr := newTransformer(t, Options{})
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e, err := tr.Decode(record(tt.value))
			if err != nil {
				t.Fatal(err)
			}
			c, _ := tr.Contact(e)
			if got := Redact(tt.text, e, c); got != tt.want {
				t.Errorf("got  %q\nwant %q", got, tt.want)
			}
		})
	}
}

// A mapping may make values that the data does not hold.
func TestRedactMappedContact(t *testing.T) {
	c := crmclient.Contact{Name: "Vasilisa", UserFields: map[string]any{"ufCrm_1": []any{"Zebra"}}}
	if got := Redact("VASILISA and zebra", Event{}, c); got != "*** and ***" {
		t.Errorf("got %q", got)
	}
}

// What Redact returns is bounded, and a value across its end does not show.
func TestRedactIsBounded(t *testing.T) {
	e, err := newTransformer(t, Options{}).Decode(record(`{"name":"Vasilisa"}`))
	if err != nil {
		t.Fatal(err)
	}
	for shift := range len("Vasilisa") + 2 {
		text := strings.Repeat("я", maxRedacted-shift) + "Vasilisa" + strings.Repeat("z", 100_000)
		got := Redact(text, e, crmclient.Contact{})
		if n := utf8.RuneCountInString(got); n > maxRedacted+len(mask) {
			t.Errorf("%d characters", n)
		}
		if strings.Contains(strings.TrimRight(got, "z"), "Va") {
			t.Errorf("shift %d shows %q", shift, got[len(got)-12:])
		}
	}
}

func TestRedactOfTooManyValues(t *testing.T) {
	var b strings.Builder
	b.WriteString(`{"a":["Vasilisa"`)
	for i := range maxSecrets + 1 {
		b.WriteString(`,"v`)
		b.WriteString(strings.Repeat(string(rune('a'+i%26)), 1+i%200))
		b.WriteString(strconv.Itoa(i))
		b.WriteString(`"`)
	}
	b.WriteString(`]}`)
	e, err := newTransformer(t, Options{}).Decode(record(b.String()))
	if err != nil {
		t.Fatal(err)
	}
	if got := Redact("Vasilisa is unknown", e, crmclient.Contact{}); got != mask {
		t.Errorf("got %q", got)
	}
}
