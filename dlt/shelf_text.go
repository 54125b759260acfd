package dlt

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/leadbridge/leadbridge/crmclient"
)

// shelve returns what is held of a letter.
func (s *Shelf) shelve(l Letter) *shelved {
	contact, _ := l.Contact(s.by) // a contact that is not complete is enough
	one := &shelved{
		entry:  *entryOf(l),
		status: l.Status, code: l.Code, message: firstOf(l.Message), attempts: l.Attempts, summary: summary(&contact),
	}
	text := searchedText(l, &contact, l.readableValue(s.by))
	if len(text) > s.limits.TextOfOne {
		text, one.cut = text[:s.limits.TextOfOne], true
	}
	// It is copied, as a part of a string keeps the memory of the whole.
	one.text = strings.Clone(strings.ToValidUTF8(text, ""))
	return one
}

// maxListed is how many bytes of the CRM's message are kept for lists.
const maxListed = 500

// firstOf returns as much of a message as lists show.
func firstOf(message string) string {
	if len(message) <= maxListed {
		return message
	}
	return strings.ToValidUTF8(message[:maxListed], "") + "…"
}

// summary describes whom a letter is about, by its contact, on one line, so that letters can be told apart without naming anybody: by
// initials, the last two digits of a phone number, and the first letter of an e-mail address.
func summary(contact *crmclient.Contact) string {
	var parts []string
	for _, name := range []string{contact.Name, contact.SecondName, contact.LastName} {
		for word := range strings.FieldsSeq(name) {
			first, _ := utf8.DecodeRuneInString(word)
			parts = append(parts, string(unicode.ToUpper(first))+".")
			break
		}
	}
	if len(parts) > 0 {
		parts = []string{strings.Join(parts, " ")}
	}
	for _, p := range contact.Phones {
		parts = append(parts, "***"+p.Value[max(len(p.Value)-2, 0):])
		break
	}
	for _, e := range contact.Emails {
		first, _ := utf8.DecodeRuneInString(e.Value)
		parts = append(parts, string(first)+"***@***"+e.Value[max(strings.LastIndexByte(e.Value, '.'), 0):])
		break
	}
	return strings.Join(parts, " · ")
}
