package find

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/leadbridge/leadbridge/crmclient"
	"github.com/leadbridge/leadbridge/dlt"
	"github.com/leadbridge/leadbridge/transform"
)

// errNobody says that the text names nothing that can be searched for.
var errNobody = errors.New("nobody is named: give a phone number, an e-mail address, a name, an event id, a contact's id, or partition:offset")

// By is how a lead was found.
type By string

// How a lead can be found.
const (
	ByPlace   By = "place"
	ByEvent   By = "event id"
	ByContact By = "card"
	ByEmail   By = "e-mail"
	ByPhone   By = "phone"
	ByName    By = "name"
	ByText    By = "text" // in the value of a record that cannot be decoded
)

// who is the person or event that is searched for, by everything that the text may mean.
type who struct {
	text      string        // as it was entered, without blanks around it
	folded    []byte        // text in lower case, for values that cannot be decoded; nil: these are not searched
	phones    []string      // in the form that contacts have
	emails    []string      // folded
	words     []string      // words of a name, folded
	place     *dlt.Position // place of a record or a letter, and then nothing else is searched for; nil: text is not a place
	contactID int64         // id of a contact, lead or deal; 0: text is not such an id
	events    map[string]By // event ids and origin ids; the value is how an event with this id was found
}

// parse works out what the text may mean. Phone numbers and e-mail addresses are read by the transformer, like those of a
// lead.
func (f *Finder) parse(text string) (who, error) {
	text = strings.TrimSpace(text)
	if text == "" {
		return who{}, errNobody
	}
	w := who{text: text, events: map[string]By{text: ByEvent}}
	if !f.NoTextSearch {
		w.folded = bytes.ToLower([]byte(text))
	}
	if place, err := dlt.ParsePosition(text); err == nil {
		w.place = &place
		return w, nil
	}
	if id, err := strconv.ParseInt(text, 10, 64); err == nil && id > 0 {
		w.contactID = id
	}
	for _, m := range contactWith("email", text, f.Transformer).Emails {
		w.emails = append(w.emails, fold(m.Value))
	}
	for _, m := range contactWith("phone", text, f.Transformer).Phones {
		w.phones = append(w.phones, m.Value)
	}
	if len(w.emails)+len(w.phones) == 0 && w.contactID == 0 {
		w.words = strings.Fields(fold(text))
	}
	return w, nil
}

// contactWith returns the contact of a lead that has a single field.
func contactWith(field, value string, by Transformer) crmclient.Contact {
	text, err := json.Marshal(map[string]string{field: value})
	if err != nil {
		return crmclient.Contact{}
	}
	event, err := by.Decode(transform.Record{Topic: "find", Value: text})
	if err != nil {
		return crmclient.Contact{}
	}
	contact, _ := by.Contact(event) // an incomplete contact is enough
	return contact
}

// fold returns a text in lower case and with е for ё, so that spellings of one word are equal.
func fold(text string) string {
	return strings.ReplaceAll(strings.ToLower(text), "ё", "е")
}

// matches reports whether the event at a place is searched for, and how it was found. decoded says that event and contact
// were decoded from its value; if they were not, the value is searched as text.
func (w *who) matches(at dlt.Position, event transform.Event, contact *crmclient.Contact, value []byte, decoded bool) (By, bool) {
	if w.place != nil {
		return ByPlace, at == *w.place
	}
	if by, ok := w.names(event.ID, event.OriginID); ok {
		return by, true
	}
	// The service may have given the event its OwnID: then results, logs and the CRM have this id.
	if own := ownID(event.ID, contact); own != "" {
		if by, ok := w.names(own, transform.OriginID(own)); ok {
			return by, true
		}
	}
	searchText := !decoded && w.contactID == 0 && len(w.folded) > 0
	switch {
	case containsAny(contact.Emails, w.emails, fold):
		return ByEmail, true
	case containsAny(contact.Phones, w.phones, strings.TrimSpace):
		return ByPhone, true
	case len(w.words) > 0 && containsWords(contact, w.words):
		return ByName, true
	case searchText && bytes.Contains(bytes.ToLower(value), w.folded):
		return ByText, true
	}
	return "", false
}

// names reports whether the event with these ids is searched for, and how it was found.
func (w *who) names(id, originID string) (By, bool) {
	if by, ok := w.events[id]; ok {
		return by, true
	}
	if by, ok := w.events[originID]; ok {
		return by, true
	}
	withoutSource := strings.HasSuffix(id, " "+w.text)         // the id with which the gate answers a sender
	isPublicID := id != "" && transform.PublicID(id) == w.text // the id in logs
	if withoutSource || isPublicID {
		return ByEvent, true
	}
	return "", false
}

// containsAny reports whether one of some phones or e-mails, in its normal form, is wanted.
func containsAny(have []crmclient.Multifield, wanted []string, normal func(string) string) bool {
	return slices.ContainsFunc(have, func(m crmclient.Multifield) bool { return slices.Contains(wanted, normal(m.Value)) })
}

// containsWords reports whether all words are in the name, in any order.
func containsWords(contact *crmclient.Contact, words []string) bool {
	name := strings.Fields(fold(contact.Name + " " + contact.SecondName + " " + contact.LastName))
	for _, word := range words {
		if !slices.Contains(name, word) {
			return false
		}
	}
	return true
}
