package crmtest

import (
	"bytes"
	"encoding/json"
	"math"
	"slices"
	"strings"
)

// phoneTypes and emailTypes are the values of typeId.
func phoneTypes() []string { return []string{"WORK", "HOME", "MOBILE", "OTHER"} }
func emailTypes() []string { return []string{"WORK", "HOME", "MAILING", "OTHER"} }

// readObject reads a JSON object of parameters; an empty body is an empty one.
func readObject(body []byte) (map[string]json.RawMessage, *failure) {
	if len(bytes.TrimSpace(body)) == 0 {
		return map[string]json.RawMessage{}, nil
	}
	var object map[string]json.RawMessage
	if err := json.Unmarshal(body, &object); err != nil || object == nil {
		return nil, invalid("INVALID_REQUEST", "The body is no JSON object")
	}
	return object, nil
}

// readContact checks the parameters of a create or update. Fields that the portal does
// not know, or that cannot be written, are dropped without a word, as the API does.
func readContact(sc *schema, params map[string]json.RawMessage) ([]fieldValue, *failure) {
	given := make(map[string]json.RawMessage, len(params))
	for name, raw := range params {
		if f, ok := sc.find(name); ok && !f.readOnly {
			given[f.name] = raw
		}
	}
	values := make([]fieldValue, 0, len(given))
	for _, f := range sc.fields {
		raw, ok := given[f.name]
		if !ok {
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

// readValue checks one value; "" stands for null.
func readValue(f field, raw json.RawMessage) (string, *failure) {
	text := string(bytes.TrimSpace(raw))
	if text == "null" {
		return "", nil
	}
	good := true
	switch f.kind {
	case kindPhone:
		return readMultifield(f.name, raw, phoneTypes())
	case kindEmail:
		return readMultifield(f.name, raw, emailTypes())
	case kindText:
		good = text[0] == '"'
	case kindNumber:
		good = isInteger(raw)
	case kindBool:
		text, good = readBool(text)
	default:
		text = compact(raw)
	}
	if !good {
		return "", invalid("INVALID_REQUEST", "Field %q must be of type %s", f.name, f.kind)
	}
	return text, nil
}

func isInteger(raw json.RawMessage) bool {
	var n float64
	return json.Unmarshal(raw, &n) == nil && n == math.Trunc(n) && math.Abs(n) < 1<<53
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

func compact(raw json.RawMessage) string {
	var b bytes.Buffer
	if err := json.Compact(&b, raw); err != nil {
		return string(raw)
	}
	return b.String()
}

// readMultifield reads the three forms of phone and email.
func readMultifield(name string, raw json.RawMessage, types []string) (string, *failure) {
	var one string
	if json.Unmarshal(raw, &one) == nil {
		return encodeMultifield([]Multifield{{one, ""}})
	}
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) != nil {
		return "", invalidShape(name)
	}
	all := make([]Multifield, len(list))
	for i, item := range list {
		m, fail := readEntry(name, item, types)
		if fail != nil {
			return "", fail
		}
		all[i] = m
	}
	return encodeMultifield(all)
}

func readEntry(name string, raw json.RawMessage, types []string) (Multifield, *failure) {
	var m Multifield
	if json.Unmarshal(raw, &m.Value) == nil {
		return m, nil
	}
	var object map[string]json.RawMessage
	if json.Unmarshal(raw, &object) != nil || object["value"] == nil {
		return m, invalidShape(name) // the native {VALUE, VALUE_TYPE} ends here
	}
	if json.Unmarshal(object["value"], &m.Value) != nil {
		return m, invalid("INVALID_REQUEST", "Field %q: value must be a string", name)
	}
	if raw, ok := object["typeId"]; ok && string(raw) != "null" {
		if json.Unmarshal(raw, &m.TypeID) != nil || !slices.Contains(types, m.TypeID) {
			return m, invalid("INVALID_REQUEST", "Field %q: typeId must be one of %s", name, strings.Join(types, ", "))
		}
	}
	return m, nil
}

func invalidShape(name string) *failure {
	f := invalid("INVALID_MULTIFIELD_SHAPE", "Field %q has a shape that is not accepted", name)
	f.Hint = `Use a string, an array of strings, or [{ "value": "...", "typeId": "WORK" }]`
	return f
}

// encodeMultifield gives the canonical form; values without text are left out.
func encodeMultifield(all []Multifield) (string, *failure) {
	all = slices.DeleteFunc(all, func(m Multifield) bool { return strings.TrimSpace(m.Value) == "" })
	if len(all) == 0 {
		return "", nil
	}
	for i := range all {
		if all[i].TypeID == "" {
			all[i].TypeID = "WORK"
		}
	}
	return string(appendJSON(nil, all)), nil
}
