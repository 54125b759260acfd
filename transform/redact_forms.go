package transform

import (
	"encoding/base64"
	"encoding/hex"
	"html"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// An answer of the CRM may have a value in another form: escaped for JSON, HTML or a URL, or in Base64. Escapes are
// decoded while the text is read. For Base64, the text is searched for the forms that the value may have in it.

// nextUnit reads one character of a text, which may be escaped. size is the length of the character or of its escape.
func nextUnit(text string) (r rune, size int) {
	switch text[0] {
	case '\\':
		if r, size = unicodeEscape(text); size > 0 {
			return r, size
		}
	case '%':
		if r, size = percentEscape(text); size > 0 {
			return r, size
		}
	case '&':
		if r, size = entity(text); size > 0 {
			return r, size
		}
	}
	return utf8.DecodeRuneInString(text)
}

// unicodeEscape reads an escape such as \u0418, or two of them that are a pair of surrogates.
func unicodeEscape(text string) (r rune, size int) {
	const length = len(`\u0418`)
	one := func(text string) (rune, bool) {
		if len(text) < length || text[:2] != `\u` {
			return 0, false
		}
		n, err := strconv.ParseUint(text[2:length], 16, 16)
		return rune(n), err == nil
	}
	r, ok := one(text)
	if !ok {
		return 0, 0
	}
	if utf16.IsSurrogate(r) {
		low, ok := one(text[length:])
		if pair := utf16.DecodeRune(r, low); ok && pair != unicode.ReplacementChar {
			return pair, 2 * length
		}
	}
	return r, length
}

// percentEscape reads the bytes of one character.
func percentEscape(text string) (r rune, size int) {
	var b []byte
	for len(b) < utf8.UTFMax && len(text) >= size+3 && text[size] == '%' {
		one, err := hex.DecodeString(text[size+1 : size+3])
		if err != nil {
			break
		}
		b, size = append(b, one...), size+3
		if utf8.FullRune(b) {
			break
		}
	}
	r, n := utf8.DecodeRune(b)
	if len(b) == 0 || n != len(b) || r == utf8.RuneError {
		return 0, 0
	}
	return r, size
}

// maxEntity is the longest entity that is read, in bytes.
const maxEntity = 12

// entity reads &amp; &#64; &#x418; and their like.
func entity(text string) (r rune, size int) {
	end := strings.IndexByte(text[:min(len(text), maxEntity)], ';')
	if end < 2 {
		return 0, 0
	}
	said := html.UnescapeString(text[:end+1])
	r, n := utf8.DecodeRuneInString(said)
	if n != len(said) || r == utf8.RuneError {
		return 0, 0
	}
	return r, end + 1
}

// leastBase64 is the shortest piece of Base64 that is looked for: shorter ones are in every text.
const leastBase64 = 6

// base64Forms are what a value looks like within Base64, in lower case as it is looked for: where it
// begins in a group of three bytes decides about the digits; those at its ends hold others' bits.
func base64Forms(value string) (forms []string) {
	if len(value) > maxRedacted {
		value = value[:maxRedacted]
	}
	for skip := range 3 {
		padded := append(make([]byte, skip), value...)
		for _, encoding := range [...]*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
			form := encoding.EncodeToString(padded)
			form = form[(skip*8+5)/6:]
			if len(padded)%3 != 0 {
				form = form[:max(len(form)-1, 0)]
			}
			if len(form) >= leastBase64 {
				forms = append(forms, strings.ToLower(form))
			}
		}
	}
	return forms
}
