package vibe

import (
	"encoding/json"
	"maps"
)

// Card is the data of a lead or a deal besides the person. The zero value of a field means "not
// given": the field is left out of the request.
//
// Source of the names: the vendor's reference pages "Create lead" and "Create deal", and
// GET /v1/leads/fields and /v1/deals/fields.
type Card struct {
	Title    string
	Amount   json.Number // a decimal number
	Currency string      // ISO 4217, such as RUB

	StatusID string // of a lead

	// Of a deal:
	CategoryID  *int64 // its pipeline; 0 is the default one
	StageID     string
	TypeID      string
	Probability *int64 // percent

	// SourceID and AssignedByID replace those of the person if they are given. Comments replace the person's in a deal; in a
	// lead they come before the person's.
	SourceID     string
	AssignedByID int64
	Comments     string

	// UserFields are fields of the card's own kind. A lead also has those of its person.
	UserFields map[string]any
}

// Lead returns the fields of a lead: the person's and the card's.
func (k Card) Lead(person Contact) Body {
	b := person.Body()
	if k.Comments != "" && person.Comments != "" && k.Comments != person.Comments {
		k.Comments += "\n" + person.Comments // nothing else in the CRM shows them
	}
	k.write(b)
	putText(b, "statusId", k.StatusID)
	return b
}

// Deal returns the fields of a deal with a contact. Of the person's fields it has only those about the
// source, the company, the responsible user and the comments; the others are on the contact's card.
func (k Card) Deal(person Contact, contactID int64) Body {
	person = Contact{
		Comments: person.Comments, SourceID: person.SourceID, SourceDescription: person.SourceDescription,
		CompanyID: person.CompanyID, AssignedByID: person.AssignedByID, Opened: person.Opened,
		UTMSource: person.UTMSource, UTMMedium: person.UTMMedium, UTMCampaign: person.UTMCampaign,
		UTMContent: person.UTMContent, UTMTerm: person.UTMTerm,
	}
	b := person.Body()
	k.write(b)
	putText(b, "stageId", k.StageID)
	putText(b, "typeId", k.TypeID)
	if k.CategoryID != nil {
		b["categoryId"] = *k.CategoryID
	}
	if k.Probability != nil {
		b["probability"] = *k.Probability
	}
	b["contactId"] = contactID
	return b
}

// write puts into a body what leads and deals have in common.
func (k Card) write(b Body) {
	maps.Copy(b, k.UserFields)
	putText(b, "title", k.Title)
	putText(b, "currency", k.Currency)
	putText(b, "sourceId", k.SourceID)
	putText(b, "comments", k.Comments)
	if k.Amount != "" {
		b["amount"] = k.Amount
	}
	putID(b, "assignedById", k.AssignedByID)
}

// fieldsOf returns the fields that are sent with the objects of an entity, besides user fields.
func fieldsOf(entity Entity) []string {
	switch entity {
	case Leads:
		return []string{
			"title", "amount", "currency", "statusId", "name", "lastName", "secondName", "phone", "email", "post", "comments",
			"sourceId", "sourceDescription", "companyId", "assignedById", "opened",
		}
	case Deals:
		return []string{
			"title", "amount", "currency", "categoryId", "stageId", "typeId", "contactId", "companyId", "comments",
			"sourceId", "sourceDescription", "assignedById", "opened",
		}
	}
	return contactFields[:]
}

// CreatedField returns the field of an entity with the time when an object was created.
func (e Entity) CreatedField() string {
	if e == Deals {
		return "createdAt"
	}
	return "createdTime"
}
