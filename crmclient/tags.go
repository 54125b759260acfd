package crmclient

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/leadbridge/leadbridge/crmclient/internal/queue"
	"github.com/leadbridge/leadbridge/crmclient/internal/vibe"
)

// If objects have no field for our ids, the id is a tag: a part of the source description. The vendor documents no filters by
// a part of a text. So a look-up by tag filters by the person's phone or e-mail, for deals by the contact, and by creation
// time, and compares the tags of the objects that it finds.

// recordMargin is how much earlier than its record an object may seem to have been created, as clocks differ and a portal may
// ignore the zone of a time.
const recordMargin = 24 * time.Hour

// sharers are waiters whose look-ups filter by the same phone, e-mail or contact, so that one list serves all of them.
type sharers struct {
	waiters []*queue.Waiter
	filter  vibe.Filter // the filter of the waiter with the earliest record
	since   time.Time   // the time of that record; zero: the filter has no bound in time
}

// share groups waiters by the phone, e-mail or contact that their look-ups filter by, in the order in which they came.
func (l *lookUp) share(waiters []*queue.Waiter) (all []*sharers) {
	of := map[string]*sharers{}
	for _, w := range waiters {
		by, filter := l.personFilter(w)
		value, _ := json.Marshal(filter[by]) // a text or a number
		since := time.Time{}
		if _, bound := filter[l.entity.CreatedField()]; bound {
			since = recordedAt(w)
		}
		one := of[by+string(value)]
		if one == nil {
			one = &sharers{filter: filter, since: since}
			of[by+string(value)] = one
			all = append(all, one)
		}
		one.waiters = append(one.waiters, w)
		if since.Before(one.since) {
			one.filter, one.since = filter, since
		}
	}
	return all
}

// byTag looks the waiters up by tag, in one batch of lists. Waiters that do not fit into the batch are left over.
func (l *lookUp) byTag(waiters []*queue.Waiter) vibe.Outcome {
	controls, groups := l.controlsOf(waiters), l.share(waiters)
	if room := vibe.BatchLimit - len(controls); len(groups) > room {
		for _, g := range groups[room:] {
			l.leftOver = append(l.leftOver, g.waiters...)
		}
		groups = groups[:room]
	}
	var filters []vibe.Filter
	for _, g := range groups {
		filters = append(filters, g.filter)
	}
	for _, a := range controls {
		filters = append(filters, l.controls[a].filter)
	}
	l.sentAt = time.Now()
	o := l.do(l.request.job.Context(), l.request, vibe.ListBatch(l.entity, l.selected(), vibe.PageLimit, filters...))
	switch {
	case o.NotOffered(), o.Code == vibe.CodeTooLong && len(filters) > 1:
		return l.oneByOne(groups, controls)
	case o.Class != vibe.Done:
		return o
	case o.Items == nil:
		return vibe.Outcome{Class: vibe.Doubt, Status: o.Status, Code: codeNoRows}
	}
	return l.matchLists(o.Items, groups, controls)
}

// matchLists compares the tags in the lists of a batch with those of the waiters and the controls. The lists of the groups come
// first, then those of the controls. The waiters of a list that failed have no answer. The outcome is that of the last
// failed list.
func (l *lookUp) matchLists(lists []vibe.Outcome, groups []*sharers, controls []lookUpBy) vibe.Outcome {
	asked, last := l.sentAt, vibe.Outcome{Class: vibe.Done}
	for i, list := range lists {
		page, o := pageOf(list)
		if i >= len(groups) {
			l.matchControl(controls[i-len(groups)], page, o)
			continue
		}
		if o.Class == vibe.Done {
			o = l.matchTags(groups[i], page, asked)
		}
		if o.Class != vibe.Done {
			last = o
		}
	}
	return last
}

// oneByOne asks for one list at a time, because the portal offers no batches or the answer to a batch was too long.
func (l *lookUp) oneByOne(groups []*sharers, controls []lookUpBy) vibe.Outcome {
	last := vibe.Outcome{Class: vibe.Done}
	for _, g := range groups {
		page, o := l.search(g.filter)
		if o.Class != vibe.Done {
			return o
		}
		if o = l.matchTags(g, page, l.sentAt); o.Class != vibe.Done {
			last = o
		}
	}
	for _, a := range controls {
		page, o := l.search(l.controls[a].filter)
		l.matchControl(a, page, o)
	}
	return last
}

// controlsOf returns those lookUpBys of the waiters for which the job asks for a control, each once.
func (l *lookUp) controlsOf(waiters []*queue.Waiter) (controls []lookUpBy) {
	for _, w := range waiters {
		a := l.lookUpByOf(w)
		if _, ok := l.control(a); ok && !slices.Contains(controls, a) {
			controls = append(controls, a)
		}
	}
	return controls
}

