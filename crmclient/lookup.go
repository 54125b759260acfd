package crmclient

import (
	"slices"
	"strings"
	"time"

	"github.com/leadbridge/leadbridge/crmclient/internal/limit"
	"github.com/leadbridge/leadbridge/crmclient/internal/queue"
	"github.com/leadbridge/leadbridge/crmclient/internal/vibe"
)

// codeFilterIgnored says that a look-up was answered with objects that it did not ask for.
const codeFilterIgnored = "FILTER_IGNORED"

// lookUp is one job of look-ups by one field.
type lookUp struct {
	*Creator
	request *request
	way
	asked   time.Time                      // when the request at hand left
	answers map[*queue.Waiter]lookUpAnswer // of those found or absent

	sure      bool                        // absences need no proof: the field holds nothing
	controls  map[asking]control          // that are asked for as well
	tried     map[asking]bool             // for which one was known when they were asked
	seen      map[asking]bool             // those of them that were found
	untrusted map[*queue.Waiter]time.Time // absences that were taken back for want of proof, and when to ask again; zero: after a backoff
	hidden    int64                       // the largest id of the objects whose rows, read without a filter, lack our field; 0: none
	shown     bool                        // other rows had it
	beyond    map[*queue.Waiter]bool      // comments of cards that have more than are read
	shownOn   map[string]bool             // kinds of cards whose lists of comments have shown one of ours
	left      []*queue.Waiter             // had no room in the request: they are asked for by the next job
}

// runLookUp looks up the events of a job. All answers are handed out together, so that those
// of one batch in doubt know of each other before any of them decides.
func (c *Creator) runLookUp(r *request) {
	waiters := r.job.Waiters()
	r.replayed = replayedPart(waiters)
	r.calls = callsOf(waiters)
	l := &lookUp{Creator: c, request: r, way: waiters[0].Payload.(*question).way, answers: map[*queue.Waiter]lookUpAnswer{},
		controls: map[asking]control{}, tried: map[asking]bool{}, seen: map[asking]bool{}, untrusted: map[*queue.Waiter]time.Time{}, beyond: map[*queue.Waiter]bool{}, shownOn: map[string]bool{}}
	if c.governor.lookUpsAt(l.entity).After(time.Now()) { // another failed while these waited for their turn
		l.fail(waiters)
		return
	}
	o := l.all(waiters)
	l.prove(waiters)
	if r.job.Context().Err() != nil {
		return // broken off: nobody waits
	}
	c.judgeLookUp(l, o)
	answers := make(map[*queue.Waiter]any, len(waiters))
	for _, w := range waiters {
		a, ok := l.answers[w]
		switch {
		case !ok && slices.Contains(l.left, w):
			continue
		case !ok:
			a.failure = &lookUpFailure{beyond: l.beyond[w]}
			a.failure.again, a.failure.unproven = l.untrusted[w]
		}
		w.Payload.(*question).note(a)
		answers[w] = a
	}
	r.job.Answer(answers)
}

// fail answers that nothing was asked.
func (l *lookUp) fail(waiters []*queue.Waiter) {
	answers := make(map[*queue.Waiter]any, len(waiters))
	for _, w := range waiters {
		answers[w] = lookUpAnswer{failure: &lookUpFailure{}}
	}
	l.request.job.Answer(answers)
}

// all asks by the job's field. An outcome other than Done says that some have no answer.
func (l *lookUp) all(waiters []*queue.Waiter) vibe.Outcome {
	switch l.entity {
	case vibe.Timelines:
		return l.byMark(waiters)
	case vibe.Fills:
		return l.byCard(waiters)
	}
	if l.field.IsTag() {
		return l.byTag(waiters)
	}
	if l.portals.isGone(l.way) {
		l.sure = true
		l.absent(waiters, lookUpTime{time.Now(), time.Now()})
		return vibe.Outcome{Class: vibe.Done}
	}
	o := l.byField(waiters)
	if o.Class == vibe.Done {
		return o
	}
	// A former field that the portal neither lists nor takes a look-up by holds nothing any more. Not
	// to be listed, or not to be writable any more, is not enough.
	k := l.portals.latest().kinds[l.entity]
	if o.Class == vibe.Refused && l.field != k.idField && !k.fields.Lists(l.field.Field()) {
		l.portals.dropField(l.way)
		l.sure = true
		l.absent(l.open(waiters), lookUpTime{l.asked, time.Now()})
		return vibe.Outcome{Class: vibe.Done}
	}
	refused := o.Class == vibe.Refused || o.Class == vibe.Business
	if refused && l.field != k.idField && onlyTold(waiters) {
		// Somebody's header names the field: that the portal takes no look-up by it keeps nobody.
		l.sure = true
		l.absent(l.open(waiters), lookUpTime{l.asked, time.Now()})
		return vibe.Outcome{Class: vibe.Done}
	}
	return o
}

