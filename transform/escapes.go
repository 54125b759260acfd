package transform

import (
	"html"
	"net/url"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxEscapes is how many layers of escapes are undone, as of a page, a form and a plugin.
const maxEscapes = 3

// withoutEscapes undoes the escapes in a phone, an e-mail or a name that senders forgot to undo: HTML entities, a
// backslash in front of a quote or a backslash, \u0040, percent-encoding, tags. An incomplete escape stays.
func withoutEscapes(text string) string {
	for range maxEscapes {
		plain := text
		if strings.Contains(plain, "&") {
			plain = withoutEntities(plain)
		}
		if strings.Contains(plain, `\`) {
			plain = withoutBackslashes(plain)
		}
		if strings.Contains(plain, "%") {
			plain = withoutPercents(plain)
		}
		if strings.Contains(plain, "<") {
			plain = withoutTags(plain)
		}
		if plain == text {
			break
		}
		text = plain
	}
	return text
}

// withoutEntities decodes HTML entities. Without a semicolon only &nbsp is one: browsers decode more, but
// "a&copy@example.com" is an address.
func withoutEntities(text string) string {
	var b strings.Builder
	for {
		at := strings.IndexByte(text, '&')
		if at < 0 {
			b.WriteString(text)
			return b.String()
		}
		b.WriteString(text[:at])
		entity := entityAt(text[at:])
		if entity == "" {
			b.WriteByte('&')
			text = text[at+1:]
			continue
		}
		b.WriteString(html.UnescapeString(entity))
		text = text[at+len(entity):]
	}
}

// maxEntityBytes is longer than every entity of HTML.
const maxEntityBytes = 40

// entityAt returns the entity at the beginning of text, which starts with &; "" when there is none.
func entityAt(text string) string {
	for i := 1; i < len(text) && i < maxEntityBytes; i++ {
		switch c := text[i]; {
		case c == ';' && i > 1:
			return text[:i+1]
		case isAlnum(c), c == '#' && i == 1:
		default:
			return blankEntity(text)
		}
	}
	return blankEntity(text)
}

func blankEntity(text string) string {
	const blank = "&nbsp"
	if strings.HasPrefix(text, blank) && (len(text) == len(blank) || text[len(blank)] == ' ' || text[len(blank)] == '&') {
		return blank
	}
	return ""
}

// withoutBackslashes undoes what PHP's addslashes and JSON do to quotes, slashes
// and letters outside of ASCII.
func withoutBackslashes(text string) string {
	for _, end := range []string{`\n`, `\r`, `\n`, `\t`, `\`} { // line ends that were escaped are dropped at the end of the text
		text = strings.TrimSuffix(text, end)
	}
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] != '\\' || i+1 == len(text) {
			b.WriteByte(text[i])
			continue
		}
		switch next := text[i+1]; next {
		case '\'', '"', '\\', '/':
			b.WriteByte(next)
			i++
		case 'u':
			r, size := utf16At(text[i:])
			if size == 0 {
				b.WriteByte('\\')
				continue
			}
			b.WriteRune(r)
			i += size - 1
		default:
			b.WriteByte('\\')
		}
	}
	return b.String()
}

// utf16At reads \uXXXX; size is 0 when text does not begin with it.
func utf16At(text string) (r rune, size int) {
	const escape = len(`\u0040`)
	if len(text) < escape {
		return 0, 0
	}
	n, err := strconv.ParseUint(text[2:escape], 16, 16)
	if err != nil || !utf8.ValidRune(rune(n)) {
		return 0, 0
	}
	return rune(n), escape
}

// withoutPercents undoes percent-encoding if each % begins a complete escape, and the result is valid text.
func withoutPercents(text string) string {
	plain, err := url.PathUnescape(text)
	if err != nil || !utf8.ValidString(plain) || strings.ContainsFunc(plain, unicode.IsControl) && !strings.ContainsFunc(text, unicode.IsControl) {
		return text
	}
	return plain
}

// withoutTags drops HTML tags. An address in angle brackets is not a tag.
func withoutTags(text string) string {
	var b strings.Builder
	for {
		from := strings.IndexByte(text, '<')
		if from < 0 {
			break
		}
		size := strings.IndexByte(text[from:], '>') + 1
		if size == 0 {
			break
		}
		b.WriteString(text[:from])
		if tag := text[from : from+size]; isTag(tag) {
			b.WriteByte(' ')
		} else {
			b.WriteString(tag)
		}
		text = text[from+size:]
	}
	b.WriteString(text)
	return b.String()
}

// isTag reports whether a text in angle brackets is an HTML tag: a name, alone or before attributes.
func isTag(tag string) bool {
	inside := strings.Trim(tag, "</>")
	name, attributes, _ := strings.Cut(inside, " ")
	if name == "" || strings.ContainsFunc(name, func(r rune) bool { return r > unicode.MaxASCII || !isAlnum(byte(r)) }) {
		return false
	}
	return attributes == "" || strings.Contains(attributes, "=") || strings.TrimSpace(attributes) == ""
}
