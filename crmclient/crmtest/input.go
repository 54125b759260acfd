package crmtest

import (
	"bytes"
	"cmp"
	"encoding/json"
	"iter"
	"math"
	"slices"
	"strings"
)

// phoneTypes and emailTypes return the possible values of typeId.
func phoneTypes() []string { return []string{"WORK", "HOME", "MOBILE", "OTHER"} }
func emailTypes() []string { return []string{"WORK", "HOME", "MAILING", "OTHER"} }

// readObject reads a JSON object of parameters. An empty body counts as an empty object.
func readObject(body []byte) (map[string]json.RawMessage, *failure) {
	if len(bytes.TrimSpace(body)) == 0 {
		return map[string]json.RawMessage{}, nil
	}
	var object map[string]json.RawMessage
	if err := json.Unmarshal(body, &object); err != nil || object == nil {
		return nil, invalid("INVALID_REQUEST", "The body is not JSON object")
	}
	return object, nil
}

// readRecord checks the parameters of a create. An empty text counts as an empty object.
func readRecord(sc *schema, object string) ([]fieldValue, *failure) {
	r := reader{text: object}
	if r.peek() == 0 {
		return nil, nil
	}
	given := make([]string, len(sc.fields))
	for name := range r.members {
		if i, ok := sc.index(name); ok {
			given[i] = r.raw()
		}
	}
	if !r.whole() {
		return nil, invalid("INVALID_REQUEST", "The body is not JSON object")
	}
	return readFields(sc, given)
}

// readChanges checks the parameters of an update.
func readChanges(sc *schema, ps params) ([]fieldValue, *failure) {
	given := make([]string, len(sc.fields))
	for name, raw := range ps {
		if i, ok := sc.index(name); ok {
			given[i] = strings.TrimSpace(string(raw))
		}
	}
	return readFields(sc, given)
}

// readFields checks the given values of the schema's fields, in the schema's order; "": not given.
// Fields that cannot be written are silently dropped, as the API does.
func readFields(sc *schema, given []string) ([]fieldValue, *failure) {
	values := make([]fieldValue, 0, 16)
	for i, raw := range given {
		f := &sc.fields[i]
		if raw == "" || f.readOnly {
			continue
		}
		value, fail := readValue(f, raw)
		if fail != nil {
			return nil, fail
		}
		values = append(values, fieldValue{f.name, value})
	}
	return values, nil
}

// readValue checks one value, and returns it; "" for null.
func readValue(f *field, text string) (string, *failure) {
	if text == "null" {
		return "", nil
	}
	good := true
	switch f.kind {
	case kindPhone:
		return readMultifield(f.name, text, phoneTypes())
	case kindEmail:
		return readMultifield(f.name, text, emailTypes())
	case kindText:
		good = text[0] == '"'
	case kindNumber:
		good = isInteger(text)
	case kindAmount:
		good = isNumber(text)
	case kindBool:
		text, good = readBool(text)
	default:
		text = compact(text)
	}
	if !good {
		return "", invalid("INVALID_REQUEST", "Field %q must be of type %s", f.name, f.kind)
	}
	return text, nil
}

func isInteger(raw string) bool {
	var n float64
	return json.Unmarshal([]byte(raw), &n) == nil && n == math.Trunc(n) && math.Abs(n) < 1<<53
}

func isNumber(raw string) bool {
	var n float64
	return json.Unmarshal([]byte(raw), &n) == nil
}

func readBool(text string) (string, bool) {
	switch text {
	case "true", `"Y"`:
		return "true", true
	case "false", `"N"`:
		return "false", true
	}
	return "", false
}

func compact(raw string) string {
	var b bytes.Buffer
	if err := json.Compact(&b, []byte(raw)); err != nil {
		return raw
	}
	return b.String()
}

// entry is one phone or e-mail; both fields are JSON.
type entry struct{ value, typeID string }

// entries yields the values of a multifield in its canonical form.
func entries(raw string) iter.Seq[entry] {
	return func(yield func(entry) bool) {
		if raw == "" {
			return
		}
		r := reader{text: raw}
		for range r.elements {
			var e entry
			for key := range r.members {
				if key == "value" {
					e.value = r.raw()
				} else {
					e.typeID = r.raw()
				}
			}
			if !yield(e) {
				return
			}
		}
	}
}

// readMultifield reads phones or e-mails in any of three forms, and returns the canonical one: an
// array of objects with value and typeId, without empty values; "" if the array would be empty.
func readMultifield(name, raw string, types []string) (string, *failure) {
	b, r := make([]byte, 0, len(raw)+32), reader{text: raw}
	if raw[0] == '"' {
		return multifield(appendEntry(b, raw, "")), nil
	}
	if raw[0] != '[' {
		return "", invalidShape(name)
	}
	for range r.elements {
		value, typeID, fail := readEntry(name, &r)
		if fail != nil {
			return "", fail
		}
		if typeID != "" && !slices.Contains(types, typeID) {
			return "", invalid("INVALID_REQUEST", "Field %q: typeId must be one of %s", name, strings.Join(types, ", "))
		}
		b = appendEntry(b, value, typeID)
	}
	return multifield(b), nil
}

// readEntry reads one value, as JSON, and its typeId.
func readEntry(name string, r *reader) (value, typeID string, fail *failure) {
	switch r.peek() {
	case '"', 'n': // null counts as an empty value
		return r.raw(), "", nil
	case '{':
	default:
		return "", "", invalidShape(name)
	}
	kind := ""
	for key := range r.members {
		switch key {
		case "value":
			value = r.raw()
		case "typeId":
			kind = r.raw()
		}
	}
	switch {
	case value == "":
		return "", "", invalidShape(name) // such as the native {VALUE, VALUE_TYPE}
	case value[0] != '"' && value != "null":
		return "", "", invalid("INVALID_REQUEST", "Field %q: value must be a string", name)
	case kind == "", kind == "null":
		return value, "", nil
	}
	return value, cmp.Or(unquote(kind), kind), nil
}

func invalidShape(name string) *failure {
	f := invalid("INVALID_MULTIFIELD_SHAPE", "Field %q has a shape that is not accepted", name)
	f.Hint = `Use a string, an array of strings, or [{ "value": "...", "typeId": "WORK" }]`
	return f
}

// appendEntry appends a value to the inside of an array, unless it is empty.
func appendEntry(b []byte, value, typeID string) []byte {
	if strings.TrimSpace(unquote(value)) == "" {
		return b
	}
	if len(b) > 0 {
		b = append(b, ',')
	}
	b = append(b, `{"value":`...)
	b = append(b, value...)
	b = append(b, `,"typeId":"`...)
	b = append(b, cmp.Or(typeID, "WORK")...)
	return append(b, `"}`...)
}

// multifield puts brackets around the inside of an array; "" if it is empty.
func multifield(inside []byte) string {
	if len(inside) == 0 {
		return ""
	}
	return "[" + string(inside) + "]"
}
