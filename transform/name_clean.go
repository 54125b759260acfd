package transform

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// properName removes from a text whatever is not a part of a person's name: titles, credentials, companies, places and
// ages after a comma or in brackets, emoji, digits. In "Petrov, Ivan" the comma stays; a last name alone, as in "Mrs
// Petrov", becomes "Petrov,". leftOut reports whether the text says more than the name.
func properName(text string) (name string, leftOut bool) {
	if len(text) > maxNameBytes {
		return text, false
	}
	plain := strings.Trim(cleanLine(withoutEscapes(text)), `"“”„`)
	bare := strings.Join(strings.Fields(withoutAsides(withoutSymbols(withoutPoints(plain)))), " ")
	leftOut = bare != strings.Join(strings.Fields(withoutPoints(plain)), " ")
	name, rest := nameOfPieces(namePieces(bare))
	return name, leftOut || rest
}

// titleOf returns the title or honorific at the beginning of a name; "" when there is none.
func titleOf(name string) string {
	if len(name) > maxNameBytes {
		return ""
	}
	words := strings.Fields(cleanLine(withoutEscapes(name)))
	if len(words) < 2 || !isTitle(words) {
		return ""
	}
	return words[0]
}

// properPart is like properName, for a field with one part of a name. It removes only signs that no name has, and contact
// points.
func properPart(text string) (part string, leftOut bool) {
	if len(text) > maxNameBytes {
		return text, false
	}
	plain := withoutPoints(cleanLine(withoutEscapes(text)))
	part = strings.TrimSpace(withoutSymbols(plain))
	return strings.Join(strings.Fields(part), " "), part != strings.TrimSpace(plain)
}

// properFirst is like properPart, for the first name. It also removes a title in front of it.
func properFirst(text string) (part string, leftOut bool) {
	part, leftOut = properPart(text)
	words := strings.Fields(part)
	for len(words) > 1 && isTitle(words) {
		words, leftOut = words[1:], true
	}
	return strings.Join(words, " "), leftOut
}

// withoutPoints removes the contact points that pointsInName finds.
func withoutPoints(text string) string {
	points := pointsInName(text)
	for _, point := range points {
		text = strings.Replace(text, point, " ", 1)
	}
	if len(points) > 0 {
		text = strings.TrimRight(strings.TrimSpace(text), " ,;:-–—(")
	}
	return text
}

// withoutSymbols replaces emoji and other signs that no name has by spaces.
func withoutSymbols(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\uFE0F', r == '\u200D', r == '\u20E3', r == '~', r == '*', r == '^', r == '=', r == '<', r == '>', r == '!', r == '?', r == '_' && strings.Contains(text, " "):
			return ' '
		case r == utf8.RuneError: // stands for invalid UTF-8, which stays
		case unicode.Is(unicode.So, r), unicode.Is(unicode.Co, r), unicode.Is(unicode.Sm, r) && r != '+' && r != '|', r >= 0x1F3FB && r <= 0x1F3FF, r >= 0xE0020 && r <= 0xE007F:
			return ' '
		}
		return r
	}, text)
}

// withoutAsides removes texts in brackets, and in quotes unless these hold the whole name.
func withoutAsides(text string) string {
	for _, pair := range []string{"()", "[]", "{}", "«»", "“”", "„“", `""`} {
		opener, size := utf8.DecodeRuneInString(pair)
		closer := pair[size:]
		for {
			from := strings.IndexRune(text, opener)
			if from < 0 {
				break
			}
			n := strings.Index(text[from+size:], closer)
			if n < 0 {
				text = text[:from] + " " + text[from+size:]
				break
			}
			inside, around := text[from+size:from+size+n], text[:from]+" "+text[from+size+n+len(closer):]
			if strings.IndexFunc(around, unicode.IsLetter) < 0 && from == 0 { // the whole name in quotes
				around = inside
			}
			text = around
		}
	}
	return text
}

