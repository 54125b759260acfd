package find

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"github.com/leadbridge/leadbridge/crmclient"
	"github.com/leadbridge/leadbridge/dlt"
	"github.com/leadbridge/leadbridge/transform"
)

// errNobody is the error when the text names nothing that can be searched for.
var errNobody = errors.New("nobody is named: give a phone number, an e-mail address, a name, an event id, the number or address of a card, or partition:offset")

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

// leastBeginning is the length of the shortest beginning of an event id by which it is found.
const leastBeginning = 8

// who is what is searched for: a person or an event, by everything that the text may mean.
type who struct {
	text     string           // as it was entered, without blanks around it
	folded   []byte           // text in lower case, to be found in values that cannot be decoded; nil: these are not searched
	phones   []string         // as contacts have them
	emails   []string         // folded
	words    []string         // of a name, folded
	record   *dlt.Position    // the place of a record; nil: text is not one. With a place, nothing else is searched for
	letter   *dlt.Position    // the place of a letter; equal to record unless the text names the topic
	cardID   int64            // of a contact, lead or deal; 0: text is not one
	cardKind crmclient.Target // "": cardID may be of each kind
	events   map[string]By    // event ids and origin ids, with how an event with one counts as found
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
	if w.record, w.letter = f.places(text); w.named() {
		return w, nil
	}
	w.cardKind, w.cardID = cardOf(text)
	if w.cardKind != "" {
		return w, nil
	}
	for _, m := range contactWith("email", text, f.Transformer).Emails {
		w.emails = append(w.emails, fold(m.Value))
	}
	for _, m := range contactWith("phone", text, f.Transformer).Phones {
		w.phones = append(w.phones, m.Value)
	}
	if len(w.emails)+len(w.phones) == 0 && w.cardID == 0 {
		w.words = nameWords(text)
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

// places returns the place of a record and that of a letter which a text names: both of partition:offset, one of a text that
// begins with the name of its topic, as lists and logs have it ("leads 0:15", "leads/0/15", "leads, partition 0, offset 15").
func (f *Finder) places(text string) (record, letter *dlt.Position) {
	if place, err := dlt.ParsePosition(text); err == nil {
		return &place, &place
	}
	for _, topic := range []struct {
		name string
		to   **dlt.Position
	}{{f.Topic, &record}, {f.DeadLetterTopic, &letter}} {
		if rest, ok := strings.CutPrefix(text, topic.name); ok && topic.name != "" {
			if place, ok := placeBehind(rest); ok {
				*topic.to = &place
			}
		}
	}
	return record, letter
}

// placeBehind returns the place that stands behind the name of a topic: two numbers, with nothing but separators and the words
// partition and offset about them.
func placeBehind(text string) (dlt.Position, bool) {
	text = strings.NewReplacer("partition", "", "offset", "").Replace(strings.ToLower(text))
	isDigit := func(r rune) bool { return r >= '0' && r <= '9' }
	numbers := strings.FieldsFunc(text, func(r rune) bool { return !isDigit(r) })
	if len(numbers) != 2 || isDigit(rune(text[0])) || strings.Trim(text, "0123456789 ,/:@[]#-") != "" {
		return dlt.Position{}, false
	}
	place, err := dlt.ParsePosition(numbers[0] + ":" + numbers[1])
	return place, err == nil
}

// cardOf returns the id of the contact, lead or deal that a text names: by its number alone, behind the word for its kind, or
// in the address of its card. The kind is "" when the text does not say it.
func cardOf(text string) (kind crmclient.Target, id int64) {
	if id, err := strconv.ParseInt(text, 10, 64); err == nil && id > 0 {
		return "", id
	}
	text = strings.ToLower(text)
	_, path, isAddress := strings.Cut(text, "://")
	for _, kind := range crmclient.Targets() {
		number, ok := strings.CutPrefix(text, string(kind)+" ")
		if isAddress {
			if _, number, ok = strings.Cut(path, "/crm/"+string(kind)+"/details/"); ok {
				number, _, _ = strings.Cut(number, "/")
			}
		}
		if id, err := strconv.ParseInt(strings.TrimSpace(number), 10, 64); ok && err == nil && id > 0 {
			return kind, id
		}
	}
	return "", 0
}

// isOf reports whether one of the objects that an event became is searched for by its id.
func (w *who) isOf(made crmclient.Made) bool {
	for kind, id := range map[crmclient.Target]int64{crmclient.TargetContact: made.ContactID, crmclient.TargetLead: made.LeadID, crmclient.TargetDeal: made.DealID} {
		if id > 0 && id == w.cardID && (w.cardKind == "" || w.cardKind == kind) {
			return true
		}
	}
	return false
}

// named reports whether the text is a place.
func (w *who) named() bool { return w.record != nil || w.letter != nil }

// fold returns a text in lower case and with е for ё, so that spellings of one word are equal.
func fold(text string) string {
	return strings.ReplaceAll(norm.NFC.String(strings.ToLower(text)), "ё", "е")
}

// nameWords returns the words of a name, folded, without apostrophes. A comma, a hyphen or a full stop ends a word.
func nameWords(name string) []string {
	return strings.FieldsFunc(strings.Map(func(r rune) rune {
		if strings.ContainsRune("'’‘ʻʼ`", r) {
			return -1
		}
		return r
	}, fold(name)), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r) })
}

// matches reports whether the event of a record or letter is searched for, and how it was found. here says that its place is
// the one that was named; decoded says that event and contact were made of its value; otherwise the value is searched as text.
func (w *who) matches(here bool, event transform.Event, contact *crmclient.Contact, value []byte, decoded bool) (By, bool) {
	if w.named() {
		return ByPlace, here
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
	searchText := !decoded && w.cardID == 0 && len(w.folded) > 0
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
	// A list cuts a long id, and ends it with an ellipsis.
	if beginning, cut := strings.CutSuffix(w.text, "…"); cut && len(beginning) >= leastBeginning && strings.HasPrefix(id, beginning) {
		return ByEvent, true
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
	name := nameWords(contact.Name + " " + contact.SecondName + " " + contact.LastName)
	for _, word := range words {
		if !slices.Contains(name, word) {
			return false
		}
	}
	return true
}
