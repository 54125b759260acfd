package transform

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"
)

// jsonFault says why a value is not JSON, and at which byte, without repeating any part of the value.
func jsonFault(value []byte) string {
	switch {
	case value[0] == 0:
		return "the value is not JSON: it begins with a zero byte, as Avro and Protobuf of a schema registry do; let the producer or the connector write JSON"
	case value[0] != '{' && value[0] != '[' && value[0] != '"' && bytes.IndexByte(value, '=') > 0 && bytes.IndexByte(value, '{') < 0:
		return "the value is not JSON: it looks like the fields of an HTML form; let the producer write JSON"
	}
	at := len(value)
	var decoded any
	err := json.Unmarshal(value, &decoded)
	if fault, ok := errors.AsType[*json.SyntaxError](err); ok {
		at = max(int(fault.Offset)-1, 0)
	}
	line := 1 + bytes.Count(value[:min(at, len(value))], []byte("\n"))
	column := 1 + utf8.RuneCount(value[bytes.LastIndexByte(value[:min(at, len(value))], '\n')+1:min(at, len(value))])
	return fmt.Sprintf("the value is not JSON: line %d, column %d: %s", line, column, faultAt(value, at))
}

// faultAt says what is wrong at the byte at which decoding failed.
func faultAt(value []byte, at int) string {
	if at >= len(value)-1 && isCutOff(value) {
		return "it ends too early: it is cut off"
	}
	before := bytes.TrimRight(value[:at], " \t\r\n")
	last := byte(0)
	if len(before) > 0 {
		last = before[len(before)-1]
	}
	switch c := value[min(at, len(value)-1)]; {
	case c == '\n' || c == '\r':
		return `a line end inside of a text: write \n`
	case c == '\t':
		return `a tab inside of a text: write \t`
	case c < ' ':
		return `a control character inside of a text: write \u00XX`
	case (c == '}' || c == ']') && last == ',':
		return "a comma behind the last member"
	case c == '\'' || c == '`':
		return "a text in other quotes than \""
	case c == '"' && last != ',' && last != ':' && last != '{' && last != '[':
		return "a text begins where a comma, a colon or an end is due; a quote inside of a text is written \\\""
	case c == '/' || c == '#':
		return "a comment, which JSON does not have"
	case last == '{' || last == ',' && c != '"':
		return "the name of a member is due, in quotes"
	}
	return "something else is due here"
}

// isCutOff reports whether a value ends inside of a text, an object or a list.
func isCutOff(value []byte) bool {
	depth, inText := 0, false
	for i := 0; i < len(value); i++ {
		switch c := value[i]; {
		case inText && c == '\\':
			i++
		case c == '"':
			inText = !inText
		case inText:
		case c == '{', c == '[':
			depth++
		case c == '}', c == ']':
			depth--
		}
	}
	return inText || depth > 0
}
