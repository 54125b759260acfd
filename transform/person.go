package transform

import (
	"cmp"
	"slices"

	"github.com/leadbridge/leadbridge/crmclient"
)

// A Candidate is an object of an event that holds a contact point.
type Candidate struct {
	Path   string   // the names of the objects that it lies in, "" for the event's data itself
	Fields []string // the names of its fields that hold a phone number or an e-mail address
	Chosen bool     // its fields are the contact's
}

// people are the objects of an event that hold contact points.
type people struct {
	all     []*candidate
	tries   int          // how often libphonenumber was asked for all of them
	tooMany bool         // there are more than maxCandidates, and some objects were not read
	chosen  []*candidate // the objects that are the lead, see choose; none when there may be two persons
}

// maxCandidates is how many objects with contact points are compared. Among more, the lead is not searched.
const maxCandidates = 50

// candidate is an object that holds a contact point, and the objects around it.
type candidate struct {
	object *bodyObject
	around []*bodyObject
	phones []string
	emails []string
}

// findPeople finds the objects that have contact points, by the rules by which a contact is built, and chooses those that
// are the lead.
func findPeople(root *bodyObject, home homeRegion) people {
	var p people
	if !root.hasInner() { // an event without inner objects is the lead itself
		return p
	}
	p.collect(root, nil, statedCountries{}, home)
	p.choose()
	return p
}

func (e *bodyObject) hasInner() bool {
	return slices.ContainsFunc(e.values, func(v fieldValue) bool { return v.inner != nil })
}

// collect reads an object and those inside of it. countries are those that the objects around it state for phones.
func (p *people) collect(e *bodyObject, around []*bodyObject, countries statedCountries, home homeRegion) {
	if len(p.all) == maxCandidates {
		p.tooMany = true
		return
	}
	for _, v := range e.values {
		if text, ok := textOf(v.value); ok && v.field.isCountry() {
			countries.add(v.field, text)
		}
	}
	if c := p.candidateOf(e, countries.home(home)); c != nil {
		c.around = around
		p.all = append(p.all, c)
	}
	around = append(slices.Clip(around), e)
	for _, v := range e.values {
		if v.inner != nil {
			p.collect(v.inner, around, countries, home)
		}
	}
}

// candidateOf reads the contact points of an object; nil when it has none.
func (p *people) candidateOf(e *bodyObject, home homeRegion) *candidate {
	l := lead{tries: &p.tries}
	for _, v := range e.values {
		if v.field.isContactPoint() {
			l.addField(v.field, v.path, v.value)
		}
	}
	if len(l.phones)+len(l.emails) == 0 {
		return nil
	}
	l.buildContactPoints(home)
	c := &candidate{object: e, phones: valuesIn(l.contact.Phones), emails: valuesIn(l.contact.Emails)}
	if len(c.phones)+len(c.emails) == 0 {
		return nil
	}
	return c
}

func valuesIn(list []crmclient.Multifield) []string {
	var values []string
	for _, m := range list {
		values = append(values, m.Value)
	}
	return values
}

// choose chooses the objects that are the lead: the first one, and all that are the same person. It chooses none when
// another object may be another person.
func (p *people) choose() {
	if len(p.all) == 0 || p.tooMany {
		return
	}
	first := p.all[0]
	p.chosen = []*candidate{first}
	for grown := true; grown; { // a further object may be the same person as one that was added
		grown = false
		for _, c := range p.all {
			if !slices.Contains(p.chosen, c) && slices.ContainsFunc(p.chosen, c.isSamePerson) {
				p.chosen = append(p.chosen, c)
				grown = true
			}
		}
	}
	for _, c := range p.all {
		if !slices.Contains(p.chosen, c) && !c.isBeside(first) {
			p.chosen = nil
			return
		}
	}
}

// isSamePerson reports whether two objects share a contact point, or one is by its name a part of the other and does not
// contradict it.
func (c *candidate) isSamePerson(o *candidate) bool {
	if shareOne(c.phones, o.phones) || shareOne(c.emails, o.emails) {
		return true
	}
	return !c.contradicts(o) && (c.isAttributeOf(o) || o.isAttributeOf(c))
}

func (c *candidate) isAttributeOf(o *candidate) bool {
	return len(c.around) > 0 && c.around[len(c.around)-1] == o.object && isAttribute(c.object.key)
}

// isBeside reports whether an object lies inside of the lead's and does not contradict it, so that it need not be another
// person.
func (c *candidate) isBeside(lead *candidate) bool {
	return slices.Contains(c.around, lead.object) && !c.contradicts(lead)
}

