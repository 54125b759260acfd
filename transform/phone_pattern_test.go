package transform

import (
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"

	"github.com/nyaruka/phonenumbers"
)

// TestDigitPatterns holds the tables of all plans against package regexp, by
// digits that lie close to what each pattern matches.
func TestDigitPatterns(t *testing.T) {
	t.Parallel()
	metadata, err := phonenumbers.MetadataCollection()
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(1, 2))
	for _, m := range metadata.GetMetadata() {
		for _, pattern := range patternsOf(m) {
			if p := newDigitPattern(pattern); p != nil && p.slow != nil {
				t.Errorf("%s: no table for %s", m.GetId(), pattern)
			}
			comparePattern(t, pattern, examplesOf(m), random)
		}
	}
}

func TestDigitPatternsWithoutTable(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	for _, pattern := range []string{`1\b2?`, `(?:12|1$)\d?`, `[01]*1[01]{12}`} {
		if newDigitPattern(pattern).slow == nil {
			t.Errorf("%s has a table", pattern)
		}
		comparePattern(t, pattern, []string{"1", "12", "1101010101010101"}, random)
	}
}

func patternsOf(m *phonenumbers.PhoneMetadata) []string {
	patterns := []string{m.GetLeadingDigits(), m.GetInternationalPrefix()}
	for _, d := range []*phonenumbers.PhoneNumberDesc{m.GetGeneralDesc(), m.GetFixedLine(), m.GetMobile(), m.GetPremiumRate(), m.GetTollFree(),
		m.GetSharedCost(), m.GetVoip(), m.GetPersonalNumber(), m.GetPager(), m.GetUan(), m.GetVoicemail()} {
		patterns = append(patterns, d.GetNationalNumberPattern())
	}
	return patterns
}

func examplesOf(m *phonenumbers.PhoneMetadata) []string {
	examples := []string{"", "00", "810", "1234567890"}
	for _, d := range []*phonenumbers.PhoneNumberDesc{m.GetFixedLine(), m.GetMobile(), m.GetTollFree(), m.GetVoip()} {
		examples = append(examples, d.GetExampleNumber())
	}
	return examples
}

// comparePattern tries the examples, and each with some digits changed, added or cut off.
func comparePattern(t *testing.T, pattern string, examples []string, random *rand.Rand) {
	t.Helper()
	p := newDigitPattern(pattern)
	if p == nil {
		if pattern != "" && pattern != "NA" {
			t.Errorf("%s matches nothing", pattern)
		}
		return
	}
	whole, start := regexp.MustCompile("^(?:"+pattern+")$"), regexp.MustCompile("^(?:"+pattern+")")
	for _, example := range examples {
		for n := range 30 {
			digits := []byte(example + strings.Repeat("7", n/10))
			for i := range digits {
				if random.IntN(10) < n%10/2 {
					digits[i] = '0' + byte(random.IntN(10))
				}
			}
			text := string(digits[:len(digits)-min(len(digits), n%3)])
			if got, want := p.matches(text), whole.MatchString(text); got != want {
				t.Fatalf("%s matches all of %q: %v, want %v", pattern, text, got, want)
			}
			if got, want := p.matchesStart(text), start.MatchString(text); got != want {
				t.Fatalf("%s matches the start of %q: %v, want %v", pattern, text, got, want)
			}
		}
	}
}
