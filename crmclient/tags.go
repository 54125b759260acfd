package crmclient

import (
	"encoding/json"
	"maps"
	"slices"
	"time"

	"github.com/leadbridge/leadbridge/crmclient/internal/queue"
	"github.com/leadbridge/leadbridge/crmclient/internal/vibe"
)

// recordMargin is how much earlier than its record a contact may seem to be created:
// clocks differ, and a portal may read a time without its zone.
const recordMargin = 24 * time.Hour

// sharers are waiters that ask for the same contact point: what it finds is read once for all of them.
type sharers struct {
	waiters []*queue.Waiter
	filter  vibe.Filter // that of the earliest record among them
	since   time.Time   // the time of that record; zero: its filter has no bound
}

// share puts together what asks for the same contact point, in the order in which it came.
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

// byTag asks by contact point and creation time, all events in one batch, and compares the tag:
// two people may share a phone, and one person may sign up twice.
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
	asked, last := l.sentAt, vibe.Outcome{Class: vibe.Done}
	for i, one := range o.Items {
		var page vibe.Page
		if one.Class == vibe.Done {
			var ok bool
			if page, ok = one.Page(); !ok {
				one.Class, one.Code = vibe.Doubt, codeNoRows
			}
		}
		if i >= len(groups) {
			l.matchControl(controls[i-len(groups)], page, one)
			continue
		}
		if one.Class == vibe.Done {
			one = l.matchTags(groups[i], page, asked)
		}
		if one.Class != vibe.Done {
			last = one // the others' answers hold; these ask again
		}
	}
	return last
}

// oneByOne asks point by point, where a portal offers no batch or its answer was too long.
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

// controlsOf returns the ways in which waiters are looked up that ask for a control.
func (l *lookUp) controlsOf(waiters []*queue.Waiter) (ways []lookUpBy) {
	for _, w := range waiters {
		a := l.lookUpByOf(w)
		if _, ok := l.control(a); ok && !slices.Contains(ways, a) {
			ways = append(ways, a)
		}
	}
	return ways
}

// matchTags compares what a filter finds, of which a page is at hand, with the tags of those that share it.
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

// matchControl compares rows with the tag of a control. After an answer that does not show it, another control has its
// turn.
func (l *lookUp) matchControl(a lookUpBy, page vibe.Page, o vibe.Outcome) {
	k := l.controls[a]
	var object int64
	if o.Class == vibe.Done {
		object, o = l.tagged(k.filter, k.origin, page)
	}
	switch {
	case o.Class != vibe.Done:
		delete(l.controls, a)
		l.proofs.with(a, func(p *proof) { p.pass(k) })
	case object > 0:
		l.seen[a] = true
	}
}

// tagged returns the object that carries an event's tag among those that a filter finds, of which a page is at
// hand; 0: none does.
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

// maxPages bounds how many pages of what a filter finds are read, of fifty each.
const maxPages = 100

// pages reads what a filter finds, of which a page is at hand, until a visitor has seen enough.
func (l *lookUp) pages(filter vibe.Filter, selected []string, page vibe.Page, enough func([]vibe.Row) bool) vibe.Outcome {
	full := page.Full(vibe.PageLimit)
	seen := idPaging{up: full, down: full}
	seen.widen(l.field, page.Rows)
	if enough(page.Rows) {
		return vibe.Outcome{Class: vibe.Done}
	}
	for n := 0; seen.more(); n++ {
		if seen.largest == 0 || n == maxPages {
			return vibe.Outcome{Class: vibe.Refused, Status: 200, Code: codeFilterIgnored, Item: true}
		}
		before := seen.idRange
		page, o := l.searchFor(seen.next(filter), selected)
		if o.Class != vibe.Done {
			return o
		}
		if seen.up && !l.within(page.Rows, seen.largest, 0) || !seen.up && !l.within(page.Rows, 0, seen.smallest) {
			return vibe.Outcome{Class: vibe.Refused, Status: o.Status, Code: codeFilterIgnored, Item: true}
		}
		seen.widen(l.field, page.Rows)
		if enough(page.Rows) {
			return vibe.Outcome{Class: vibe.Done}
		}
		seen.took(before, page.Full(vibe.PageLimit))
	}
	return vibe.Outcome{Class: vibe.Done}
}

