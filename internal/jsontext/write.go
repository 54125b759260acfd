package jsontext

import (
	"encoding/json"
	"math/bits"
	"strings"
	"unicode/utf8"
)

// AppendText writes a string as encoding/json does, byte for byte; that one writes what is
// seldom.
func AppendText(dst []byte, s string) []byte {
	if !utf8.ValidString(s) {
		return appendOdd(dst, s)
	}
	before := len(dst)
	dst = append(dst, '"')
	for rest := s; ; {
		n := verbatim(rest)
		dst = append(dst, rest[:n]...)
		if rest = rest[n:]; rest == "" {
			return append(dst, '"')
		}
		switch c := rest[0]; {
		case c == '\n':
			dst = append(dst, `\n`...)
		case c == '"', c == '\\':
			dst = append(dst, '\\', c)
		case c == lineSeparator[0] && !strings.HasPrefix(rest, lineSeparator[:2]):
			dst = append(dst, c)
		default:
			return appendOdd(dst[:before], s)
		}
		rest = rest[1:]
	}
}

// lineSeparator is escaped, and U+2029, which begins with the same two bytes.
const lineSeparator = "\u2028"

// verbatim is how many bytes at a string's beginning need no thought: it comes to a control
// character, one of "\\&<>, or what may be a line separator.
func verbatim(s string) int {
	i := 0
	for ; i+8 <= len(s); i += 8 {
		x := uint64(s[i]) | uint64(s[i+1])<<8 | uint64(s[i+2])<<16 | uint64(s[i+3])<<24 |
			uint64(s[i+4])<<32 | uint64(s[i+5])<<40 | uint64(s[i+6])<<48 | uint64(s[i+7])<<56
		// '"' and '&', '<' and '>' differ in one bit, which is set for both.
		found := below(x, ' ') | equal(x, '\\') | equal(x, lineSeparator[0]) |
			equal(x|('"'^'&')*eachByte, '&') | equal(x|('<'^'>')*eachByte, '>')
		if found != 0 {
			return i + bits.TrailingZeros64(found)/8
		}
	}
	for ; i < len(s); i++ {
		switch c := s[i]; {
		case c < ' ', c == '\\', c == '"', c == '&', c == '<', c == '>', c == lineSeparator[0]:
			return i
		}
	}
	return i
}

func appendOdd(dst []byte, s string) []byte {
	text, _ := json.Marshal(s) // never fails for a string
	return append(dst, text...)
}
