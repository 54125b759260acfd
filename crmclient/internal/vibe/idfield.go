package vibe

import (
	"encoding/json"
	"strings"
)

// Names of fields (vendor's reference: Contacts, User fields).
const (
	NativeID        = "originId"     // a native field for an id from elsewhere, which not every portal offers
	NativeOwner     = "originatorId" // a native field for where that id is from
	UserFieldPrefix = "UF_CRM_"      // begins the name of each user field
	TagField        = "sourceDescription"
)

// noIDField is the name of the zero IDField.
const noIDField = "none"

// IDField says where a contact carries the id of its event: in a field of its own or, the zero
// value, in a tag that ends its source description. IDFields can be compared.
type IDField struct{ name string }

// ParseIDField is the inverse of String.
func ParseIDField(name string) IDField {
	if name == noIDField {
		return IDField{}
	}
	return IDField{name}
}

// maxFieldName is longer than the name of any field.
const maxFieldName = 100

// ValidIDField reports whether contacts can carry ids in a field of that name, as far as the
// name tells: "none", the native field, or a user field.
func ValidIDField(name string) bool {
	return name == noIDField || name == NativeID || IsUserField(name) && len(name) <= maxFieldName
}

// IsTag reports whether the id is in a tag.
func (f IDField) IsTag() bool { return f.name == "" }

// String returns the field's name, "none" for a tag: a value that CRM_ORIGIN_FIELD takes.
func (f IDField) String() string {
	if f.IsTag() {
		return noIDField
	}
	return f.name
}

// Field returns the name of the CRM's field that holds the id or the tag.
func (f IDField) Field() string {
	if f.IsTag() {
		return TagField
	}
	return f.name
}

// Select returns the fields that a look-up has to ask for, so that Identify can read its rows.
func (f IDField) Select() []string {
	if f.name == NativeID {
		return []string{"id", NativeID, NativeOwner}
	}
	return []string{"id", f.Field()}
}

// Tag returns the text that marks a contact as an event's. The brackets end the id, so that no
// tag is a part of another.
func Tag(originator, id string) string { return "[" + originator + ":" + id + "]" }

// Clean leaves out of a body what would stand beside our id: user fields of the event that are ours, in
// any spelling, as portals differ in which of two spellings counts. What looks like a tag of the
// originator in the event's own text would be another event's.
func (f IDField) Clean(b Body, originator, ours string) {
	if given, ok := b[TagField].(string); ok {
		b[TagField] = strings.ReplaceAll(given, "["+originator+":", "("+originator+":")
	}
	for name := range b {
		if IsUserField(name) && (SameField(name, f.name) || SameField(name, ours)) {
			delete(b, name)
		}
	}
}

// Mark puts the id of an event into the body of its contact: into the field, with the originator
// beside the native one if the portal takes it, or behind what the source description holds.
func (f IDField) Mark(b Body, fields Fields, originator, id string) {
	if f.IsTag() {
		tag := Tag(originator, id)
		if given := plain(b[TagField]); given != "" {
			tag = given + " " + tag
		}
		b[TagField] = tag
		return
	}
	b[f.name] = id
	if f.name == NativeID && fields.Writable(NativeOwner) {
		b[NativeOwner] = originator
	}
}

// Marks are what a row has where the id of its event may be.
type Marks struct{ id, owner json.RawMessage }

// Identify reads a contact's own id, 0 when the row does not tell it, and its marks.
func (f IDField) Identify(r Row) (contact int64, marks Marks) {
	found := r.pick([3]string{"id", f.Field(), NativeOwner})
	return idIn(found[0]), Marks{found[1], found[2]}
}

// Missing reports whether the row lacks the field altogether.
func (m Marks) Missing() bool { return m.id == nil }

// Text returns what the field holds: an event's id or, for a tag, the source description. It is
// "" for what is not a text.
func (m Marks) Text() string { return textIn(m.id) }

// Carries reports whether a contact is the event's. One of another originator is not, whatever
// its id.
func (f IDField) Carries(m Marks, originator, id string) bool {
	if f.IsTag() {
		return strings.Contains(m.Text(), Tag(originator, id))
	}
	if m.Text() != id {
		return false
	}
	owner := textIn(m.owner)
	return f.name != NativeID || owner == "" || owner == originator
}

// EventOf returns the id that marks a contact as an event's, "" when there is none or it is another
// originator's.
func (f IDField) EventOf(m Marks, originator string) string {
	if !f.IsTag() {
		if id := m.Text(); f.Carries(m, originator, id) {
			return id
		}
		return ""
	}
	_, rest, _ := strings.Cut(m.Text(), "["+originator+":")
	id, _, _ := strings.Cut(rest, "]")
	return id
}

// SameField reports whether two names are spellings of the same field: UF_CRM_X, ufCrm_X and
// ufCrmX are. Names of other fields have one spelling.
func SameField(a, b string) bool { return foldField(a) == foldField(b) }

// foldField makes the spellings of a user field the same: lower case, without underscores. It
// returns other names as they are.
func foldField(name string) string {
	if !IsUserField(name) {
		return name
	}
	return strings.ToLower(strings.ReplaceAll(name, "_", ""))
}

// IsUserField reports whether a name is that of a user field in any spelling: its letters, whatever
// their case and the underscores among them, begin with ufcrm.
func IsUserField(name string) bool {
	rest := "ufcrm"
	for i := 0; i < len(name) && rest != ""; i++ {
		switch c := name[i]; {
		case c == '_':
		case c == rest[0], c == rest[0]-'a'+'A':
			rest = rest[1:]
		default:
			return false
		}
	}
	return rest == ""
}
