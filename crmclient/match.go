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

// Match says whether, before a contact is made, a contact of the same person is looked up by e-mail or by phone (CRM_MATCH).
// The zero value turns this off.
type Match struct {
	Email, Phone bool
	Many         ManyMatches // what happens if several contacts agree; empty: ManyNew
	// Fill says that if an event is given to a contact that was there before, what that contact's card lacks is added
	// to it (CRM_ON_MATCH=fill). Config.Patch must be known.
	Fill bool
}

// On reports whether contacts of the same person are looked up.
func (m Match) On() bool { return m.Email || m.Phone }

func (m Match) by() person.By { return person.By{Phone: m.Phone, Email: m.Email} }

// LookedFor returns the values by which a contact of the same person is looked up, under the CRM's field names email and
// phone. Phones are in all spellings that portals may hold. It is nil if there is nothing to look up by.
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

// What may happen if several contacts agree.
const (
	ManyNew    ManyMatches = "new"    // a new contact is made, and its comments name those that agree
	ManyNewest ManyMatches = "newest" // the event is given to the contact that was made last
	ManyLetter ManyMatches = "letter" // the event becomes a dead letter, with ReasonManyMatches
)

// match is the result of a look-up for an event's person.
type match struct {
	id         int64   // the contact to which the event is given; 0: none
	own        bool    // this very event made the contact earlier
	candidates []int64 // if several contacts agree and none was chosen: these, ascending by id
}

// matches reports whether a contact of the event's person is looked up before a step's create, which is done for contacts,
// and for leads if the portal's leads can name a contact.
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

// mostPoints is how many phones, and how many e-mails, of one event are looked up at most.
const mostPoints = 5

// personOf returns the person of an event.
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

// matching looks up contacts of the persons of one job's creates, right before the creates are sent.
type matching struct {
	*Creator
	request  *request
	field    vibe.IDField // carries our ids in contacts; the zero value: not known
	atSend   map[vibe.Entity]moment
	searches []*personSearch
}

// personSearch is the search for contacts of one event's person.
type personSearch struct {
	waiter *queue.Waiter
	*attempt
	who    person.Person
	values map[string][]string // the values by which the person is looked up, by field
	found  map[int64]bool      // contacts that agree
	own    int64               // the contact that this very event made earlier; 0: none was found
	cut    bool                // there are more rows than were read
	failed *vibe.Outcome
}

// matchPersons looks up contacts of the persons of a job's creates. A create that is not needed any more, or whose look-up
// failed, gets its answer here; the others have their match in attempt.match. It returns whether the job may go on.
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
		return false // nobody waits any more
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
		found, entity := search.match, search.step.entity
		switch {
		case found.id > 0 && entity == vibe.Contacts:
			answers[search.waiter] = &answer{trigger: onMatched, id: found.id, atSend: m.atSend[entity]}
		case len(found.candidates) > 0 && m.cfg.Match.Many == ManyLetter:
			answers[search.waiter] = &answer{trigger: onRefusal, atSend: m.atSend[entity], outcome: vibe.Outcome{Class: vibe.Refused, Code: codeManyMatches, Message: candidatesText(found.candidates)}}
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

// judgeFailed answers the events whose own look-ups failed: they back off as after a failed create, while the others go on.
// If all look-ups of the job failed, or the portal does not take such look-ups, this is reported to the governor.
func (m *matching) judgeFailed(failed []*personSearch, answers map[*queue.Waiter]any) {
	if len(failed) == 0 {
		return
	}
	m.meter.lookUp(vibe.Contacts, lookUpFailed)
	now, fresh, allFailed := time.Now(), m.request.job.Kind == queue.Fresh, len(failed) == len(m.searches)
	f := matchFault(*failed[0].failed)
	isPortalsFault := f.Cause == limit.Match
	if allFailed || isPortalsFault {
		if !isPortalsFault {
			f.Proven = false // each answer speaks of one item only
		}
		m.governor.matchFailed(entitiesOf(failed), f, fresh, m.request.leaving.at, now)
	}
	entries := map[vibe.Entity]uint64{} // the last entry in the evidence, by kind
	for _, search := range failed {
		entity := search.step.entity
		got := &answer{trigger: onFailure, outcome: unwritten(*search.failed), atSend: m.atSend[entity], items: 1}
		switch {
		case isPortalsFault:
			got.trigger = onUnsent
		case allFailed && entries[entity] > 0: // all share one entry, see noteFailedTries
			got.first = entries[entity]
		default:
			got.first = m.firstTry(entity, fresh, false)
			entries[entity] = got.first
		}
		answers[search.waiter] = got
	}
}

// judgeWhole answers all events after the request for them failed as a whole. Any of them may be the cause.
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

// matchFault returns the fault of a look-up for persons. If the portal refuses or ignores its filter, the fault concerns
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

// entitiesOf returns the kinds of objects that the events' creates make, each once.
func entitiesOf(searches []*personSearch) (entities []vibe.Entity) {
	for _, search := range searches {
		if !slices.Contains(entities, search.step.entity) {
			entities = append(entities, search.step.entity)
		}
	}
	return entities
}

// codeManyMatches is the code of a dead letter because several contacts agree with its event.
const codeManyMatches = "MANY_MATCHES"

// candidatesText lists contacts for the message of a dead letter.
func candidatesText(ids []int64) string {
	words := make([]string, len(ids))
	for i, id := range ids {
		words[i] = "contact " + strconv.FormatInt(id, 10)
	}
	return strings.Join(words, ", ")
}

// takeMatch copies the match that a job found to the event, and to the step of its contact.
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

// commentOnGiven is for an event whose only object would have been a contact, and which was given to a contact that was there
// before: it becomes a comment on that contact, whatever CRM_COMMENT says. The comment is essential: if it is refused, the
// event becomes a dead letter.
func (c *Creator) commentOnGiven(d *delivery, s *step) {
	if s.entity != vibe.Contacts || !s.given || s.state != stateDone {
		return
	}
	last := d.steps[len(d.steps)-1]
	switch {
	case last == s:
		d.steps = append(d.steps, newComment(true, d.req.Suspect, c.cfg.LookupAlways))
	case len(d.steps) == 2 && last.extra != nil:
		last.extra.essential = true
	}
}

// bind binds a lead to the contact of its person. It also adds lines to the comments: the person's data, if the event was
// given to a contact that does not get them, and the contacts that agree, if none was chosen.
func (c *Creator) bind(body vibe.Body, d *delivery, entity vibe.Entity, found match) {
	if entity == vibe.Leads && found.id > 0 {
		body["contactId"] = found.id
	}
	var lines []string
	isGiven := found.id > 0 && !found.own
	if isGiven && entity != vibe.Leads {
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

// personText returns an event's data of its person in lines of "name: value".
func personText(contact Contact) string {
	body := Contact{Name: contact.Name, LastName: contact.LastName, SecondName: contact.SecondName, Post: contact.Post,
		Phones: contact.Phones, Emails: contact.Emails, UserFields: contact.UserFields}.Body()
	vibe.Fields{}.Fit(body)
	text, _ := body["comments"].(string)
	return text
}
