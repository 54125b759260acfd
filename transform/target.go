package transform

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/leadbridge/leadbridge/crmclient"
)

// Plan is what an event is to become in the CRM.
type Plan struct {
	Contact crmclient.Contact // the person
	Target  crmclient.Target  // empty: what CRM_TARGET says
	Card    crmclient.Card    // of a lead or a deal
}

// Fields of an event that say what it becomes. They need the event's rights as others that say more
// than who a person is.
const (
	fieldTarget = "target" // contact, lead or deal
	fieldDeal   = "deal"   // an object: what the lead or the deal says beside the person
)

// Plan builds the contact as [Transformer.Contact] does, and says what else the event becomes.
func (t *Transformer) Plan(e Event) (Plan, error) {
	contact, err := t.Contact(e)
	p := Plan{Contact: contact}
	if err != nil || !t.mayNeedCard(e) {
		return p, err
	}
	said := t.said(e)
	p.Target = said.target
	p.Contact.Comments = without(p.Contact.Comments, said.targetLines)
	target := cmp.Or(p.Target, t.titles.target, crmclient.TargetContact)
	if target == crmclient.TargetContact {
		return p, nil
	}
	p.Card = said.card()
	p.Contact.Comments = without(p.Contact.Comments, said.dealLines)
	if p.Card.Title == "" {
		p.Card.Title = t.titles.of(target, contact, said.data)
	}
	return p, nil
}

// mayNeedCard reports whether an event can become more than a contact: otherwise its data are read only once.
func (t *Transformer) mayNeedCard(e Event) bool {
	return cmp.Or(t.titles.target, crmclient.TargetContact) != crmclient.TargetContact ||
		bytes.Contains(e.raw, []byte(fieldTarget)) || t.mapping != nil && slices.Contains(t.mapping.rights, fieldTarget)
}

// said holds what an event's fields say about what it becomes.
type said struct {
	data   any // the lead's fields
	target crmclient.Target
	deal   object
	// Lines of the comments that repeat it.
	targetLines, dealLines []string
}

// said reads the fields that the event has the rights for. The contact was built, so that a mapping
// works on the event.
func (t *Transformer) said(e Event) said {
	var s said
	if s.data = e.data(); t.mapping != nil {
		mapped, reject := t.mapping.run(s.data)
		if reject != nil {
			return said{}
		}
		s.data = mapped
	}
	fields, _ := s.data.(object)
	rights := t.rights(e)
	for _, m := range fields {
		switch {
		case m.key == fieldTarget && rights.allows(fieldTarget):
			word, _ := textOf(m.value)
			if target := crmclient.Target(cleanLine(word)); slices.Contains(crmclient.Targets(), target) {
				s.target, s.targetLines = target, linesOf(m)
			}
		case m.key == fieldDeal && rights.allows(fieldDeal):
			if deal, ok := m.value.(object); ok {
				s.deal, s.dealLines = deal, linesOf(m)
			}
		}
	}
	return s
}

// linesOf are the lines that the comments have of a field without a place of its own.
func linesOf(m member) []string {
	var c comments
	c.note(m.key, m.value)
	return strings.Split(c.String(), "\n")
}

// without takes lines out of a text, each once.
func without(text string, lines []string) string {
	if len(lines) == 0 {
		return text
	}
	kept := strings.Split(text, "\n")
	for _, line := range lines {
		if i := slices.Index(kept, line); i >= 0 {
			kept = slices.Delete(kept, i, i+1)
		}
	}
	return strings.Join(kept, "\n")
}

// card reads what a lead or a deal says: the members of deal under the CRM's names, and the amount and currency. It takes the
// lines of members that cannot be used out of dealLines, so that they stay in the comments.
func (s *said) card() crmclient.Card {
	var k crmclient.Card
	k.Amount, k.Currency = s.money()
	for _, m := range s.deal {
		if s.read(&k, m) || readsMoney(m, k) {
			continue
		}
		for _, line := range linesOf(member{fieldDeal, object{m}}) {
			if i := slices.Index(s.dealLines, line); i >= 0 {
				s.dealLines = slices.Delete(s.dealLines, i, i+1)
			}
		}
	}
	return k
}

// partsOf are the members of an object that are objects of these names, in any case.
func partsOf(o object, names ...string) (parts []object) {
	for _, m := range o {
		if part, ok := m.value.(object); ok && slices.Contains(names, strings.ToLower(m.key)) {
			parts = append(parts, part)
		}
	}
	return parts
}

// read takes over a member of deal other than its amount and currency. It reports whether the member is used.
func (s *said) read(k *crmclient.Card, m member) bool {
	text, _ := textOf(m.value)
	line := cutRunes(cleanLine(text), maxTitle)
	switch m.key {
	case "title":
		k.Title = line
	case "statusId":
		k.StatusID = line
	case "stageId":
		k.StageID = line
	case "typeId":
		k.TypeID = line
	case "sourceId":
		k.SourceID = line
	case "comments":
		k.Comments = text
		return text != ""
	case "categoryId":
		k.CategoryID = fromZero(line)
		return k.CategoryID != nil
	case "probability":
		k.Probability = fromZero(line)
		return k.Probability != nil
	case "assignedById":
		id, ok := positiveInt(line)
		if ok {
			k.AssignedByID = id
		}
		return ok
	default:
		value, ok := userValue(m.value)
		if !ok || !isUserField(m.key) || value == "" {
			return false
		}
		if k.UserFields == nil {
			k.UserFields = map[string]any{}
		}
		k.UserFields[m.key] = value
	}
	return line != ""
}

