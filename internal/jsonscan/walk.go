package jsonscan

import (
	"bytes"
	"encoding/json"
	"iter"
	"strconv"
	"unicode/utf8"
)

// Valid reports whether text is one JSON value: it says what [encoding/json.Valid] says, in a third of
// its time. On its way it calls member, unless that is nil, for each member of the outermost object, in their
// order; of a text that is found bad later too. Both arguments are parts of text, or as good as: they
// are not to be changed.
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

// Entries walks over an object's names and values, or a list's values with their places as
// names. With what is no JSON it ends early.
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

// Members is Entries without names for a list's values. A name is good until the next.
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

// IsObject reports whether a value is one.
func IsObject(raw json.RawMessage) bool {
	s := bytes.TrimSpace(raw)
	return len(s) > 0 && s[0] == '{'
}

// Text is the text of a JSON string, "" for anything else.
func Text(raw json.RawMessage) string { return string(Bytes(raw)) }

// Bytes is Text without a copy where nothing in it is escaped.
func Bytes(raw json.RawMessage) []byte {
	if len(raw) < 2 || raw[0] != '"' {
		return nil
	}
	if end := plainEnd(raw, 1); end == len(raw)-1 && raw[end] == '"' && utf8.Valid(raw[1:end]) {
		return raw[1:end]
	}
	var s string
	_ = json.Unmarshal(raw, &s) // what cannot be read is not told
	return []byte(s)
}

// AppendText appends a string in quotes, as encoding/json writes it.
func AppendText(dst []byte, s string) []byte {
	text, _ := json.Marshal(s) // never fails for a string
	return append(dst, text...)
}
