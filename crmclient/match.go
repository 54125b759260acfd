package crmclient

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/leadbridge/leadbridge/crmclient/internal/limit"
	"github.com/leadbridge/leadbridge/crmclient/internal/person"
	"github.com/leadbridge/leadbridge/crmclient/internal/queue"
	"github.com/leadbridge/leadbridge/crmclient/internal/vibe"
)

// Match says by what a contact of the same person is looked for before a contact is made (CRM_MATCH). The zero value
// looks for none.
type Match struct {
	Email, Phone bool
	Many         ManyMatches // what happens when several agree; empty: ManyNew
	// Fill says that what the contact that an event is given to lacks is added to its card (CRM_ON_MATCH=fill).
	// Config.Patch must be known.
	Fill bool
}

// On reports whether persons are looked for.
func (m Match) On() bool { return m.Email || m.Phone }

func (m Match) by() person.By { return person.By{Phone: m.Phone, Email: m.Email} }

// LookedFor returns what a contact of the same person is looked for by, under the names of the CRM's fields email and
// phone: phones in all spellings that portals hold. It is nil when none is looked for.
func (m Match) LookedFor(contact Contact) map[string][]string {
	values, who := map[string][]string{}, personOf(contact)
	if m.Email && len(who.Emails) > 0 {
		values["email"] = who.Emails
	}
	for _, number := range who.Phones {
		if m.Phone {
			values["phone"] = append(values["phone"], person.Spellings(number)...)
		}
	}
	if len(values) == 0 {
		return nil
	}
	return values
}

// ManyMatches is what happens when several contacts agree with an event's person (CRM_MATCH_MANY).
type ManyMatches string

// What may happen when several agree.
const (
	ManyNew    ManyMatches = "new"    // a contact of its own is made, and its comments name them
	ManyNewest ManyMatches = "newest" // the contact that was made last is taken
	ManyLetter ManyMatches = "letter" // the event is a dead letter, with ReasonManyMatches
)

// match is the result of a look-up for an event's person.
type match struct {
	id         int64   // the contact that agrees; 0: none, or several
	own        bool    // the contact was made of this very event
	candidates []int64 // the contacts that agree, if there are several, ascending by id
}

// matches reports whether a step's person is looked for before its create: the step makes a contact, or a lead that can
// be bound to a contact.
func (c *Creator) matches(d *delivery, s *step) bool {
	if !c.cfg.Match.On() || len(personOf(*d.req.Contact).Points(c.cfg.Match.by())) == 0 {
		return false
	}
	switch s.entity {
	case vibe.Contacts:
		return true
	case vibe.Leads:
		p := c.portals.latest()
		return p != nil && p.kinds[vibe.Leads].fields.Writable("contactId")
	}
	return false
}

// mostPoints bounds how many phones, and how many e-mails, of one event are looked up.
const mostPoints = 5

// personOf is the person of an event.
func personOf(contact Contact) person.Person {
	p := person.Person{First: contact.Name, Middle: contact.SecondName, Last: contact.LastName}
	for i := range min(len(contact.Phones), mostPoints) {
		p.Phones = append(p.Phones, contact.Phones[i].Value)
	}
	for i := range min(len(contact.Emails), mostPoints) {
		p.Emails = append(p.Emails, contact.Emails[i].Value)
	}
	return p
}

// matching looks for the persons of one job's creates, right before these are sent.
type matching struct {
	*Creator
	request  *request
	field    vibe.IDField // of contacts; the zero value: not known
	atSend   map[vibe.Entity]moment
	searches []*personSearch
}

// personSearch is the search for the person of one event.
type personSearch struct {
	waiter *queue.Waiter
	*attempt
	who    person.Person
	values map[string][]string // what the person is looked up by, by field
	found  map[int64]bool      // contacts that agree
	own    int64               // the contact that was made of this very event; 0: none was found
	cut    bool                // there are more rows than were read
	failed *vibe.Outcome
}