// fromZero reads a number of at least 0; nil for anything else.
func fromZero(text string) *int64 {
	n, err := json.Number(text).Int64()
	if err != nil || n < 0 {
		return nil
	}
	return &n
}

// maxTitle is the longest title in characters: a field of the CRM holds 255.
const maxTitle = 250

// titles makes the titles of leads and deals.
type titles struct {
	target crmclient.Target // CRM_TARGET
	lead   *mapping         // LEAD_TITLE; nil: the usual title
	deal   *mapping         // DEAL_TITLE
}

// newTitles compiles the templates.
func newTitles(o Options) (titles, error) {
	t := titles{target: o.Target}
	for _, one := range []struct {
		setting, text string
		to            **mapping
	}{{"LEAD_TITLE", o.LeadTitle, &t.lead}, {"DEAL_TITLE", o.DealTitle, &t.deal}} {
		if strings.TrimSpace(one.text) == "" {
			continue
		}
		m, err := compileTitle(one.text)
		if err != nil {
			return titles{}, fmt.Errorf(`%s: %w: write a jq program that gives a text, such as .name + " (site)", and a fixed text in quotation marks`, one.setting, err)
		}
		*one.to = m
	}
	return t, nil
}

// compileTitle compiles a template; a mapping gives an object.
func compileTitle(text string) (*mapping, error) {
	return compileProgram("{title: ("+text+"\n)}", settingsProgram())
}

// CheckTitle reports, by an error, that a text is not a template of a title. The empty one stands for the
// usual title.
func CheckTitle(text string) error {
	if strings.TrimSpace(text) == "" {
		return nil
	}
	_, err := compileTitle(text)
	return err
}

// of returns the title of a lead or a deal: what the template makes of it, else the person's name, e-mail
// or phone, and the form's name. It is never empty, as a portal may want one.
func (t titles) of(target crmclient.Target, person crmclient.Contact, data any) string {
	template := t.deal
	if target == crmclient.TargetLead {
		template = t.lead
	}
	form := formOf(data)
	if template != nil {
		made, reject := template.run(titleInput(person, form, data))
		if reject == nil {
			for _, m := range made {
				if text, ok := textOf(m.value); ok && cleanLine(text) != "" {
					return cutRunes(cleanLine(text), maxTitle)
				}
			}
		}
	}
	return usualTitle(person, form)
}

func usualTitle(person crmclient.Contact, form string) string {
	who := strings.Join(slices.DeleteFunc([]string{person.Name, person.LastName}, func(s string) bool { return s == "" }), " ")
	if who == "" && len(person.Emails) > 0 {
		who = person.Emails[0].Value
	}
	if who == "" && len(person.Phones) > 0 {
		who = person.Phones[0].Value
	}
	if form != "" {
		who = cmp.Or(who, "Lead") + " – " + form
	}
	return cutRunes(cmp.Or(who, "Lead"), maxTitle)
}

// titleInput is what a template sees: the person, the form's name, and the lead's fields as event.
func titleInput(person crmclient.Contact, form string, data any) object {
	first := func(list []crmclient.Multifield) string {
		if len(list) == 0 {
			return ""
		}
		return list[0].Value
	}
	o := object{{"event", data}, {"form", form}, {"phone", first(person.Phones)}, {"email", first(person.Emails)}}
	for _, one := range [][2]string{
		{"name", person.Name}, {"lastName", person.LastName}, {"secondName", person.SecondName}, {"post", person.Post},
		{"comments", person.Comments}, {"sourceId", person.SourceID}, {"utmSource", person.UTMSource}, {"utmMedium", person.UTMMedium},
		{"utmCampaign", person.UTMCampaign}, {"utmContent", person.UTMContent}, {"utmTerm", person.UTMTerm},
	} {
		o = append(o, member{one[0], one[1]})
	}
	return o
}

// formNames are the names under which events give the name of their form, in this order.
var formNames = [...]string{"formname", "formtitle", "form"}

// formOf finds the name of the form that an event came by, "" when it names none.
func formOf(data any) string {
	fields, _ := data.(object)
	for _, name := range formNames {
		for _, m := range fields {
			if string(canonical(nil, m.key)) != name {
				continue
			}
			value := m.value
			if form, ok := value.(object); ok {
				value = nil
				for _, inner := range form {
					if inner.key == "name" || inner.key == "title" {
						value = inner.value
					}
				}
			}
			if text, ok := textOf(value); ok && cleanLine(text) != "" {
				return cutRunes(cleanLine(text), 100)
			}
		}
	}
	return ""
}
