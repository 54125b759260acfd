package playground

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/leadbridge/leadbridge/crmclient/crmtest"
)

// maxCards is how many cards of a kind are shown, the newest ones.
const maxCards = 12

// cardGroup holds the objects of one kind that the CRM has.
type cardGroup struct {
	Title string // such as "Contacts"
	Total int
	Cards []card // the newest ones, the newest first
}

// card is one object.
type card struct {
	ID      string // in the document
	Title   string
	Created time.Time
	Fields  []cardField
}

type cardField struct{ Name, Value string }

// cardKinds are the kinds of objects that are shown, with the words for one and for several.
var cardKinds = []struct{ entity, one, all string }{
	{crmtest.Deals, "Deal", "Deals"},
	{crmtest.Leads, "Lead", "Leads"},
	{crmtest.Contacts, "Contact", "Contacts"},
	{crmtest.Timelines, "Comment", "Comments"},
}

// cardsOf returns all kinds of objects of which the CRM has some.
func cardsOf(s *crmtest.Simulator) (all []cardGroup) {
	for _, k := range cardKinds {
		records := s.Records(k.entity)
		if len(records) == 0 {
			continue
		}
		group := cardGroup{Title: k.all, Total: len(records)}
		slices.Reverse(records)
		for _, r := range records[:min(len(records), maxCards)] {
			group.Cards = append(group.Cards, cardOf(k.one, r))
		}
		all = append(all, group)
	}
	return all
}

// anchorOf returns the id of a card in the document.
func anchorOf(one string, id int64) string { return fmt.Sprintf("%s-%d", strings.ToLower(one), id) }

// unshown are fields that a portal fills in by itself, or that the card's heading shows.
var unshown = []string{"id", "createdTime", "updatedTime", "createdAt", "updatedAt", "createdBy", "updatedBy"}

func cardOf(one string, r crmtest.Record) card {
	c := card{ID: anchorOf(one, r.ID), Title: fmt.Sprintf("%s %d", one, r.ID), Created: r.Created}
	name := strings.Join(strings.Fields(r.Text("name")+" "+r.Text("secondName")+" "+r.Text("lastName")), " ")
	if name = cmp.Or(r.Text("title"), name); name != "" {
		c.Title += ": " + name
	}
	text, err := json.Marshal(r)
	var fields map[string]json.RawMessage
	if err != nil || json.Unmarshal(text, &fields) != nil {
		return c // a record can always be encoded
	}
	for _, name := range slices.SortedFunc(maps.Keys(fields), inOrder) {
		if value := valueOf(fields[name]); value != "" && !slices.Contains(unshown, name) {
			c.Fields = append(c.Fields, cardField{name, value})
		}
	}
	return c
}

// firstShown are the fields that are shown first; the others follow by name.
var firstShown = []string{"title", "name", "secondName", "lastName", "phone", "email", "post", "comments", "comment", "amount", "currency", "contactId"}

func inOrder(a, b string) int {
	place := func(name string) int {
		if i := slices.Index(firstShown, name); i >= 0 {
			return i
		}
		return len(firstShown)
	}
	return cmp.Or(cmp.Compare(place(a), place(b)), cmp.Compare(a, b))
}

// valueOf returns a field's value as text: each phone number or address in a line.
func valueOf(raw json.RawMessage) string {
	var text string
	var list []crmtest.Multifield
	switch {
	case json.Unmarshal(raw, &text) == nil:
		return text
	case json.Unmarshal(raw, &list) == nil && len(list) > 0:
		lines := make([]string, len(list))
		for i, one := range list {
			lines[i] = one.Value + " (" + strings.ToLower(one.TypeID) + ")"
		}
		return strings.Join(lines, "\n")
	}
	return string(raw)
}
