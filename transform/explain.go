package transform

import (
	"cmp"

	"github.com/leadbridge/leadbridge/crmclient"
)

// Outcome is what became of a value on its way into a contact.
type Outcome string

// The outcomes of a [Step].
const (
	OutcomeKept       Outcome = "kept"        // as it was given
	OutcomeNormalised Outcome = "normalised"  // in the form that the CRM takes
	OutcomeComments   Outcome = "to comments" // it has no place of its own
	OutcomeUnusable   Outcome = "unusable"    // no phone number or e-mail address: it is in the comments
	OutcomeDefault    Outcome = "default"     // a setting's, as the event gives none
)

// Step is the way of one value from the event into the contact.
type Step struct {
	Field   string // of the contact, by the CRM's name; "" when it has none there
	Key     string // its name in the event, "" for a default
	Input   string // as the event has it
	Value   string // as the contact has it; "" when it is only in the comments
	Outcome Outcome
	Why     string // "" when there is nothing to say
	// Personal says that it is a name, a phone number or an e-mail address.
	Personal bool
}

// Explanation tells how an event becomes its contact.
type Explanation struct {
	Contact crmclient.Contact // as Contact builds it, beside a Rejection what is known of it
	Err     error             // a *Rejection: no contact is built
	Mapped  bool              // the keys of Steps are those of the mapping's output
	Steps   []Step
}

// Explain tells what Contact makes of each value of an event. It is slower, for people who look
// at one event: it watches the same code at work, so that both always agree.
func (t *Transformer) Explain(e Event) Explanation {
	x := explainer{out: Explanation{Mapped: t.mapping != nil}, region: t.region, sourceID: t.sourceID}
	data, reject := t.fields(e)
	if reject != nil {
		x.out.Err = reject
		return x.out
	}
	x.read(data)
	x.build()
	if len(x.out.Contact.Phones) == 0 && len(x.out.Contact.Emails) == 0 {
		_, x.out.Err = t.Contact(e)
	}
	return x.out
}

// explainer watches a lead while it is read and built.
type explainer struct {
	lead             lead
	region, sourceID string
	out              Explanation
	inputs           []input
}

// input is a value of the event and the field that it is for.
type input struct {
	field field
	key   string
	value any
	noted bool // it went to the comments
	kept  bool // it became a user field
}

func (x *explainer) read(data object) {
	for _, m := range data {
		if o, ok := m.value.(object); ok && m.value != nil {
			switch fieldOf(m.key) {
			case fieldUTM:
				x.members(m.key, o, utmOf)
				continue
			case fieldName, fieldFullName:
				x.members(m.key, o, partOf)
				continue
			}
		}
		x.watch(fieldOf(m.key), m.key, m.value, func() { x.lead.add(m.key, m.value) })
	}
}

func (x *explainer) members(key string, o object, of func(string) field) {
	for _, m := range o {
		f, path := of(m.key), key+"."+m.key
		x.watch(f, path, m.value, func() { x.lead.addField(f, path, m.value) })
	}
}

// watch notes where a value goes.
func (x *explainer) watch(f field, key string, value any, add func()) {
	before, cut, fields := x.lead.notes.b.Len(), x.lead.notes.leftOut, len(x.lead.contact.UserFields)
	add()
	kept := len(x.lead.contact.UserFields) > fields
	if text, ok := textOf(value); !kept && (value == nil || ok && text == "") {
		return
	}
	noted := x.lead.notes.b.Len() > before || x.lead.notes.leftOut > cut
	x.inputs = append(x.inputs, input{f, key, value, noted, kept})
}

// build builds the contact and tells each value's way.
func (x *explainer) build() {
	before := x.lead.notes.b.Len()
	x.out.Contact = x.lead.build(x.region, x.sourceID)
	x.region = cmp.Or(x.lead.region, x.region)
	namesNoted := x.lead.notes.b.String()[before:]
	x.names(namesNoted)
	for _, in := range x.inputs {
		switch {
		case in.kept:
			x.add(Step{Field: in.key, Key: in.key, Input: inputText(in.value), Value: inputText(x.out.Contact.UserFields[in.key])})
		case in.noted:
			x.add(Step{Key: in.key, Input: inputText(in.value), Outcome: OutcomeComments, Why: in.why(), Personal: in.field.isPersonal()})
		case isUserField(in.key): // nothing, once more
		case in.field == fieldPhone:
			x.points("phone", in, x.out.Contact.Phones, func(v any) ([]crmclient.Multifield, []string) { return normalizePhones(v, x.region) },
				"is no phone number that exists (region "+x.region+")")
		case in.field == fieldEmail:
			x.points("email", in, x.out.Contact.Emails, normalizeEmails, "is no e-mail address")
		case !in.field.isName():
			x.plain(in)
		}
	}
	x.unclaimed("phone", x.out.Contact.Phones)
	x.unclaimed("email", x.out.Contact.Emails)
	if x.lead.fields[fieldSourceID].text == "" && x.sourceID != "" {
		x.add(Step{Field: "sourceId", Value: x.sourceID, Outcome: OutcomeDefault, Why: "SOURCE_ID, as the event names none"})
	}
}

// add notes a step; without an outcome it is told by what changed.
func (x *explainer) add(s Step) {
	if s.Outcome == "" {
		s.Outcome = OutcomeNormalised
		if s.Value == s.Input {
			s.Outcome = OutcomeKept
		}
	}
	x.out.Steps = append(x.out.Steps, s)
}

// why tells why a value has no place of its own.
func (in input) why() string {
	switch {
	case isUserField(in.key):
		return "a user field takes texts, numbers, yes or no, and lists of them, once"
	case in.field == fieldUnknown, in.field == fieldUTM:
		return "no field of a contact is called so"
	case in.field == fieldCompanyID, in.field == fieldAssignedByID, in.field == fieldLeadID:
		return "it is no id, or another one came first"
	case in.field == fieldOpened:
		return "it is neither yes nor no, or another one came first"
	case in.field == fieldCountry:
		return "it is no country of two letters, or another one came first"
	}
	return "another value came first, or it is no text"
}