// matchTags compares the tags of sharers with those of the objects that their filter finds. page is the first page of these.
func (l *lookUp) matchTags(g *sharers, page vibe.Page, asked time.Time) vibe.Outcome {
	open := map[string][]*queue.Waiter{}
	for _, w := range g.waiters {
		open[originOf(w)] = append(open[originOf(w)], w)
	}
	o := l.pages(g.filter, l.selected(), page, func(rows []vibe.Row) bool {
		var found []string
		for _, row := range rows {
			id, marks := l.field.Identify(row)
			for origin, waiters := range open {
				if id > 0 && l.field.Carries(marks, l.cfg.Originator, origin) {
					for _, w := range waiters {
						l.found(w, id, lookUpTime{asked, time.Now()})
						l.noteOwner(w, id, row)
					}
					found = append(found, origin)
				}
			}
		}
		for _, origin := range found {
			delete(open, origin)
		}
		return len(open) == 0
	})
	if o.Class == vibe.Done {
		for _, waiters := range open {
			l.absent(waiters, lookUpTime{asked, time.Now()})
		}
	}
	return o
}

// matchControl compares the tag of a control with those of the objects that its filter finds. page is the first page of these,
// and o its outcome. If the list failed, another control is asked for next.
func (l *lookUp) matchControl(a lookUpBy, page vibe.Page, o vibe.Outcome) {
	k := l.controls[a]
	var object int64
	if o.Class == vibe.Done {
		object, o = l.tagged(k.filter, k.origin, page)
	}
	switch {
	case o.Class != vibe.Done:
		delete(l.controls, a)
		l.proofs.with(a, func(p *proof) { p.putLast(k) })
	case object > 0:
		l.seen[a] = true
	}
}

// tagged returns the object with an event's tag among those that a filter finds; 0: none has it. If several on a page have it,
// the smallest id counts. page is the first page of what the filter finds.
func (l *lookUp) tagged(filter vibe.Filter, origin string, page vibe.Page) (object int64, o vibe.Outcome) {
	o = l.pages(filter, l.field.Select(), page, func(rows []vibe.Row) bool {
		for _, row := range rows {
			id, marks := l.field.Identify(row)
			if id > 0 && l.field.Carries(marks, l.cfg.Originator, origin) && (object == 0 || id < object) {
				object = id
			}
		}
		return object > 0
	})
	return object, o
}

// personFilter returns the filter of a waiter's look-up, and the field that it filters by.
func (l *lookUp) personFilter(w *queue.Waiter) (by string, filter vibe.Filter) {
	d := w.Payload.(*question).delivery
	return l.filterOf(l.idLocation, originOf(w), *d.req.Contact, d.made().ContactID, d.req.RecordedAt)
}

// filterOf returns the filter that finds a person's objects created since the time of a record, and the field that it filters
// by: for deals the contact, else the phone or the e-mail. A person with neither is found by the whole source
// description that was sent, as the vendor's reference documents look-ups by an exact text. If objects carry ids in a field of
// their own, the filter is nil.
func (c *Creator) filterOf(location idLocation, origin string, person Contact, contactID int64, recorded time.Time) (by string, filter vibe.Filter) {
	if !location.field.IsTag() {
		return location.field.Field(), nil
	}
	filter = vibe.Filter{}
	switch {
	case location.entity == vibe.Deals: // they have no phones
		by, filter["contactId"] = "contactId", vibe.EqualNumber(contactID)
	case len(person.Phones) > 0:
		by, filter["phone"] = "phone", vibe.Equal(person.Phones[0].Value)
	case len(person.Emails) > 0:
		by, filter["email"] = "email", vibe.Equal(person.Emails[0].Value)
	default:
		by, filter[vibe.TagField] = vibe.TagField, vibe.Equal(c.taggedText(location.field, person, origin))
	}
	if !recorded.IsZero() && recorded.Before(time.Now()) { // the clock of a record from the future is wrong
		filter[location.entity.CreatedField()] = vibe.NotBefore(recorded.Add(c.client.Skew()).Add(-recordMargin))
	}
	return by, filter
}

// taggedText returns the source description, with the tag, that was sent with the object of an event.
func (c *Creator) taggedText(field vibe.IDField, person Contact, origin string) string {
	body := Contact{SourceDescription: person.SourceDescription}.Body()
	field.Clean(body, c.cfg.Originator, vibe.UserFieldPrefix+ourUserField)
	field.Mark(body, vibe.Fields{}, c.cfg.Originator, origin)
	text, _ := body[vibe.TagField].(string)
	return text
}
