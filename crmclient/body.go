package crmclient

import (
	"encoding/json"
	"math/bits"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// body is a contact on its way into a request: its fields under the CRM's names.
type body []bodyField

// bodyField is one field: a *string, an int64, a bool, *[]Multifield, or whatever a user
// field holds. The pointers spare a copy of each text.
type bodyField struct {
	name  string
	value any
}

// withUserFields adds the user fields that are none of ours.
func (b body) withUserFields(fields map[string]any) body {
	own := len(b)
	for name, value := range fields {
		if b[:own].index(name) < 0 {
			b = append(b, bodyField{name, value})
		}
	}
	if len(b) > own {
		slices.SortFunc(b, func(x, y bodyField) int { return strings.Compare(x.name, y.name) })
	}
	return b
}

// index is the place of a field, -1 for none.
func (b body) index(name string) int {
	return slices.IndexFunc(b, func(f bodyField) bool { return f.name == name })
}

// text is a field's text, "" for none.
func (b body) text(name string) string {
	if i := b.index(name); i >= 0 {
		text, _ := b[i].text()
		return text
	}
	return ""
}

// text is the field's value if it is a text.
func (f bodyField) text() (string, bool) {
	switch v := f.value.(type) {
	case string:
		return v, true
	case *string:
		return *v, true
	}
	return "", false
}

// set gives a field a value.
func (b body) set(name string, value any) body {
	if i := b.index(name); i >= 0 {
		b[i].value = value
		return b
	}
	return append(b, bodyField{name, value})
}

// appendJSON writes the body as encoding/json writes a map. It is written out because
// every contact comes by here: by reflection it took a sixth of a delivery's time.
func (b body) appendJSON(dst []byte) (_ []byte, err error) {
	dst = append(dst, '{')
	for i, f := range b {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(appendText(dst, f.name), ':')
		if dst, err = appendValue(dst, f.value); err != nil {
			return nil, err
		}
	}
	return append(dst, '}'), nil
}

func appendValue(dst []byte, value any) ([]byte, error) {
	switch v := value.(type) {
	case *string:
		return appendText(dst, *v), nil
	case string:
		return appendText(dst, v), nil
	case int64:
		return strconv.AppendInt(dst, v, 10), nil
	case bool:
		return strconv.AppendBool(dst, v), nil
	case *[]Multifield:
		return appendMultifields(dst, *v), nil
	}
	text, err := json.Marshal(value)
	return append(dst, text...), err
}

func appendMultifields(dst []byte, values []Multifield) []byte {
	dst = append(dst, '[')
	for i, v := range values {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendText(append(dst, `{"value":`...), v.Value)
		dst = append(appendText(append(dst, `,"typeId":`...), v.TypeID), '}')
	}
	return append(dst, ']')
}

// appendText writes a string as encoding/json does, which writes what is seldom.
func appendText(dst []byte, s string) []byte {
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
// character, one of "\\&<>, or what may be a line separator. It looks at eight at a time, as
// jsontext does.
func verbatim(s string) int {
	const each, high = 0x0101010101010101, 0x8080808080808080
	i := 0
	for ; i+8 <= len(s); i += 8 {
		x := uint64(s[i]) | uint64(s[i+1])<<8 | uint64(s[i+2])<<16 | uint64(s[i+3])<<24 |
			uint64(s[i+4])<<32 | uint64(s[i+5])<<40 | uint64(s[i+6])<<48 | uint64(s[i+7])<<56
		// '"' and '&', '<' and '>' differ in one bit, which is set for both.
		slash, separator := x^'\\'*each, x^uint64(lineSeparator[0])*each
		quotes, angles := (x|('"'^'&')*each)^'&'*each, (x|('<'^'>')*each)^'>'*each
		// The lowest bit is exact: only above it a borrow can set others.
		found := ((x-' '*each)&^x | (slash-each)&^slash | (separator-each)&^separator |
			(quotes-each)&^quotes | (angles-each)&^angles) & high
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
