package crmclient

import (
	"slices"
	"time"

	"github.com/leadbridge/leadbridge/crmclient/internal/queue"
	"github.com/leadbridge/leadbridge/crmclient/internal/vibe"
)

// An absence counts only if look-ups are proven to find objects, which takes a control: an object of ours. If no control is
// known, objects are read without a filter by our ids. Objects of ours among them become controls. If there are none, and
// the rows include every object that the event can have made, the rows themselves show that it has made none.

// widerWindows are how far back a page of objects is read to see whether look-ups by creation time find any object.
var widerWindows = [...]time.Duration{30 * 24 * time.Hour, 10 * 365 * 24 * time.Hour}

// objectReading is how the objects of an idLocation are read. A pure value; the zero value has read nothing.
type objectReading struct {
	readAt   time.Time   // earliest time of the next reading
	bound    time.Time   // objects of records of this time or later are read; zero: not chosen yet
	servedAt time.Time   // when a waiter last asked whose record is not older than bound
	youngest time.Time   // the time of the youngest record that asked and may become the bound
	last     objectsRead // the last reading that shows absences
}

// objectsRead is a reading that shows absences: an event whose object it covers and did not find has no object.
type objectsRead struct {
	at    lookUpTime
	since time.Time // it covers the objects of records of this time or later; zero: of no records
	all   bool      // it covers all objects of the kind
}

// covers reports whether a reading includes the object of a record, if that exists.
func (o objectsRead) covers(recorded, now time.Time) bool {
	return o.all || !o.since.IsZero() && !recorded.Before(o.since) && !recorded.After(now)
}

// read reads objects without a filter by our ids, if that is due, and adds those of ours as controls. By this reading, or an
// earlier one for other waiters, some waiters' objects are shown to be absent: read notes and returns these waiters.
func (l *lookUp) read(a lookUpBy, waiters []*queue.Waiter) (absent []*queue.Waiter) {
	begun, due := time.Now(), false
	var bound time.Time
	l.proofs.reading(a.idLocation, func(r *objectReading) {
		due = !begun.Before(r.readAt)
		r.chooseBound(waiters, begun)
		bound = r.bound
	})
	if due {
		l.readObjects(a, bound, waiters, begun)
	}
	var last objectsRead
	l.proofs.reading(a.idLocation, func(r *objectReading) { last = r.last })
	for _, w := range waiters {
		isNew := last.at.asked.After(w.Payload.(*question).asked) // each reading counts once for a waiter
		if l.answers[w].id == 0 && last.covers(recordedAt(w), begun) && isNew {
			l.absent([]*queue.Waiter{w}, last.at)
			absent = append(absent, w)
		}
	}
	return absent
}

// readObjects reads a page of objects and, unless the page has all objects of the kind, the objects since the bound. It notes
// what they show, and when objects are read again.
func (l *lookUp) readObjects(a lookUpBy, bound time.Time, waiters []*queue.Waiter, begun time.Time) {
	l.fieldless, l.sawField = 0, false
	page, o := l.searchFor(vibe.Filter{}, l.readable())
	if o.Class != vibe.Done {
		return
	}
	foundOurs := l.readRows(a, page.Rows, waiters)
	all := isWholeKind(page)
	showsAbsence, tooMany := all, false
	if !all && !foundOurs {
		showsAbsence, foundOurs, tooMany = l.readSince(a, bound, waiters)
	}
	showsAbsence = showsAbsence && l.rowsTellOurField()
	now := time.Now()
	wait := max(leastLag, 4*now.Sub(begun)) // so that reading takes a fifth of the time at most
	if tooMany {
		wait = 5 * time.Minute
	}
	l.proofs.reading(a.idLocation, func(r *objectReading) {
		if !all {
			r.readAt = now.Add(wait)
		}
		if tooMany { // next time the bound is a younger record's, since which fewer objects may have been created
			r.bound = time.Time{}
		}
		if showsAbsence {
			r.last = objectsRead{lookUpTime{begun, now}, bound, all}
		}
	})
	l.proofs.with(a, func(p *proof) {
		switch {
		case showsAbsence:
			p.lacking = time.Time{}
		case !foundOurs && p.lacking.IsZero():
			p.lacking = begun
		}
	})
}

// isWholeKind reports whether the first page of a kind's objects has all of them. Portals differ in what they say besides
// the rows: a total below the number of rows says nothing, and some say that an empty kind has more.
func isWholeKind(page vibe.Page) bool {
	isEmpty := page.Whole && len(page.Rows) == 0
	saysNoMore := page.Whole && !page.More
	looksComplete := !page.MayLack(vibe.PageLimit) && page.Total <= len(page.Rows)
	return isEmpty || saysNoMore || looksComplete
}

// rowsTellOurField reports whether the rows that were read show our field where objects have it. If all rows lack the field,
// either no object has it, or lists do not show it. To find out, the object with the largest id is read by itself: if it
// lacks the field as well, the rows were right.
func (l *lookUp) rowsTellOurField() bool {
	if l.sawField || l.fieldless == 0 {
		return true
	}
	o := l.do(l.request.job.Context(), l.request, vibe.Get(l.entity, l.fieldless))
	object, marks := l.field.Identify(vibe.Row(o.Data))
	return o.Class == vibe.Done && object == l.fieldless && marks.Missing()
}

