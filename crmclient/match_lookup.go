package crmclient

import (
	"slices"
	"time"

	"github.com/leadbridge/leadbridge/crmclient/internal/person"
	"github.com/leadbridge/leadbridge/crmclient/internal/vibe"
)

// Contacts of persons are looked up by lists, each for the phones, or the e-mails, of some events. All lists of a job are
// asked for in one batch.

const (
	// sharePage is how many events share a list. Few persons have more than one contact, so that a page has room for all.
	sharePage = 5
	// matchPages is how many pages of fifty contacts are read at most for one event's phones, or e-mails: hundreds of
	// contacts may have the phone of a switchboard.
	matchPages = 10
)

// inquiry is one list that is asked for: the contacts with the phones, or the e-mails, of some events.
type inquiry struct {
	searches []*personSearch
	filter   vibe.Filter
}

// inquiries returns the lists for some events. n events share a list.
func (m *matching) inquiries(searches []*personSearch, n int) (all []inquiry) {
	for _, field := range [...]string{"email", "phone"} {
		var having []*personSearch
		for _, search := range searches {
			if len(search.values[field]) > 0 {
				having = append(having, search)
			}
		}
		for some := range slices.Chunk(having, n) {
			var texts []string
			for _, search := range some {
				texts = append(texts, search.values[field]...)
			}
			slices.Sort(texts)
			all = append(all, inquiry{some, vibe.Filter{field: vibe.In(slices.Compact(texts)...)}})
		}
	}
	return all
}

// all searches for all events. Events whose shared list failed, or did not fit on a page, are asked for again by lists of
// their own. With an outcome other than Done, nothing is known of any event.
func (m *matching) all() vibe.Outcome {
	for _, search := range m.searches {
		for _, id := range m.persons.made(search.who, time.Now()) {
			search.found[id] = true
		}
	}
	unclear, o := m.send(m.inquiries(m.searches, sharePage))
	if o.Class != vibe.Done {
		return o
	}
	for some := range slices.Chunk(unclear, vibe.BatchLimit/2) { // each event needs two lists: phones and e-mails
		if _, o := m.send(m.inquiries(some, 1)); o.Class != vibe.Done {
			for _, search := range some {
				search.failed = &o
			}
		}
	}
	return vibe.Outcome{Class: vibe.Done}
}

// send asks for lists by one batch. It returns the events that must be asked for alone, because a list that they shared
// failed or was full.
func (m *matching) send(inquiries []inquiry) (unclear []*personSearch, o vibe.Outcome) {
	filters := make([]vibe.Filter, len(inquiries))
	for i, q := range inquiries {
		filters[i] = q.filter
	}
	o = m.do(m.request.job.Context(), m.request, vibe.ListBatch(vibe.Contacts, nil, vibe.PageLimit, filters...))
	switch {
	case o.NotOffered():
		return m.oneByOne(inquiries)
	case o.Items == nil && o.Class == vibe.Done:
		return nil, vibe.Outcome{Class: vibe.Doubt, Status: o.Status, Code: codeNoRows}
	case o.Items == nil && o.Code == vibe.CodeTooLong:
		return m.oneByOne(inquiries)
	case o.Items == nil:
		return nil, o
	}
	for i, q := range inquiries {
		unclear = append(unclear, m.take(q, o.Items[i])...)
	}
	return distinct(unclear), vibe.Outcome{Class: vibe.Done}
}

// oneByOne asks for one list at a time, because the portal offers no batches or the answer to a batch was too long.
func (m *matching) oneByOne(inquiries []inquiry) (unclear []*personSearch, last vibe.Outcome) {
	for _, q := range inquiries {
		o := m.search(q.filter)
		if o.Class != vibe.Done && len(inquiries) > 1 && m.request.job.Context().Err() != nil {
			return nil, o
		}
		unclear = append(unclear, m.take(q, o)...)
	}
	return distinct(unclear), vibe.Outcome{Class: vibe.Done}
}

