package person

import (
	"strings"

	"github.com/nyaruka/phonenumbers"
)

// SamePhone reports whether two texts are spellings of one phone number. At least one of them must begin with a plus
// sign and the country's code; the other one may lack them and is then read as a number of that country:
// +7 916 123-45-67, 79161234567, 8 (916) 123-45-67 and 9161234567 are the same. Extensions are ignored.
func SamePhone(a, b string) bool {
	if !strings.HasPrefix(strings.TrimSpace(a), "+") {
		a, b = b, a
	}
	ours, err := phonenumbers.Parse(a, "ZZ")
	if err != nil {
		return false
	}
	return digitsOf(ours) == digitsOf(parse(b, phonenumbers.GetRegionCodeForNumber(ours)))
}

// parse reads a number. Without a country's code it is a number of the region. It returns nil for a text that is not a
// number.
func parse(text, region string) *phonenumbers.PhoneNumber {
	text = strings.TrimSpace(text)
	if digits := digitsIn(text); !strings.HasPrefix(text, "+") && hasCode(digits, region) {
		text = "+" + digits
	}
	n, err := phonenumbers.Parse(text, region)
	if err != nil {
		return nil
	}
	return n
}

// hasCode reports whether digits are a number of the region that begins with its country's code, such as 79161234567.
func hasCode(digits, region string) bool {
	n, err := phonenumbers.Parse("+"+digits, region)
	if err != nil || !phonenumbers.IsPossibleNumber(n) {
		return false
	}
	isOfRegion := phonenumbers.GetCountryCodeForRegion(region) == int(n.GetCountryCode())
	return isOfRegion && !phonenumbers.IsValidNumberForRegion(local(digits, region), region)
}

// local reads digits as a number of a region without its country's code.
func local(digits, region string) *phonenumbers.PhoneNumber {
	n, err := phonenumbers.Parse(digits, region)
	if err != nil {
		return &phonenumbers.PhoneNumber{}
	}
	return n
}

// digitsIn returns the ASCII digits of a text.
func digitsIn(text string) string {
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, text)
}

// digitsOf returns a number in E.164 without its extension; "" for nil.
func digitsOf(n *phonenumbers.PhoneNumber) string {
	if n == nil {
		return ""
	}
	return phonenumbers.Format(n, phonenumbers.E164)
}

// phoneKey returns the number in E.164; "" for one without a country's code.
func phoneKey(text string) string {
	n, err := phonenumbers.Parse(text, "ZZ")
	if err != nil {
		return ""
	}
	return digitsOf(n)
}

// Spellings returns the spellings in which portals may hold a number that is given in E.164, because their look-ups
// may compare spellings: +79161234567, 79161234567, and 89161234567 as it is dialled inside the country.
func Spellings(e164 string) []string {
	n, err := phonenumbers.Parse(e164, "ZZ")
	if err != nil {
		return []string{e164}
	}
	full := digitsOf(n)
	spellings := []string{full, strings.TrimPrefix(full, "+")}
	region := phonenumbers.GetRegionCodeForCountryCode(int(n.GetCountryCode()))
	if prefix := phonenumbers.GetNddPrefixForRegion(region, true); prefix != "" {
		spellings = append(spellings, prefix+phonenumbers.GetNationalSignificantNumber(n))
	}
	return spellings
}