// idPaging reads on by the objects' own ids, as the order of the rows is not documented: upwards from the largest id
// seen, then downwards from the smallest.
type idPaging struct {
	idRange
	up, down bool // there may be more
}

func (p *idPaging) more() bool { return p.up || p.down }

// next returns the filter of the next page.
func (p *idPaging) next(filter vibe.Filter) vibe.Filter {
	bounded := maps.Clone(filter)
	if bounded["id"] = vibe.GreaterThan(p.largest); !p.up {
		bounded["id"] = vibe.LessThan(p.smallest)
	}
	return bounded
}

// took notes that the page of next was read: there is more that way when it was full and brought new ids.
func (p *idPaging) took(before idRange, full bool) {
	again := full && p.idRange != before
	if p.up {
		p.up = again
	} else {
		p.down = again
	}
}

// within reports whether all rows are of objects whose ids are over and under a bound; 0: none. Otherwise what was
// asked for was not obeyed, and a page that brings nothing new does not show that there is nothing more.
func (l *lookUp) within(rows []vibe.Row, over, under int64) bool {
	return !slices.ContainsFunc(rows, func(row vibe.Row) bool {
		id, _ := l.field.Identify(row)
		return id <= over || under > 0 && id >= under
	})
}

// idRange are the smallest and the largest id of contacts that were read; 0: none.
type idRange struct{ smallest, largest int64 }

// widen takes the ids of rows in.
func (r *idRange) widen(field vibe.IDField, rows []vibe.Row) {
	for _, row := range rows {
		id, _ := field.Identify(row)
		r.include(id)
	}
}

// include takes an id in; 0: it is none.
func (r *idRange) include(id int64) {
	if id == 0 {
		return
	}
	if r.largest == 0 || id < r.smallest {
		r.smallest = id
	}
	r.largest = max(r.largest, id)
}

// personFilter asks for the contacts, leads or deals of an event's person since its record.
func (l *lookUp) personFilter(w *queue.Waiter) (by string, filter vibe.Filter) {
	d := w.Payload.(*question).delivery
	return l.filterOf(l.idLocation, originOf(w), *d.req.Contact, d.made().ContactID, d.req.RecordedAt)
}

// filterOf asks for the objects of a person since a time, and names the field that it asks by. A person without a phone
// or an e-mail is asked for by the whole source description that was sent: what the reference documents is the exact
// text. The filter is nil where objects carry ids in a field of their own.
func (c *Creator) filterOf(w idLocation, origin string, person Contact, contactID int64, recorded time.Time) (by string, filter vibe.Filter) {
	if !w.field.IsTag() {
		return w.field.Field(), nil
	}
	filter = vibe.Filter{}
	switch {
	case w.entity == vibe.Deals: // which have no phones
		by, filter["contactId"] = "contactId", vibe.EqualNumber(contactID)
	case len(person.Phones) > 0:
		by, filter["phone"] = "phone", vibe.Equal(person.Phones[0].Value)
	case len(person.Emails) > 0:
		by, filter["email"] = "email", vibe.Equal(person.Emails[0].Value)
	default:
		by, filter[vibe.TagField] = vibe.TagField, vibe.Equal(c.taggedText(w.field, person, origin))
	}
	// A record from the future has a clock that no bound can be built on.
	if !recorded.IsZero() && recorded.Before(time.Now()) {
		filter[w.entity.CreatedField()] = vibe.NotBefore(recorded.Add(c.client.Skew()).Add(-recordMargin))
	}
	return by, filter
}

// taggedText is the source description that the object of an event was sent with.
func (c *Creator) taggedText(field vibe.IDField, person Contact, origin string) string {
	body := Contact{SourceDescription: person.SourceDescription}.Body()
	field.Clean(body, c.cfg.Originator, vibe.UserFieldPrefix+ourUserField)
	field.Mark(body, vibe.Fields{}, c.cfg.Originator, origin)
	text, _ := body[vibe.TagField].(string)
	return text
}
