package vibe

import (
	"encoding/json"
	"strings"
)

// Names of fields (vendor's reference: Contacts, User fields).
const (
	NativeID        = "originId"          // a native field for an id from another system, which not every portal offers
	NativeOwner     = "originatorId"      // a native field for the name of that system
	UserFieldPrefix = "UF_CRM_"           // begins the name of each user field
	TagField        = "sourceDescription" // carries the tag if there is no field for ids
)

// noIDField is the name of the zero IDField.
const noIDField = "none"

// IDField says where an object carries the id of its event: in a field of its own or, for the zero
// value, in a tag at the end of its source description. IDFields can be compared.
type IDField struct{ name string }

// ParseIDField is the inverse of String.
func ParseIDField(name string) IDField {
	if name == noIDField {
		return IDField{}
	}
	return IDField{name}
}

// maxFieldName is the longest name of a field that is accepted. No portal has longer ones.
const maxFieldName = 100

// ValidIDField reports whether a name can be that of a field for ids: "none", the native field, or a
// user field. Whether the portal has such a field is not checked.
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

// Tag returns the text that marks an object as an event's. Because of the brackets, no tag is a part of
// another one.
func Tag(originator, id string) string { return "[" + originator + ":" + id + "]" }

// Clean removes from a body what could be taken for our id: user fields of the event with the name of
// our field, in any spelling, as portals differ in which of two spellings counts; and texts in the
// source description that look like a tag of the originator, which are changed.
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

// Mark puts the id of an event into the body of its object: into the field for ids, or as a tag at the end
// of the source description. With the native field it also sets the originator, if the portal takes it.
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

// Marks are the values of a row's fields that may carry the id of its event.
type Marks struct{ id, owner json.RawMessage }

// Identify returns the id of an object, 0 if the row lacks the id, and the marks of the object.
func (f IDField) Identify(r Row) (contact int64, marks Marks) {
	found := r.pick([3]string{"id", f.Field(), NativeOwner})
	return idIn(found[0]), Marks{found[1], found[2]}
}

// Missing reports whether the row lacks the field altogether.
func (m Marks) Missing() bool { return m.id == nil }

// Text returns the field's text: an event's id or, for a tag, the source description. It is "" if the
// field has no text.
func (m Marks) Text() string { return textIn(m.id) }

// Carries reports whether marks are those of an event's object. Objects of another originator are not
// the event's, even if they have its id.
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

// EventOf returns the id of the event that made an object; "" if its marks have no id, or it belongs to
// another originator.
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

// foldField makes the spellings of a user field equal: lower case, without underscores. It returns other
// names unchanged.
func foldField(name string) string {
	if !IsUserField(name) {
		return name
	}
	return strings.ToLower(strings.ReplaceAll(name, "_", ""))
}

// IsUserField reports whether a name is that of a user field: without underscores and in lower case, it
// begins with ufcrm.
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
