package transform

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// fullName is a name in its parts.
type fullName struct{ first, second, last string }

// maxNameBytes is the longest text that is split as a name.
const maxNameBytes = 400

// word is a word of a name, as it is written, and folded as in the lists of names.
type word struct{ text, fold string }

// splitName splits a full name into its parts. It changes no word, not even its case.
func splitName(text string) fullName {
	if len(text) > maxNameBytes {
		return fullName{first: text}
	}
	if strings.Contains(text, ",") {
		text = strings.ReplaceAll(strings.ReplaceAll(text, ",", ", "), " ,", ",")
	}
	var few [6]word
	words := nameWords(few[:0], text)
	if n, ok := splitAtComma(words); ok {
		return n
	}
	if last := len(words) - 1; last > 1 && isSuffix(words[last].fold) {
		n := splitWords(words[:last])
		n.last = strings.TrimSpace(n.last + " " + words[last].text)
		return n
	}
	return splitWords(words)
}

func splitWords(words []word) fullName {
	if len(words) < 2 {
		return fullName{first: join(words)}
	}
	particle := particleAt(words)
	// splitByPatronymic handles a particle in front. A particle further on decides before a patronymic.
	if n, ok := splitByPatronymic(words); ok && particle <= 0 {
		return n
	}
	if particle >= 0 {
		n := firstAndMiddle(words[:particle])
		n.last = join(words[particle:])
		return n
	}
	if slices.ContainsFunc(words, word.isInitial) {
		return splitByInitials(words)
	}
	return splitByOrder(words)
}

// nameWords appends the words of a text to words. Initials are words of their own: И.И. is two words.
func nameWords(words []word, text string) []word {
	for text := range strings.FieldsSeq(text) {
		fold := foldName(text)
		for {
			_, size := utf8.DecodeRuneInString(text)
			if len(text) <= size+1 || text[size] != '.' {
				break
			}
			_, foldSize := utf8.DecodeRuneInString(fold)
			words = append(words, word{text[:size+1], fold[:foldSize+1]})
			text, fold = text[size+1:], fold[foldSize+1:]
		}
		words = append(words, word{text, fold})
	}
	return words
}

func join(words []word) string {
	if len(words) == 1 {
		return words[0].text
	}
	var b strings.Builder
	for i, w := range words {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(w.text)
	}
	return b.String()
}

// splitAtComma splits "Petrov, Ivan Sergeevich" and "Petrov,". properName has removed all that does not belong to the name.
func splitAtComma(words []word) (fullName, bool) {
	at := slices.IndexFunc(words, func(w word) bool { return strings.HasSuffix(w.text, ",") })
	rest := words[at+1:]
	if at < 0 || len(rest) > 0 && isSuffix(rest[0].fold) {
		return fullName{}, false
	}
	for _, w := range rest {
		if strings.Contains(w.text, ",") {
			return fullName{}, false
		}
	}
	last := strings.TrimSuffix(join(words[:at+1]), ",")
	if end := len(rest) - 1; end > 0 && isSuffix(rest[end].fold) { // Smith, John Jr.
		last, rest = last+" "+rest[end].text, rest[:end]
	}
	n := firstAndMiddle(rest)
	n.last = last
	return n, true
}

func firstAndMiddle(words []word) fullName {
	if len(words) == 0 {
		return fullName{}
	}
	return fullName{first: words[0].text, second: join(words[1:])}
}

// particleAt returns the index of the particle that begins the last name; -1 when there is none. A particle at the start
// of the name counts only in lower case (Van Morrison is a first and a last name), and the last word is not one.
func particleAt(words []word) int {
	for i, w := range words[:len(words)-1] {
		if isParticle(w.fold) && (i > 0 || w.text == w.fold) {
			return i
		}
	}
	return -1
}

