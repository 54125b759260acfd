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
	kindAmount   kind = "double"
	kindBool     kind = "boolean"
	kindTime     kind = "datetime"
	kindPhone    kind = "phone"
	kindEmail    kind = "email"
	kindAnything kind = "user"
)

// field is one field of an entity.
type field struct {
	name     string // as the API spells it; user fields as UF_CRM_X
	kind     kind
	readOnly bool
	user     *userField

	normalised bool // phones are compared in any spelling
	zoneless   bool // the zone of a time is ignored: it is read as the portal's

	key   string // fieldKey of the name
	label string // a comma and the name, as in JSON answers: ,"name":
}

// documented returns the fields that an entity has on every portal, in the order of answers.
func documented(entity string) []field {
	switch entity {
	case Leads:
		return fieldsOfLeads()
	case Deals:
		return fieldsOfDeals()
	case Timelines:
		return slices.Concat(own("createdAt", "updatedAt"), texts("entityType"), numbers("entityId"), texts("comment"))
	}
	return fieldsOfContacts()
}

func fieldsOfContacts() []field {
	return slices.Concat(numbersOf(true, "id"), texts("name", "lastName", "secondName"),
		[]field{{name: "phone", kind: kindPhone}, {name: "email", kind: kindEmail}}, numbers("companyId", "assignedById"),
		own("createdTime", "updatedTime")[1:], flags("opened", "export"),
		texts("typeId", "sourceId", "sourceDescription", "post", "comments"), numbers("leadId"), texts("honorific"))
}

func fieldsOfLeads() []field {
	return slices.Concat(numbersOf(true, "id"), texts("title", "name", "lastName", "secondName", "statusId"), []field{{name: "amount", kind: kindAmount}},
		texts("currency", "companyTitle"), []field{{name: "phone", kind: kindPhone}, {name: "email", kind: kindEmail}},
		texts("post", "comments", "sourceId", "sourceDescription"), numbers("assignedById"), flags("opened"), numbers("companyId", "contactId"),
		own("createdTime", "updatedTime")[1:])
}

func fieldsOfDeals() []field {
	return slices.Concat(numbersOf(true, "id"), texts("title"), []field{{name: "amount", kind: kindAmount}}, texts("currency", "stageId"),
		numbers("categoryId", "companyId", "contactId"), []field{{name: "contactIds", kind: kindAnything, readOnly: true}},
		numbers("assignedById"), texts("sourceId", "sourceDescription", "comments"), flags("opened"), numbers("probability"), texts("typeId"),
		own("createdAt", "updatedAt")[1:])
}

// own returns the fields that the portal fills in by itself: the id, and who made and changed the object when.
func own(created, updated string) []field {
	return []field{
		{name: "id", kind: kindNumber, readOnly: true},
		{name: "createdBy", kind: kindNumber, readOnly: true},
		{name: "updatedBy", kind: kindNumber, readOnly: true},
		{name: created, kind: kindTime, readOnly: true},
		{name: updated, kind: kindTime, readOnly: true},
	}
}

func numbers(names ...string) []field { return numbersOf(false, names...) }

func numbersOf(readOnly bool, names ...string) []field {
	fields := make([]field, len(names))
	for i, name := range names {
		fields[i] = field{name: name, kind: kindNumber, readOnly: readOnly}
	}
	return fields
}

func flags(names ...string) []field {
	fields := make([]field, len(names))
	for i, name := range names {
		fields[i] = field{name: name, kind: kindBool}
	}
	return fields
}

// texts returns fields of text with these names.
func texts(names ...string) []field {
	fields := make([]field, len(names))
	for i, name := range names {
		fields[i] = field{name: name, kind: kindText}
	}
	return fields
}

// schema is the fields that an entity has at a moment.
type schema struct {
	fields []field
	byName map[string]int // by key
	upper  bool           // spell user fields UF_CRM_X
}

func newSchema(entity string, o Options, user []*userField) *schema {
	fields := documented(entity)
	if o.NativeOriginID && entity != Timelines {
		fields = append(fields, texts("originatorId", "originId", "originVersion")...)
	}
	if o.NativeUTM && entity != Timelines {
		fields = append(fields, texts("utmSource", "utmMedium", "utmCampaign", "utmContent", "utmTerm", "birthdate")...)
	}
	for _, u := range user {
		fields = append(fields, field{name: u.FieldName, kind: u.kind(), user: u})
	}
	sc := &schema{fields: fields, byName: make(map[string]int, len(fields)), upper: o.UpperUserFields}
	for i := range fields {
		f := &fields[i]
		f.vary(o)
		f.key, f.label = fieldKey(f.name), `,"`+sc.spell(*f)+`":`
		sc.byName[f.key] = i
	}
	return sc
}

// find returns the field with a name. User fields may have any spelling.
func (sc *schema) find(name string) (field, bool) {
	i, ok := sc.index(name)
	if !ok {
		return field{}, false
	}
	return sc.fields[i], true
}

// index returns the index in fields of the field with that name.
func (sc *schema) index(name string) (int, bool) {
	i, ok := sc.byName[name] // most names are their own keys
	if !ok {
		i, ok = sc.byName[fieldKey(name)]
	}
	return i, ok
}

// spell returns the field's name in answers.
func (sc *schema) spell(f field) string {
	if f.user == nil || sc.upper {
		return f.name
	}
	return "ufCrm_" + strings.TrimPrefix(f.name, userPrefix)
}

// fieldKey returns the same key for UF_CRM_X, ufCrm_X and ufCrmX. Other names are
// their own keys.
func fieldKey(name string) string {
	folded := strings.ToLower(strings.ReplaceAll(name, "_", ""))
	if strings.HasPrefix(folded, "ufcrm") {
		return folded
	}
	return name
}

// fieldInfo is the description of a field in GET /v1/{entity}/fields.
type fieldInfo struct {
	Type        kind   `json:"type"`
	Title       string `json:"title"`
	IsReadOnly  bool   `json:"isReadOnly"`
	IsRequired  bool   `json:"isRequired"`
	IsMultiple  bool   `json:"isMultiple"`
	IsUserField bool   `json:"isUserField"`
}

// describe returns the data of GET /v1/{entity}/fields.
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

// fieldOptions returns the options on which a schema depends.
func (s *Simulator) fieldOptions() [5]bool {
	return [5]bool{s.opts.NativeOriginID, s.opts.NativeUTM, s.opts.UpperUserFields, s.opts.NormalisedPhones, s.opts.IgnoredZones}
}
