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
	Target  crmclient.Target  // empty for the target of CRM_TARGET
	Card    crmclient.Card    // of the lead or the deal
}

// Fields of an event that say what it becomes. They are fields with rights.
const (
	fieldTarget = "target" // contact, lead or deal
	fieldDeal   = "deal"   // an object with the fields of the lead or the deal
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

// mayNeedCard reports whether an event can become more than a contact. If it cannot, its data need not be decoded a
// second time.
func (t *Transformer) mayNeedCard(e Event) bool {
	return cmp.Or(t.titles.target, crmclient.TargetContact) != crmclient.TargetContact ||
		bytes.Contains(e.raw, []byte(fieldTarget)) || t.mapping != nil && slices.Contains(t.mapping.rights, fieldTarget)
}

// said holds what an event's fields say about what it becomes.
type said struct {
	data   any // the lead's fields
	target crmclient.Target
	deal   object
	// The lines in the contact's comments for the fields target and deal, which the contact does not have.
	targetLines, dealLines []string
}

// said reads the fields target and deal, if the event may set them. It is called after the contact was built, so that a
// mapping does not fail on the event.
func (t *Transformer) said(e Event) said {
	s := said{data: e.data()}
	if t.mapping != nil {
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

// linesOf returns the lines that the comments have for a field that the contact does not have.
func linesOf(m member) []string {
	var c comments
	c.note(m.key, m.value)
	return strings.Split(c.String(), "\n")
}

// without removes lines from a text, each once.
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

// card builds the card of a lead or a deal from the members of deal, which have the CRM's names, and from the event's
// amount and currency. It takes the lines of members that cannot be used out of dealLines, so that they stay in the comments.
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

// partsOf returns the members of an object that are objects and have one of these names, in any case.
func partsOf(o object, names ...string) (parts []object) {
	for _, m := range o {
		if part, ok := m.value.(object); ok && slices.Contains(names, strings.ToLower(m.key)) {
			parts = append(parts, part)
		}
	}
	return parts
}

// read adds to the card a member of deal other than its amount and currency. It reports whether the member is used.
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

// fromZero reads a whole number that is not negative; it returns nil for any other text.
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
	lead   *mapping         // LEAD_TITLE; nil for the usual title
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

// compileTitle compiles the template of a title, as a mapping whose result is an object with the title.
func compileTitle(text string) (*mapping, error) {
	return compileProgram("{title: ("+text+"\n)}", settingsProgram())
}

// CheckTitle returns an error when a text is not a valid template of a title. The empty text stands for the usual title.
func CheckTitle(text string) error {
	if strings.TrimSpace(text) == "" {
		return nil
	}
	_, err := compileTitle(text)
	return err
}

// of returns the title of a lead or a deal: what the template makes of the event, else the usual title. It is never
// empty, as a portal may require one.
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

// usualTitle returns the person's name, e-mail address or phone, and the form's name.
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

// titleInput returns the input of a template: the person, the form's name, and under event the lead's fields.
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

// formOf returns the name of the form through which an event came; "" when the event does not say it.
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
