package transform

import (
	"strings"

	"github.com/leadbridge/leadbridge/crmclient"
)

// lead gathers the fields of an event's data.
type lead struct {
	contact crmclient.Contact

	// fields holds the text of each field that has one value; the first that
	// is not empty counts, others become notes.
	fields [fieldCount]entry
	region string // of phones, by the field country; "" when none is given

	phones, emails []any // as they stand in the event
	phoneKey       string
	emailKey       string

	messages comments // what people wrote
	notes    comments // fields that have no place of their own
}

// entry is a value and the name it had in the event.
type entry struct{ key, text string }

func (l *lead) add(key string, value any) {
	if value == nil {
		return
	}
	if isUserField(key) {
		l.addUserField(key, value)
		return
	}
	f := fieldOf(key)
	if o, ok := value.(object); ok {
		switch f {
		case fieldUTM:
			l.addMembers(key, o, utmOf)
			return
		case fieldName, fieldFullName:
			l.addMembers(key, o, partOf)
			return
		}
	}
	l.addField(f, key, value)
}

// addMembers reads an object that stands for several fields.
func (l *lead) addMembers(key string, o object, of func(string) field) {
	for _, m := range o {
		l.addField(of(m.key), key+"."+m.key, m.value)
	}
}

func (l *lead) addField(f field, key string, value any) {
	switch f {
	case fieldPhone:
		l.phones, l.phoneKey = append(l.phones, plain(value)), key
		return
	case fieldEmail:
		l.emails, l.emailKey = append(l.emails, plain(value)), key
		return
	case fieldUnknown, fieldUTM:
		l.notes.note(key, value)
		return
	}
	if list, isList := value.([]any); isList && f.isName() {
		value = nameOfParts(list)
	}
	text, ok := textOf(value)
	if !ok || !l.addText(f, key, text) {
		l.notes.note(key, value)
	}
}

// addText puts a text where it belongs; it is not ok when there is no place for it.
func (l *lead) addText(f field, key, text string) (ok bool) {
	if text == "" {
		return true
	}
	switch f {
	case fieldComments:
		l.messages.add(text)
		return true
	case fieldCountry:
		return l.setRegion(text)
	case fieldCompanyID:
		return setID(&l.contact.CompanyID, text)
	case fieldAssignedByID:
		return setID(&l.contact.AssignedByID, text)
	case fieldLeadID:
		return setID(&l.contact.LeadID, text)
	case fieldOpened:
		return l.setOpened(text)
	}
	e, line := &l.fields[f], cleanLine(text)
	if e.text == "" {
		*e = entry{key, line}
	}
	return e.text == line
}

func (l *lead) setRegion(text string) bool {
	region, ok := supportedRegion(text)
	if !ok || l.region != "" && l.region != region {
		return false
	}
	l.region = region
	return true
}

func setID(to *int64, text string) bool {
	id, ok := positiveInt(text)
	if !ok || *to != 0 && *to != id {
		return false
	}
	*to = id
	return true
}

func (l *lead) setOpened(text string) bool {
	value, ok := boolean(text)
	if !ok || l.contact.Opened != nil && *l.contact.Opened != value {
		return false
	}
	l.contact.Opened = &value
	return true
}

func (l *lead) addUserField(key string, value any) {
	clean, ok := userValue(value)
	if _, taken := l.contact.UserFields[key]; !ok || taken {
		l.notes.note(key, value)
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

func hasPrefixFold(s, prefix string) bool {
	return len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix)
}

// nameOfParts reads a list of a name's parts as the name: joined by blanks, for
// a comma would say that the last name comes first.
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
