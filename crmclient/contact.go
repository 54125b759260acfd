package crmclient

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
