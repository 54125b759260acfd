package transform

import (
	"cmp"
	"slices"
	"strings"
	"unicode"
)

// buildName builds the name from the fields for its parts and for the full name. The parts that the event gives are kept.
// A full name that agrees with them fills the missing ones; any other becomes a note.
func (l *lead) buildName() {
	n := fullName{
		first:  l.namePart(fieldFirstName, properFirst),
		second: l.namePart(fieldSecondName, properPart),
		last:   l.namePart(fieldLastName, properPart),
	}
	full, name := l.namePart(fieldFullName, properName), l.namePart(fieldName, properName)
	l.contact.Salutation = cmp.Or(titleOf(l.fields[fieldFullName].text), titleOf(l.fields[fieldName].text), titleOf(l.fields[fieldFirstName].text))
	if n.second == "" && n.last != "" {
		n.first, n.second = splitPatronymic(n.first)
	}
	fulls := [2]entry{{l.fields[fieldFullName].key, full}}
	switch {
	case n.first == "" && !isFullName(name, n.last):
		n.first = name
	case n.last == "" && l.isFamilyName(name):
		n.last = name
	default:
		fulls[1] = entry{l.fields[fieldName].key, name}
	}
	for _, full := range fulls {
		if full.text != "" && !n.fill(full.text) {
			l.notes.note(full.key, full.text)
		}
	}
	l.contact.Name, l.contact.SecondName, l.contact.LastName = n.first, n.second, n.last
}

// namePart returns the part of the name in a field. If the field says more, all of its text goes into the comments as well.
func (l *lead) namePart(f field, proper func(string) (string, bool)) string {
	given := l.fields[f]
	if given.text == "" {
		return ""
	}
	if isNoName(given.text) {
		l.notes.note(given.key, given.text)
		return ""
	}
	name, leftOut := proper(given.text)
	if leftOut {
		l.notes.note(given.key, given.text)
	}
	return name
}

// isNoName reports whether a text is a placeholder that programs and people write when there is no name.
func isNoName(text string) bool {
	words := strings.Fields(strings.ToLower(text))
	for _, w := range words {
		switch w {
		case "null", "undefined", "none", "nil", "nan", "n/a", "[object", "object]", "нет", "(none)", "(not", "set)", "(null)":
		default:
			return false
		}
	}
	return len(words) > 0
}

// isFamilyName reports whether the field called name holds the last name, as in forms that ask for Vorname and Name, or
// Prénom and Nom.
func (l *lead) isFamilyName(name string) bool {
	words := keyWords(l.fields[fieldFirstName].key)
	if len(words) == 0 || name == "" || strings.ContainsFunc(name, unicode.IsSpace) {
		return false
	}
	switch words[len(words)-1] {
	case "vorname", "vornamen", "prenom", "prenoms":
		return true
	}
	return false
}

// isFullName reports whether the field name holds more than a first name:
// several words when there is no last name, or the last name among them.
func isFullName(text, last string) bool {
	if last != "" {
		words := strings.Fields(text)
		return len(words) > 1 && (strings.EqualFold(words[0], last) || strings.EqualFold(words[len(words)-1], last))
	}
	text = strings.TrimSpace(text)
	return strings.ContainsFunc(text, unicode.IsSpace) || strings.HasSuffix(text, ",") || strings.Contains(text, ".") && len(nameWords(nil, text)) > 1
}

// fill sets the missing parts from a full name. It returns false when the full name contradicts the given parts.
func (n *fullName) fill(text string) (ok bool) {
	if *n == (fullName{}) {
		*n = splitName(text)
		return true
	}
	s := splitName(text)
	if agree(n.first, s.first) && agree(n.second, s.second) && agree(n.last, s.last) {
		n.first, n.second, n.last = cmp.Or(n.first, s.first), cmp.Or(n.second, s.second), cmp.Or(n.last, s.last)
		return true
	}
	return n.says(text)
}

func agree(given, found string) bool {
	return given == "" || found == "" || strings.EqualFold(given, found)
}

// says reports whether all words of a text are among the parts.
func (n *fullName) says(text string) bool {
	if len(text) > maxNameBytes {
		return false
	}
	known := strings.Fields(strings.ToLower(n.first + " " + n.second + " " + n.last))
	for word := range strings.FieldsSeq(strings.ToLower(text)) {
		if !slices.Contains(known, word) {
			return false
		}
	}
	return true
}