// splitByPatronymic splits a Russian name in either order, as the patronymic follows the first name.
func splitByPatronymic(words []word) (fullName, bool) {
	at, size := findPatronymic(words)
	if at < 1 {
		return fullName{}, false
	}
	second, before, after := words[at:at+size], words[:at], words[at+size:]
	if len(after) == 0 && at > 1 && isFirstName(words[0].fold) && !isFirstName(words[at-1].fold) {
		before, after = words[:1], words[1:at] // Иван Петров Сергеевич
	} else if len(after) == 0 && at > 1 {
		lastSize := 1 // words of the last name
		if isParticle(words[0].fold) {
			lastSize = at - 1
		}
		before, after = words[lastSize:at], words[:lastSize]
	}
	return fullName{
		first:  join(before),
		second: join(second),
		last:   join(after),
	}, true
}

// splitPatronymic splits a first name with a patronymic, such as Анна Ивановна.
func splitPatronymic(first string) (name, patronymic string) {
	words := nameWords(nil, first)
	at, size := findPatronymic(words)
	if at != 1 || at+size != len(words) {
		return first, ""
	}
	return words[0].text, join(words[at:])
}

// findPatronymic returns the index of the patronymic, and how many words it has; 0 when there is none. As last names can
// look like patronymics (Иван Сергеевич Рабинович), the first one after another word counts.
func findPatronymic(words []word) (at, size int) {
	for i := 2; i < len(words); i++ {
		if isFiliation(words[i].fold) {
			return i - 1, 2
		}
	}
	for i := 1; i < len(words); i++ {
		if isPatronymic(words[i].fold) {
			return i, 1
		}
	}
	// A word such as Тадеушевич is a last name as often: only the words before it show which it is.
	if len(words) == 3 && mayBePatronymic(words[2].fold) && isFirstName(words[1].fold) && !isFirstName(words[0].fold) {
		return 2, 1
	}
	return 0, 0
}

// splitByInitials splits a name with initials, such as И. Иванов, Иванов И. И. or John F. Kennedy. An initial is never
// the last name.
func splitByInitials(words []word) fullName {
	last := len(words) - 1
	at := slices.IndexFunc(words, word.isInitial)
	switch {
	case !words[last].isInitial():
		n := firstAndMiddle(words[:last])
		n.last = words[last].text
		return n
	case at == 0:
		return firstAndMiddle(words)
	case at > 1: // Сидоров Иван П.: the words in front show the order
		n := splitByOrder(words[:at])
		n.second = strings.TrimSpace(n.second + " " + join(words[at:]))
		return n
	case len(words) == 2 && !words[0].looksLikeLastName():
		return firstAndMiddle(words) // Мария К.: the initial is of a middle name
	}
	n := firstAndMiddle(words[1:])
	n.last = words[0].text
	return n
}

// isInitial reports whether a word is a single letter that has two cases, with or without a dot.
func (w word) isInitial() bool {
	r, size := utf8.DecodeRuneInString(w.text)
	return (unicode.IsUpper(r) || unicode.IsLower(r)) && (w.text[size:] == "" || w.text[size:] == ".")
}

// splitByOrder splits a name by whether the last name seems to stand at its beginning or at its end.
func splitByOrder(words []word) fullName {
	last := len(words) - 1
	if last > 1 && isIberianSurname(words[last-1].fold) && isIberianSurname(words[last].fold) {
		n := firstAndMiddle(words[:last-1])
		n.last = join(words[last-1:])
		return n
	}
	if lastNameLeads(words) {
		n := firstAndMiddle(words[1:])
		n.last = words[0].text
		return n
	}
	n := firstAndMiddle(words[:last])
	n.last = words[last].text
	return n
}

// lastNameLeads reports whether a name of two words or more begins with its last name. A known first name counts more
// than an ending, as Марина and Яков end like last names.
func lastNameLeads(words []word) bool {
	if isFirstName(words[0].fold) || words[len(words)-1].looksLikeLastName() {
		return false
	}
	return words[0].looksLikeLastName() || isFirstName(words[1].fold)
}

func (w word) looksLikeLastName() bool {
	return !isFirstName(w.fold) && (hasSurnameEnding(w.fold) || strings.HasPrefix(w.fold, "o'"))
}
