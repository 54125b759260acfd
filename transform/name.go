package transform

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// fullName is a name in its parts.
type fullName struct{ first, second, last string }

// maxNameBytes is the longest text that is taken apart as a name.
const maxNameBytes = 400

// splitName takes a full name apart. It only cuts: every word is kept as it
// is, in its case.
func splitName(text string) fullName {
	if len(text) > maxNameBytes {
		return fullName{first: text}
	}
	if last, rest, ok := cutLastName(text); ok {
		n := firstAndMiddle(rest)
		n.last = last
		return n
	}
	words := nameWords(text)
	if last := len(words) - 1; last > 1 && isSuffix(words[last]) {
		n := splitWords(words[:last])
		n.last = strings.TrimSpace(n.last + " " + words[last])
		return n
	}
	return splitWords(words)
}

func splitWords(words []string) fullName {
	if len(words) < 2 {
		return fullName{first: strings.Join(words, " ")}
	}
	if i := particleAt(words); i >= 0 {
		n := firstAndMiddle(words[:i])
		n.last = strings.Join(words[i:], " ")
		return n
	}
	if n, ok := splitByPatronymic(words); ok {
		return n
	}
	if slices.ContainsFunc(words, isInitial) {
		return splitByInitials(words)
	}
	return splitByOrder(words)
}

// nameWords cuts a text at any blanks and takes initials apart: И.И. is two.
func nameWords(text string) []string {
	words := strings.Fields(text)
	for i := 0; i < len(words); i++ {
		w := words[i]
		_, size := utf8.DecodeRuneInString(w)
		if len(w) > size+1 && w[size] == '.' {
			words = slices.Replace(words, i, i+1, w[:size+1], w[size+1:])
		}
	}
	return words
}

// cutLastName knows the form "Petrov, Ivan Sergeevich".
func cutLastName(text string) (last string, rest []string, ok bool) {
	before, after, found := strings.Cut(text, ",")
	rest = nameWords(after)
	words := strings.Fields(before)
	if !found || len(rest) == 0 || strings.Contains(after, ",") || isSuffix(rest[0]) {
		return "", nil, false
	}
	if len(words) != 1 && !(len(words) > 1 && isParticle(words[0])) {
		return "", nil, false
	}
	return strings.Join(words, " "), rest, true
}

// isSuffix tells what stands behind a last name and belongs to it.
func isSuffix(word string) bool {
	switch strings.TrimSuffix(strings.ToLower(word), ".") {
	case "jr", "sr", "ii", "iii", "iv", "phd", "ph", "md", "mba", "esq", "мл", "ст":
		return true
	}
	return false
}

func firstAndMiddle(words []string) fullName {
	if len(words) == 0 {
		return fullName{}
	}
	return fullName{first: words[0], second: strings.Join(words[1:], " ")}
}

// particleAt finds the particle that begins the last name, -1 when there is
// none. One at the very start counts only in lower case (Van Morrison is a first
// and a last name), one at the very end begins nothing.
func particleAt(words []string) int {
	for i, w := range words[:len(words)-1] {
		if isParticle(w) && (i > 0 || w == strings.ToLower(w)) {
			return i
		}
	}
	return -1
}

// splitByPatronymic takes a Russian name in either order apart: the
// patronymic stands behind the first name.
func splitByPatronymic(words []string) (fullName, bool) {
	at, size := findPatronymic(words)
	if at < 1 {
		return fullName{}, false
	}
	second, before, after := words[at:at+size], words[:at], words[at+size:]
	if len(after) == 0 && len(before) > 1 {
		before, after = words[1:at], words[:1]
	}
	return fullName{
		first:  strings.Join(before, " "),
		second: strings.Join(second, " "),
		last:   strings.Join(after, " "),
	}, true
}

// findPatronymic gives its place and how many words it has, 0 when there is
// none. Last names look like patronymics too (Иван Сергеевич Рабинович): the
// first one behind another word counts.
func findPatronymic(words []string) (at, size int) {
	for i := 2; i < len(words); i++ {
		if isFiliation(words[i]) {
			return i - 1, 2
		}
	}
	for i := 1; i < len(words); i++ {
		if isPatronymic(words[i]) {
			return i, 1
		}
	}
	return 0, 0
}

// splitByInitials knows that an initial is no last name: И. Иванов, Иванов
// И. И., John F. Kennedy.
func splitByInitials(words []string) fullName {
	last := len(words) - 1
	at := slices.IndexFunc(words, isInitial)
	switch {
	case !isInitial(words[last]):
		n := firstAndMiddle(words[:last])
		n.last = words[last]
		return n
	case at == 0:
		return firstAndMiddle(words)
	case at > 1: // Сидоров Иван П.: the words in front tell the order
		n := splitByOrder(words[:at])
		n.second = strings.TrimSpace(n.second + " " + strings.Join(words[at:], " "))
		return n
	case len(words) == 2 && !looksLikeLastName(words[0]):
		return firstAndMiddle(words) // Мария К.: the initial is of a name not told
	}
	n := firstAndMiddle(words[1:])
	n.last = words[0]
	return n
}

// isInitial tells a single letter that has two cases, with or without a dot.
func isInitial(word string) bool {
	r, size := utf8.DecodeRuneInString(word)
	return (unicode.IsUpper(r) || unicode.IsLower(r)) && (word[size:] == "" || word[size:] == ".")
}

// splitByOrder decides which end the last name stands at.
func splitByOrder(words []string) fullName {
	last := len(words) - 1
	if lastNameLeads(words) {
		n := firstAndMiddle(words[1:])
		n.last = words[0]
		return n
	}
	n := firstAndMiddle(words[:last])
	n.last = words[last]
	return n
}

// lastNameLeads tells whether a name of two words or more begins with its
// last name. A first name that is known decides before an ending does, for Марина
// and Яков end like last names.
func lastNameLeads(words []string) bool {
	if isFirstName(words[0]) || looksLikeLastName(words[len(words)-1]) {
		return false
	}
	return looksLikeLastName(words[0]) || isFirstName(words[1])
}

func looksLikeLastName(word string) bool { return !isFirstName(word) && hasSurnameEnding(word) }