// note notes an answer for the batch that the step is in doubt with.
func (q *question) note(a lookUpAnswer) {
	switch {
	case a.failure != nil:
	case a.id > 0:
		q.cohort.foundOne(time.Now()) // which may have been as late as the answer
	default:
		q.cohort.notFound(q.step, a.at.asked)
	}
}

// onlyTold reports whether only headers of records name the waiters' field.
func onlyTold(waiters []*queue.Waiter) bool {
	return !slices.ContainsFunc(waiters, func(w *queue.Waiter) bool {
		return !w.Payload.(*question).delivery.req.WayIsTold
	})
}

// judgeLookUp draws what a job of look-ups says about look-ups. It says nothing about
// creates, save that the portal no longer takes the filter by the field in force.
func (c *Creator) judgeLookUp(l *lookUp, o vibe.Outcome) {
	now := time.Now()
	for _, a := range l.answers {
		if a.id > 0 {
			c.meter.lookUp(l.entity, lookUpFound)
		} else {
			c.meter.lookUp(l.entity, lookUpAbsent)
		}
	}
	if o.Class != vibe.Done || len(l.untrusted) > 0 {
		c.meter.lookUp(l.entity, lookUpFailed)
	}
	if isExtra(l.entity) {
		c.judgeExtraLookUp(l.entity, o, now)
		return
	}
	if o.Class == vibe.Done {
		c.governor.lookedUp(l.entity, now)
		return
	}
	refused := !o.Item && (o.Class == vibe.Refused || o.Class == vibe.Business)
	if refused && l.field == c.portals.latest().kinds[l.entity].idField {
		f := limit.Fault{Cause: limit.OriginField, Status: o.Status, Code: o.Code}
		c.governor.lookUpFailed(l.entity, f, true, now)
		c.portals.doubt(unkept{})
		c.governor.askAgain()
		return
	}
	c.governor.lookUpFailed(l.entity, faultOf(o), !o.Item, now)
}

// open returns the waiters that have no answer yet.
func (l *lookUp) open(waiters []*queue.Waiter) []*queue.Waiter {
	var open []*queue.Waiter
	for _, w := range waiters {
		if _, answered := l.answers[w]; !answered {
			open = append(open, w)
		}
	}
	return open
}

// absent notes that nothing was found for the waiters.
func (l *lookUp) absent(waiters []*queue.Waiter, at lookUpTime) {
	for _, w := range waiters {
		l.answers[w] = lookUpAnswer{at: at}
	}
}

// search makes one request.
func (l *lookUp) search(filter vibe.Filter) (vibe.Page, vibe.Outcome) {
	return l.searchFor(filter, l.selected())
}

// selected are the fields that a look-up asks for: those that carry our id, and the contact of a lead or a deal.
func (l *lookUp) selected() []string {
	if l.tellsOwner() {
		return append(l.field.Select(), "contactId")
	}
	return l.field.Select()
}

// tellsOwner reports whether the contact of what is found is of use, and the portal has a field for it.
func (l *lookUp) tellsOwner() bool {
	return l.entity != vibe.Contacts && l.cfg.Match.On() && l.portals.latest().kinds[l.entity].fields.Lists("contactId")
}

// searchFor is search for chosen fields.
func (l *lookUp) searchFor(filter vibe.Filter, selected []string) (vibe.Page, vibe.Outcome) {
	l.asked = time.Now()
	return pageOf(l.do(l.request.job.Context(), l.request, vibe.Search(l.entity, filter, selected, vibe.PageLimit)))
}

// pageOf returns the page of an answer. One without a list tells nothing.
func pageOf(o vibe.Outcome) (vibe.Page, vibe.Outcome) {
	if o.Class != vibe.Done {
		return vibe.Page{}, o
	}
	page, ok := o.Page()
	if !ok {
		o.Class, o.Code = vibe.Doubt, codeNoRows
	}
	return page, o
}

