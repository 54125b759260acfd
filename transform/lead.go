package transform

import (
	"slices"
	"strings"

	"github.com/leadbridge/leadbridge/crmclient"
)

// lead collects the fields of an event's data.
type lead struct {
	contact crmclient.Contact
	rights  rights // of the event

	// fields holds the text of each field that has one value. The first text that is not empty counts; others become notes.
	fields    [fieldCount]entry
	countries statedCountries // of phones

	phones, emails []any    // as the event has them
	tries          *int     // how often libphonenumber was asked, if several leads share this count; else nil
	phoneKey       string   // the name of the last field for phones
	emailKey       string   // the name of the last field for e-mail addresses
	pointKeys      []string // the names of all fields for phones and e-mail addresses, each once

	messages comments // what people wrote
	notes    comments // fields that a contact does not have
}

// entry is a text, and the name of its field in the event.
type entry struct{ key, text string }

// add collects one field.
func (l *lead) add(v fieldValue) {
	if v.value == nil {
		return
	}
	if v.field == fieldUser {
		l.addUserField(v.path[strings.LastIndexByte(v.path, '.')+1:], v.path, v.value)
		return
	}
	l.addField(v.field, v.path, v.value)
}

func (l *lead) addField(f field, key string, value any) {
	if spelling := f.spelling(); spelling != "" && !l.rights.allows(spelling) {
		f = fieldUnknown
	}
	switch f {
	case fieldPhone:
		l.phones, l.phoneKey = append(l.phones, plain(value)), key
		l.notePointKey(key, value)
		return
	case fieldEmail:
		l.emails, l.emailKey = append(l.emails, plain(value)), key
		l.notePointKey(key, value)
		return
	case fieldUnknown, fieldUTM:
		l.notes.note(key, value)
		return
	}
	if list, isList := value.([]any); isList && f.isName() {
		value = nameOfParts(list)
	}
	if o, isObject := value.(object); isObject {
		value = plainAnswer(o)
	}
	text, ok := textOf(value)
	if !ok || !l.addText(f, key, text) {
		l.notes.note(key, value)
	}
}

// notePointKey notes a field that holds an unusable contact point, so that a letter can name it.
func (l *lead) notePointKey(key string, value any) {
	if text, ok := textOf(value); ok && text == "" || slices.Contains(l.pointKeys, key) {
		return
	}
	l.pointKeys = append(l.pointKeys, key)
}

// addText adds the text of a field. ok is false when the text must go into the comments, as it does not fit the field, or
// the field has another value already.
func (l *lead) addText(f field, key, text string) (ok bool) {
	if text == "" {
		return true
	}
	switch f {
	case fieldComments:
		l.messages.add(text)
		return true
	case fieldAddressCountry:
		l.countries.add(f, text)
		return true // the address as a whole is noted elsewhere
	case fieldCountry, fieldPhoneCountry:
		return l.countries.add(f, text) && isCountryCode(text) // a country's name goes into the comments too
	case fieldCompanyID:
		return setID(&l.contact.CompanyID, text)
	case fieldAssignedByID:
		return setID(&l.contact.AssignedByID, text)
	case fieldLeadID:
		return setID(&l.contact.LeadID, text)
	case fieldOpened:
		return l.setOpened(text)
	case fieldTracking:
		return l.addTracking(key, text)
	}
	e, line := &l.fields[f], cleanLine(text)
	if e.text == "" {
		*e = entry{key, line}
	}
	return e.text == line
}

// setID sets an id from a text. It reports false if the text is not a valid id, or another id is set already.
func setID(to *int64, text string) bool {
	id, ok := positiveInt(text)
	if !ok || *to != 0 && *to != id {
		return false
	}
	*to = id
	return true
}

// setOpened sets the contact's field opened from a text. It reports false if the text is neither yes nor no, or the other value
// is set already.
func (l *lead) setOpened(text string) bool {
	value, ok := boolean(text)
	if !ok || l.contact.Opened != nil && *l.contact.Opened != value {
		return false
	}
	l.contact.Opened = &value
	return true
}

// mayHave reports whether the event may set a field.
func (l *lead) mayHave(f field, path string) bool {
	if f == fieldUser {
		return l.rights.allows(path[strings.LastIndexByte(path, '.')+1:])
	}
	return f.spelling() == "" || l.rights.allows(f.spelling())
}

// addUserField sets a user field of the contact, unless the value is blank. A value that cannot be set there goes into the
// comments: it is no value for a user field, the field has one already, or the event has no right to set it.
func (l *lead) addUserField(key, path string, value any) {
	clean, ok := userValue(value)
	if _, taken := l.contact.UserFields[key]; !ok || taken || !l.rights.allows(key) {
		l.notes.note(path, value)
		return
	}
	if clean == "" {
		return
	}
	if l.contact.UserFields == nil {
		l.contact.UserFields = make(map[string]any)
	}
	l.contact.UserFields[key] = clean
}

// nameOfParts joins the parts of a name by blanks: a comma would mean that the last name comes first. A list with
// anything but texts is returned as it is.
func nameOfParts(list []any) any {
	parts := make([]string, 0, len(list))
	for _, part := range list {
		text, ok := part.(string)
		if !ok {
			return list
		}
		parts = append(parts, cleanLine(text))
	}
	return strings.Join(parts, " ")
}
