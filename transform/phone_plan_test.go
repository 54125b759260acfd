package transform

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/nyaruka/phonenumbers"
)

// checkPlan compares our answer with libphonenumber's.
func checkPlan(t *testing.T, digits, region string) (known bool) {
	t.Helper()
	got, gotValid, known := loadNumberPlans().find(digits, region)
	if !known {
		return false
	}
	want, wantValid := askLibrary(digits, region)
	if got != want || gotValid != wantValid {
		t.Errorf("%s in %s: %v %v, the library says %v %v", digits, region, got, gotValid, want, wantValid)
	}
	number, err := phonenumbers.Parse(digits, region)
	if valid := err == nil && phonenumbers.IsValidNumber(number); valid != gotValid {
		t.Errorf("%s in %s: valid %v, IsValidNumber says %v", digits, region, gotValid, valid)
	}
	return true
}

// TestPlansAgreeWithLibrary: plain digits are read as libphonenumber reads
// them: with a plus, with the code alone, nationally with the prefix and without, and with a
// digit changed, dropped or doubled. The regions stand for every kind of plan.
func TestPlansAgreeWithLibrary(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	known, all := 0, 0
	for _, region := range []string{"RU", "KZ", "BY", "UA", "UZ", "GE", "DE", "AT", "IT", "SM", "GB", "GG", "FR", "US", "CA", "AG", "MX", "AR", "BR", "IN", "CN", "AU", "TR"} {
		for _, kind := range []phonenumbers.PhoneNumberType{phonenumbers.FIXED_LINE, phonenumbers.MOBILE, phonenumbers.VOIP} {
			number := phonenumbers.GetExampleNumberForType(region, kind)
			if number == nil {
				continue
			}
			for _, digits := range variants(number, random) {
				all++
				if checkPlan(t, digits, region) {
					known++
				}
			}
		}
	}
	if known*10 < all*7 {
		t.Errorf("only %d of %d were answered without the library", known, all)
	}
}

func variants(number *phonenumbers.PhoneNumber, random *rand.Rand) []string {
	national := phonenumbers.GetNationalSignificantNumber(number)
	code := fmt.Sprint(number.GetCountryCode())
	prefix := phonenumbers.GetNddPrefixForRegion(phonenumbers.GetRegionCodeForNumber(number), true)
	at := random.IntN(len(national))
	changed := national[:at] + fmt.Sprint(random.IntN(10)) + national[at+1:]
	var out []string
	for _, n := range []string{national, changed, national[:at] + national[at+1:], national[:at] + national[at:at+1] + national[at:]} {
		out = append(out, "+"+code+n, code+n, n, prefix+n, "+"+code+prefix+n, code+prefix+n)
	}
	return out
}

func FuzzPlans(f *testing.F) {
	for _, digits := range []string{"+79161234567", "89161234567", "79161234567", "+780012345678", "+12025550123", "0301234567", "+39066982", "8108"} {
		for _, region := range []string{"RU", "KZ", "US", "DE", "IT", "MX", "AR", "SM", ""} {
			f.Add(digits, region)
		}
	}
	f.Fuzz(func(t *testing.T, digits, region string) {
		if plain := plainDigits(digits); len(plain) >= minPhoneDigits {
			checkPlan(t, plain, region)
		}
	})
}
