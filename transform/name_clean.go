package transform

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// properName removes from a text what is not a part of a person's name: titles, credentials, companies, places and ages
// behind a comma or in brackets, emoji, digits. The name keeps its words, and the comma of "Petrov, Ivan" and of
// "Petrov," for a last name alone, as in "Mrs Petrov". leftOut reports whether the text says more than the name.
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

// titleOf is the title or honorific that a name begins with, "" for none.
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

// properPart is properName for a field with one part of a name: it removes only what no name has.
func properPart(text string) (part string, leftOut bool) {
	if len(text) > maxNameBytes {
		return text, false
	}
	plain := withoutPoints(cleanLine(withoutEscapes(text)))
	part = strings.TrimSpace(withoutSymbols(plain))
	return strings.Join(strings.Fields(part), " "), part != strings.TrimSpace(plain)
}

// properFirst is properPart for the first name, which some write a title in front of.
func properFirst(text string) (part string, leftOut bool) {
	part, leftOut = properPart(text)
	words := strings.Fields(part)
	for len(words) > 1 && isTitle(words) {
		words, leftOut = words[1:], true
	}
	return strings.Join(words, " "), leftOut
}

// withoutPoints removes the phones and e-mails that pointsInName finds.
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

// withoutSymbols drops emoji and other signs that no name has.
func withoutSymbols(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\uFE0F', r == '\u200D', r == '\u20E3', r == '~', r == '*', r == '^', r == '=', r == '<', r == '>', r == '!', r == '?', r == '_' && strings.Contains(text, " "):
			return ' '
		case r == utf8.RuneError: // for bytes that are not UTF-8, which are shown as they are
		case unicode.Is(unicode.So, r), unicode.Is(unicode.Co, r), unicode.Is(unicode.Sm, r) && r != '+' && r != '|', r >= 0x1F3FB && r <= 0x1F3FF, r >= 0xE0020 && r <= 0xE007F:
			return ' '
		}
		return r
	}, text)
}

// withoutAsides drops what stands in brackets, and in quotes beside a name.
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

// namePieces cuts a text at the signs behind which something else begins.
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

// endDot returns an initial or a suffix with the dot that it has in the text.
func endDot(text, piece string) string {
	if strings.Contains(text, piece+".") {
		return piece + "."
	}
	return piece
}

// nameOfPieces finds the name among the pieces of a text. With rest there is more.
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

// suffixed puts a suffix behind the last name of "Smith, John".
func suffixed(name, suffix string) string {
	last, first, _ := strings.Cut(name, ", ")
	return last + " " + suffix + ", " + first
}

// isLastThenFirst reports whether the words around a comma are a last name and
// a first one, rather than a name and something else.
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

// nameWordsOf returns the words of a piece that are a name's; none for a company or a place. dropped reports whether
// there were other words.
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

// hasLetter reports whether a text holds a letter, or bytes that were one.
func hasLetter(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return unicode.IsLetter(r) || r == utf8.RuneError })
}

func startsWithDigit(w string) bool {
	r, _ := utf8.DecodeRuneInString(w)
	return unicode.IsDigit(r)
}
