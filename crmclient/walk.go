package crmclient

import (
	"bytes"
	"encoding/json"
	"iter"
	"strconv"
	"unicode/utf8"
)

// entries walks over an object's names and values, or a list's values with their places as
// names. It takes text that was found valid before, without a second look and without
// copies; with anything else it ends early.
func entries(raw json.RawMessage) iter.Seq2[string, json.RawMessage] {
	return func(yield func(string, json.RawMessage) bool) {
		s := bytes.TrimSpace(raw)
		if len(s) == 0 || s[0] != '{' && s[0] != '[' {
			return
		}
		list := s[0] == '['
		for n, i := 0, skipTo(s, 1); i < len(s) && s[i] != '}' && s[i] != ']'; n++ {
			name := strconv.Itoa(n)
			if !list {
				end := valueEnd(s, i)
				name = textOf(s[i:end])
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

// isObject tells whether a value is one.
func isObject(raw json.RawMessage) bool {
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
	depth := 0
	for i < len(s) {
		switch s[i] {
		case '"':
			i = stringEnd(s, i)
		case '{', '[':
			depth++
			i++
		case '}', ']':
			if depth == 0 {
				return i
			}
			depth--
			i++
		case ',', ':', ' ', '\t', '\n', '\r':
			if depth == 0 {
				return i
			}
			i++
			continue
		default:
			i++
			continue
		}
		if depth == 0 {
			return i
		}
	}
	return len(s)
}

// stringEnd gives the place after the string that begins at i.
func stringEnd(s []byte, i int) int {
	for i++; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(s)
}

// textOf is the text of a JSON string, "" for anything else.
func textOf(raw json.RawMessage) string {
	if len(raw) >= 2 && raw[0] == '"' && bytes.IndexByte(raw, '\\') < 0 && utf8.Valid(raw) {
		return string(raw[1 : len(raw)-1])
	}
	var s string
	_ = json.Unmarshal(raw, &s) // what cannot be read is not told
	return s
}
