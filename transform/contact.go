package transform

import (
	"cmp"
	"strings"

	"github.com/leadbridge/leadbridge/crmclient"
)

// Contact builds the contact of an event. The error is a *Rejection. When a contact point is missing, the returned
// contact still has what is known of the person, so that callers can mask it.
func (t *Transformer) Contact(e Event) (crmclient.Contact, error) {
	values, people, reject := t.values(e)
	if reject != nil {
		return crmclient.Contact{}, reject
	}
	l := lead{rights: t.rights(e)}
	for _, v := range values {
		l.add(v)
	}
	c := l.build(t.home(), t.sourceID)
	if reject := l.rejection(people); reject != nil {
		return c, reject
	}
	return c, nil
}

// rejection says why no contact can be created; nil when one can be.
func (l *lead) rejection(p people) *Rejection {
	if reject := p.rejection(); reject != nil {
		return reject
	}
	if len(l.contact.Phones)+len(l.contact.Emails) > 0 {
		return nil
	}
	message := "there is no usable phone number and no usable e-mail address"
	if given := listOf(l.pointKeys); given != "" {
		message += "; what was given for one stands in " + given
	}
	return &Rejection{Reason: ReasonNoContactPoint, Message: message}
}

// maxListed is how many names a message lists.
const maxListed = 5

// listOf writes names of fields or objects for people, the first few of them.
func listOf(names []string) string {
	var listed []string
	for _, name := range names[:min(len(names), maxListed)] {
		listed = append(listed, cutRunes(cleanLine(name), maxKey))
	}
	if len(names) > maxListed {
		listed = append(listed, "…")
	}
	return strings.Join(listed, ", ")
}

func (t *Transformer) home() homeRegion { return homeRegion{region: t.region} }

// rights returns which fields with rights the event may set: those that its source allows, and those that the mapping names.
func (t *Transformer) rights(e Event) rights {
	if t.mapping == nil {
		return e.rights
	}
	return e.rights.and(t.mapping.rights)
}

// values returns the values of the event with the lead's field that each is for, and the persons of the event.
func (t *Transformer) values(e Event) ([]fieldValue, people, *Rejection) {
	if e.unmapped != "" {
		return nil, people{}, mappingFailed(e.unmapped)
	}
	data := e.data()
	if t.mapping != nil {
		mapped, reject := t.mapping.run(data)
		if reject != nil {
			return nil, people{}, reject
		}
		data = mapped
	}
	root, ok := readBodyObjects(data)
	if !ok {
		return nil, people{}, malformed("the data is not an object")
	}
	p := findPeople(root, t.home())
	return p.values(root), p, nil
}

// build makes the contact from the collected fields.
func (l *lead) build(home homeRegion, sourceID string) crmclient.Contact {
	c := &l.contact
	l.addPageQuery()
	l.buildName()
	badPhones, badEmails := l.buildContactPoints(l.countries.home(home))
	c.Honorific = l.fields[fieldHonorific].text
	c.Post = l.fields[fieldPost].text
	c.TypeID = l.fields[fieldTypeID].text
	c.SourceID = cmp.Or(l.fields[fieldSourceID].text, sourceID)
	c.SourceDescription = l.fields[fieldSourceDescription].text
	c.UTMSource = l.fields[fieldUTMSource].text
	c.UTMMedium = l.fields[fieldUTMMedium].text
	c.UTMCampaign = l.fields[fieldUTMCampaign].text
	c.UTMContent = l.fields[fieldUTMContent].text
	c.UTMTerm = l.fields[fieldUTMTerm].text
	c.Comments = l.buildComments(badPhones, badEmails)
	return *c
}

func (l *lead) buildContactPoints(home homeRegion) (badPhones, badEmails []string) {
	if len(l.phones) > 0 {
		l.contact.Phones, badPhones = normalizePhonesOf(one(l.phones), home, l.tries)
	}
	if len(l.emails) > 0 {
		l.contact.Emails, badEmails = normalizeEmails(one(l.emails))
	}
	return badPhones, badEmails
}

func one(values []any) any {
	if len(values) == 1 {
		return values[0]
	}
	return values
}

// buildComments writes first what people wrote, then unusable contact points and the company, and last all other fields, of
// which some may be cut.
func (l *lead) buildComments(badPhones, badEmails []string) string {
	all := &l.messages
	for _, text := range badPhones {
		all.note(labelOf(l.phones, l.phoneKey, "phone"), text)
	}
	for _, text := range badEmails {
		all.note(labelOf(l.emails, l.emailKey, "email"), text)
	}
	if company := l.fields[fieldCompany]; l.contact.CompanyID == 0 && company.text != "" {
		all.note(company.key, company.text)
	}
	all.addAll(&l.notes)
	return all.String()
}

// labelOf returns the label of unusable values: the field's name in the event if they come from one field, else general.
func labelOf(values []any, key, general string) string {
	if len(values) == 1 {
		return key
	}
	return general
}
