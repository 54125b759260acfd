package transform

import (
	"bytes"
	"encoding/json"
	"strings"
	"unicode/utf8"

	"github.com/leadbridge/leadbridge/internal/jsonscan"
)

// object is a decoded JSON object. It keeps the order of its members, and several members of one name, so that no value
// of an event is lost.
type object []member

type member struct {
	key   string
	value any // nil, bool, json.Number, string, []any or object
}

// usualFields is the number of fields that most leads do not exceed.
const usualFields = 12

// jsonReader decodes one JSON text. Texts without escapes keep their bytes, even invalid UTF-8, as identities are hashes
// of what was sent. Values for the CRM and for mappings are cleaned later.
type jsonReader struct {
	b    []byte
	text string // a copy of b, of which texts without escapes become parts; "" to copy each of them
}

// value decodes the text. If it is not valid JSON, value returns what it can decode.
func (r jsonReader) value() any {
	s := jsonscan.New(r.b)
	if s.Peek() == '{' {
		return r.object(s, make(object, 0, usualFields))
	}
	return r.read(s)
}

func (r jsonReader) read(s *jsonscan.Reader) any {
	switch s.Peek() {
	case '{':
		return r.object(s, object{})
	case '[':
		a := []any{}
		for range s.Elements {
			a = append(a, r.read(s))
		}
		return a
	}
	switch raw := s.Raw(); {
	case len(raw) == 0, raw[0] == 'n':
		return nil
	case raw[0] == '"':
		return r.string(raw)
	case raw[0] == 't', raw[0] == 'f':
		return raw[0] == 't'
	default:
		return json.Number(r.cut(raw))
	}
}

// object reads the members of an object, and appends them to o.
func (r jsonReader) object(s *jsonscan.Reader, o object) object {
	for name := range s.Members {
		key := r.string(name)
		o = append(o, member{key, r.read(s)})
	}
	return o
}

// string decodes a quoted text.
func (r jsonReader) string(quoted []byte) string {
	inner := quoted[1 : len(quoted)-1]
	if bytes.IndexByte(inner, '\\') >= 0 {
		return unescape(inner)
	}
	return r.cut(inner)
}

// cut returns a part of b as a text. If r has the whole text, nothing is copied: as part and b share one array, their
// capacities say where the part lies.
func (r jsonReader) cut(part []byte) string {
	if r.text == "" {
		return string(part)
	}
	start := cap(r.b) - cap(part)
	return r.text[start : start+len(part)]
}

// plain returns a value in the types of encoding/json, with valid UTF-8. Of several members with one name the last one
// counts.
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
