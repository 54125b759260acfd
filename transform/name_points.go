package transform

import (
	"strings"
	"unicode"
)

// pointsInName returns the phones and e-mail addresses that somebody wrote into the field for a name, as they are written.
func pointsInName(value any) []string {
	text, ok := value.(string)
	if !ok || len(text) > maxNameBytes || !strings.ContainsAny(text, "0123456789@") {
		return nil
	}
	text = withoutEscapes(text)
	points := phonesInName(text)
	for word := range strings.FieldsFuncSeq(text, func(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune(",;()<>|", r) }) {
		if _, ok := parseEmail(word); ok && strings.Contains(word, "@") {
			points = append(points, word)
		}
	}
	return points
}

// phonesInName returns the runs of digits and punctuation that have enough digits for a phone.
func phonesInName(text string) []string {
	var phones []string
	for stretch := range strings.FieldsFuncSeq(text, func(r rune) bool { return !unicode.IsDigit(r) && !strings.ContainsRune("+-() .\u00a0", r) }) {
		digits := 0
		for _, r := range stretch {
			if unicode.IsDigit(r) {
				digits++
			}
		}
		if digits >= minPlainPhone {
			phones = append(phones, strings.Trim(stretch, "-. (\u00a0"))
		}
	}
	return phones
}
