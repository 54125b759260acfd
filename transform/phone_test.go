package transform

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/nyaruka/phonenumbers"

	"github.com/leadbridge/leadbridge/crmclient"
)

const (
	mts     = "+79161234567 MOBILE"
	mts2    = "+79031112233 MOBILE"
	moscow  = "+74951234567 WORK"
	moscow2 = "+74957654321 WORK"
)

func TestPhones(t *testing.T) {
	t.Parallel()
	type row struct {
		name, region string // region "" is RU
		raw          any
		want         string // "value TYPE" by commas
		unusable     []string
	}
	str := func(name, in, want string, unusable ...string) row {
		return row{name: name, raw: in, want: want, unusable: unusable}
	}
	abroad := func(name, region, in, want string, unusable ...string) row {
		return row{name: name, region: region, raw: in, want: want, unusable: unusable}
	}
	rows := []row{
		// Russia, as people write it.
		str("E.164", "+79161234567", mts),
		str("blanks and dashes", "+7 916 123-45-67", mts),
		str("brackets", "+7 (916) 123-45-67", mts),
		str("square brackets", "+7 [916] 123-45-67", mts),
		str("dots", "+7.916.123.45.67", mts),
		str("trunk 8", "89161234567", mts),
		str("trunk 8 with punctuation", "8 (916) 123-45-67", mts),
		str("8-800", "8-800-555-35-35", "+78005553535 WORK"),
		str("8 800 in brackets", "8 (800) 555-35-35", "+78005553535 WORK"),
		str("ten digits", "9161234567", mts),
		str("ten digits with blanks", "916 123 45 67", mts),
		str("seven without plus", "79161234567", mts),
		str("fixed line", "84951234567", moscow),
		str("8 behind the code", "+7 (8) 916 123-45-67", mts),
		str("00 for the plus", "0079161234567", mts),
		str("00 with blanks", "00 7 916 123 45 67", mts),
		str("011 for the plus", "01179161234567", mts),
		str("8~10 for the plus", "8~10 7 916 123-45-67", mts),
		str("Kazakhstan shares the code", "+7 701 123 45 67", "+77011234567 MOBILE"),
		str("other country with plus", "+44 (0)20 7946 0958", "+442079460958 WORK"),
		str("two pluses", "++79161234567", mts),
		str("plus apart", "+ 7 916 123 45 67", mts),

		// Other regions.
		abroad("US", "US", "(202) 555-0123", "+12025550123 WORK"),
		abroad("US by 011", "US", "011 7 916 123 45 67", mts),
		abroad("US in lower case", "us", "202.555.0123", "+12025550123 WORK"),
		abroad("Germany with a slash", "DE", "0171/1234567", "+491711234567 MOBILE"),
		abroad("Germany with a slash between blanks", "DE", "0171 / 1234567", "+491711234567 MOBILE"),
		abroad("Germany, two with slashes", "DE", "030/123456 / 0171/1234567", "+4930123456 WORK,+491711234567 MOBILE"),
		abroad("Germany by 00", "DE", "0079161234567", mts),
		abroad("Italy keeps its nought", "IT", "06 6982", "+39066982 WORK"),
		abroad("Mexico", "MX", "55 1234 5678", "+525512345678 WORK"),
		abroad("no region, with plus", "", "+79161234567", mts),
		abroad("unknown region, with plus", "XX", "+79161234567", mts),
		abroad("unknown region, without", "XX", "9161234567", "", "9161234567"),

		// Unicode.
		str("full-width digits", "+７９１６１２３４５６７", mts),
		str("full-width plus and brackets", "＋７（９１６）１２３－４５－６７", mts),
		str("NBSP", "+7\u00a0916\u00a0123\u00a045\u00a067", mts),
		str("narrow, figure, ideographic, thin blanks", "+7\u202f916\u2007123\u300045\u200967", mts),
		str("tabs", "+7\t916\t123\t45\t67", mts),
		str("every dash", "+7\u2010916\u2011123\u201245\u201367", mts),
		str("long dashes, minus, full-width hyphen", "8\u2014916\u2015123\u221245\uff0d67", mts),
		str("zero width", "\ufeff+7\u200b916\u200d123\u206045\u00ad67\u200e", mts),
		str("bidi marks of the address book", "\u202a+7 916 123-45-67\u202c", mts),
		str("Arabic digits", "+٧٩١٦١٢٣٤٥٦٧", mts),
		str("mathematical digits", "+𝟟𝟡𝟙𝟞𝟙𝟚𝟛𝟜𝟝𝟞𝟟", mts),

		// Several numbers.
		str("comma", "+79161234567, +79031112233", mts+","+mts2),
		str("semicolon", "89161234567;89031112233", mts+","+mts2),
		str("slash", "89161234567/89031112233", mts+","+mts2),
		str("slash between blanks", "89161234567 / 89031112233", mts+","+mts2),
		str("bar", "89161234567|89031112233", mts+","+mts2),
		str("line end", "89161234567\n89031112233", mts+","+mts2),
		str("CR LF", "89161234567\r\n89031112233", mts+","+mts2),
		str("или", "8 916 123-45-67 или 8 903 111-22-33", mts+","+mts2),
		str("or", "+79161234567 or +79031112233", mts+","+mts2),
		str("blank", "89161234567 89031112233", mts+","+mts2),
		str("blanks everywhere", "8 916 123 45 67 8 903 111 22 33", mts+","+mts2),
		str("NBSP between", "89161234567\u00a089031112233", mts+","+mts2),
		str("pluses glued", "+79161234567+79031112233", mts+","+mts2),
		str("second in brackets", "+79161234567 (+79031112233)", mts+","+mts2),
		str("full-width comma", "89161234567，89031112233", mts+","+mts2),
		str("repeats", "+7 916 123-45-67, 89161234567, 9161234567", mts),
		str("short form of a second number", "8 (495) 123-45-67/68", moscow, "8 (495) 123-45-67/68"),
		str("one of two unusable", "+79161234567, 12345", mts, "+79161234567, 12345"),

		// Words.
		str("words around", "call me at +7 916 123-45-67 after six", mts, "call me at +7 916 123-45-67 after six"),
		str("label tel", "tel. 89161234567", mts),
		str("label тел", "Тел.: 8 (916) 123-45-67", mts),
		str("label glued", "тел89161234567", mts),
		str("label моб", "моб. +7 916 123 45 67", mts),
		str("labels phone, mob", "Phone: +79161234567, mob: +79031112233", mts+","+mts2),
		str("number sign", "№ 89161234567", mts),
		str("name", "Анна 89161234567", mts, "Анна 89161234567"),
		str("hours", "89161234567 с 10 до 18", mts, "89161234567 с 10 до 18"),
		str("digits of an identifier", "order79161234567", "", "order79161234567"),
		str("a link of a page", "https://example.com/79161234567", "", "https://example.com/79161234567"),

		// tel: addresses.
		str("tel:", "tel:+79161234567", mts),
		str("TEL: with dashes", "TEL:+7-916-123-45-67", mts),
		str("tel: and a blank", "tel: +7 916 123 45 67", mts),
		str("tel: with extension", "tel:+74951234567;ext=12", moscow, "+74951234567 ext. 12"),
		str("tel: with context", "tel:9161234567;phone-context=+7", mts),
		str("tel: with a domain as context", "tel:89161234567;phone-context=example.com", mts),
		str("tel: with both", "tel:4951234567;ext=12;phone-context=+7", moscow, "+74951234567 ext. 12"),
		str("tel: percent-encoded", "tel:%2B7%20916%20123-45-67", mts),
		str("several tel:", "tel:+79161234567, tel:+79031112233", mts+","+mts2),
		str("tel: with another parameter", "tel:+79161234567;isub=12345", mts, "tel:+79161234567;isub=12345"),

		// Extensions.
		str("доб.", "8 (495) 123-45-67 доб. 12", moscow, "+74951234567 ext. 12"),
		str("доб. in brackets", "8 (495) 123-45-67 (доб. 12)", moscow, "+74951234567 ext. 12"),
		str("доб behind a comma", "84951234567, доб 12", moscow, "+74951234567 ext. 12"),
		str("внутренний", "84951234567 вн. 12", moscow, "+74951234567 ext. 12"),
		str("ext", "+74951234567 ext 12", moscow, "+74951234567 ext. 12"),
		str("ext.:", "+74951234567 Ext.: 12", moscow, "+74951234567 ext. 12"),
		str("x", "+74951234567x12", moscow, "+74951234567 ext. 12"),
		str("Cyrillic х", "+74951234567х12", moscow, "+74951234567 ext. 12"),
		str("#", "+74951234567 #12", moscow, "+74951234567 ext. 12"),
		str("two numbers with extensions", "84951234567 доб. 1, 84957654321 доб. 2", moscow+","+moscow2,
			"+74951234567 ext. 1", "+74957654321 ext. 2"),
		str("a number where the extension should be", "84951234567 доб. 89161234567", moscow+","+mts, "84951234567 доб. 89161234567"),
		str("extension without a number", "доб. 12", "", "доб. 12"),
		str("extension without digits", "84951234567 доб.", moscow, "84951234567 доб."),

		// Not phones.
		str("empty", "", ""),
		str("blank only", " \u00a0 ", ""),
		str("words only", "нет", "", "нет"),
		str("too short", "123-45-67", "", "123-45-67"),
		str("too long", "+791612345678901234567890", "", "+791612345678901234567890"),
		str("not in use", "+7 000 123-45-67", "", "+7 000 123-45-67"),
		str("vanity numbers stay text", "1-800-FLOWERS", "", "1-800-FLOWERS"),
		str("lone plus", "+", "", "+"),
		str("punctuation only", "--", "", "--"),
		str("NUL and broken UTF-8", "8916\x00\xff1234567", "", "8916\x00\xff1234567"),

		// JSON values.
		{name: "null", raw: nil},
		{name: "integer", raw: json.Number("79161234567"), want: mts},
		{name: "integer of ten digits", raw: json.Number("9161234567"), want: mts},
		{name: "exponent", raw: json.Number("7.9161234567e10"), want: mts},
		{name: "exponent in capitals", raw: json.Number("7.9161234567E+10"), want: mts},
		{name: "with a nought behind the point", raw: json.Number("79161234567.0"), want: mts},
		{name: "float", raw: 7.9161234567e10, want: mts},
		{name: "number of another country", raw: json.Number("12025550123"), want: "+12025550123 WORK"},
		{name: "short number of nowhere", raw: json.Number("2025550123"), unusable: []string{"2025550123"}},
		{name: "long number of nowhere", raw: json.Number("99999999999"), unusable: []string{"99999999999"}},
		{name: "fraction", raw: json.Number("12.5"), unusable: []string{"12.5"}},
		{name: "negative", raw: json.Number("-79161234567"), unusable: []string{"-79161234567"}},
		{name: "negative fraction", raw: json.Number("-7.9161234567e10"), unusable: []string{"-7.9161234567e10"}},
		{name: "absurd exponent", raw: json.Number("1e999999"), unusable: []string{"1e999999"}},
		{name: "boolean", raw: true, unusable: []string{"true"}},
		{name: "array", raw: []any{"+79161234567", "89031112233", json.Number("79161234567")}, want: mts + "," + mts2},
		{name: "nested arrays", raw: []any{[]any{[]any{"+79161234567"}}, "89031112233"}, want: mts + "," + mts2},
		{name: "empty array", raw: []any{}},
		{name: "repeats of the unusable", raw: []any{"нет", "нет"}, unusable: []string{"нет"}},

		// Objects.
		{name: "value and typeId", raw: obj("value", "89161234567", "typeId", "HOME"), want: "+79161234567 HOME"},
		{name: "native", raw: []any{obj("VALUE", "89161234567", "VALUE_TYPE", "WORK")}, want: "+79161234567 WORK"},
		{name: "native in full", raw: obj("ID", "7", "VALUE", "89161234567", "VALUE_TYPE", "HOME", "TYPE_ID", "PHONE"), want: "+79161234567 HOME"},
		{name: "two kinds", raw: obj("TYPE_ID", "WORK", "VALUE", "89161234567", "VALUE_TYPE", "HOME"), want: "+79161234567 HOME"},
		{name: "camel case", raw: obj("Value", "89161234567", "valueType", "mobile"), want: mts},
		{name: "FAX", raw: obj("value", "84951234567", "typeId", "FAX"), want: "+74951234567 OTHER"},
		{name: "PAGER", raw: obj("value", "84951234567", "typeId", "pager"), want: "+74951234567 OTHER"},
		{name: "MAIN", raw: obj("value", "89161234567", "typeId", "main"), want: "+79161234567 WORK"},
		{name: "CELL", raw: obj("value", "84951234567", "type", "Cell"), want: "+74951234567 MOBILE"},
		{name: "no type", raw: obj("value", "89161234567"), want: mts},
		{name: "unknown type", raw: obj("value", "89161234567", "typeId", "SKYPE"), want: mts, unusable: []string{"typeId: SKYPE"}},
		{name: "type of a wrong kind", raw: obj("value", "89161234567", "typeId", json.Number("1")), want: mts, unusable: []string{"typeId: 1"}},
		{name: "two in one value", raw: obj("value", "89161234567, 89031112233", "typeId", "HOME"), want: "+79161234567 HOME,+79031112233 HOME"},
		{name: "number as value", raw: obj("value", json.Number("79161234567")), want: mts},
		{name: "empty value", raw: obj("value", "", "typeId", "WORK")},
		{name: "first kind of a repeat stays", raw: []any{"89161234567", obj("value", "+79161234567", "typeId", "HOME")}, want: mts},
		{name: "list of PHP", raw: obj("2", "89031112233", "10", "84951234567", "0", "89161234567"), want: mts + "," + mts2 + "," + moscow},
		{name: "by kind", raw: obj("home", "84951234567", "mobile", "89161234567"), want: "+74951234567 HOME,+79161234567 MOBILE"},
		{name: "more than a value", raw: obj("value", "89161234567", "comment", "after six", "primary", true), want: mts,
			unusable: []string{"comment: after six", "primary: true"}},
		{name: "an object of something else", raw: obj("a", obj("b", "c")), unusable: []string{`a: {"b":"c"}`}},
		{name: "unusable in an object", raw: obj("value", "нет", "typeId", "WORK"), unusable: []string{"нет"}},
	}
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			region := r.region
			if region == "" && !strings.HasPrefix(r.name, "no region") {
				region = "RU"
			}
			phones, unusable := normalizePhones(r.raw, homeRegion{region: region})
			if diff := cmp.Diff(r.want, show(phones)); diff != "" {
				t.Errorf("phones (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(r.unusable, unusable); diff != "" {
				t.Errorf("unusable (-want +got):\n%s", diff)
			}
		})
	}
}

