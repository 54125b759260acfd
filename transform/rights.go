package transform

import (
	"slices"
	"strings"
	"unicode"
)

// Fields with rights say more than who a person is: what an event becomes (target, deal), whom the contact is assigned
// to, what it is linked with, and whatever a portal keeps in its user fields. They are recognised only by the CRM's own
// spelling, as forms have ids of their own under similar names (lead_id). In an event that came through the gate, only
// those count that its source or a mapping allows.

// FieldsWithRights returns the names of the contact's fields with rights, as the CRM spells them. User fields (ufCrm_…),
// target and deal have rights, too.
func FieldsWithRights() []string {
	return []string{"assignedById", "companyId", "honorific", "leadId", "opened", "sourceDescription", "sourceId", "typeId"}
}

// HasRights reports whether a name is that of a field with rights.
func HasRights(name string) bool {
	return isUserField(name) || name == fieldTarget || name == fieldDeal || fieldOf(name).spelling() != ""
}

// RightsNamedBy returns the fields with rights that a mapping (a jq program or preset:NAME) names. The mapping decides
// about these. Other fields with rights, which it only passes on from the event, need a right of the source.
func RightsNamedBy(mapping string) (names []string) {
	if name, ok := strings.CutPrefix(strings.TrimSpace(mapping), presetPrefix); ok {
		mapping, _ = presetProgram(name)
	}
	for word := range strings.FieldsFuncSeq(mapping, func(r rune) bool { return r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
		if HasRights(word) && !slices.Contains(names, word) {
			names = append(names, word)
		}
	}
	return names
}

// spelling returns the CRM's name of a field with rights, "" for other fields.
func (f field) spelling() string {
	switch f {
	case fieldAssignedByID:
		return "assignedById"
	case fieldCompanyID:
		return "companyId"
	case fieldHonorific:
		return "honorific"
	case fieldLeadID:
		return "leadId"
	case fieldOpened:
		return "opened"
	case fieldSourceDescription:
		return "sourceDescription"
	case fieldSourceID:
		return "sourceId"
	case fieldTypeID:
		return "typeId"
	}
	return ""
}

// rights are the fields with rights that an event may set. The zero value stands for all of them.
type rights struct {
	limited bool
	names   []string
}

// readRights reads the attribute that the gate gives its events: names, separated by commas.
func readRights(text string) rights {
	r := rights{limited: true}
	for name := range strings.SplitSeq(text, ",") {
		if name = strings.TrimSpace(name); name != "" {
			r.names = append(r.names, name)
		}
	}
	return r
}

// allows reports whether the event may set the field with this name. A user field has two spellings.
func (r rights) allows(name string) bool {
	return !r.limited || !HasRights(name) || slices.ContainsFunc(r.names, func(one string) bool {
		return one == name || isUserField(name) && isUserField(one) && userFieldName(one) == userFieldName(name)
	})
}

func userFieldName(name string) string {
	return strings.TrimPrefix(strings.TrimPrefix(name, userFieldPrefix), classicUserFieldPrefix)
}

// and adds the fields that a mapping names.
func (r rights) and(names []string) rights {
	if r.limited && len(names) > 0 {
		r.names = slices.Concat(r.names, names)
	}
	return r
}
