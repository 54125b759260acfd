package transform

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// foldEmail brings full-width forms and the blanks of all scripts to ASCII and
// drops what has no width; the joiners stay, as some scripts need them in domains.
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

// emailParts splits at commas, semicolons and line ends that stand outside of
// quotes, angle brackets and parentheses.
func emailParts(text string) []string {
	var parts []string
	start := 0
	var unclosed [utf8.RuneSelf]bool // from here on: ordinary signs
	for i := 0; i < len(text); i++ {
		switch c := text[i]; c {
		case ',', ';', '\n':
			parts = append(parts, text[start:i])
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
	return append(parts, text[start:])
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

// withoutComments replaces comments in parentheses by blanks, nested ones included.
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
		case depth == 0:
			out = append(out, c)
		}
	}
	if depth > 0 {
		return text
	}
	return string(out)
}
