package crmclient

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
	Honorific  string

	// Phones (E.164) and Emails (ASCII, lower case) always leave as arrays of
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

	// UserFields are passed through under their own names (ufCrm_…): strings,
	// numbers, booleans, nil, or arrays of them.
	UserFields map[string]any
}

// Multifield is one phone number or e-mail address with its kind: WORK, HOME,
// MOBILE or OTHER for phones, WORK, HOME, MAILING or OTHER for e-mails.
type Multifield struct {
	Value  string `json:"value"`
	TypeID string `json:"typeId"`
}

// MarshalJSON writes the contact as the body of a create, without our own
// origin fields.
func (c Contact) MarshalJSON() ([]byte, error) { return json.Marshal(c.body()) }

// body holds the fields that were given under the CRM's names. A user field
// never takes the place of a field of ours.
func (c Contact) body() map[string]any {
	m := make(map[string]any, 12+len(c.UserFields))
	maps.Copy(m, c.UserFields)
	for _, f := range [...]struct{ name, value string }{
		{"name", c.Name}, {"lastName", c.LastName}, {"secondName", c.SecondName}, {"honorific", c.Honorific},
		{"post", c.Post}, {"comments", c.Comments}, {"typeId", c.TypeID}, {"sourceId", c.SourceID},
		{"sourceDescription", c.SourceDescription},
		{"utmSource", c.UTMSource}, {"utmMedium", c.UTMMedium}, {"utmCampaign", c.UTMCampaign},
		{"utmContent", c.UTMContent}, {"utmTerm", c.UTMTerm},
	} {
		if f.value != "" {
			m[f.name] = f.value
		}
	}
	for _, f := range [...]struct {
		name  string
		value int64
	}{{"companyId", c.CompanyID}, {"assignedById", c.AssignedByID}, {"leadId", c.LeadID}} {
		if f.value != 0 {
			m[f.name] = f.value
		}
	}
	if len(c.Phones) > 0 {
		m["phone"] = c.Phones
	}
	if len(c.Emails) > 0 {
		m["email"] = c.Emails
	}
	if c.Opened != nil {
		m["opened"] = *c.Opened
	}
	return m
}

// ownFields are the names that a Contact can send besides user fields.
var ownFields = [...]string{
	"name", "lastName", "secondName", "honorific", "phone", "email", "post", "comments", "typeId", "sourceId",
	"sourceDescription", "companyId", "assignedById", "leadId", "opened",
	"utmSource", "utmMedium", "utmCampaign", "utmContent", "utmTerm",
}
