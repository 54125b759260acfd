package transform

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/nyaruka/phonenumbers"
)

// FuzzNothingInvented: no phone and no e-mail leaves that a reader cannot find
// in the text once its escapes are undone, and every digit of the stretch that a
// phone stands in is the phone's, another's, or one that a rule names: what
// dials abroad, the trunk prefix, an extension behind its word.
func FuzzNothingInvented(f *testing.F) {
	for _, text := range []string{
		"+7 916 123-45-67", "8 (916) 123-45-67 доб. 12", "998 90 123 45 67", " 375291234567", "%2B79161234567", "wa.me/79161234567", "8 916 123 45 67 8 903 111 22 33",
		"+44 (0)20 7946 0958", "00 375 29 123 45 67", "8~10 375 29 123 45 67", "1-800-FLOWERS", "030/123456 / 0171/1234567", "+8 916 123-45-67", "India 98765 43210", "79161234567@c.us",
		"o&#039;connor@example.com", "anna shop@example.com", "ivan,petrov@example.com", "Anna <anna@example.com>", "mailto:anna%40example.com", "(work) anna@example.com", `o\'brien@example.com`,
		"anna@mail.example. com", "'anna@example.com'", "email:anna@example.com", "anna%2Bshop@example.com", "a@b@example.com", "anna@пример.рф", "A0 375291000000",
	} {
		for _, region := range []string{"RU", "US", "DE", "IN", "GB"} {
			f.Add(text, region)
		}
	}
	rewriting := rewritingPlans(f)
	f.Fuzz(func(t *testing.T, text, region string) {
		if len(text) > 200 {
			return
		}
		home, ok := supportedRegion(region)
		if !ok {
			home = "RU"
		}
		phones, _ := normalizePhones(text, homeRegion{region: home})
		numbers := slices.DeleteFunc(valuesIn(phones), func(n string) bool { return rewriting[regionOf(n)] })
		if !isReadable(text, numbers) {
			t.Errorf("%q in %s became %q", text, home, numbers)
		}
		emails, _ := normalizeEmails(text)
		for _, e := range valuesIn(emails) {
			if !standsIn(text, e) {
				t.Errorf("%q became %q", text, e)
			}
		}
	})
}

// rewritingPlans are the regions whose plans make other digits of what is
// dialled, such as a mobile's 15 in Argentina: there libphonenumber's word is taken.
func rewritingPlans(f *testing.F) map[string]bool {
	metadata, err := phonenumbers.MetadataCollection()
	if err != nil {
		f.Fatal(err)
	}
	regions := map[string]bool{}
	for _, m := range metadata.GetMetadata() {
		regions[m.GetId()] = m.GetNationalPrefixTransformRule() != ""
	}
	return regions
}

func regionOf(e164 string) string {
	number, err := phonenumbers.Parse(e164, "")
	if err != nil {
		return ""
	}
	return phonenumbers.GetRegionCodeForNumber(number)
}

// isReadable reports whether each number is, with what rules name, a whole
// stretch of digits of the text, or several of them are.
func isReadable(text string, numbers []string) bool {
	forms := map[string][]string{}
	for _, n := range numbers {
		forms[n] = formsOf(n)
	}
	found := map[string]bool{}
	for _, stretch := range stretches(text) {
		cover(stretch, forms, nil, found)
	}
	for _, n := range numbers {
		if !found[n] {
			return false
		}
	}
	return true
}

// cover marks the numbers by whose forms a stretch is used up.
func cover(stretch string, forms map[string][]string, used []string, found map[string]bool) {
	if stretch == "" {
		for _, n := range used {
			found[n] = true
		}
		return
	}
	for n, all := range forms {
		for _, form := range all {
			if rest, ok := strings.CutPrefix(stretch, form); ok {
				cover(rest, forms, append(slices.Clip(used), n), found)
			}
		}
	}
}