// codeNoRows says that the answer to a look-up holds no list.
const codeNoRows = "NO_ROWS"

// byField asks by a field. A page that cannot hold the whole answer is asked for
// again in halves: an unrequested row may have pushed another out of it.
func (l *lookUp) byField(waiters []*queue.Waiter) vibe.Outcome {
	ids := make([]string, 0, len(waiters)+1)
	for _, w := range waiters {
		ids = append(ids, originOf(w))
	}
	if k, ok := l.control(asking{l.way, l.field.Field()}); ok && !slices.Contains(ids, k.origin) {
		ids = append(ids, k.origin) // the last of them: a portal may heed only the first ones
	}
	page, o := l.search(vibe.Filter{l.field.Field(): vibe.In(ids...)})
	if o.Class != vibe.Done && o.Code != vibe.CodeTooLong {
		return o
	}
	at := lookUpTime{l.asked, time.Now()}
	unrequested, controls := l.match(waiters, page.Rows, at)
	open := l.open(waiters)
	// A part of an answer that was too long is not read: nothing is absent then.
	long := o.Code == vibe.CodeTooLong
	full := long || page.Full(vibe.PageLimit)
	switch {
	case len(open) == 0:
	case !full && (unrequested == rowCount{} || page.Whole && unrequested.blank == 0):
		l.absent(open, at)
	case full && len(waiters) > 1:
		return l.halves(open)
	case !long && len(page.Rows) == controls: // "more" than nothing, of one id: a slip
		l.absent(open, at)
	default: // only what was found is an answer: the filter was not obeyed
		return vibe.Outcome{Class: vibe.Refused, Status: o.Status, Code: codeFilterIgnored}
	}
	return vibe.Outcome{Class: vibe.Done}
}

// halves asks again for what has no answer yet.
func (l *lookUp) halves(open []*queue.Waiter) vibe.Outcome {
	half := len(open) / 2
	first := vibe.Outcome{Class: vibe.Done}
	if half > 0 {
		first = l.byField(open[:half])
	}
	if second := l.byField(open[half:]); second.Class != vibe.Done {
		return second
	}
	return first
}

// rowCount counts the rows that nobody asked for: with another value of the field, and without
// one, as when the field is gone or the filter is not obeyed. A row that does not tell whose
// object it is, or which, is like one without.
type rowCount struct{ other, blank int }

// match notes the waiters' objects among rows, and counts the other rows: those of the control, and those that
// nobody asked for.
func (l *lookUp) match(waiters []*queue.Waiter, rows []vibe.Row, at lookUpTime) (unrequested rowCount, controls int) {
	by := asking{l.way, l.field.Field()}
	k, isAsked := l.controls[by]
	byID := make(map[string][]*queue.Waiter, len(waiters))
	for _, w := range waiters {
		byID[originOf(w)] = append(byID[originOf(w)], w)
	}
	for _, row := range rows {
		// A collation may find an id in other letters: asked for, but not ours.
		object, marks := l.field.Identify(row)
		id := marks.Text()
		asked := byID[strings.ToLower(id)]
		switch {
		case id == "", object == 0:
			unrequested.blank++
		case isAsked && l.field.Carries(marks, l.cfg.Originator, k.origin):
			l.seen[by] = true
			controls++
		case isAsked && strings.EqualFold(id, k.origin):
			controls++
		case len(asked) == 0:
			unrequested.other++
		}
		for _, w := range asked {
			if object > 0 && l.field.Carries(marks, l.cfg.Originator, originOf(w)) {
				l.found(w, object, at)
				l.noteOwner(w, object, row)
			}
		}
	}
	return unrequested, controls
}

// noteOwner notes the contact of an object that was found by a look-up for it.
func (l *lookUp) noteOwner(w *queue.Waiter, object int64, row vibe.Row) {
	if a := l.answers[w]; a.id == object && l.tellsOwner() && !l.field.IsTag() {
		a.with = owner{row.ID("contactId"), true}
		l.answers[w] = a
	}
}

// found notes an object; of several the oldest counts.
func (l *lookUp) found(w *queue.Waiter, object int64, at lookUpTime) {
	if known := l.answers[w].id; known > 0 {
		object = min(known, object)
	}
	l.answers[w] = lookUpAnswer{id: object, at: at}
}

func originOf(w *queue.Waiter) string { return w.Payload.(*question).id }