// contradicts reports whether both have phones, or both have e-mails, and none of them in common.
func (c *candidate) contradicts(o *candidate) bool {
	return len(c.phones) > 0 && len(o.phones) > 0 && !shareOne(c.phones, o.phones) ||
		len(c.emails) > 0 && len(o.emails) > 0 && !shareOne(c.emails, o.emails)
}

func shareOne(a, b []string) bool {
	return slices.ContainsFunc(a, func(s string) bool { return slices.Contains(b, s) })
}

// values returns all values of the event. Those in objects that are not the lead's become fieldUnknown, except what is
// about the visit.
func (p *people) values(root *bodyObject) []fieldValue {
	if !root.hasInner() {
		return root.values
	}
	var list []fieldValue
	own, named := p.ownObjects(root)
	var walk func(e *bodyObject)
	walk = func(e *bodyObject) {
		for _, v := range e.values {
			switch {
			case v.inner != nil:
				walk(v.inner)
				continue
			case own[e] == isLead:
			case own[e] == isNamesake && v.field.isName():
			case own[e] == isAround && v.field.isContactPoint(), (own[e] == isOther || own[e] == isNamesake) && !v.field.isAboutVisit(),
				own[e] == isAround && v.field.isName() && !named:
				v.field = fieldUnknown
			}
			list = append(list, v)
		}
	}
	walk(root)
	return list
}

// What an object is to the lead.
const (
	isOther = iota
	isAround
	isNamesake // the only object that names a person, beside a lead without a name
	isLead
)

// ownObjects returns what each object is to the lead. named reports whether a name in an object around the lead's is the
// lead's name: that is so when the lead's objects have no name, and are called contacts or parts of another object.
func (p *people) ownObjects(root *bodyObject) (own map[*bodyObject]int, named bool) {
	own = map[*bodyObject]int{}
	if len(p.all) == 0 {
		own[root] = isLead
		return own, true
	}
	chosen := p.chosen
	if len(chosen) == 0 {
		chosen = p.all
	}
	named = true
	for _, c := range chosen {
		for _, outer := range c.around {
			own[outer] = max(own[outer], isAround)
		}
	}
	anyName := false
	for _, c := range chosen {
		own[c.object] = isLead
		anyName = anyName || c.object.hasName()
		named = named && !c.object.hasName() && (isContactKey(c.object.key) || isAttribute(c.object.key))
	}
	if !anyName {
		p.findNamesake(root, own)
	}
	return own, named
}

func (e *bodyObject) hasName() bool {
	return slices.ContainsFunc(e.values, func(v fieldValue) bool { return v.field.isName() && v.value != nil && v.value != "" })
}

// findNamesake looks for the object that holds the name of a lead without one: the only object that is called a person,
// and has a name and no contact point.
func (p *people) findNamesake(root *bodyObject, own map[*bodyObject]int) {
	var found []*bodyObject
	var walk func(e *bodyObject)
	walk = func(e *bodyObject) {
		isCandidate := slices.ContainsFunc(p.all, func(c *candidate) bool { return c.object == e })
		if own[e] == isOther && !isCandidate && isPerson(e.key) && e.hasName() {
			found = append(found, e)
		}
		for _, v := range e.values {
			if v.inner != nil {
				walk(v.inner)
			}
		}
	}
	walk(root)
	if len(found) == 1 && len(p.all) == len(p.chosen) {
		own[found[0]] = isNamesake
	}
}

// candidates returns the candidates for Explain.
func (p *people) candidates() []Candidate {
	var list []Candidate
	for _, c := range p.all {
		one := Candidate{Path: c.object.path, Chosen: slices.Contains(p.chosen, c)}
		for _, v := range c.object.values {
			if v.field.isContactPoint() {
				one.Fields = append(one.Fields, v.path)
			}
		}
		list = append(list, one)
	}
	return list
}

// rejection returns the rejection of an event in which several persons may be the lead; nil for any other event.
func (p *people) rejection() *Rejection {
	if len(p.all) == 0 || len(p.chosen) > 0 {
		return nil
	}
	var paths []string
	for _, c := range p.all {
		paths = append(paths, cmp.Or(c.object.path, "the event itself"))
	}
	return &Rejection{Reason: ReasonNoContactPoint, Message: "several persons may be meant (" + listOf(paths) +
		"): say which by a mapping (MAPPING_FILE); leadbridge map --explain shows what was found where"}
}
