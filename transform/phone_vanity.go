package transform

import (
	"strings"

	"github.com/nyaruka/phonenumbers"
)

// minVanityLetters is how many letters a vanity number has at least, as in libphonenumber.
const minVanityLetters = 3

// vanity reads a number whose last digits are written as letters ("1-800-FLOWERS"), if its numbering plan has such numbers.
func (r *phoneReader) vanity(text string) (phone, bool) {
	digits, glued, ok := keypadDigits(text)
	if !ok {
		return phone{}, false
	}
	p, ok := r.ask(digits)
	if !ok {
		return phone{}, false
	}
	number, err := phonenumbers.Parse(p.e164, "")
	if err != nil || !hasVanityNumbers(number.GetCountryCode()) {
		return phone{}, false
	}
	switch phonenumbers.GetNumberType(number) {
	case phonenumbers.TOLL_FREE, phonenumbers.PREMIUM_RATE, phonenumbers.SHARED_COST, phonenumbers.UAN:
		return p, true
	}
	return p, glued // "202-555-HELP" is a number, "202 555 call" is not
}

// hasVanityNumbers reports whether numbers with letters are in use under a
// calling code: North America, Australia, New Zealand, Britain, Ireland, South Africa.
func hasVanityNumbers(callingCode int32) bool {
	switch callingCode {
	case 1, 61, 64, 44, 353, 27:
		return true
	}
	return false
}

// keypadDigits maps the letters behind a number's first digits to the digits of a telephone's keypad (ITU-T E.161). ok
// is false without letters, or when the text has more than one number. glued reports whether the letters are capitals
// without a space before them.
func keypadDigits(text string) (digits string, glued, ok bool) {
	const keys = "22233344455566677778889999"
	var b strings.Builder
	letters, blank := 0, false
	glued = true
	for i := range len(text) {
		c := text[i]
		switch upper := c &^ 0x20; {
		case c >= '0' && c <= '9', c == '+' && b.Len() == 0:
			b.WriteByte(c)
		case upper >= 'A' && upper <= 'Z' && b.Len() >= minVanityLetters:
			glued = glued && !blank && c == upper
			letters++
			b.WriteByte(keys[upper-'A'])
		case c == ' ', c == '-', c == '.', c == '(', c == ')', c == '*':
		default:
			return "", false, false
		}
		blank = c == ' '
	}
	return b.String(), glued, letters >= minVanityLetters && !saysLabel(text)
}

// saysLabel reports whether a word of a text is one that stands beside numbers.
func saysLabel(text string) bool {
	for word := range strings.FieldsFuncSeq(text, func(c rune) bool { return c >= '0' && c <= '9' || strings.ContainsRune(" -.()+*", c) }) {
		if wordKind(word) != wordOther {
			return true
		}
	}
	return false
}
