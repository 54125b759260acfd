package crmclient

import (
	"slices"
	"time"

	"github.com/leadbridge/leadbridge/crmclient/internal/person"
	"github.com/leadbridge/leadbridge/crmclient/internal/vibe"
)

// This file is how the contacts of persons are looked for.

const (
	// sharePage is how many events' phones, or e-mails, are asked for by one list of a batch: several events come
	// in one request, and few have more than one row.
	sharePage = 5
	// matchPages bounds how many pages, of fifty rows each, of the contacts with one event's phones, or e-mails, are
	// read: of a switchboard there may be hundreds.
	matchPages = 10
)

// inquiry is one list: the contacts with the phones, or the e-mails, of some events.
type inquiry struct {
	asks   []*ask
	filter vibe.Filter
}

// inquiries are those for some events, n of which share one.
func (m *matching) inquiries(asks []*ask, n int) (all []inquiry) {
	for _, field := range [...]string{"email", "phone"} {
		var having []*ask
		for _, k := range asks {
			if len(k.values[field]) > 0 {
				having = append(having, k)
			}
		}
		for some := range slices.Chunk(having, n) {
			var texts []string
			for _, k := range some {
				texts = append(texts, k.values[field]...)
			}
			slices.Sort(texts)
			all = append(all, inquiry{some, vibe.Filter{field: vibe.In(slices.Compact(texts)...)}})
		}
	}
	return all
}

// all asks for all events: in one request, and by a second one for those whose list failed or held
// more than a page. An outcome other than Done says that nothing is known of any.
func (m *matching) all() vibe.Outcome {
	for _, k := range m.asks {
		for _, id := range m.persons.made(k.who, time.Now()) {
			k.found[id] = true
		}
	}
	unclear, o := m.ask(m.inquiries(m.asks, sharePage))
	if o.Class != vibe.Done {
		return o
	}
	for some := range slices.Chunk(unclear, vibe.BatchLimit/2) { // two lists each
		if _, o := m.ask(m.inquiries(some, 1)); o.Class != vibe.Done {
			for _, k := range some {
				k.failed = &o
			}
		}
	}
	return vibe.Outcome{Class: vibe.Done}
}

// ask makes one request, and returns the events of which it does not tell enough: those of a list
// that failed or was full, and that they had in common with others.
func (m *matching) ask(inquiries []inquiry) (unclear []*ask, o vibe.Outcome) {
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

// oneByOne asks list by list, where a portal offers no batch or its answer was too long.
func (m *matching) oneByOne(inquiries []inquiry) (unclear []*ask, last vibe.Outcome) {
	for _, q := range inquiries {
		o := m.search(q.filter)
		if o.Class != vibe.Done && len(inquiries) > 1 && m.request.job.Context().Err() != nil {
			return nil, o
		}
		unclear = append(unclear, m.take(q, o)...)
	}
	return distinct(unclear), vibe.Outcome{Class: vibe.Done}
}

func (m *matching) search(filter vibe.Filter) vibe.Outcome {
	return m.do(m.request.job.Context(), m.request, vibe.Search(vibe.Contacts, filter, nil, vibe.PageLimit))
}

// take reads the answer to a list, and returns its events when they have to be asked for alone.
func (m *matching) take(q inquiry, o vibe.Outcome) (unclear []*ask) {
	page, ok := o.Page()
	if o.Class == vibe.Done && !ok {
		o.Class, o.Code = vibe.Doubt, codeNoRows
	}
	alone := len(q.asks) == 1
	switch {
	case o.Class != vibe.Done && alone:
		q.asks[0].failed = &o
		return nil
	case o.Class != vibe.Done:
		return q.asks
	}
	seen := m.read(q.asks, page)
	switch {
	case !page.Full(vibe.PageLimit) || len(page.Rows) == 0:
		return nil
	case !alone:
		return q.asks
	}
	if o := m.rest(q, seen); o.Class != vibe.Done {
		q.asks[0].failed = &o
	}
	return nil
}

// span are the ids of the rows that were read.
type span struct {
	idRange
	shared bool // one of them carried a contact point that was asked for
}

// beyond reports whether rows that were asked for over a range, or under it, are all there.
func (s span) beyond(r idRange, over bool) bool {
	switch {
	case s.largest == 0: // no rows
		return true
	case over:
		return s.smallest > r.largest
	}
	return s.largest < r.smallest
}

// rest reads what did not fit on a page.
func (m *matching) rest(q inquiry, seen span) vibe.Outcome {
	paging := idPaging{idRange: seen.idRange, up: true, down: true}
	for n := 1; paging.more(); n++ {
		switch {
		case !seen.shared: // a page of strangers: the filter was not obeyed
			return vibe.Outcome{Class: vibe.Refused, Status: 200, Code: codeFilterIgnored, Item: true}
		case n == matchPages:
			q.asks[0].cut = true
			return vibe.Outcome{Class: vibe.Done}
		}
		page, o := pageOf(m.search(paging.next(q.filter)))
		if o.Class != vibe.Done {
			return o
		}
		before, found := paging.idRange, m.read(q.asks, page)
		if !found.beyond(before, paging.up) { // the filter by id was not obeyed: what else there is cannot be read
			q.asks[0].cut = true
			return vibe.Outcome{Class: vibe.Done}
		}
		seen.shared = seen.shared || found.shared
		paging.include(found.smallest)
		paging.include(found.largest)
		paging.took(before, page.Full(vibe.PageLimit))
	}
	return vibe.Outcome{Class: vibe.Done}
}

// read takes the contacts of a page that agree with one of the events. A row counts only when it carries a contact
// point that was asked for: a portal that ignores a filter answers with strangers.
func (m *matching) read(asks []*ask, page vibe.Page) (seen span) {
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
		for _, k := range asks {
			if !k.who.Shares(other, by) {
				continue
			}
			seen.shared = true
			if m.field.Carries(marks, m.cfg.Originator, k.delivery.req.OriginID) {
				k.own = id
			}
			if k.who.Agrees(other, by) {
				k.found[id] = true
			}
		}
	}
	return seen
}

// distinct leaves each event once.
func distinct(asks []*ask) []*ask {
	var some []*ask
	for _, k := range asks {
		if !slices.Contains(some, k) {
			some = append(some, k)
		}
	}
	return some
}
