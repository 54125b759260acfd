package transform

import "strings"

// field is a field of a lead, whatever it is called in an event.
type field int

const (
	fieldUnknown field = iota
	fieldName          // first name, or a full name in one field
	fieldFullName
	fieldFirstName
	fieldLastName
	fieldSecondName
	fieldHonorific
	fieldPhone
	fieldEmail
	fieldContactPoint // a phone or an e-mail
	fieldCompany
	fieldPost
	fieldComments
	fieldCountry        // where the person lives
	fieldPhoneCountry   // the country of the person's phone number
	fieldAddressCountry // the country in a postal address
	fieldUser           // one of the CRM's user fields, under its own name
	fieldTypeID
	fieldSourceID
	fieldSourceDescription
	fieldCompanyID
	fieldAssignedByID
	fieldLeadID
	fieldOpened
	fieldUTM
	fieldUTMSource
	fieldUTMMedium
	fieldUTMCampaign
	fieldUTMContent
	fieldUTMTerm
	fieldTracking // another value that says where the visit came from
	fieldCount
)

// lookUpPassedOn returns the field for a name of the CRM's own, which is passed on under the same name. name is canonical.
func lookUpPassedOn(name []byte) field {
	switch string(name) {
	case "typeid":
		return fieldTypeID
	case "sourceid":
		return fieldSourceID
	case "sourcedescription":
		return fieldSourceDescription
	case "companyid":
		return fieldCompanyID
	case "assignedbyid":
		return fieldAssignedByID
	case "leadid":
		return fieldLeadID
	case "opened":
		return fieldOpened
	case "utmsource":
		return fieldUTMSource
	case "utmmedium":
		return fieldUTMMedium
	case "utmcampaign":
		return fieldUTMCampaign
	case "utmcontent":
		return fieldUTMContent
	case "utmterm":
		return fieldUTMTerm
	}
	return fieldUnknown
}

// utmOf returns the field for a member of the object utm, such as source or utm_source.
func utmOf(key string) field {
	if f := fieldOf(key); f > fieldUTM {
		return f
	}
	return fieldOf("utm_" + key)
}

// campaignOf returns the field for a member of the object campaign, which is Segment's name for utm. Its name is the
// campaign's.
func campaignOf(key string) field {
	if key == "name" {
		return fieldUTMCampaign
	}
	return utmOf(key)
}

// partOf returns the part of a name for a member of an object with a name, such as first, firstName, last or middle.
func partOf(key string) field {
	switch f := fieldOf(key); f {
	case fieldName, fieldFullName, fieldFirstName, fieldLastName, fieldSecondName:
		return f
	}
	switch f := fieldOf(key + "name"); f {
	case fieldFirstName, fieldLastName, fieldSecondName, fieldFullName:
		return f
	}
	return fieldUnknown
}

// The spellings of the CRM's user fields.
const (
	userFieldPrefix        = "ufCrm_"
	classicUserFieldPrefix = "UF_CRM_"
)

// isUserField reports whether a name is that of a user field of the CRM (ufCrm_… or UF_CRM_…). User fields keep the
// event's name.
func isUserField(key string) bool {
	if !strings.HasPrefix(key, userFieldPrefix) && !strings.HasPrefix(key, classicUserFieldPrefix) {
		return false
	}
	return len(key) <= 100 && onlyFrom(key, "_")
}

// isName reports whether a field holds a name or a part of one.
func (f field) isName() bool {
	switch f {
	case fieldName, fieldFullName, fieldFirstName, fieldSecondName, fieldLastName:
		return true
	}
	return false
}

// isContactPoint reports whether a field holds phones or e-mails.
func (f field) isContactPoint() bool {
	return f == fieldPhone || f == fieldEmail
}

// isCountry reports whether a field says where phone numbers belong.
func (f field) isCountry() bool {
	return f == fieldCountry || f == fieldPhoneCountry || f == fieldAddressCountry
}

// isAboutVisit reports whether a field is about the visit: what people wrote, and where they came from. Such a field is
// the lead's in any object of an event.
func (f field) isAboutVisit() bool { return f == fieldComments || f >= fieldUTM }
