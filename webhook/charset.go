package webhook

import (
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/htmlindex"
)

// fieldCharset is the field in which a form tells what it is written in.
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

// decode gives the fields in UTF-8. What a form is written in it says in its content
// type or in a field; one that says nothing and is not in UTF-8 is in fallback. It
// tells whether bytes are left that cannot be read; they become U+FFFD.
func (c *content) decode(declared string, fallback encoding.Encoding) (unreadable bool) {
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
	return c.unreadable()
}

func (c *content) unreadable() bool {
	for _, f := range c.fields {
		if !utf8.ValidString(f.name) || !utf8.ValidString(f.value) {
			return true
		}
	}
	return false
}

// inUTF8 gives text as UTF-8; it stays as it is when it cannot be read.
func inUTF8(from encoding.Encoding, text string) string {
	if out, err := from.NewDecoder().String(text); err == nil {
		return out
	}
	return text
}
