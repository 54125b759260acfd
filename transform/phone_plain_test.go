package transform

import (
	"math/rand/v2"
	"strconv"
	"testing"

	"github.com/nyaruka/phonenumbers"
)

// TestPlainNumberIsWhatParseReads shows it for examples of all plans and kinds, in all forms, and for digits at random.
func TestPlainNumberIsWhatParseReads(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	read := 0
	for region, plan := range plans() {
		code := strconv.Itoa(int(plan.GetCountryCode()))
		for kind := phonenumbers.FIXED_LINE; kind <= phonenumbers.VOICEMAIL; kind++ {
			example := phonenumbers.GetExampleNumberForType(region, kind)
			if example == nil {
				continue
			}
			nsn := phonenumbers.GetNationalSignificantNumber(example)
			for _, digits := range []string{nsn, code + nsn, "+" + code + nsn, plan.GetNationalPrefix() + nsn, "0" + nsn, "8" + nsn, "00" + code + nsn, "+" + code + "0" + nsn, nsn[1:]} {
				read += samePlainNumber(t, digits, region)
			}
		}
		for range 50 {
			digits := strconv.Itoa(r.IntN(1_000_000_000_000))
			for _, digits := range []string{digits, "+" + digits, "+" + code + digits, plan.GetNationalPrefix() + digits} {
				read += samePlainNumber(t, digits, region)
			}
		}
	}
	if read < 10_000 {
		t.Errorf("only %d were read", read)
	}
}

// FuzzPlainNumber: what is read is what Parse reads.
func FuzzPlainNumber(f *testing.F) {
	for _, seed := range []string{"+79161234567", "89161234567", "9161234567", "79161234567", "8109161234567", "+7", "+", "0", "+18005550199", "12", "x"} {
		f.Add(seed, "RU")
		f.Add(seed, "US")
	}
	f.Fuzz(func(t *testing.T, digits, region string) { samePlainNumber(t, digits, region) })
}

// samePlainNumber compares plainNumber with Parse, and returns how many numbers plainNumber has read.
func samePlainNumber(t *testing.T, digits, region string) int {
	t.Helper()
	got, ok := plainNumber(digits, region)
	if !ok {
		return 0
	}
	want, err := phonenumbers.Parse(digits, region)
	if err != nil || e164(got) != e164(want) || phonenumbers.GetNumberType(got) != phonenumbers.GetNumberType(want) {
		t.Errorf("%s in %s: %v, want %v, %v", digits, region, got, want, err)
	}
	return 1
}
