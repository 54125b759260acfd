package transform

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

// Editor applies a jq program to the values of records. It is safe for concurrent use. Its runs have the limits of a
// mapping's.
type Editor struct{ program *mapping }

// NewEditor compiles the program, which may have up to 16 KiB.
func NewEditor(program string) (*Editor, error) {
	m, err := compileProgram(program, sentProgram())
	if err != nil {
		return nil, err
	}
	return &Editor{m}, nil
}

// Edit applies the program to a whole value, with its envelope. A value that the program does not change is returned byte
// by byte as it is; in a changed one members are sorted by name. The error holds no part of the value.
func (e *Editor) Edit(value []byte) ([]byte, error) {
	text, reject := checkJSON(value, nil)
	if reject != nil {
		return nil, errors.New(reject.Message)
	}
	r := jsonReader{b: text}
	data := r.value()
	result, fault := e.program.result(data)
	if fault != "" {
		return nil, fmt.Errorf("the program %s", fault)
	}
	out := mapped{budget: maxOutputBytes}
	edited := out.value(result, 0)
	if out.budget < 0 {
		return nil, errors.New("the program's result is too large")
	}
	after := appendJSON(nil, edited)
	same := mapped{budget: maxOutputBytes + len(value)}
	if before := same.value(plain(data), 0); same.budget >= 0 && bytes.Equal(appendJSON(nil, before), after) {
		return value, nil
	}
	return after, nil
}

// appendJSON writes a value of a jsonReader.
func appendJSON(b []byte, v any) []byte {
	switch v := v.(type) {
	case object:
		b = append(b, '{')
		for i, m := range v {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendJSON(append(appendText(b, m.key), ':'), m.value)
		}
		return append(b, '}')
	case []any:
		b = append(b, '[')
		for i, e := range v {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendJSON(b, e)
		}
		return append(b, ']')
	case string:
		return appendText(b, v)
	case json.Number:
		return append(b, v...)
	case bool:
		return fmt.Append(b, v)
	}
	return append(b, "null"...)
}

func appendText(b []byte, text string) []byte {
	var quoted bytes.Buffer
	enc := json.NewEncoder(&quoted)
	enc.SetEscapeHTML(false) // for people, not for web pages
	_ = enc.Encode(text)     // a text always encodes
	return append(b, bytes.TrimSuffix(quoted.Bytes(), []byte("\n"))...)
}
