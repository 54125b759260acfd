package transform

import (
	"encoding/json"
	"strings"
	"unicode/utf8"
)

// object is a decoded JSON object that keeps the order of the form's fields
// and every one of several members with the same name, so that nothing an event
// says is lost before it is looked at.
type object []member

type member struct {
	key   string
	value any // nil, bool, json.Number, string, []any or object
}

// usualFields are as many as most leads have, or more.
const usualFields = 12

// jsonReader reads valid JSON, from a position that is no blank. Texts
// without escapes keep their bytes, even such as are no UTF-8: identities are made
// of what was sent. Whatever leaves for the CRM or a mapping is cleaned on its way.
//
// With text, which is b once more, such texts are parts of it: one copy for all.
type jsonReader struct {
	b    []byte
	text string
	i    int
}

// next skips white space and separators, and returns the byte after.
func (r *jsonReader) next() byte {
	for {
		switch c := r.b[r.i]; c {
		case ' ', '\t', '\n', '\r', ',', ':':
			r.i++
		default:
			return c
		}
	}
}

func (r *jsonReader) value() any {
	switch r.next() {
	case '{':
		return r.object()
	case '[':
		return r.array()
	case '"':
		return r.string()
	case 't':
		r.i += len("true")
		return true
	case 'f':
		r.i += len("false")
		return false
	case 'n':
		r.i += len("null")
		return nil
	default:
		return r.number()
	}
}

func (r *jsonReader) object() object {
	o := object{}
	if r.i == 0 {
		o = make(object, 0, usualFields)
	}
	r.members(func(key string, value any) { o = append(o, member{key, value}) })
	return o
}

// members reads an object a member at a time.
func (r *jsonReader) members(add func(key string, value any)) {
	r.i++
	for r.next() != '}' {
		key := r.string()
		r.next()
		add(key, r.value())
	}
	r.i++
}

func (r *jsonReader) array() []any {
	r.i++
	a := []any{}
	for r.next() != ']' {
		a = append(a, r.value())
	}
	r.i++
	return a
}

func (r *jsonReader) string() string {
	start := r.i
	if !r.skipString() {
		return r.cut(start+1, r.i-1)
	}
	return unescape(r.b[start+1 : r.i-1])
}

func (r *jsonReader) number() json.Number {
	start := r.i
	r.skipWord()
	return json.Number(r.cut(start, r.i))
}

func (r *jsonReader) cut(from, to int) string {
	if r.text != "" {
		return r.text[from:to]
	}
	return string(r.b[from:to])
}

// skipString passes over a text and tells whether it has escapes.
func (r *jsonReader) skipString() (escaped bool) {
	for r.i++; r.b[r.i] != '"'; r.i++ {
		if r.b[r.i] == '\\' {
			escaped = true
			r.i++
		}
	}
	r.i++
	return escaped
}

// skipWord passes over a number, true, false or null.
func (r *jsonReader) skipWord() {
	for r.i < len(r.b) && strings.IndexByte(",:}] \t\n\r", r.b[r.i]) < 0 {
		r.i++
	}
}

// plain gives a value in the types of encoding/json, with valid UTF-8; of
// several members with one name the last counts.
func plain(value any) any {
	switch v := value.(type) {
	case string:
		if !utf8.ValidString(v) {
			return strings.ToValidUTF8(v, "\uFFFD")
		}
	case []any:
		a := make([]any, len(v))
		for i := range v {
			a[i] = plain(v[i])
		}
		return a
	case object:
		m := make(map[string]any, len(v))
		for _, f := range v {
			m[strings.ToValidUTF8(f.key, "\uFFFD")] = plain(f.value)
		}
		return m
	}
	return value
}