// search asks for a page of the contacts that a filter finds.
func (m *matching) search(filter vibe.Filter) vibe.Outcome {
	return m.do(m.request.job.Context(), m.request, vibe.Search(vibe.Contacts, filter, nil, vibe.PageLimit))
}

// take reads the answer to a list. It returns the list's events if they must be asked for alone.
func (m *matching) take(q inquiry, o vibe.Outcome) (unclear []*personSearch) {
	page, ok := o.Page()
	if o.Class == vibe.Done && !ok {
		o.Class, o.Code = vibe.Doubt, codeNoRows
	}
	alone := len(q.searches) == 1
	switch {
	case o.Class != vibe.Done && alone:
		q.searches[0].failed = &o
		return nil
	case o.Class != vibe.Done:
		return q.searches
	}
	seen := m.read(q.searches, page)
	switch {
	case !page.MayLack(vibe.PageLimit) || len(page.Rows) == 0:
		return nil
	case !alone:
		return q.searches
	}
	if o := m.rest(q, seen); o.Class != vibe.Done {
		q.searches[0].failed = &o
	}
	return nil
}

// rowSpan is the range of ids of the rows that were read.
type rowSpan struct {
	idRange
	shared bool // a row had a contact point that was asked for
}

// beyond reports whether the ids of all rows lie above a range, if over is set, or else below it.
func (s rowSpan) beyond(r idRange, over bool) bool {
	switch {
	case s.largest == 0: // no rows
		return true
	case over:
		return s.smallest > r.largest
	}
	return s.largest < r.smallest
}

// rest reads the rows of a list that did not fit on its first page.
func (m *matching) rest(q inquiry, seen rowSpan) vibe.Outcome {
	paging := idPaging{idRange: seen.idRange, up: true, down: true}
	for n := 1; paging.more(); n++ {
		switch {
		case !seen.shared: // no row has what was asked for: the portal ignored the filter
			return vibe.Outcome{Class: vibe.Refused, Status: 200, Code: codeFilterIgnored, Item: true}
		case n == matchPages:
			q.searches[0].cut = true
			return vibe.Outcome{Class: vibe.Done}
		}
		page, o := pageOf(m.search(paging.next(q.filter)))
		if o.Class != vibe.Done {
			return o
		}
		before, found := paging.idRange, m.read(q.searches, page)
		if !found.beyond(before, paging.up) { // the portal ignored the filter by id: further rows cannot be read
			q.searches[0].cut = true
			return vibe.Outcome{Class: vibe.Done}
		}
		seen.shared = seen.shared || found.shared
		paging.include(found.smallest)
		paging.include(found.largest)
		paging.took(before, page.MayLack(vibe.PageLimit))
	}
	return vibe.Outcome{Class: vibe.Done}
}

// read notes the contacts of a page that agree with one of the events. A row counts only if it has a contact point that was
// asked for, as a portal that ignores the filter answers with contacts of other persons.
func (m *matching) read(searches []*personSearch, page vibe.Page) (seen rowSpan) {
	by := m.cfg.Match.by()
	for _, row := range page.Rows {
		id := row.ID("id")
		if id == 0 {
			continue
		}
		seen.include(id)
		known := row.Known()
		other := person.Person{First: known.Name, Middle: known.SecondName, Last: known.LastName, Phones: known.Phones, Emails: known.Emails}
		_, marks := m.field.Identify(row)
		for _, search := range searches {
			if !search.who.Shares(other, by) {
				continue
			}
			seen.shared = true
			if m.field.Carries(marks, m.cfg.Originator, search.delivery.req.OriginID) {
				search.own = id
			}
			if search.who.Agrees(other, by) {
				search.found[id] = true
			}
		}
	}
	return seen
}

// distinct returns the searches without repeats.
func distinct(searches []*personSearch) []*personSearch {
	var some []*personSearch
	for _, search := range searches {
		if !slices.Contains(some, search) {
			some = append(some, search)
		}
	}
	return some
}
