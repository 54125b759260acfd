package transform

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/leadbridge/leadbridge/crmclient"
	"github.com/leadbridge/leadbridge/internal/phrase"
)

// points records what becomes of phone numbers or e-mail addresses.
func (x *explainer) points(name string, in input, have []crmclient.Multifield, read func(any) ([]crmclient.Multifield, []string), not phrase.Text) {
	values, isList := in.value.([]any)
	if !isList {
		values = []any{in.value}
	}
	for _, v := range values {
		found, unusable := read(plain(v))
		for _, one := range found {
			s := Step{Field: name, Key: in.key, Input: inputText(v), Value: one.Value, Personal: true}
			if !slices.ContainsFunc(have, func(o crmclient.Multifield) bool { return o.Value == one.Value }) {
				s.Field, s.Value, s.Outcome, s.Why = "", "", OutcomeComments, phrase.New("no_room", "a contact has room for {most}", "most", strconv.Itoa(maxMultifields))
			}
			x.add(s)
		}
		for _, text := range unusable {
			x.add(Step{Key: in.key, Input: text, Outcome: OutcomeUnusable, Why: not, Personal: true})
		}
	}
}

// unclaimed records the contact points of the contact for which no step was recorded, as they come from several values
// together.
func (x *explainer) unclaimed(name string, have []crmclient.Multifield) {
	for _, one := range have {
		recorded := slices.ContainsFunc(x.out.Steps, func(s Step) bool { return s.Field == name && s.Value == one.Value })
		if !recorded {
			x.add(Step{Field: name, Value: one.Value, Outcome: OutcomeNormalised, Personal: true})
		}
	}
}

// fromPage records the values of the contact that come only from the address of the page.
func (x *explainer) fromPage() {
	add := func(name, value string) {
		recorded := slices.ContainsFunc(x.out.Steps, func(s Step) bool { return s.Field == name })
		if value != "" && !recorded {
			x.add(Step{Field: name, Value: value, Outcome: OutcomeNormalised, Why: phrase.New("from_page", "the address of the page tells it")})
		}
	}
	for _, f := range []field{fieldUTMSource, fieldUTMMedium, fieldUTMCampaign, fieldUTMContent, fieldUTMTerm} {
		add(textFieldOf(&x.out.Contact, f))
	}
	for _, name := range slices.Sorted(maps.Keys(x.out.Contact.Tracking)) {
		add("tracking."+name, x.out.Contact.Tracking[name])
	}
}

// names records what became of the parts of a name. noted is what building the name added to the comments.
func (x *explainer) names(noted string) {
	c, given := x.out.Contact, x.lead.fields
	for _, part := range []struct {
		field string
		value string
		from  field
	}{{"name", c.Name, fieldFirstName}, {"secondName", c.SecondName, fieldSecondName}, {"lastName", c.LastName, fieldLastName}} {
		if part.value == "" {
			continue
		}
		s := Step{Field: part.field, Value: part.value, Personal: true}
		for _, f := range []field{part.from, fieldFullName, fieldName} {
			if e := given[f]; e.text != "" && (s.Key == "" || !strings.Contains(strings.ToLower(s.Input), strings.ToLower(part.value))) {
				s.Key, s.Input = e.key, e.text
			}
		}
		if s.Input != s.Value {
			s.Why = phrase.New("part_of_name", "a part of the full name")
		}
		x.add(s)
	}
	for _, f := range []field{fieldFullName, fieldName} {
		if e := given[f]; e.text != "" && strings.Contains(noted, cutRunes(cleanLine(e.key), maxKey)+": ") {
			x.add(Step{Key: e.key, Input: e.text, Outcome: OutcomeComments, Why: phrase.New("more_than_name", "it says more than the name, or something else than the parts that are given"), Personal: true})
		}
	}
}

// plain records what became of a value that has a field of its own.
func (x *explainer) plain(in input) {
	s := Step{Key: in.key, Input: inputText(in.value)}
	c := &x.out.Contact
	switch in.field {
	case fieldComments:
		s.Field = "comments"
		s.Value, _ = textOf(in.value)
	case fieldCountry, fieldPhoneCountry, fieldAddressCountry:
		s.Field, s.Value, s.Why = "region", x.home.region, phrase.New("country_of_phones", "the country of phone numbers without a country code")
	case fieldCompany:
		s.Outcome, s.Why = OutcomeComments, phrase.New("company_name", "a contact knows companies by companyId")
		if c.CompanyID != 0 {
			s.Why = phrase.New("company_known", "companyId says it already, so that it is left out")
		}
	case fieldCompanyID:
		s.Field, s.Value = "companyId", strconv.FormatInt(c.CompanyID, 10)
	case fieldAssignedByID:
		s.Field, s.Value = "assignedById", strconv.FormatInt(c.AssignedByID, 10)
	case fieldLeadID:
		s.Field, s.Value = "leadId", strconv.FormatInt(c.LeadID, 10)
	case fieldOpened:
		s.Field, s.Value = "opened", strconv.FormatBool(c.Opened != nil && *c.Opened)
	case fieldTracking:
		name := trackingNameAt(in.key)
		s.Field, s.Value = "tracking."+name, c.Tracking[name]
	default:
		s.Field, s.Value = textFieldOf(c, in.field)
	}
	if s.Field == "" && s.Outcome == "" {
		return // an empty list or object
	}
	x.add(s)
}

// textFieldOf returns the CRM's name of a field that holds a text, and its value in the contact; "" for any other field.
func textFieldOf(c *crmclient.Contact, f field) (name, value string) {
	switch f {
	case fieldHonorific:
		return "honorific", c.Honorific
	case fieldPost:
		return "post", c.Post
	case fieldTypeID:
		return "typeId", c.TypeID
	case fieldSourceID:
		return "sourceId", c.SourceID
	case fieldSourceDescription:
		return "sourceDescription", c.SourceDescription
	case fieldUTMSource:
		return "utmSource", c.UTMSource
	case fieldUTMMedium:
		return "utmMedium", c.UTMMedium
	case fieldUTMCampaign:
		return "utmCampaign", c.UTMCampaign
	case fieldUTMContent:
		return "utmContent", c.UTMContent
	case fieldUTMTerm:
		return "utmTerm", c.UTMTerm
	}
	return "", ""
}

// inputText returns a value for people: a text as it is, any other value as JSON.
func inputText(v any) string {
	if text, ok := v.(string); ok {
		return text
	}
	return string(appendJSON(nil, v))
}