// namePieces splits a text at commas, dashes and similar signs, after which something else than the name may begin.
func namePieces(text string) []string {
	for _, dash := range []string{" - ", " – ", " — ", " -- ", "|", ";", " / ", "/", ": "} {
		text = strings.ReplaceAll(text, dash, ",")
	}
	var pieces []string
	for piece := range strings.SplitSeq(text, ",") {
		if piece = strings.Trim(piece, " .-–—:\t"); hasLetter(piece) || strings.ContainsFunc(piece, unicode.IsDigit) {
			pieces = append(pieces, endDot(text, piece))
		}
	}
	return pieces
}

// endDot returns the piece with the dot that follows it in the text, as after an initial or a suffix.
func endDot(text, piece string) string {
	if strings.Contains(text, piece+".") {
		return piece + "."
	}
	return piece
}

// nameOfPieces returns the name among the pieces of a text. rest reports whether the pieces say more.
func nameOfPieces(pieces []string) (name string, rest bool) {
	for i, piece := range pieces {
		words, dropped := nameWordsOf(piece)
		if len(words) == 0 {
			rest = true
			continue
		}
		name, rest = strings.Join(words, " "), rest || dropped
		following := pieces[i+1:]
		if len(words) == 1 && dropped && isTitle(strings.Fields(piece)) && !isGivenName(foldName(words[0])) {
			return name + ",", true
		}
		if len(following) > 0 {
			next, nextDropped := nameWordsOf(following[0])
			switch {
			case len(next) == 1 && isSuffix(foldName(next[0])):
				name, following, rest = name+", "+next[0], following[1:], rest || nextDropped
			case isLastThenFirst(words, next):
				name, following, rest = name+", "+strings.Join(next, " "), following[1:], rest || nextDropped
			}
		}
		if len(following) > 0 && len(following[0]) > 0 && strings.Contains(name, ", ") {
			if next, _ := nameWordsOf(following[0]); len(next) == 1 && isSuffix(foldName(next[0])) { // Smith, John, Jr.
				return suffixed(name, next[0]), rest || len(following) > 1
			}
		}
		return name, rest || len(following) > 0
	}
	return "", rest
}

// suffixed adds a suffix to the last name of "Smith, John".
func suffixed(name, suffix string) string {
	last, first, _ := strings.Cut(name, ", ")
	return last + " " + suffix + ", " + first
}

// isLastThenFirst reports whether the words before and after a comma are a last and a first name, and not a name and
// something else.
func isLastThenFirst(before, after []string) bool {
	if len(after) == 0 || len(after) > 3 || isPlace(after) {
		return false
	}
	given, known := isGivenName(foldName(before[0])), isGivenName(foldName(after[0]))
	switch {
	case len(before) == 1, isParticle(foldName(before[0])):
		return !given || known
	case len(before) == 2:
		return !given && known
	}
	return false
}

// nameWordsOf returns the words of a piece that belong to a name; none for a company. dropped reports whether it has
// other words.
func nameWordsOf(piece string) (words []string, dropped bool) {
	words = strings.Fields(piece)
	if isCompany(words) {
		return nil, true
	}
	person := words[entrepreneurWords(words):]
	kept := slices.DeleteFunc(slices.Clone(person), func(w string) bool {
		return !hasLetter(w) || isAgeWord(foldName(w)) && strings.ContainsFunc(piece, unicode.IsDigit) || startsWithDigit(w)
	})
	for len(kept) > 1 && isTitle(kept) {
		kept = kept[1:]
	}
	for len(kept) > 1 && isCredential(kept[len(kept)-1]) {
		kept = kept[:len(kept)-1]
	}
	if len(kept) == 1 && isCredential(kept[0]) && !isSuffix(foldName(kept[0])) {
		kept = nil
	}
	return kept, len(kept) < len(words)
}

// hasLetter reports whether a text holds a letter, or invalid UTF-8, which may have been one.
func hasLetter(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return unicode.IsLetter(r) || r == utf8.RuneError })
}

func startsWithDigit(w string) bool {
	r, _ := utf8.DecodeRuneInString(w)
	return unicode.IsDigit(r)
}
