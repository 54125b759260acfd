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

// MarshalJSON writes the contact as the body of a create, without our own
// origin fields.
func (c Contact) MarshalJSON() ([]byte, error) { return c.body(nil).appendJSON(nil) }

// body appends the fields that were given, under the CRM's names and in the order of these.
// A user field never takes the place of a field of ours. It refers to the contact.
func (c *Contact) body(b body) body {
	text := func(name string, value *string) {
		if *value != "" {
			b = append(b, bodyField{name, value})
		}
	}
	number := func(name string, value int64) {
		if value != 0 {
			b = append(b, bodyField{name, value})
		}
	}
	list := func(name string, values *[]Multifield) {
		if len(*values) > 0 {
			b = append(b, bodyField{name, values})
		}
	}
	number("assignedById", c.AssignedByID)
	text("comments", &c.Comments)
	number("companyId", c.CompanyID)
	list("email", &c.Emails)
	text("honorific", &c.Honorific)
	text("lastName", &c.LastName)
	number("leadId", c.LeadID)
	text("name", &c.Name)
	if c.Opened != nil {
		b = append(b, bodyField{"opened", *c.Opened})
	}
	list("phone", &c.Phones)
	text("post", &c.Post)
	text("secondName", &c.SecondName)
	text("sourceDescription", &c.SourceDescription)
	text("sourceId", &c.SourceID)
	text("typeId", &c.TypeID)
	text("utmCampaign", &c.UTMCampaign)
	text("utmContent", &c.UTMContent)
	text("utmMedium", &c.UTMMedium)
	text("utmSource", &c.UTMSource)
	text("utmTerm", &c.UTMTerm)
	return b.withUserFields(c.UserFields)
}

// ownFields are the names that a Contact can send besides user fields.
var ownFields = [...]string{
	"name", "lastName", "secondName", "honorific", "phone", "email", "post", "comments", "typeId", "sourceId",
	"sourceDescription", "companyId", "assignedById", "leadId", "opened",
	"utmSource", "utmMedium", "utmCampaign", "utmContent", "utmTerm",
}
