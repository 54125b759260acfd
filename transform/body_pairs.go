package transform

import "strings"

// A pair is a question of a form and its answer.
type pair struct {
	field field
	label string // as the form shows it, else its key
	value any
}

// readPairs reads a form's answers: a list of objects that each hold a label and a value ({"name", "value"}, {"q",
// "a"}, {"column_id", "string_value"} and the like), or an object of objects that each hold a value and may hold a
// label. ok is false when one of them has another shape.
func readPairs(value any) (pairs []pair, ok bool) {
	switch v := value.(type) {
	case []any:
		for _, e := range v {
			o, isObject := e.(object)
			if !isObject {
				return nil, false
			}
			p, isPair := readPair("", o)
			if !isPair {
				return nil, false
			}
			pairs = append(pairs, p)
		}
	case object:
		for _, m := range v {
			o, isObject := m.value.(object)
			if !isObject || fieldOf(m.key) == fieldUnknown && isContainer(m.key) && !isIndex(m.key) && !isAttribute(m.key) {
				return nil, false
			}
			p, isPair := readPair(m.key, o)
			if !isPair {
				return nil, false
			}
			pairs = append(pairs, p)
		}
	}
	return pairs, len(pairs) > 0
}

func isIndex(key string) bool {
	return key != "" && strings.Trim(key, "0123456789") == ""
}

// readPair reads one question and its answer. If a question has several names, the first one that is a field's counts. If
// none is, the type of the question may say the field.
func readPair(key string, o object) (p pair, ok bool) {
	value, answeredBy := answerOf(o)
	if answeredBy == "" {
		return pair{}, false
	}
	names := questionNames(o, answeredBy)
	if key != "" {
		names = append(names, key)
	}
	if len(names) == 0 {
		kind, _ := o.text("type")
		return pair{field: fieldOfType(o), label: kind, value: value}, fieldOfType(o) != fieldUnknown
	}
	p = pair{label: names[0], value: value}
	for _, name := range names {
		if p.field = fieldOf(name); p.field != fieldUnknown {
			return p, true
		}
	}
	p.field = fieldOfType(o)
	return p, true
}

// answerOf returns the answer in an object, and the key of the member that holds it. The key is "" when there is no such
// member, and the value nil for a question without an answer.
func answerOf(o object) (value any, key string) {
	for _, name := range []string{"value", "string_value", "answer", "a", "values", "answers", "raw_value", "val", "answer_value", "response", "reply"} {
		for _, m := range o {
			if !strings.EqualFold(m.key, name) {
				continue
			}
			if m.value != nil && m.value != "" {
				return plainAnswer(m.value), m.key
			}
			key = m.key
		}
	}
	if key != "" {
		return nil, key
	}
	if kind, isText := o.text("type"); isText { // {"type": "email", "email": …}
		if value, ok := o.get(kind); ok {
			return plainAnswer(value), kind
		}
	}
	if o.has("question") || o.has("q") || o.has("field") || o.has("label") {
		if value, ok := o.get("text"); ok {
			return plainAnswer(value), "text"
		}
	}
	return nil, ""
}

// plainAnswer unwraps an answer: the text or label in an object that is a choice, and the only element of a list.
func plainAnswer(value any) any {
	switch v := value.(type) {
	case object:
		if !isChoice(v) {
			break
		}
		for _, key := range []string{"label", "labels", "text", "value", "answer", "textQuestionAnswer"} {
			if inner, ok := v.get(key); ok {
				return plainAnswer(inner)
			}
		}
	case []any:
		if len(v) == 1 {
			return plainAnswer(v[0])
		}
	}
	return value
}

// isChoice reports whether an object says nothing but a text or a choice. A phone number with its country says more.
func isChoice(o object) bool {
	for _, m := range o {
		switch strings.ToLower(m.key) {
		case "id", "ids", "ref", "refs", "label", "labels", "other", "type", "text", "value", "answer", "enum", "enum_id", "enum_code", "title", "name", "textquestionanswer":
		default:
			return false
		}
	}
	return true
}

// questionNames returns the texts by which an object names its question, those for people before those for programs.
// answeredBy is the key of the answer, which is not one of them.
func questionNames(o object, answeredBy string) []string {
	var names []string
	for _, key := range []string{"label", "title", "question", "q", "text", "column_name", "name", "field_name", "key", "column_id", "ref", "code", "slug", "field", "field_id", "id", "questionId"} {
		for _, m := range o {
			if strings.EqualFold(m.key, key) && m.key != answeredBy {
				if name := nameOf(m.value, 0); name != "" {
					names = append(names, name)
				}
			}
		}
	}
	return names
}

// nameOf returns the text of one name of a question. If it is an object, such as of translations, its first text counts.
func nameOf(v any, depth int) string {
	if o, ok := v.(object); ok && depth < 3 {
		for _, key := range []string{"title", "label", "name", "text", "ru", "en", "ref", "slug", "id"} {
			if inner, ok := o.get(key); ok {
				if name := nameOf(inner, depth+1); name != "" {
					return name
				}
			}
		}
		return ""
	}
	if _, isList := v.([]any); isList {
		return ""
	}
	text, _ := textOf(v)
	return cleanLine(text)
}

// fieldOfType returns the field for the type of a question, such as email, tel, INPUT_PHONE_NUMBER or control_fullname.
func fieldOfType(o object) field {
	for _, key := range []string{"type", "field_type", "fieldType"} {
		kind, ok := o.text(key)
		if !ok {
			if inner, isObject := o.get("field"); isObject {
				if f, ok := inner.(object); ok {
					kind, _ = f.text("type")
				}
			}
		}
		name := strings.ToLower(kind)
		for _, prefix := range []string{"input_", "control_", "field_", "answer_", "form_"} {
			name = strings.TrimPrefix(name, prefix)
		}
		switch f := fieldOf(name); f {
		case fieldPhone, fieldEmail, fieldFullName, fieldFirstName, fieldLastName, fieldName:
			return f
		}
	}
	return fieldUnknown
}

// text returns the value of a member that is a text; false when it is not one, or empty.
func (o object) text(key string) (string, bool) {
	value, _ := o.get(key)
	text, ok := value.(string)
	return text, ok && text != ""
}
