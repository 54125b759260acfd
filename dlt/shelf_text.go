package dlt

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// shelve takes of a letter what is held of it.
func (s *Shelf) shelve(l Letter) *shelved {
	one := &shelved{
		entry:  *entryOf(l),
		status: l.Status, code: l.Code, message: firstOf(l.Message), attempts: l.Attempts, summary: s.summary(l),
	}
	text := strings.Join([]string{l.EventID, l.Code, l.Message, string(l.Key), string(l.Value)}, "\n")
	if len(text) > s.limits.TextOfOne {
		text, one.cut = text[:s.limits.TextOfOne], true
	}
	// A copy, as the strings above may be parts of a whole fetch.
	one.text = strings.Clone(strings.ToLower(strings.ToValidUTF8(text, "")))
	return one
}

// maxListed is how many bytes of the CRM's words a list has.
const maxListed = 500

func firstOf(message string) string {
	if len(message) <= maxListed {
		return message
	}
	return strings.ToValidUTF8(message[:maxListed], "") + "…"
}

// summary tells in a line whom a letter is about, so that it can be told from others and nobody
// is named: initials, the last two digits, the first letter.
func (s *Shelf) summary(l Letter) string {
	contact, _ := l.Contact(s.by) // what a rejection leaves of it is enough
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
