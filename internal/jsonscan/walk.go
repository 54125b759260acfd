package jsonscan

import (
	"bytes"
	"encoding/json"
	"iter"
	"strconv"
	"unicode/utf8"
)

// Valid reports whether text is one JSON value, as [encoding/json.Valid] does, in a third of
// its time. Unless member is nil, it calls member for each member of the outermost object, in their
// order, also when the text turns out later not to be valid. The arguments of member may be parts of text: they
// must not be changed.
func Valid(text []byte, member func(name, value []byte)) bool {
	r := New(text)
	if member == nil || r.Peek() != '{' {
		r.Skip()
		return r.Whole()
	}
	for name := range r.Members {
		if value := r.Raw(); value != nil {
			member(Bytes(name), value)
		}
	}
	return r.Whole()
}

// Entries yields an object's names and values, or a list's values with their indexes as
// names. It ends early where the text is not JSON.
func Entries(raw json.RawMessage) iter.Seq2[string, json.RawMessage] {
	return func(yield func(string, json.RawMessage) bool) {
		n, list := 0, !IsObject(raw)
		for name, value := range Members(raw) {
			text := string(name)
			if list {
				text = strconv.Itoa(n)
			}
			if !yield(text, value) {
				return
			}
			n++
		}
	}
}

// Members is Entries without names for a list's values. A name must not be kept beyond its turn of the loop.
func Members(raw json.RawMessage) iter.Seq2[[]byte, json.RawMessage] {
	return func(yield func([]byte, json.RawMessage) bool) {
		r := New(raw)
		switch r.Peek() {
		case '{':
			for name := range r.Members {
				if value := r.Raw(); value == nil || !yield(Bytes(name), value) {
					return
				}
			}
		case '[':
			for range r.Elements {
				if value := r.Raw(); value == nil || !yield(nil, value) {
					return
				}
			}
		}
	}
}

// IsObject reports whether a JSON value is an object.
func IsObject(raw json.RawMessage) bool {
	s := bytes.TrimSpace(raw)
	return len(s) > 0 && s[0] == '{'
}

// Text returns the text of a JSON string; "" for any other value.
func Text(raw json.RawMessage) string { return string(Bytes(raw)) }

// Bytes is Text without a copy, if the string has no escapes. The bytes must not be changed.
func Bytes(raw json.RawMessage) []byte {
	if len(raw) < 2 || raw[0] != '"' {
		return nil
	}
	if end := plainEnd(raw, 1); end == len(raw)-1 && raw[end] == '"' && utf8.Valid(raw[1:end]) {
		return raw[1:end]
	}
	var s string
	_ = json.Unmarshal(raw, &s) // on an error the text is empty
	return []byte(s)
}

// AppendText appends a string in quotes, as encoding/json writes it.
func AppendText(dst []byte, s string) []byte {
	text, _ := json.Marshal(s) // never fails for a string
	return append(dst, text...)
}
