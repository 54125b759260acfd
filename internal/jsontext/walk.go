package jsontext

import (
	"bytes"
	"encoding/json"
	"iter"
	"strconv"
	"unicode/utf8"
)

// Entries walks over an object's names and values, or a list's values with their places as
// names. It takes text that was found valid before, without a second look and without
// copies; with anything else it ends early.
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
		s := bytes.TrimSpace(raw)
		if len(s) == 0 || s[0] != '{' && s[0] != '[' {
			return
		}
		list := s[0] == '['
		for i := skipTo(s, 1); i < len(s) && s[i] != '}' && s[i] != ']'; {
			var name []byte
			if !list {
				var end int
				name, end = nameAt(s, i)
				i = skipTo(s, end)
			}
			end := valueEnd(s, i)
			if end == i || !yield(name, s[i:end]) {
				return
			}
			i = skipTo(s, end)
		}
	}
}

// IsObject tells whether a value is one.
func IsObject(raw json.RawMessage) bool {
	s := bytes.TrimSpace(raw)
	return len(s) > 0 && s[0] == '{'
}

// skipTo gives the place of the next value, name or closing bracket.
func skipTo(s []byte, i int) int {
	for i < len(s) && (s[i] <= ' ' || s[i] == ',' || s[i] == ':') {
		i++
	}
	return i
}

// valueEnd gives the place after the value that begins at i.
func valueEnd(s []byte, i int) int {
	if i == len(s) || s[i] != '{' && s[i] != '[' {
		return scalarEnd(s, i)
	}
	for depth := 0; i < len(s); {
		switch s[i] {
		case '"':
			i = stringEnd(s, i)
			continue
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		}
		if i++; depth == 0 {
			return i
		}
	}
	return len(s)
}

// scalarEnd gives the place after the text, the number or the word that begins at i.
func scalarEnd(s []byte, i int) int {
	if i < len(s) && s[i] == '"' {
		return stringEnd(s, i)
	}
	for ; i < len(s); i++ {
		switch s[i] {
		case ',', ':', ' ', '\t', '\n', '\r', '}', ']':
			return i
		}
	}
	return i
}

// stringEnd gives the place after the string that begins at i.
func stringEnd(s []byte, i int) int {
	for i++; i < len(s); i++ {
		switch i = plainEnd(s, i); {
		case i == len(s):
		case s[i] == '"':
			return i + 1
		case s[i] == '\\':
			i++
		}
	}
	return len(s)
}

// nameAt reads the name that begins at i and gives the place after it; most in one pass.
func nameAt(s []byte, i int) (name []byte, end int) {
	if name, end, plain := plainAt(s, i); plain {
		return name, end
	}
	end = valueEnd(s, i)
	return Bytes(s[i:end]), end
}

// plainAt reads the string that begins at i, and gives the place after it; it is not plain when
// something in it is escaped, or is no UTF-8.
func plainAt(s []byte, i int) (text []byte, end int, plain bool) {
	if s[i] != '"' {
		return nil, i, false
	}
	end = plainEnd(s, i+1)
	if end == len(s) || s[end] != '"' || !utf8.Valid(s[i+1:end]) {
		return nil, end, false
	}
	return s[i+1 : end], end + 1, true
}

// Text is the text of a JSON string, "" for anything else.
func Text(raw json.RawMessage) string { return string(Bytes(raw)) }

// Bytes is Text without a copy where nothing in it is escaped.
func Bytes(raw json.RawMessage) []byte {
	if len(raw) < 2 || raw[0] != '"' {
		return nil
	}
	if text, end, plain := plainAt(raw, 0); plain && end == len(raw) {
		return text
	}
	var s string
	_ = json.Unmarshal(raw, &s) // what cannot be read is not told
	return []byte(s)
}
