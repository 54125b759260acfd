package crmtest

import (
	"slices"
	"strings"
)

// kind is the type of a field as the API names it.
type kind string

const (
	kindText     kind = "string"
	kindNumber   kind = "integer"
	kindBool     kind = "boolean"
	kindTime     kind = "datetime"
	kindPhone    kind = "phone"
	kindEmail    kind = "email"
	kindAnything kind = "user"
)

// field is one field of a contact.
type field struct {
	name     string // as the API spells it; user fields as UF_CRM_X
	kind     kind
	readOnly bool
	user     *userField

	key   string // fieldKey of the name
	label string // as a member's name in answers, with the comma before it
}

// documented are the fields of every portal, in the order of answers.
func documented() []field {
	return []field{
		{name: "id", kind: kindNumber, readOnly: true},
		{name: "name", kind: kindText},
		{name: "lastName", kind: kindText},
		{name: "secondName", kind: kindText},
		{name: "phone", kind: kindPhone},
		{name: "email", kind: kindEmail},
		{name: "companyId", kind: kindNumber},
		{name: "assignedById", kind: kindNumber},
		{name: "createdBy", kind: kindNumber, readOnly: true},
		{name: "updatedBy", kind: kindNumber, readOnly: true},
		{name: "createdTime", kind: kindTime, readOnly: true},
		{name: "updatedTime", kind: kindTime, readOnly: true},
		{name: "opened", kind: kindBool},
		{name: "export", kind: kindBool},
		{name: "typeId", kind: kindText},
		{name: "sourceId", kind: kindText},
		{name: "sourceDescription", kind: kindText},
		{name: "post", kind: kindText},
		{name: "comments", kind: kindText},
		{name: "leadId", kind: kindNumber},
		{name: "honorific", kind: kindText},
	}
}

// texts are fields of text by these names.
func texts(names ...string) []field {
	fields := make([]field, len(names))
	for i, name := range names {
		fields[i] = field{name: name, kind: kindText}
	}
	return fields
}

// schema is the set of fields that a portal has at a moment.
type schema struct {
	fields []field
	byName map[string]int // by key
	upper  bool           // spell user fields UF_CRM_X
}

func newSchema(o Options, user []*userField) *schema {
	fields := documented()
	if o.NativeOriginID {
		fields = append(fields, texts("originatorId", "originId", "originVersion")...)
	}
	if o.NativeUTM {
		fields = append(fields, texts("utmSource", "utmMedium", "utmCampaign", "utmContent", "utmTerm", "birthdate")...)
	}
	for _, u := range user {
		fields = append(fields, field{name: u.FieldName, kind: u.kind(), user: u})
	}
	sc := &schema{fields: fields, byName: make(map[string]int, len(fields)), upper: o.UpperUserFields}
	for i := range fields {
		f := &fields[i]
		f.key, f.label = fieldKey(f.name), `,"`+sc.spell(*f)+`":`
		sc.byName[f.key] = i
	}
	return sc
}

// find is the field of that name; user fields in any spelling.
func (sc *schema) find(name string) (field, bool) {
	i, ok := sc.index(name)
	if !ok {
		return field{}, false
	}
	return sc.fields[i], true
}

// index is where in fields the field of that name is.
func (sc *schema) index(name string) (int, bool) {
	i, ok := sc.byName[name] // most names are their own keys
	if !ok {
		i, ok = sc.byName[fieldKey(name)]
	}
	return i, ok
}

// spell is the field's name in answers.
func (sc *schema) spell(f field) string {
	if f.user == nil || sc.upper {
		return f.name
	}
	return "ufCrm_" + strings.TrimPrefix(f.name, userPrefix)
}

// fieldKey makes UF_CRM_X, ufCrm_X and ufCrmX the same; other names count as
// they are.
func fieldKey(name string) string {
	folded := strings.ToLower(strings.ReplaceAll(name, "_", ""))
	if strings.HasPrefix(folded, "ufcrm") {
		return folded
	}
	return name
}

// fieldInfo is how GET /v1/contacts/fields describes a field.
type fieldInfo struct {
	Type        kind   `json:"type"`
	Title       string `json:"title"`
	IsReadOnly  bool   `json:"isReadOnly"`
	IsRequired  bool   `json:"isRequired"`
	IsMultiple  bool   `json:"isMultiple"`
	IsUserField bool   `json:"isUserField"`
}

// describe is the body of GET /v1/contacts/fields.
func (sc *schema) describe(mandatory []string) map[string]map[string]fieldInfo {
	all := make(map[string]fieldInfo, len(sc.fields))
	for _, f := range sc.fields {
		info := fieldInfo{Type: f.kind, Title: f.name, IsReadOnly: f.readOnly, IsRequired: slices.Contains(mandatory, f.name)}
		if f.kind == kindPhone || f.kind == kindEmail {
			info.Type, info.IsMultiple = "crm_multifield", true
		}
		if f.user != nil {
			info.Type, info.Title, info.IsUserField = kind(f.user.UserTypeID), f.user.Label, true
			info.IsMultiple = f.user.Multiple == "Y"
		}
		all[sc.spell(f)] = info
	}
	return map[string]map[string]fieldInfo{"fields": all}
}

// schema is the set of fields in force. The lock is held. It is kept, as every call needs it.
func (s *Simulator) schema() *schema {
	if s.fields == nil || s.fieldsOf != s.userFields.version || s.fieldsWere != s.fieldOptions() {
		s.fields = newSchema(s.opts, s.userFields.all)
		s.fieldsOf, s.fieldsWere = s.userFields.version, s.fieldOptions()
	}
	return s.fields
}

// fieldOptions are the options that a schema depends on.
func (s *Simulator) fieldOptions() [3]bool {
	return [3]bool{s.opts.NativeOriginID, s.opts.NativeUTM, s.opts.UpperUserFields}
}
