package transform

import (
	"encoding/json"
	"strings"
)

// add collects a value for a field. An object that stands for several fields, such as the parts of a name, becomes several.
func (e *bodyObject) add(f field, path string, value any) {
	if list, isList := value.([]any); isList && len(list) == 1 && f.isName() {
		value = list[0]
	}
	o, isObject := value.(object)
	switch {
	case isObject && f == fieldUTM:
		e.addMembers(path, o, utmOf)
	case isObject && (f == fieldName || f == fieldFullName):
		e.addMembers(path, o, partOf)
	case isObject && f.isCountry():
		if text := countryText(plain(o)); text != "" {
			e.put(fieldAddressCountry, path, text)
		}
		e.put(fieldUnknown, path, value)
	case isObject && f == fieldUnknown && isAddressKey(path):
		e.addCountry(path, o)
		e.put(f, path, value)
	case f == fieldContactPoint, f == fieldPhone, f == fieldEmail:
		e.addPoint(f, path, value)
	case f.isName():
		for _, point := range pointsInName(value) {
			e.addPoint(fieldContactPoint, path, point)
		}
		e.put(f, path, value)
	default:
		e.put(f, path, value)
	}
}

func (e *bodyObject) put(f field, path string, value any) {
	e.values = append(e.values, fieldValue{field: f, path: path, value: value})
}

func (e *bodyObject) addMembers(path string, o object, of func(string) field) {
	for _, m := range o {
		e.add(of(m.key), path+"."+m.key, m.value)
	}
}

// addCountry collects the country of a postal address. The other parts of an address have no field.
func (e *bodyObject) addCountry(path string, o object) {
	for _, m := range o {
		if fieldOf(m.key) == fieldCountry {
			e.put(fieldAddressCountry, path+"."+m.key, m.value)
		}
	}
}

// addPoint collects a phone or an e-mail. An e-mail address in a field for phones counts as an e-mail address, and the
// other way round: people confuse the two fields, and some forms have one field for both.
func (e *bodyObject) addPoint(f field, path string, value any) {
	switch v := value.(type) {
	case string:
		f = pointOf(f, v)
	case json.Number:
		if f == fieldContactPoint {
			f = pointOf(f, v.String())
		}
	case []any:
		if f == fieldContactPoint {
			for _, one := range v {
				e.addPoint(f, path, one)
			}
			return
		}
	default:
		if f == fieldContactPoint {
			f = fieldUnknown
		}
	}
	e.put(f, path, value)
}

// minPlainPhone is how many digits a text in a field for e-mail addresses must have to be read as a phone number.
const minPlainPhone = 10

// pointOf returns whether a text in the field f is a phone or an e-mail address; fieldUnknown when it can be neither.
func pointOf(f field, text string) field {
	plain := strings.TrimSpace(withoutEscapes(text))
	_, isEmail := parseEmail(plain)
	digits := strings.TrimPrefix(plainDigits(strings.TrimSpace(foldEmail(plain))), "+")
	switch {
	case isWhatsAppID(plain):
		return fieldPhone
	case isEmail:
		return fieldEmail
	case f == fieldPhone:
		return f
	case len(digits) >= minPlainPhone:
		return fieldPhone
	case f == fieldEmail:
		return f
	case strings.Contains(plain, "@"):
		return fieldEmail
	case strings.ContainsAny(plain, "0123456789"):
		return fieldPhone
	}
	return fieldUnknown
}
