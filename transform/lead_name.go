package transform

import (
	"cmp"
	"slices"
	"strings"
	"unicode"
)

// buildName decides which texts are the parts of the name. Given parts
// stand; a full name fills the others when it agrees with them.
func (l *lead) buildName() {
	n := fullName{
		first:  l.fields[fieldFirstName].text,
		second: l.fields[fieldSecondName].text,
		last:   l.fields[fieldLastName].text,
	}
	fulls := [2]entry{l.fields[fieldFullName]}
	switch name := l.fields[fieldName]; {
	case n.first == "" && !isFullName(name.text, n.last):
		n.first = name.text
	default:
		fulls[1] = name
	}
	for _, full := range fulls {
		if full.text != "" && !n.fill(full.text) {
			l.notes.note(full.key, full.text)
		}
	}
	l.contact.Name, l.contact.SecondName, l.contact.LastName = n.first, n.second, n.last
}

// isFullName tells whether the field name holds more than a first name:
// several words when there is no last name, or the last name among them.
func isFullName(text, last string) bool {
	if last != "" {
		words := strings.Fields(text)
		return len(words) > 1 && (strings.EqualFold(words[0], last) || strings.EqualFold(words[len(words)-1], last))
	}
	text = strings.TrimSpace(text)
	return strings.ContainsFunc(text, unicode.IsSpace) || strings.Contains(text, ".") && len(nameWords(nil, text)) > 1
}

// fill takes the parts that are missing from a full name; it is not ok when
// the name says something else than the parts given.
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

// says tells whether all words of a text are among the parts.
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
