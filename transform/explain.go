package transform

import (
	"strings"

	"github.com/leadbridge/leadbridge/crmclient"
	"github.com/leadbridge/leadbridge/internal/phrase"
)

// Outcome is what became of one value of an event.
type Outcome string

// The outcomes of a [Step].
const (
	OutcomeKept       Outcome = "kept"        // as it was given
	OutcomeNormalised Outcome = "normalised"  // in the form that the CRM takes
	OutcomeComments   Outcome = "to comments" // the contact has no field for it
	OutcomeUnusable   Outcome = "unusable"    // no phone number or e-mail address: it is in the comments
	OutcomeDefault    Outcome = "default"     // the value of a setting, as the event has none
)

// Step says what became of one value of the event in the contact.
type Step struct {
	Field   string // of the contact, by the CRM's name; "" when it has none there
	Key     string // its name in the event, "" for a default
	Input   string // as the event has it
	Value   string // as the contact has it in Field; "" when the field is not set, such as when the value is only in the comments
	Outcome Outcome
	Why     phrase.Text // nil when there is nothing to say
	// Personal says that the value is a name, a phone number or an e-mail address.
	Personal bool
}

// Explanation says how an event becomes its contact.
type Explanation struct {
	Contact crmclient.Contact // as Contact builds it; after a Rejection, what is known of the person
	Err     error             // a *Rejection: no contact is built
	Mapped  bool              // the keys of Steps are those of the mapping's output; false: those of the event, as there is no mapping
	Steps   []Step
	// Candidates are the objects of the event that hold a contact point.
	Candidates []Candidate
}

// Explain returns what Contact makes of each value of an event. It runs the same code and also records each step, so that
// both always agree.
func (t *Transformer) Explain(e Event) Explanation {
	x := explainer{out: Explanation{Mapped: t.mapping != nil}, home: t.home(), sourceID: t.sourceID}
	values, people, reject := t.values(e)
	if reject != nil {
		x.out.Err = reject
		return x.out
	}
	x.lead.rights = t.rights(e)
	x.out.Candidates = people.candidates()
	for _, v := range values {
		x.watch(v)
	}
	x.build()
	if reject := x.lead.rejection(people); reject != nil {
		x.out.Err = reject
	}
	return x.out
}

// explainer records the steps while a lead is read and built.
type explainer struct {
	lead     lead
	home     homeRegion
	sourceID string
	out      Explanation
	inputs   []input
}

// input is a value of the event and the field that it is for.
type input struct {
	field field
	key   string
	value any
	noted bool // the value was added to the comments
	bare  bool // the event has no right to set the field
	kept  bool // the value became a user field
}

// watch adds a value to the lead, and records what became of it.
func (x *explainer) watch(v fieldValue) {
	before, cut, fields := x.lead.notes.b.Len(), x.lead.notes.leftOut, len(x.lead.contact.UserFields)
	x.lead.add(v)
	kept := len(x.lead.contact.UserFields) > fields
	if text, ok := textOf(v.value); !kept && (v.value == nil || ok && text == "") {
		return
	}
	noted := x.lead.notes.b.Len() > before || x.lead.notes.leftOut > cut
	x.inputs = append(x.inputs, input{v.field, v.path, v.value, noted, !x.lead.mayHave(v.field, v.path), kept})
}

// build builds the contact and records what becomes of each value.
func (x *explainer) build() {
	before := x.lead.notes.b.Len()
	x.out.Contact = x.lead.build(x.home, x.sourceID)
	x.home = x.lead.countries.home(x.home)
	namesNoted := x.lead.notes.b.String()[before:]
	x.names(namesNoted)
	for _, in := range x.inputs {
		switch {
		case in.kept:
			name := in.key[strings.LastIndexByte(in.key, '.')+1:]
			x.add(Step{Field: name, Key: in.key, Input: inputText(in.value), Value: inputText(x.out.Contact.UserFields[name])})
		case in.noted:
			x.add(Step{Key: in.key, Input: inputText(in.value), Outcome: OutcomeComments, Why: in.why(), Personal: in.field.isPersonal()})
		case in.field == fieldUser: // its value is empty
		case in.field == fieldPhone:
			x.points("phone", in, x.out.Contact.Phones, func(v any) ([]crmclient.Multifield, []string) { return normalizePhones(v, x.home) },
				x.noPhone())
		case in.field == fieldEmail:
			x.points("email", in, x.out.Contact.Emails, normalizeEmails, phrase.New("no_email", "is not an e-mail address"))
		case !in.field.isName():
			x.plain(in)
		}
	}
	x.fromPage()
	x.unclaimed("phone", x.out.Contact.Phones)
	x.unclaimed("email", x.out.Contact.Emails)
	if x.lead.fields[fieldSourceID].text == "" && x.sourceID != "" {
		x.add(Step{Field: "sourceId", Value: x.sourceID, Outcome: OutcomeDefault, Why: phrase.New("from_setting", "SOURCE_ID, as the event names none")})
	}
}

// noPhone says that a text is not a phone number.
func (x *explainer) noPhone() phrase.Text {
	switch {
	case x.home.region == "":
		return phrase.New("no_phone", "is not a phone number that exists (of a country that is not understood)")
	case x.home.stated:
		return phrase.New("no_phone_in_stated_region", "is not a phone number that exists (region {region}, which the event states)", "region", x.home.region)
	}
	return phrase.New("no_phone_in_region", "is not a phone number that exists (region {region})", "region", x.home.region)
}

// add records a step. If it has no outcome, the outcome says whether the value was changed.
func (x *explainer) add(s Step) {
	if s.Outcome == "" {
		s.Outcome = OutcomeNormalised
		if s.Value == s.Input {
			s.Outcome = OutcomeKept
		}
	}
	x.out.Steps = append(x.out.Steps, s)
}

// why returns why a value has no field of its own.
func (in input) why() phrase.Text {
	switch {
	case in.bare:
		return phrase.New("not_allowed", "it came by the gate, and its source does not allow the field (allow)")
	case in.field == fieldUser:
		return phrase.New("user_field", "a user field takes texts, numbers, yes or no, and lists of them, once")
	case in.field == fieldUnknown, in.field == fieldUTM:
		return phrase.New("no_such_field", "no field of a contact is called so")
	case in.field == fieldCompanyID, in.field == fieldAssignedByID, in.field == fieldLeadID:
		return phrase.New("no_id", "it is not an id, or another one came first")
	case in.field == fieldTracking:
		return phrase.New("tracking_taken", "another value came first, or it is too long to be one that tells where a visit came from")
	case in.field == fieldOpened:
		return phrase.New("not_yes_or_no", "it is neither yes nor no, or another one came first")
	case in.field.isCountry():
		return phrase.New("no_country_field", "a contact has no field for a country; phone numbers without a calling code are read as its own if it is a known one")
	}
	return phrase.New("not_first", "another value came first, or it is not a text")
}
