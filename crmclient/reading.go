package crmclient

import (
	"slices"
	"time"

	"github.com/leadbridge/leadbridge/crmclient/internal/queue"
	"github.com/leadbridge/leadbridge/crmclient/internal/vibe"
)

// Where no object of ours is known that a look-up could be tried with, objects are read without a filter by
// our ids. That shows objects of ours, and where it shows all that can be the event's, that it has none.

// widerWindows are how far back objects are read, one page of each, when none was created lately.
var widerWindows = [...]time.Duration{30 * 24 * time.Hour, 10 * 365 * 24 * time.Hour}

// objectReading is what reading the objects of a way has come to. A pure value; the zero value has read nothing.
type objectReading struct {
	readAt   time.Time // not before
	bound    time.Time // of the records whose absence reading may show: see lookUp.read
	youngest time.Time // record of those that asked
	servedAt time.Time // when one asked whose record is not older than the bound
	shown    objectsRead
}

// objectsRead says which objects were read when, none of which was ours.
type objectsRead struct {
	at    lookUpTime
	since time.Time // of the records whose objects are among them
	all   bool      // whatever the record
}

// shows reports whether the object of a record would be among those that were read.
func (o objectsRead) shows(recorded, now time.Time) bool {
	return o.all || !o.since.IsZero() && !recorded.Before(o.since) && !recorded.After(now)
}

// read looks for objects of ours without a filter by our ids, and takes what it finds for controls. It notes and
// returns the waiters whose absence that shows: all, when the portal holds no more than a page of the kind; else
// those whose records are not older than a bound, when all objects since then were read. What was read for others
// counts too, once.
func (l *lookUp) read(a lookUpBy, waiters []*queue.Waiter) (absent []*queue.Waiter) {
	begun, due := time.Now(), false
	var bound time.Time
	l.proofs.reading(a.idLocation, func(r *objectReading) {
		due = !begun.Before(r.readAt)
		r.boundBy(waiters, begun)
		bound = r.bound
	})
	if due {
		l.readObjects(a, bound, waiters, begun)
	}
	var shown objectsRead
	l.proofs.reading(a.idLocation, func(r *objectReading) { shown = r.shown })
	for _, w := range waiters {
		if l.answers[w].id == 0 && shown.shows(recordedAt(w), begun) && shown.at.asked.After(w.Payload.(*question).asked) {
			l.absent([]*queue.Waiter{w}, shown.at)
			absent = append(absent, w)
		}
	}
	return absent
}

// tellsOurField reports whether the rows that were read tell whose objects they are. Where all of them lack our field, as
// portals may leave out what is empty, the object with the largest id is asked for whole: it lacks the field as well.
func (l *lookUp) tellsOurField() bool {
	if l.shown || l.hidden == 0 {
		return true
	}
	o := l.do(l.request.job.Context(), l.request, vibe.Get(l.entity, l.hidden))
	object, marks := l.field.Identify(vibe.Row(o.Data))
	return o.Class == vibe.Done && object == l.hidden && marks.Missing()
}

// readObjects reads them and notes what that shows.
func (l *lookUp) readObjects(a lookUpBy, bound time.Time, waiters []*queue.Waiter, begun time.Time) {
	l.hidden, l.shown = 0, false
	page, o := l.searchFor(vibe.Filter{}, l.readable())
	if o.Class != vibe.Done {
		return
	}
	ours := l.readRows(a, page.Rows, waiters)
	// Counts differ from portal to portal: one that says less than the rows do tells nothing.
	full := page.Full(vibe.PageLimit)
	nothing := page.Whole && len(page.Rows) == 0 // beside which hasMore is a slip
	all := nothing || page.Whole && !page.More || !full && page.Total <= len(page.Rows)
	shows, tooMany := all, false
	if !all && !ours {
		shows, ours, tooMany = l.readSince(a, bound, waiters)
	}
	shows = shows && l.tellsOurField()
	now := time.Now()
	wait := max(leastLag, 4*now.Sub(begun)) // reading takes a fifth of the time at most
	if tooMany {
		wait = 5 * time.Minute
	}
	l.proofs.reading(a.idLocation, func(r *objectReading) {
		if !all {
			r.readAt = now.Add(wait)
		}
		if tooMany { // since a younger record fewer may have been created
			r.bound = time.Time{}
		}
		if shows {
			r.shown = objectsRead{lookUpTime{begun, now}, bound, all}
		}
	})
	l.proofs.with(a, func(p *proof) {
		switch {
		case shows:
			p.lacking = time.Time{}
		case !ours && p.lacking.IsZero():
			p.lacking = begun
		}
	})
}

// boundBy chooses the time since which objects are read: that of the youngest record, as few objects are younger. It
// stays while a waiter asks that it serves, so that others do not move it.
func (r *objectReading) boundBy(waiters []*queue.Waiter, now time.Time) {
	if now.Sub(r.servedAt) > boundPatience {
		r.bound, r.youngest = time.Time{}, time.Time{}
	}
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

// boundPatience is after how long nobody is waiting any more whom a bound serves: each waiter asks more often.
const boundPatience = 10 * time.Minute

func recordedAt(w *queue.Waiter) time.Time { return w.Payload.(*question).delivery.req.RecordedAt }

// readSince reads the objects that were created since a bound, and some older ones. shows reports whether all were
// read, ours whether an object of ours is among them, tooMany that there are more.
func (l *lookUp) readSince(a lookUpBy, bound time.Time, waiters []*queue.Waiter) (shows, ours, tooMany bool) {
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
		ours = l.readRows(a, some, waiters) || ours
		return ours
	})
	tooMany = o.Code == codeFilterIgnored
	if ours || o.Class != vibe.Done && !tooMany {
		return false, ours, false
	}
	// That nothing was created since then counts where a look-up by time is seen to find.
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

// readRows takes objects of ours among rows for controls, and what belongs to waiters for found. It reports
// whether there is a control among them.
func (l *lookUp) readRows(a lookUpBy, rows []vibe.Row, waiters []*queue.Waiter) (ours bool) {
	now := time.Now()
	for _, row := range rows {
		object, marks := l.field.Identify(row)
		if l.shown = l.shown || !marks.Missing(); marks.Missing() {
			l.hidden = max(l.hidden, object)
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
				ours = ours || by == a.filter
				l.proofs.with(lookUpBy{a.idLocation, by}, func(p *proof) {
					p.add(control{object: object, origin: origin, filter: filter, known: now}) // who waits comes by anyway
				})
			}
		}
	}
	return ours
}

// filters are the fields by which objects are asked for.
func (l *lookUp) filters() []string {
	switch {
	case !l.field.IsTag():
		return []string{l.field.Field()}
	case l.entity == vibe.Deals:
		return []string{"contactId"}
	}
	return []string{"phone", "email", vibe.TagField}
}

// readable are the fields that a row needs so that its object can be looked up.
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

// filterOfRow asks for the object of a row as it asks for an event's; not ok: the row does not tell what by.
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
