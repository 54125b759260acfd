package vibe

import (
	"encoding/json"
	"maps"
)

// Card is what a lead or a deal says beside the person. The zero value of a field means "not
// given": it is left out of the request.
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

	// SourceID and AssignedByID replace the person's when they are given; so do Comments those of a deal, while in those of
	// a lead they stand before the person's.
	SourceID     string
	AssignedByID int64
	Comments     string

	// UserFields are of the card's own kind, beside those of a lead's person.
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

// Deal returns the fields of a deal with a contact. Of the person's it has where it came from, whom
// it is assigned to, and what was written; the rest is on the contact's card.
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

// fieldsOf are the names that the objects of an entity are sent with, besides user fields.
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

// CreatedField is the field of an entity that says when an object was created.
func (e Entity) CreatedField() string {
	if e == Deals {
		return "createdAt"
	}
	return "createdTime"
}
