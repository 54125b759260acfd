package crmtest

import (
	"slices"
	"strings"
)

// The kinds of objects that the simulator holds, as paths and batches name them.
const (
	Contacts  = "contacts"
	Leads     = "leads"
	Deals     = "deals"
	Timelines = "timelines" // comments on the cards of the others
)

// entities returns all kinds.
func entities() []string { return []string{Contacts, Leads, Deals, Timelines} }

// table holds the objects of one kind. The simulator's lock guards it.
type table struct {
	entity     string
	store      *store
	userFields userFields
	fields     *schema // made from fieldsOf and fieldsWere, and again when they change
	fieldsOf   int     // the version of userFields
	fieldsWere [5]bool // see fieldOptions
}

func newTable(entity string, o Options) *table {
	t := &table{entity: entity, store: newStore(), userFields: userFields{entity: entityID(entity)}}
	if entity == Timelines {
		return t
	}
	if o.ExistingUserField {
		t.userFields.add(userField{FieldName: OriginUserField, UserTypeID: "string"})
	}
	if entity == Contacts {
		for _, name := range o.ExistingFields {
			t.userFields.add(userField{FieldName: name, UserTypeID: "string"})
		}
	}
	return t
}

// entityID returns the native API's name of a kind, such as CRM_CONTACT.
func entityID(entity string) string { return "CRM_" + strings.ToUpper(strings.TrimSuffix(entity, "s")) }

// one returns the name of a single object for messages, such as Contact.
func (t *table) one() string {
	name := strings.TrimSuffix(t.entity, "s")
	return strings.ToUpper(name[:1]) + name[1:]
}

// schema returns the fields in force. As every call needs them, they are kept until they change. The lock is held.
func (s *Simulator) schema(t *table) *schema {
	if t.fields == nil || t.fieldsOf != t.userFields.version || t.fieldsWere != s.fieldOptions() {
		t.fields = newSchema(t.entity, s.opts, t.userFields.all)
		t.fieldsOf, t.fieldsWere = t.userFields.version, s.fieldOptions()
	}
	return t.fields
}

// contacts returns the table of contacts.
func (s *Simulator) contacts() *table { return s.tables[Contacts] }

// forbids returns the failure of a call if the key has no rights to the kind; nil if it has.
func (s *Simulator) forbids(t *table) *failure {
	if !slices.Contains(s.faults.Forbidden, t.entity) {
		return nil
	}
	return &failure{Status: 403, Code: "BITRIX_ACCESS_DENIED", Message: "Access denied", fault: "forbidden"}
}
