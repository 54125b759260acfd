package vibe

import (
	"encoding/json"
	"maps"
)

// Contact is one contact as the CRM takes it. The zero value of a field means
// "not given": it is left out of the request.
//
// Source of the names: the vendor's reference page "Create contact" and
// GET /v1/contacts/fields.
type Contact struct {
	Name       string
	LastName   string
	SecondName string
	Honorific  string // an id of the portal's list, or a name in it
	// Salutation is how the person is addressed, in words such as Mr or г-жа. If the portal's list of honorifics has
	// such a name, Fields.Fit puts its id into the field honorific.
	Salutation string

	// Phones (E.164) and Emails (ASCII, lower case) are always sent as arrays of
	// {"value","typeId"}.
	Phones []Multifield
	Emails []Multifield

	Post              string
	Comments          string
	TypeID            string
	SourceID          string
	SourceDescription string

	CompanyID    int64
	AssignedByID int64
	LeadID       int64
	Opened       *bool

	UTMSource   string
	UTMMedium   string
	UTMCampaign string
	UTMContent  string
	UTMTerm     string

	// Tracking has further values about the source of the visit, under the names that advertising and analytics
	// use: gclid, _ym_uid, referrer, utm_id. Fields.Fit moves them to user fields or into the comments.
	Tracking map[string]string

	// UserFields are passed through under their own names (ufCrm_…): strings,
	// numbers, booleans, nil, or arrays of them.
	UserFields map[string]any
}

// Multifield is one phone number or e-mail address with its type: WORK, HOME,
// MOBILE or OTHER for phones, WORK, HOME, MAILING or OTHER for e-mails.
type Multifield struct {
	Value  string `json:"value"`
	TypeID string `json:"typeId"`
}

// Body has the fields of an object for a request, under the CRM's names. A value is a string, an int64,
// a bool, a []Multifield, a map[string]string, or any value of a user field.
type Body map[string]any

// MarshalJSON writes the contact as the body of a create, but without the fields for our ids.
func (c Contact) MarshalJSON() ([]byte, error) { return json.Marshal(c.Body()) }

// Body returns the fields that were given. A user field never takes the place of a field that
// was given otherwise.
func (c Contact) Body() Body {
	b := make(Body, 16+len(c.UserFields)) // most contacts have fewer than 16 other fields
	maps.Copy(b, c.UserFields)
	putText(b, "name", c.Name)
	putText(b, "lastName", c.LastName)
	putText(b, "secondName", c.SecondName)
	putText(b, HonorificField, c.Honorific)
	putText(b, salutationKey, c.Salutation)
	putPoints(b, "phone", c.Phones)
	putPoints(b, "email", c.Emails)
	putText(b, "post", c.Post)
	putText(b, "comments", c.Comments)
	putText(b, "typeId", c.TypeID)
	putText(b, "sourceId", c.SourceID)
	putText(b, "sourceDescription", c.SourceDescription)
	putID(b, "companyId", c.CompanyID)
	putID(b, "assignedById", c.AssignedByID)
	putID(b, "leadId", c.LeadID)
	putText(b, "utmSource", c.UTMSource)
	putText(b, "utmMedium", c.UTMMedium)
	putText(b, "utmCampaign", c.UTMCampaign)
	putText(b, "utmContent", c.UTMContent)
	putText(b, "utmTerm", c.UTMTerm)
	if len(c.Tracking) > 0 {
		b[trackingKey] = c.Tracking
	}
	if c.Opened != nil {
		b["opened"] = *c.Opened
	}
	return b
}

// putText, putPoints and putID put a value into a body, unless it was not given.

func putText(b Body, name, value string) {
	if value != "" {
		b[name] = value
	}
}

func putPoints(b Body, name string, values []Multifield) {
	if len(values) > 0 {
		b[name] = values
	}
}

func putID(b Body, name string, id int64) {
	if id != 0 {
		b[name] = id
	}
}

// contactFields are the names that a Contact can send besides user fields.
var contactFields = [...]string{
	"name", "lastName", "secondName", "honorific", "phone", "email", "post", "comments", "typeId", "sourceId",
	"sourceDescription", "companyId", "assignedById", "leadId", "opened",
	"utmSource", "utmMedium", "utmCampaign", "utmContent", "utmTerm",
}
