package transform

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// cleanLine returns a text as a single line of valid UTF-8, without control characters, and without blanks around it.
func cleanLine(s string) string {
	if isClean(s) {
		return strings.TrimSpace(s)
	}
	return strings.TrimSpace(strings.Map(lineRune, s))
}

// cleanText is like cleanLine, for a text that may have several lines.
func cleanText(s string) string {
	if isClean(s) {
		return strings.TrimSpace(s)
	}
	if strings.Contains(s, "\r") {
		s = strings.ReplaceAll(s, "\r\n", "\n")
	}
	return strings.TrimSpace(strings.Map(textRune, s))
}

// isClean reports whether the bytes of a text show that it needs no cleaning, except for spaces around it. This is
// several times faster than looking at each character.
func isClean(s string) bool {
	ascii := true
	for i := range len(s) {
		switch c := s[i]; {
		case c >= ' ' && c <= '~':
		case c < utf8.RuneSelf: // a control character
			return false
		case c == 0xC2, c == 0xE2, c == 0xEF: // the first byte of all characters that lineRune and textRune change, and of others
			return false
		default:
			ascii = false
		}
	}
	return ascii || utf8.ValidString(s)
}

// lineRune returns what a character becomes in a line: a space for a line end or a tab, -1 for other control characters.
// A byte that is not UTF-8 is passed to it by [strings.Map] as U+FFFD, and becomes that.
func lineRune(r rune) rune {
	switch {
	case r == '\n', r == '\r', r == '\t', r == '\v', r == '\f', r == '\u0085', r == '\u2028', r == '\u2029':
		return ' '
	case unicode.IsControl(r), r == '\uFEFF':
		return -1
	}
	return r
}

func textRune(r rune) rune {
	switch r {
	case '\n', '\t':
		return r
	case '\r', '\u0085', '\u2028', '\u2029':
		return '\n'
	}
	return lineRune(r)
}

// cutRunes shortens a text to n characters, the last of them an ellipsis.
func cutRunes(s string, n int) string {
	if len(s) <= n || utf8.RuneCountInString(s) <= n {
		return s
	}
	runes := 0
	for i := range s {
		if runes++; runes == n {
			return s[:i] + "…"
		}
	}
	return s
}
