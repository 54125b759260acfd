package transform

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// foldEmail replaces full-width forms and the blanks of all scripts by ASCII, and removes characters without width.
// Joiners stay, as some scripts need them in domains.
func foldEmail(text string) string {
	if !strings.ContainsFunc(text, func(c rune) bool { return c < ' ' || c > unicode.MaxASCII }) {
		return text
	}
	return strings.Map(func(c rune) rune {
		switch {
		case c >= 0xFF01 && c <= 0xFF5E: // full-width ASCII
			return c - 0xFEE0
		case c == '\n', c == '\r', c == '\v', c == '\f', c == 0x85, c == 0x2028, c == 0x2029:
			return '\n'
		case unicode.IsSpace(c):
			return ' '
		case c != 0x200C && c != 0x200D && unicode.Is(unicode.Cf, c):
			return -1
		}
		return c
	}, text)
}

// emailPart is the text between two separators.
type emailPart struct {
	text string
	// torn says that a separator in the text may be a typing error inside of an address ("ivan,petrov@x.ru",
	// "ivan@mail.example,com").
	torn bool
}

// emailParts splits a text at commas, semicolons and line ends outside of quotes, angle brackets and parentheses.
func emailParts(text string) []emailPart {
	var parts []emailPart
	start := 0
	var unclosed [utf8.RuneSelf]bool // opening signs without a closing one in the rest, which count as ordinary signs
	for i := 0; i < len(text); i++ {
		switch c := text[i]; c {
		case ',', ';', '\n':
			parts = append(parts, emailPart{text: text[start:i]})
			start = i + 1
		case '"', '<', '(':
			if unclosed[c] {
				continue
			}
			n := strings.IndexByte(text[i+1:], closerOf(c))
			unclosed[c] = n < 0
			if n >= 0 && strings.IndexByte(text[i+1:i+1+n], '\n') < 0 {
				i += n + 1
			}
		}
	}
	return withoutTears(text, append(parts, emailPart{text: text[start:]}))
}

// withoutTears joins neighbouring parts that may be one address into one torn part.
func withoutTears(text string, parts []emailPart) []emailPart {
	joined := parts[:1]
	start, end := 0, len(parts[0].text) // where the last joined part lies in text
	hasAt := strings.Contains(parts[0].text, "@")
	for _, part := range parts[1:] {
		last := &joined[len(joined)-1]
		nextHasAt := strings.Contains(part.text, "@")
		torn := text[end] != '\n' && hasAt != nextHasAt && touches(last.text, part.text)
		separator := end
		end += 1 + len(part.text)
		if torn {
			*last, hasAt = emailPart{text: text[start:end], torn: true}, true
			continue
		}
		joined = append(joined, part)
		start, hasAt = separator+1, nextHasAt
	}
	return joined
}

// touches reports whether two parts have neither a blank nor a bracket beside the separator between them.
func touches(before, after string) bool {
	return before != "" && after != "" && !endsOpen(before) && !startsOpen(after)
}

func endsOpen(s string) bool   { return strings.IndexByte(" \n>)\"", s[len(s)-1]) >= 0 }
func startsOpen(s string) bool { return strings.IndexByte(" \n<(\"", s[0]) >= 0 }

// isTorn reports whether a blank between words may lie inside of an address: either a plus became a blank ("anna
// shop@x.ru"), or a blank was typed in the domain ("anna@mail.example. com").
func isTorn(words []string) bool {
	for i, word := range words {
		if !strings.Contains(word, "@") {
			continue
		}
		return i > 0 && mayBeginLocal(words[:i]) && i == len(words)-1 || i+1 < len(words) && mayEndDomain(word, words[i+1])
	}
	return false
}

// mayBeginLocal reports whether the last of the words in front of an address may belong to it: it could stand in a local
// part, is not a label, and the words are not a first and a last name.
func mayBeginLocal(words []string) bool {
	last := words[len(words)-1]
	if isEmailFiller(last) || isSentenceWord(last) || !isDotAtom(last) {
		return false
	}
	if len(words) < 2 {
		return true
	}
	for _, word := range words {
		if r, _ := utf8.DecodeRuneInString(word); !unicode.IsUpper(r) {
			return true
		}
	}
	return false
}

// isSentenceWord reports whether a word often stands before an address in a sentence.
func isSentenceWord(word string) bool {
	switch strings.ToLower(word) {
	case "to", "at", "is", "me", "my", "mine", "on", "via", "use", "write", "contact", "address":
		return true
	}
	return false
}

// mayEndDomain reports whether the word after an address may be the last label of its domain: a dot stands between them,
// and the word is a common top-level domain.
func mayEndDomain(address, next string) bool {
	if !strings.HasSuffix(address, ".") && !strings.HasPrefix(next, ".") {
		return false
	}
	switch strings.Trim(strings.ToLower(next), ".,;!?") {
	case "com", "ru", "net", "org", "info", "biz", "edu", "gov", "de", "uk", "ua", "by", "kz", "uz", "pl", "fr", "it", "es", "br", "tr", "in", "io", "co", "us", "рф":
		return true
	}
	return false
}

func closerOf(c byte) byte {
	switch c {
	case '<':
		return '>'
	case '(':
		return ')'
	}
	return c
}

// withoutComments replaces comments in parentheses by spaces, nested ones included. A text with a comment that may be a
// part of the word after it is returned as it is.
func withoutComments(text string) string {
	if strings.IndexByte(text, '(') < 0 {
		return text
	}
	out, depth := make([]byte, 0, len(text)), 0
	for i := range len(text) {
		switch c := text[i]; {
		case c == '(':
			depth++
			out = append(out, ' ')
		case c == ')' && depth > 0:
			depth--
			if depth == 0 && i+1 < len(text) && strings.IndexByte(" <,;.", text[i+1]) < 0 {
				return text
			}
		case depth == 0:
			out = append(out, c)
		}
	}
	if depth > 0 {
		return text
	}
	return string(out)
}