// matchPersons looks for the persons of a job's creates. Creates that are not needed any more, or whose look-up failed,
// get their answer; the others have their match in attempt.match. It returns whether the job may go on with its
// creates.
func (c *Creator) matchPersons(r *request, p *portal) bool {
	m := &matching{Creator: c, request: r, field: p.kinds[vibe.Contacts].idField}
	for _, w := range r.job.Waiters() {
		a := w.Payload.(*attempt)
		a.match = match{}
		if c.matches(a.delivery, a.step) {
			m.searches = append(m.searches, &personSearch{waiter: w, attempt: a, who: personOf(*a.delivery.req.Contact), values: c.cfg.Match.LookedFor(*a.delivery.req.Contact), found: map[int64]bool{}})
		}
	}
	if len(m.searches) == 0 {
		return true
	}
	m.atSend = c.governor.moments(time.Now())
	o := m.all()
	if r.job.Context().Err() != nil {
		return false // broken off: nobody waits
	}
	r.job.Answer(m.judge(o))
	return true
}

// judge decides each event's match from the look-ups. It returns the answers of events that go no further.
func (m *matching) judge(whole vibe.Outcome) map[*queue.Waiter]any {
	if whole.Class != vibe.Done {
		m.meter.lookUp(vibe.Contacts, lookUpFailed)
		return m.judgeWhole(whole)
	}
	answers := map[*queue.Waiter]any{}
	var failed []*personSearch
	for _, search := range m.searches {
		if search.failed != nil {
			failed = append(failed, search)
			continue
		}
		search.match = search.decide(m.cfg.Match.Many)
		switch {
		case search.match.own && search.step.entity == vibe.Contacts, search.match.id > 0 && search.step.entity == vibe.Contacts:
			answers[search.waiter] = &answer{trigger: onMatched, id: search.match.id, atSend: m.atSend[search.step.entity]}
		case search.match.id == 0 && len(search.match.candidates) > 0 && m.cfg.Match.Many == ManyLetter:
			answers[search.waiter] = &answer{trigger: onRefusal, atSend: m.atSend[search.step.entity], outcome: vibe.Outcome{Class: vibe.Refused, Code: codeManyMatches, Message: candidatesText(search.match.candidates)}}
		}
	}
	m.judgeFailed(failed, answers)
	if len(failed) < len(m.searches) {
		m.governor.matched(time.Now())
	}
	return answers
}