// obj builds a decoded JSON object from keys and values in turn.
func obj(kv ...any) map[string]any {
	o := make(map[string]any, len(kv)/2)
	for i := 0; i < len(kv); i += 2 {
		o[kv[i].(string)] = kv[i+1]
	}
	return o
}

func show(list []crmclient.Multifield) string {
	var out []string
	for _, f := range list {
		out = append(out, f.Value+" "+f.TypeID)
	}
	return strings.Join(out, ",")
}

// TestPhonesBounded: an absurd number of phones keeps the first fifty, loses
// none, and asks libphonenumber a bounded number of times.
func TestPhonesBounded(t *testing.T) {
	t.Parallel()
	var list []any
	for i := range 10000 {
		list = append(list, fmt.Sprintf("+7916%07d", i))
	}
	texts := make([]string, len(list))
	for i, v := range list {
		texts[i] = v.(string)
	}
	t.Run("array", func(t *testing.T) {
		phones, unusable := normalizePhones(list, homeRegion{region: "RU"})
		if len(phones) != maxMultifields || len(unusable) != len(list)-maxMultifields {
			t.Errorf("%d phones and %d unusable of %d", len(phones), len(unusable), len(list))
		}
	})
	t.Run("one string", func(t *testing.T) {
		all := strings.Join(texts, ", ")
		phones, unusable := normalizePhones(all, homeRegion{region: "RU"})
		if len(phones) != maxMultifields || len(unusable) != 1 || unusable[0] != all {
			t.Errorf("%d phones and %d unusable", len(phones), len(unusable))
		}
	})
	t.Run("repeats beyond fifty are no loss", func(t *testing.T) {
		phones, unusable := normalizePhones([]any{list[:50], list[:50]}, homeRegion{region: "RU"})
		if len(phones) != 50 || len(unusable) != 0 {
			t.Errorf("%d phones and %d unusable", len(phones), len(unusable))
		}
	})
	for name, text := range map[string]string{
		"ones": strings.Repeat("1 ", 1<<16), "pluses": strings.Repeat("+", 1<<17), "brackets": strings.Repeat("(", 1<<17),
		"digits": strings.Repeat("7", 1<<17), "words": strings.Repeat("x1", 1<<16), "schemes": strings.Repeat("tel:1", 1<<14),
	} {
		t.Run(name, func(t *testing.T) {
			r := phoneReader{home: homeRegion{region: "RU"}}
			r.multifields = multifields{parse: r.read, typeID: phoneTypeID}
			r.walk(text, "")
			if len(r.list) != 0 || r.tries > maxPhoneTries || len(r.unusable) != 1 {
				t.Errorf("%d phones, %d tries, %d unusable", len(r.list), r.tries, len(r.unusable))
			}
		})
	}
}

