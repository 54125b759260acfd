package transform

import (
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/nyaruka/phonenumbers"
)

// plans are the numbering plans of the regions that libphonenumber knows.
var plans = sync.OnceValue(func() map[string]*phonenumbers.PhoneMetadata {
	byRegion := map[string]*phonenumbers.PhoneMetadata{}
	all, err := phonenumbers.MetadataCollection()
	if err != nil { // phonenumbers has read it already; without a plan, Parse reads all numbers
		return byRegion
	}
	for _, plan := range all.GetMetadata() {
		byRegion[plan.GetId()] = plan
	}
	delete(byRegion, phonenumbers.REGION_CODE_FOR_NON_GEO_ENTITY) // several plans have this id
	return byRegion
})

// plainNumber is a fast phonenumbers.Parse for digits, with a plus in front or without. Parse spends most of its time on
// regular expressions for what such a text cannot have, as extensions. ok is false when the digits need more than plain
// prefixes to be understood: then Parse must read them.
func plainNumber(digits, region string) (number *phonenumbers.PhoneNumber, ok bool) {
	national, international := strings.CutPrefix(digits, "+")
	if !onlyDigits(national) {
		return nil, false
	}
	if international {
		region, national = cutCallingCode(national)
	}
	plan := plans()[region]
	if plan == nil {
		return nil, false
	}
	code, abroad, trunk := plan.GetCountryCode(), plan.GetInternationalPrefix(), plan.GetNationalPrefixForParsing()
	if !onlyDigits(trunk) {
		return nil, false
	}
	if !international {
		if abroad == "" || !onlyDigits(abroad) || strings.HasPrefix(national, abroad) || strings.HasPrefix(national, strconv.Itoa(int(code))) {
			return nil, false
		}
	}
	if rest, led := strings.CutPrefix(national, trunk); led && trunk != "" {
		// With another length than numbers have, the digits are a number only without the prefix.
		if international || plan.GetNationalPrefixTransformRule() != "" || hasLength(plan, national) || !hasLength(plan, rest) {
			return nil, false
		}
		national = rest
	}
	if len(national) < minPhoneDigits || len(national) > maxPlainDigits || national[0] == '0' {
		return nil, false
	}
	n, err := strconv.ParseUint(national, 10, 64)
	return &phonenumbers.PhoneNumber{CountryCode: &code, NationalNumber: &n}, err == nil
}

// maxPlainDigits is how many digits a number has at most behind its calling code (ITU-T E.164).
const maxPlainDigits = 15

// cutCallingCode cuts the calling code off the digits of an international number. region is the main one of those that
// share the code, or one without a plan.
func cutCallingCode(digits string) (region, national string) {
	for size := 1; size <= min(3, len(digits)) && digits[0] != '0'; size++ {
		code, _ := strconv.Atoi(digits[:size]) // they are digits
		if phonenumbers.GetSupportedCallingCodes()[code] {
			return phonenumbers.GetRegionCodeForCountryCode(code), digits[size:]
		}
	}
	return "", digits
}

// hasLength reports whether numbers of a plan can have as many digits.
func hasLength(plan *phonenumbers.PhoneMetadata, national string) bool {
	return slices.Contains(plan.GetGeneralDesc().GetPossibleLength(), int32(len(national)))
}
