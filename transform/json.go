package transform

import (
	"bytes"
	"encoding/json"
	"strings"
	"unicode/utf8"

	"github.com/leadbridge/leadbridge/internal/jsonscan"
)

// object is a decoded JSON object that keeps the order of its members, and all members of one name, so that no value of
// an event is lost.
type object []member

type member struct {
	key   string
	value any // nil, bool, json.Number, string, []any or object
}

// usualFields is a number of fields that most leads do not exceed.
const usualFields = 12

// jsonReader reads one JSON text. Texts without escapes keep their bytes, even those that are not UTF-8, as identities
// are hashes of what was sent. Values for the CRM and for mappings are cleaned later.
//
// text is a copy of b; texts without escapes are parts of it and need no copy of their own.
type jsonReader struct {
	b    []byte
	text string
}

// value reads a value of a text that was found valid; of an invalid text it returns what can be read.
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

// string reads a text in its quotes.
func (r jsonReader) string(quoted []byte) string {
	inner := quoted[1 : len(quoted)-1]
	if bytes.IndexByte(inner, '\\') >= 0 {
		return unescape(inner)
	}
	return r.cut(inner)
}

// cut returns a part of b as a text. It copies nothing when r has the whole text: part and b share one array, so that
// their capacities give the part's position in it.
func (r jsonReader) cut(part []byte) string {
	if r.text == "" {
		return string(part)
	}
	start := cap(r.b) - cap(part)
	return r.text[start : start+len(part)]
}

// plain returns a value in the types of encoding/json, with valid UTF-8; of
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