// formsOf are the digits by which people write a number.
func formsOf(e164 string) []string {
	number, err := phonenumbers.Parse(e164, "")
	if err != nil {
		return nil
	}
	region := phonenumbers.GetRegionCodeForNumber(number)
	code, national := fmt.Sprint(number.GetCountryCode()), phonenumbers.GetNationalSignificantNumber(number)
	trunks := []string{""}
	if trunk := phonenumbers.GetNddPrefixForRegion(region, true); trunk != "" {
		trunks = append(trunks, trunk)
	}
	trunks = append(trunks, planTrunks()[region]...)
	var forms []string
	for _, trunk := range trunks {
		forms = append(forms, trunk+national)
		for _, abroad := range []string{"", "00", "011", "810"} {
			forms = append(forms, abroad+code+trunk+national)
		}
	}
	return forms
}

// planTrunks are further prefixes of plans, as libphonenumber has them.
func planTrunks() map[string][]string {
	return map[string][]string{"BY": {"80", "0"}, "GB": {"0"}, "HU": {"06"}, "LT": {"8", "0"}, "UZ": {"8"}, "TM": {"8"}, "AM": {"0"}, "RU": {"8"}, "KZ": {"8"}}
}

// stretches are the digits of a text between its words and separators, and, as
// escapes may stand in each other, of each text that undoing one gives.
func stretches(text string) []string {
	var all []string
	texts := []string{text, withoutEntities(text), withoutEscapes(text), withoutPercents(withoutEscapes(text))}
	for _, t := range texts[:4:4] { // addresses are words of their own
		texts = append(texts, strings.Join(slices.DeleteFunc(strings.Fields(t), isAddress), " "))
	}
	for _, t := range texts {
		in := foldPhone([]rune(t))
		var b strings.Builder
		cut := func() { all = append(all, b.String()); b.Reset() }
		for i, c := range in {
			switch {
			case isDigit(c):
				b.WriteRune(c)
			case c == '+' || isBreak(c) || unicode.IsLetter(c):
				cut()
			case c == '/':
				all = append(all, sinceSlash(in, i), b.String()) // an earlier slash may stand behind an area code
			}
		}
		cut()
		for part := range strings.SplitSeq(string(in), "/") {
			all = append(all, bareDigits(part))
		}
		if digits, _, ok := keypadDigits(withoutEscapes(t)); ok {
			all = append(all, strings.TrimPrefix(digits, "+"))
		}
	}
	return all
}

// sinceSlash are the digits up to a slash that separates numbers.
func sinceSlash(in []rune, slash int) string {
	start := slash
	for start > 0 && (isDigit(in[start-1]) || in[start-1] != '/' && in[start-1] != '+' && !isBreak(in[start-1]) && !unicode.IsLetter(in[start-1])) {
		start--
	}
	return bareDigits(string(in[start:slash]))
}

func bareDigits(s string) string {
	return strings.Map(func(c rune) rune {
		if isDigit(c) {
			return c
		}
		return -1
	}, s)
}

// standsIn reports whether an address stands in a text, with nothing in front
// of it or behind it that could belong to it.
func standsIn(text, address string) bool {
	local, domain, _ := strings.Cut(address, "@")
	for _, t := range []string{text, withoutEscapes(text), withoutPercents(text)} {
		t = strings.ToLower(foldEmail(t))
		for _, quoted := range []string{local, `"` + local + `"`} {
			for from := 0; ; {
				i := strings.Index(t[from:], quoted+"@")
				if i < 0 {
					break
				}
				i += from
				from = i + 1
				if beginsThere(t[:i]) && endsThere(t[i+len(quoted)+1:], domain) {
					return true
				}
			}
		}
	}
	return false
}

// beginsThere reports whether what stands in front of an address is none of it.
func beginsThere(before string) bool {
	return before == "" || strings.ContainsRune(" \n,;:<([{«“„‘\"'`|/=?", []rune(before)[len([]rune(before))-1])
}

// endsThere reports whether an address's domain stands at the beginning of a text.
func endsThere(after, domain string) bool {
	end := strings.IndexAny(after, " \n,;<>()[]{}\"'`|»”’…!?:&")
	if end < 0 {
		end = len(after)
	}
	ascii, ok := asciiDomain(strings.TrimRight(after[:end], "."))
	return ok && ascii == domain
}