// chooseBound chooses the bound: the time of the youngest record that asks, as the fewest objects were created since then.
// The bound stays as long as waiters with records that are not older ask, so that younger records do not move it. Records
// that are only looked up do not count, because no object is created for them when they are absent: older records would wait
// in vain for one that can be their control.
func (r *objectReading) chooseBound(waiters []*queue.Waiter, now time.Time) {
	if now.Sub(r.servedAt) > boundPatience {
		r.bound, r.youngest = time.Time{}, time.Time{}
	}
	waiters = slices.DeleteFunc(slices.Clone(waiters), func(w *queue.Waiter) bool {
		return w.Payload.(*question).delivery.req.LookUpOnly
	})
	for _, w := range waiters {
		if at := recordedAt(w); at.Before(now) { // the clock of a record from the future is wrong
			r.youngest = later(r.youngest, at)
		}
	}
	if r.bound.IsZero() {
		r.bound, r.servedAt = r.youngest, now
	}
	if slices.ContainsFunc(waiters, func(w *queue.Waiter) bool { return !recordedAt(w).Before(r.bound) }) {
		r.servedAt = now
	}
}

// boundPatience is how long a bound is kept while no waiter needs it. Waiters that need it ask more often than that.
const boundPatience = 10 * time.Minute

// recordedAt returns the time of a waiter's record.
func recordedAt(w *queue.Waiter) time.Time { return w.Payload.(*question).delivery.req.RecordedAt }

// readSince reads the objects that records since a bound can have made. showsAbsence reports whether all of them were read
// and none is ours, foundOurs whether one is ours, and tooMany whether there are more than are read. An empty list counts only
// if look-ups by creation time find any object at all, for which pages of widerWindows are read.
func (l *lookUp) readSince(a lookUpBy, bound time.Time, waiters []*queue.Waiter) (showsAbsence, foundOurs, tooMany bool) {
	if bound.IsZero() {
		return false, false, false
	}
	since := func(at time.Time) vibe.Filter {
		return vibe.Filter{l.entity.CreatedField(): vibe.NotBefore(at.Add(l.client.Skew()))}
	}
	filter := since(bound.Add(-recordMargin))
	page, o := l.searchFor(filter, l.readable())
	if o.Class != vibe.Done {
		return false, false, false
	}
	rows := 0
	o = l.pages(filter, l.readable(), page, func(some []vibe.Row) bool {
		rows += len(some)
		foundOurs = l.readRows(a, some, waiters) || foundOurs
		return foundOurs
	})
	tooMany = o.Code == codeFilterIgnored
	if foundOurs || o.Class != vibe.Done && !tooMany {
		return false, foundOurs, false
	}
	for _, back := range widerWindows {
		page, o := l.searchFor(since(bound.Add(-back)), l.readable())
		if o.Class != vibe.Done {
			return false, false, false
		}
		rows += len(page.Rows)
		if l.readRows(a, page.Rows, waiters) {
			return false, true, false
		}
	}
	return rows > 0 && !tooMany, false, tooMany
}

// readRows notes which waiters' objects are among rows, and adds every object of ours as a control. foundOurs reports whether
// one of them became a control of a.
func (l *lookUp) readRows(a lookUpBy, rows []vibe.Row, waiters []*queue.Waiter) (foundOurs bool) {
	now := time.Now()
	for _, row := range rows {
		object, marks := l.field.Identify(row)
		if marks.Missing() {
			l.fieldless = max(l.fieldless, object)
		} else {
			l.sawField = true
		}
		origin := l.field.EventOf(marks, l.cfg.Originator)
		if object == 0 || origin == "" {
			continue
		}
		for _, w := range waiters {
			if originOf(w) == origin {
				l.found(w, object, lookUpTime{now, now})
				l.noteOwner(w, object, row)
			}
		}
		for _, by := range l.filters() {
			if filter, ok := l.filterOfRow(by, row, marks); ok {
				foundOurs = foundOurs || by == a.filter
				l.proofs.with(lookUpBy{a.idLocation, by}, func(p *proof) {
					p.add(control{object: object, origin: origin, filter: filter, known: now}) // events that wait for a control are looked up again anyway
				})
			}
		}
	}
	return foundOurs
}

// filters returns the fields that look-ups of the job's idLocation filter by.
func (l *lookUp) filters() []string {
	switch {
	case !l.field.IsTag():
		return []string{l.field.Field()}
	case l.entity == vibe.Deals:
		return []string{"contactId"}
	}
	return []string{"phone", "email", vibe.TagField}
}

// readable returns the fields that a row must have so that its object can be a control.
func (l *lookUp) readable() []string {
	selected := l.selected()
	switch {
	case !l.field.IsTag():
		return selected
	case l.entity == vibe.Deals:
		if !slices.Contains(selected, "contactId") {
			selected = append(selected, "contactId")
		}
		return append(selected, l.entity.CreatedField())
	}
	return append(selected, "phone", "email", l.entity.CreatedField())
}

// filterOfRow returns the filter that finds a row's object in a look-up by a field; nil if look-ups are by our id. ok is false
// if the row does not have the field's value.
func (l *lookUp) filterOfRow(by string, row vibe.Row, marks vibe.Marks) (f vibe.Filter, ok bool) {
	if !l.field.IsTag() {
		return nil, true
	}
	f = vibe.Filter{}
	switch by {
	case "contactId":
		id := row.ID(by)
		f[by], ok = vibe.EqualNumber(id), id > 0
	case vibe.TagField:
		f[by], ok = vibe.Equal(marks.Text()), true
	default:
		point := row.Point(by)
		f[by], ok = vibe.Equal(point), point != ""
	}
	if created, told := row.Time(l.entity.CreatedField()); told {
		f[l.entity.CreatedField()] = vibe.NotBefore(created.Add(-recordMargin))
	}
	return f, ok
}
