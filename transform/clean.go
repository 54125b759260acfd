package transform

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// cleanLine gives text for a field of one line: valid UTF-8, no control
// characters, no blanks around it.
func cleanLine(s string) string {
	if isClean(s) {
		return strings.TrimSpace(s)
	}
	return strings.TrimSpace(strings.Map(lineRune, s))
}

// cleanText is cleanLine for a field that may have several lines.
func cleanText(s string) string {
	if isClean(s) {
		return strings.TrimSpace(s)
	}
	if strings.Contains(s, "\r") {
		s = strings.ReplaceAll(s, "\r\n", "\n")
	}
	return strings.TrimSpace(strings.Map(textRune, s))
}

// isClean reports whether the bytes of a text show that it needs no cleaning, except for spaces around it. Looking at
// each character takes several times as long.
func isClean(s string) bool {
	ascii := true
	for i := range len(s) {
		switch c := s[i]; {
		case c >= ' ' && c <= '~':
		case c < utf8.RuneSelf: // a control character
			return false
		case c == 0xC2, c == 0xE2, c == 0xEF: // begins those from U+0085 to U+FEFF that are mapped, and others
			return false
		default:
			ascii = false
		}
	}
	return ascii || utf8.ValidString(s)
}

// lineRune also maps each byte that is not UTF-8 to U+FFFD, as [strings.Map] passes it so.
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
