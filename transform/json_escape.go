package transform

import (
	"strconv"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// unescape decodes the escapes of a valid JSON text, which is given without its quotes, as encoding/json does: invalid
// UTF-8 and single surrogates become U+FFFD.
func unescape(b []byte) string {
	var few [256]byte
	out := few[:0]
	for len(b) > 0 {
		r, size := nextRune(b)
		out = utf8.AppendRune(out, r)
		b = b[size:]
	}
	return string(out)
}

// nextRune reads a character or an escape.
func nextRune(b []byte) (r rune, size int) {
	switch {
	case b[0] != '\\':
		return utf8.DecodeRune(b)
	case b[1] != 'u':
		return shortEscape(b[1]), 2
	}
	r = codeUnit(b)
	if !utf16.IsSurrogate(r) {
		return r, 6
	}
	if pair := utf16.DecodeRune(r, codeUnit(b[6:])); pair != unicode.ReplacementChar {
		return pair, 12
	}
	return unicode.ReplacementChar, 6
}

func shortEscape(c byte) rune {
	switch c {
	case 'b':
		return '\b'
	case 'f':
		return '\f'
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	}
	return rune(c) // a quote or a slash
}

// codeUnit reads \uXXXX; it returns -1 when b does not begin with such an escape.
func codeUnit(b []byte) rune {
	if len(b) < 6 || b[0] != '\\' || b[1] != 'u' {
		return -1
	}
	n, err := strconv.ParseUint(string(b[2:6]), 16, 16)
	if err != nil {
		return -1
	}
	return rune(n)
}
