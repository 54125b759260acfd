package transform

import (
	"unicode"
	"unicode/utf8"
)

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
	fieldCompany
	fieldPost
	fieldComments
	fieldCountry
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
	fieldCount
)

// maxFieldName is how long in bytes a name is that may be one of a field.
const maxFieldName = 64

// fieldOf finds the field of a name, in camelCase, snake_case, with blanks
// or dashes, in any case. Forms number the fields that they repeat (tel-467,
// Phone_2): phones and e-mails are found behind such a number too.
func fieldOf(key string) field {
	var buffer [maxFieldName]byte
	name := canonical(buffer[:0], key)
	if f := lookUpField(name); f != fieldUnknown {
		return f
	}
	end := len(name)
	for end > 0 && name[end-1] >= '0' && name[end-1] <= '9' {
		end--
	}
	if f := lookUpField(name[:end]); f == fieldPhone || f == fieldEmail {
		return f
	}
	return fieldUnknown
}

// canonical appends the letters and digits of a name in lower case to b; a
// name too long for a field gives nothing.
func canonical(b []byte, key string) []byte {
	if len(key) > maxFieldName {
		return b
	}
	for _, r := range key {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			b = append(b, byte(r))
		case r >= 'A' && r <= 'Z':
			b = append(b, byte(r-'A'+'a'))
		case r >= utf8.RuneSelf && (unicode.IsLetter(r) || unicode.IsDigit(r)):
			b = utf8.AppendRune(b, unicode.ToLower(r))
		}
	}
	return b
}

// lookUpField knows the fields by their names and the usual synonyms, those
// of Contact Form 7 (your-name) and those that Russian forms have.
func lookUpField(name []byte) field {
	switch string(name) {
	case "name", "yourname", "имя":
		return fieldName
	case "fullname", "yourfullname", "fio", "фио", "полноеимя", "имяифамилия", "фамилияиимя", "nameandsurname":
		return fieldFullName
	case "firstname", "fname", "givenname", "forename", "yourfirstname":
		return fieldFirstName
	case "lastname", "lname", "surname", "familyname", "yourlastname", "yoursurname", "фамилия":
		return fieldLastName
	case "secondname", "middlename", "patronymic", "yourmiddlename", "отчество":
		return fieldSecondName
	case "honorific":
		return fieldHonorific
	case "company", "companyname", "companytitle", "yourcompany", "yourcompanyname",
		"organization", "organisation", "organizationname", "organisationname", "yourorganization", "компания", "организация":
		return fieldCompany
	case "post", "position", "jobtitle", "jobposition", "yourposition", "yourpost", "должность":
		return fieldPost
	case "comments", "comment", "message", "note", "notes", "yourmessage", "yourcomment", "yourcomments",
		"комментарий", "комментарии", "сообщение":
		return fieldComments
	case "country", "countrycode", "yourcountry", "страна":
		return fieldCountry
	}
	return lookUpContactPoint(name)
}

func lookUpContactPoint(name []byte) field {
	switch string(name) {
	case "phone", "phones", "tel", "telephone", "telephones", "telephonenumber", "mobile", "mobiles", "mobilephone", "mobilenumber",
		"mobilephonenumber", "phonenumber", "phonenumbers", "cell", "cellphone", "yourphone", "yourtel", "yourtelephone", "yourmobile",
		"yourphonenumber", "contactphone", "workphone", "workphonenumber", "homephone", "phonework", "phonehome", "phonemobile",
		"телефон", "телефоны", "номертелефона", "ваштелефон", "контактныйтелефон", "мобильный", "мобильныйтелефон":
		return fieldPhone
	case "email", "emails", "mail", "emailaddress", "mailaddress", "youremail", "yourmail", "youremailaddress", "contactemail",
		"workemail", "homeemail", "emailwork", "emailhome", "почта", "электроннаяпочта", "вашemail", "емейл":
		return fieldEmail
	}
	return lookUpPassedOn(name)
}

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
	case "utm":
		return fieldUTM
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

// utmOf finds the field of a member of the object utm: source or utm_source.
func utmOf(key string) field {
	if f := fieldOf(key); f > fieldUTM {
		return f
	}
	if f := fieldOf("utm" + key); f > fieldUTM {
		return f
	}
	return fieldUnknown
}

// partOf finds the part of a name that a member of the object name is:
// first or firstName, last, middle.
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

// isUserField tells whether a name is one of the CRM's user fields (ufCrm_…
// or UF_CRM_…); they keep the name that the event gives.
func isUserField(key string) bool {
	if !hasPrefixFold(key, "ufCrm_") && !hasPrefixFold(key, "UF_CRM_") {
		return false
	}
	return len(key) <= 100 && onlyFrom(key, "_")
}

// isName tells the fields that hold a name or a part of one.
func (f field) isName() bool {
	switch f {
	case fieldName, fieldFullName, fieldFirstName, fieldSecondName, fieldLastName:
		return true
	}
	return false
}
