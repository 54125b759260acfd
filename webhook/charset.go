package webhook

import (
	"bytes"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/unicode"
)

// fieldCharset is the field in which a form names its charset.
//
// Source: HTML, "the _charset_ name".
const fieldCharset = "_charset_"

// charsetOf finds an encoding by its label (WHATWG Encoding); nil stands for UTF-8.
func charsetOf(label string) (e encoding.Encoding, known bool) {
	if label == "" {
		return nil, true
	}
	e, err := htmlindex.Get(label)
	if err != nil {
		return nil, false
	}
	if name, err := htmlindex.Name(e); err == nil && name == "utf-8" {
		e = nil
	}
	return e, true
}

// decode turns the fields into UTF-8. A form names its charset in its content type (declared)
// or in a field. One that names none, or one that nobody knows, and is not valid UTF-8 is taken
// for fallback. Bytes that cannot be read become U+FFFD.
func (c *content) decode(declared string, fallback encoding.Encoding) {
	from, _ := charsetOf(declared)
	if declared == "" {
		for _, f := range c.fields {
			if f.name == fieldCharset {
				from, _ = charsetOf(f.value)
			}
		}
	}
	if from == nil && c.unreadable() {
		from = fallback
	}
	if from != nil {
		for i, f := range c.fields {
			c.fields[i] = field{inUTF8(from, f.name), inUTF8(from, f.value)}
		}
	}
}

// unreadable reports whether the content has bytes that are not valid UTF-8.
func (c *content) unreadable() bool {
	if !utf8.Valid(c.data) {
		return true
	}
	for _, f := range c.fields {
		if !utf8.ValidString(f.name) || !utf8.ValidString(f.value) {
			return true
		}
	}
	return false
}

// jsonInUTF8 returns a JSON body in UTF-8. JSON has no charset (RFC 8259, 8.1), but senders and
// their frameworks name one (declared). A body that is not valid UTF-8 is read by it, and by fallback
// when none is named; nil: it stays as it is.
func jsonInUTF8(body []byte, declared string, fallback encoding.Encoding) []byte {
	from, _ := charsetOf(declared)
	switch {
	case inUTF16(body):
		order := unicode.LittleEndian
		if body[0] == 0 {
			order = unicode.BigEndian
		}
		from = unicode.UTF16(order, unicode.UseBOM)
	case utf8.Valid(body):
		return body
	case from == nil:
		from = fallback
	}
	if from == nil {
		return body
	}
	return []byte(inUTF8(from, string(body)))
}

// inUTF16 reports whether a JSON body begins with the byte order mark of UTF-16, or with an
// ASCII character in UTF-16.
func inUTF16(body []byte) bool {
	return len(body) > 1 && (body[0] == 0 || body[1] == 0 || bytes.HasPrefix(body, []byte("\xFF\xFE")) || bytes.HasPrefix(body, []byte("\xFE\xFF")))
}

// inUTF8 returns a text of an encoding in UTF-8; it stays as it is when it cannot be read.
func inUTF8(from encoding.Encoding, text string) string {
	if out, err := from.NewDecoder().String(text); err == nil {
		return out
	}
	return text
}
