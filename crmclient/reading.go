package crmclient

import (
	"slices"
	"time"

	"github.com/leadbridge/leadbridge/crmclient/internal/queue"
	"github.com/leadbridge/leadbridge/crmclient/internal/vibe"
)

// A look-up counts only when it is proven to find, for which it needs a control: an object of ours. Where no control is
// known, objects are read without a filter by our ids. What is ours among them is a control. If none is, and the rows
// hold every object that can be the event's, they show by themselves that it has none.

// widerWindows are how far back objects are read, one page each, to see that look-ups by creation time find at all.
var widerWindows = [...]time.Duration{30 * 24 * time.Hour, 10 * 365 * 24 * time.Hour}

// objectReading is how far the objects of an idLocation have been read. A pure value; the zero value has read nothing.
type objectReading struct {
	readAt   time.Time   // earliest time of the next reading
	bound    time.Time   // objects are read that can belong to records of this time or later; zero: not chosen yet
	servedAt time.Time   // when a waiter asked whose record is not older than bound
	youngest time.Time   // the time of the youngest record that asked, of those that bound can be chosen from
	last     objectsRead // the last reading that shows absences
}

// objectsRead is a reading that shows absences: none of the objects that it covers is an event's that has not been found.
type objectsRead struct {
	at    lookUpTime
	since time.Time // it covers the objects of records of this time or later; zero: of none
	all   bool      // it covers all objects of the kind
}

// covers reports whether the object of a record, if there is one, is among those that were read.
func (o objectsRead) covers(recorded, now time.Time) bool {
	return o.all || !o.since.IsZero() && !recorded.Before(o.since) && !recorded.After(now)
}

// read reads objects without a filter by our ids, if that is due, and takes those of ours for controls. It notes as absent,
// and returns, the waiters whose objects would be among those that were read, now or earlier for other waiters.
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

// readObjects reads a page of objects and, if that is not all of the kind, those since the bound. It notes what that shows,
// and when objects are read again.
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
	wait := max(leastLag, 4*now.Sub(begun)) // reading takes a fifth of the time at most
	if tooMany {
		wait = 5 * time.Minute
	}
	l.proofs.reading(a.idLocation, func(r *objectReading) {
		if !all {
			r.readAt = now.Add(wait)
		}
		if tooMany { // choose another bound: fewer may have been created since a younger record
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

// isWholeKind reports whether the first page of a kind's objects holds all of them. What portals tell beside the rows
// differs: a total below the number of rows tells nothing, and of an empty kind some say that there is more.
func isWholeKind(page vibe.Page) bool {
	empty := page.Whole && len(page.Rows) == 0
	return empty || page.Whole && !page.More || !page.Full(vibe.PageLimit) && page.Total <= len(page.Rows)
}

// rowsTellOurField reports whether the rows that were read tell whose objects they are. A portal may leave out fields that
// are empty. So if all rows lack our field, the object with the largest id is read whole: if it lacks the field as well,
// the rows have told.
func (l *lookUp) rowsTellOurField() bool {
	if l.sawField || l.fieldless == 0 {
		return true
	}
	o := l.do(l.request.job.Context(), l.request, vibe.Get(l.entity, l.fieldless))
	object, marks := l.field.Identify(vibe.Row(o.Data))
	return o.Class == vibe.Done && object == l.fieldless && marks.Missing()
}

// chooseBound chooses the bound: the time of the youngest record that asks, since which the fewest objects were created. A
// bound stays while waiters ask whose records are not older, so that further records do not move it. Records that are only
// looked up do not count: what they show absent is not created now, so that nothing becomes the control that older records
// wait for.
func (r *objectReading) chooseBound(waiters []*queue.Waiter, now time.Time) {
	if now.Sub(r.servedAt) > boundPatience {
		r.bound, r.youngest = time.Time{}, time.Time{}
	}
	waiters = slices.DeleteFunc(slices.Clone(waiters), func(w *queue.Waiter) bool {
		return w.Payload.(*question).delivery.req.LookUpOnly
	})
	for _, w := range waiters {
		// A record from the future has a clock that no bound can be built on.
		if at := recordedAt(w); at.Before(now) {
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

// boundPatience is after how long a bound is dropped that nobody needs: a waiter that needs it asks more often.
const boundPatience = 10 * time.Minute

func recordedAt(w *queue.Waiter) time.Time { return w.Payload.(*question).delivery.req.RecordedAt }

// readSince reads the objects that can belong to records since a bound. showsAbsence reports whether all of them were read
// and none is ours, foundOurs whether one is, and tooMany whether there are more than are read. That no object is listed
// counts only if look-ups by creation time find anything: pages of longer ago are read for that.
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

// readRows notes the waiters' objects among rows, and takes every object of ours for a control. foundOurs reports whether
// one of these is a control of a.
func (l *lookUp) readRows(a lookUpBy, rows []vibe.Row, waiters []*queue.Waiter) (foundOurs bool) {
	now := time.Now()
	for _, row := range rows {
		object, marks := l.field.Identify(row)
		if l.sawField = l.sawField || !marks.Missing(); marks.Missing() {
			l.fieldless = max(l.fieldless, object)
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
					p.add(control{object: object, origin: origin, filter: filter, known: now}) // no need to wake events that wait for it: they look up again anyway
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

// filterOfRow returns the filter that finds the object of a row in a look-up by a field, nil where look-ups are by id. ok is
// false if the row does not tell the value.
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
