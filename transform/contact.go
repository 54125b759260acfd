package transform

import (
	"cmp"

	"github.com/leadbridge/leadbridge/crmclient"
)

// Contact builds the contact. The error is a *Rejection; beside one for want of a
// contact point stands what is known of the person, so that it can be hidden.
func (t *Transformer) Contact(e Event) (crmclient.Contact, error) {
	var l lead
	if reject := t.read(e, l.add); reject != nil {
		return crmclient.Contact{}, reject
	}
	c := l.build(t.region, t.sourceID)
	if len(c.Phones) == 0 && len(c.Emails) == 0 {
		return c, &Rejection{Reason: ReasonNoContactPoint, Message: "there is no usable phone number and no usable e-mail address"}
	}
	return c, nil
}

// read has the lead's fields added one by one.
func (t *Transformer) read(e Event, add func(key string, value any)) *Rejection {
	if t.mapping == nil && e.members(add) {
		return nil
	}
	data, reject := t.fields(e)
	for _, m := range data {
		add(m.key, m.value)
	}
	return reject
}

// fields gives the lead's fields: the event's data, or what the mapping makes of it.
func (t *Transformer) fields(e Event) (object, *Rejection) {
	data := e.data()
	if t.mapping != nil {
		return t.mapping.run(data)
	}
	if o, ok := data.(object); ok {
		return o, nil
	}
	return nil, malformed("the data is no object")
}

// build makes the contact of what was gathered.
func (l *lead) build(region, sourceID string) crmclient.Contact {
	c := &l.contact
	l.buildName()
	badPhones, badEmails := l.buildContactPoints(cmp.Or(l.region, region))
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

func (l *lead) buildContactPoints(region string) (badPhones, badEmails []string) {
	if len(l.phones) > 0 {
		l.contact.Phones, badPhones = normalizePhones(one(l.phones), region)
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

// buildComments puts what people wrote first, and then what can be lost
// least: a long list of other fields may be cut.
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

// labelOf names the field of unusable values: as the event does, when it is one field.
func labelOf(values []any, key, general string) string {
	if len(values) == 1 {
		return key
	}
	return general
}