// TestPhonesEveryPlan: the example numbers of every plan pass in E.164 and in
// national form, with the kind that libphonenumber tells.
func TestPhonesEveryPlan(t *testing.T) {
	t.Parallel()
	kinds := []phonenumbers.PhoneNumberType{phonenumbers.FIXED_LINE, phonenumbers.MOBILE, phonenumbers.TOLL_FREE,
		phonenumbers.PREMIUM_RATE, phonenumbers.SHARED_COST, phonenumbers.VOIP, phonenumbers.PERSONAL_NUMBER,
		phonenumbers.PAGER, phonenumbers.UAN, phonenumbers.VOICEMAIL}
	checked := 0
	for region := range phonenumbers.GetSupportedRegions() {
		for _, kind := range kinds {
			number := phonenumbers.GetExampleNumberForType(region, kind)
			if number == nil {
				continue
			}
			want := "WORK"
			if phonenumbers.GetNumberType(number) == phonenumbers.MOBILE {
				want = "MOBILE"
			}
			want = phonenumbers.Format(number, phonenumbers.E164) + " " + want
			checked++
			for _, form := range []phonenumbers.PhoneNumberFormat{phonenumbers.E164, phonenumbers.INTERNATIONAL, phonenumbers.RFC3966} {
				text := phonenumbers.Format(number, form)
				if phones, unusable := normalizePhones(text, homeRegion{region: region}); show(phones) != want || len(unusable) != 0 {
					t.Errorf("%s %s: got %s %q, want %s", region, text, show(phones), unusable, want)
				} else if again, _ := normalizePhones(phones[0].Value, homeRegion{region: "RU"}); show(again) != want {
					t.Errorf("%s became %s, then %s", text, want, show(again))
				}
			}
		}
	}
	if checked < 500 {
		t.Errorf("only %d examples", checked)
	}
}

