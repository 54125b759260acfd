package dlt

import (
	"slices"
	"strings"
	"unicode"

	"github.com/leadbridge/leadbridge/crmclient"
	"github.com/leadbridge/leadbridge/transform"
)

// textSearch is a text that is looked for in letters, by everything that it may mean: a part of what the letter says, a phone
// number in any spelling, or words of the person's name in any order.
type textSearch struct {
	text   string   // folded
	digits string   // of a text that may be a part of a phone number; else ""
	words  []string // folded; nil unless there are several
}

// leastDigits is how many digits are taken for a part of a phone number: fewer are in every letter.
const leastDigits = 4

func newTextSearch(text string) textSearch {
	s := textSearch{text: foldText(strings.TrimSpace(text))}
	if words := strings.Fields(s.text); len(words) > 1 {
		s.words = words
	}
	var digits strings.Builder
	for _, r := range s.text {
		switch {
		case r >= '0' && r <= '9':
			digits.WriteRune(r)
		case !unicode.IsSpace(r) && !strings.ContainsRune("+-()./", r) && !unicode.Is(unicode.Dash, r):
			return s
		}
	}
	if digits.Len() >= leastDigits {
		s.digits = digits.String()
	}
	return s
}

// empty reports whether nothing is looked for.
func (s textSearch) empty() bool { return s.text == "" }

// foundIn reports whether what is looked for is found in the text of a letter, as searchedText makes it.
func (s textSearch) foundIn(text string) bool {
	if strings.Contains(text, s.text) {
		return true
	}
	person, _, _ := strings.Cut(text, "\n")
	if s.digits != "" && strings.Contains(person, s.digits) {
		return true
	}
	for _, word := range s.words {
		if !strings.Contains(person, word) {
			return false
		}
	}
	return len(s.words) > 0
}

// identifies reports whether what is looked for is, as a whole, a phone number of a letter in any spelling, words of
// the person's name, an e-mail address, or the event's id. So nobody can find out a value by its parts. text is as
// searchedText makes it.
func (s textSearch) identifies(text, event string) bool {
	if s.text == foldText(event) {
		return true
	}
	person, _, _ := strings.Cut(text, "\n")
	have := strings.Fields(person)
	if s.digits != "" && slices.ContainsFunc(have, func(word string) bool { return strings.TrimPrefix(word, "+") == s.digits }) {
		return true
	}
	for word := range strings.FieldsSeq(s.text) {
		if !slices.Contains(have, word) {
			return false
		}
	}
	return true
}

// searchedText returns what is searched of a letter: first a line with the person, as the contact that is made of the event
// has it, and then event id, code, message, key and value; value is the JSON of a framed one.
func searchedText(l Letter, contact *crmclient.Contact, value []byte) string {
	// The surname stands twice, so that both "Surname Name" and "Name Surname" are found.
	person := []string{contact.LastName, contact.Name, contact.SecondName, contact.LastName}
	for _, phone := range contact.Phones {
		person = append(person, "+"+strings.Join(transform.PhoneDigits(phone.Value), " "))
	}
	for _, email := range contact.Emails {
		person = append(person, email.Value)
	}
	line := strings.Join(strings.Fields(strings.Join(person, " ")), " ")
	return foldText(strings.Join([]string{line, l.EventID, l.Code, l.Message, string(l.Key), string(value)}, "\n"))
}

// foldText returns a text in lower case and with е for ё, so that spellings of one word are equal.
func foldText(text string) string {
	return strings.ReplaceAll(strings.ToLower(strings.ToValidUTF8(text, "")), "ё", "е")
}

// Searching returns a function that reports whether a text is found in a letter: in its event id, code, message, key or
// value, or in the contact that by makes of its event, as a phone number in any spelling or as words of a name in any
// order. Nothing is found in an erased letter.
func Searching(text string, by Transformer) func(Letter) bool {
	s := newTextSearch(text)
	return func(l Letter) bool {
		if s.empty() {
			return true
		}
		contact, _ := l.Contact(by) // a contact that is not complete is enough
		return s.foundIn(searchedText(l, &contact, l.readableValue(by)))
	}
}