// decide returns the match that follows from the contacts that were found.
func (search *personSearch) decide(many ManyMatches) match {
	if search.own > 0 {
		return match{id: search.own, own: true}
	}
	var ids []int64
	for id := range search.found {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	switch {
	case len(ids) == 0:
		return match{}
	case len(ids) == 1 && !search.cut:
		return match{id: ids[0]}
	case many == ManyNewest:
		return match{id: ids[len(ids)-1]}
	}
	return match{candidates: ids}
}

// judgeFailed answers the events whose own look-up failed: they back off as after a failed create, and the others go
// on. If all of a job failed, the cause may concern everybody, and the governor is told.
func (m *matching) judgeFailed(failed []*personSearch, answers map[*queue.Waiter]any) {
	if len(failed) == 0 {
		return
	}
	m.meter.lookUp(vibe.Contacts, lookUpFailed)
	now, fresh, all := time.Now(), m.request.job.Kind == queue.Fresh, len(failed) == len(m.searches)
	f := matchFault(*failed[0].failed)
	if all || f.Cause == limit.Match {
		if f.Cause != limit.Match {
			f.Proven = false // a word about one item
		}
		m.governor.matchFailed(entitiesOf(failed), f, fresh, m.request.leaving.at, now)
	}
	together := map[vibe.Entity]uint64{}
	for _, search := range failed {
		entity := search.step.entity
		got := &answer{trigger: onFailure, outcome: unwritten(*search.failed), atSend: m.atSend[entity], items: 1}
		switch {
		case f.Cause == limit.Match:
			got.trigger = onUnsent // the fault is the portal's, for all
		case all && together[entity] > 0:
			got.first = together[entity]
		default:
			got.first = m.firstTry(entity, fresh, false)
			together[entity] = got.first
		}
		answers[search.waiter] = got
	}
}

// judgeWhole answers all events after a request for them failed as a whole: any of them may be the cause.
func (m *matching) judgeWhole(o vibe.Outcome) map[*queue.Waiter]any {
	now, n, fresh := time.Now(), len(m.searches), m.request.job.Kind == queue.Fresh
	f := matchFault(o)
	got := answer{trigger: onFailure, outcome: unwritten(o), items: n, halve: n > 1}
	firsts := map[vibe.Entity]uint64{}
	switch {
	case o.Class == vibe.Throttled, o.Class == vibe.NotApplied, f.Proven:
		got.trigger, got.halve = onUnsent, false
		m.governor.matchFailed(entitiesOf(m.searches), f, fresh, m.request.leaving.at, now)
	case n > 1 && (o.Class == vibe.Refused || o.Class == vibe.Business || o.Class == vibe.TooLarge):
		got.trigger, got.halve, got.maxBatch = onUnsent, false, (n+1)/2
	default:
		m.governor.matchFailed(entitiesOf(m.searches), f, fresh, m.request.leaving.at, now)
		for _, entity := range entitiesOf(m.searches) {
			firsts[entity] = m.firstTry(entity, fresh, false)
		}
	}
	waiters := make([]*queue.Waiter, n)
	for i, search := range m.searches {
		waiters[i] = search.waiter
	}
	return toAll(waiters, got, m.atSend, firsts)
}

// matchFault is faultOf for look-ups of persons: a filter that the portal refuses, or does not obey, concerns
// everybody.
func matchFault(o vibe.Outcome) limit.Fault {
	f := faultOf(o)
	if o.Code == vibe.CodeFilterRefused || o.Code == codeFilterIgnored {
		f.Cause, f.Proven = limit.Match, true
	}
	return f
}

// unwritten turns the outcome of a look-up into that of a create that was not sent.
func unwritten(o vibe.Outcome) vibe.Outcome {
	o.Written, o.Answered, o.Items, o.Data, o.Meta = time.Time{}, time.Time{}, nil, nil, nil
	return o
}

func entitiesOf(searches []*personSearch) (entities []vibe.Entity) {
	for _, search := range searches {
		if !slices.Contains(entities, search.step.entity) {
			entities = append(entities, search.step.entity)
		}
	}
	return entities
}

// codeManyMatches is the code of a dead letter whose event several contacts agree with.
const codeManyMatches = "MANY_MATCHES"

func candidatesText(ids []int64) string {
	words := make([]string, len(ids))
	for i, id := range ids {
		words[i] = "contact " + strconv.FormatInt(id, 10)
	}
	return strings.Join(words, ", ")
}

// takeMatch takes over the match that a job found.
func (d *delivery) takeMatch(a *attempt) {
	if a.step.entity != vibe.Contacts && a.step.entity != vibe.Leads {
		return
	}
	d.match = a.match
	if a.step.entity == vibe.Contacts && d.match.id > 0 {
		a.step.found, a.step.given = d.match.own, !d.match.own
	}
}

// matched reports whether the event was given to a contact that was there before.
func (d *delivery) matched() bool {
	return d.match.id > 0 && !d.match.own
}

// commentOnGiven makes an event a comment on the contact that it was given to, if it was to become a contact itself.
// The comment is essential, whatever CRM_COMMENT says: its refusal is a dead letter.
func (c *Creator) commentOnGiven(d *delivery, s *step) {
	if s.entity != vibe.Contacts || !s.given || s.state != stateDone {
		return
	}
	switch last := d.steps[len(d.steps)-1]; {
	case last == s:
		d.steps = append(d.steps, newComment(true, d.req.Suspect, c.cfg.LookupAlways))
	case len(d.steps) == 2 && last.extra != nil:
		last.extra.essential = true
	}
}

// bind binds a lead to its person's contact. It adds to the comments what no other field says: which contacts agree
// when none was chosen, and the person of a deal whose contact is not touched.
func (c *Creator) bind(body vibe.Body, d *delivery, entity vibe.Entity, found match) {
	if entity == vibe.Leads && found.id > 0 {
		body["contactId"] = found.id
	}
	var lines []string
	if found.id > 0 && !found.own && entity != vibe.Leads {
		lines = append(lines, personText(*d.req.Contact))
	}
	if len(found.candidates) > 0 {
		lines = append(lines, "The same phone or e-mail, and none was chosen:")
	}
	for _, id := range found.candidates {
		lines = append(lines, strings.TrimSpace("contact "+strconv.FormatInt(id, 10)+" "+c.ContactURL(id)))
	}
	if len(lines) > 0 {
		given, _ := body["comments"].(string)
		body["comments"] = JoinComments(append([]string{given}, lines...)...)
	}
}

// personText says in lines of "name: value" what an event knows of its person.
func personText(contact Contact) string {
	body := Contact{Name: contact.Name, LastName: contact.LastName, SecondName: contact.SecondName, Post: contact.Post,
		Phones: contact.Phones, Emails: contact.Emails, UserFields: contact.UserFields}.Body()
	vibe.Fields{}.Fit(body)
	text, _ := body["comments"].(string)
	return text
}