func FuzzPhones(f *testing.F) {
	for _, s := range []string{"+79161234567", "8 (916) 123-45-67 доб. 12", "tel:9161234567;phone-context=+7;ext=1",
		"00 7 916 123 45 67", "８９１６１２３４５６７ или 8/903/1112233", "+7 916 x", "1-800-FLOWERS", "+521234567890"} {
		for _, region := range []string{"RU", "US", "DE", "MX", "AR", "IT", ""} {
			f.Add(s, region)
		}
	}
	e164 := regexp.MustCompile(`^\+[1-9][0-9]{3,16}$`)
	f.Fuzz(func(t *testing.T, text, region string) {
		phones, unusable := normalizePhones([]any{text, map[string]any{"VALUE": text, "VALUE_TYPE": "home"}}, homeRegion{region: region})
		if len(phones) > maxMultifields {
			t.Fatalf("%d phones", len(phones))
		}
		size := 0
		for _, u := range unusable {
			size += len(u)
		}
		if size > 8*len(text)+100 {
			t.Fatalf("unusable is %d bytes of %d", size, len(text))
		}
		if len(phones) == 0 && len(unusable) == 0 && strings.ContainsAny(text, "0123456789") {
			t.Fatalf("%q is gone", text)
		}
		again, rest := normalizePhones(asValues(phones), homeRegion{region: region})
		if len(rest) != 0 || !cmp.Equal(phones, again) {
			t.Fatalf("%q became %v, then %v and %q", text, phones, again, rest)
		}
		for _, p := range phones {
			if !e164.MatchString(p.Value) {
				t.Fatalf("%q is not E.164", p.Value)
			}
			n, err := phonenumbers.Parse(p.Value, "ZZ")
			if err != nil || !phonenumbers.IsValidNumber(n) {
				t.Fatalf("%q is not valid: %v", p.Value, err)
			}
		}
	})
}

// asValues is what JSON decoding makes of the fields that we send.
func asValues(list []crmclient.Multifield) []any {
	var out []any
	for _, m := range list {
		out = append(out, map[string]any{"value": m.Value, "typeId": m.TypeID})
	}
	return out
}

func BenchmarkPhones(b *testing.B) {
	for name, raw := range map[string]any{
		"e164":   "+79161234567",
		"trunk8": "8 (916) 123-45-67",
		"two":    "8 916 123-45-67 или +7 903 111-22-33",
		"us":     "+1 202 555 0123",
		"object": []any{map[string]any{"value": "+79161234567", "typeId": "WORK"}},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				normalizePhones(raw, homeRegion{region: "RU"})
			}
		})
	}
}
