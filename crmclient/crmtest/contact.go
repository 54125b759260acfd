package crmtest

import "time"

// Contact is one contact that the simulator holds.
type Contact struct {
	ID      int64
	Created time.Time
	Updated time.Time
}

// Multifield is one value of a contact's phone or email.
type Multifield struct {
	Value  string `json:"value"`
	TypeID string `json:"typeId"`
}

// Get is the value of a field by its API name, nil when it was not given:
// string, int64 or float64, bool, []Multifield, or any JSON value for user fields.
func (c Contact) Get(field string) any { return nil }

// Text is the value of a field of text, "" when it was not given.
func (c Contact) Text(field string) string { return "" }

// Phones are the contact's numbers.
func (c Contact) Phones() []Multifield { return nil }

// Emails are the contact's addresses.
func (c Contact) Emails() []Multifield { return nil }

// OriginID is the id of the event that the contact carries: originId, else
// [OriginUserField], else the last word of sourceDescription that looks like one (16
// or more letters, digits and dashes with a digit among them, after any "x:").
func (c Contact) OriginID() string { return "" }
