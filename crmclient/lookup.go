package crmclient

import (
	"slices"
	"strings"
	"time"

	"github.com/leadbridge/leadbridge/crmclient/internal/limit"
	"github.com/leadbridge/leadbridge/crmclient/internal/queue"
	"github.com/leadbridge/leadbridge/crmclient/internal/vibe"
)

// codeFilterIgnored says that the answer to a look-up has objects that the look-up did not ask for: the portal ignored its
// filter.
const codeFilterIgnored = "FILTER_IGNORED"

// lookUp is one job of look-ups of one kind by one field.
type lookUp struct {
	*Creator                                  // has do, portals, proofs and governor
	request    *request                       // pays for the requests that are made
	idLocation                                // the kind of object that is looked up, and the field by which
	sentAt     time.Time                      // when the last request was sent
	answers    map[*queue.Waiter]lookUpAnswer // the waiters whose objects are known to be found or absent

	sure      bool                        // absences need no proof, because no object has the field
	controls  map[lookUpBy]control        // the controls that the job asks for
	tried     map[lookUpBy]bool           // a control was known when the job asked
	seen      map[lookUpBy]bool           // the control was found
	untrusted map[*queue.Waiter]time.Time // waiters whose absence is not proven, and when to ask again; zero: after a backoff
	fieldless int64                       // the largest id of objects whose rows, read without a filter, lack our field; 0: none
	sawField  bool                        // a row that was read without a filter had our field
	tooMany   map[*queue.Waiter]bool      // waiters for comments on cards that have more comments than are read
	shownOn   map[string]bool             // kinds of cards whose lists of comments have shown one of ours
	leftOver  []*queue.Waiter             // waiters that had no room in the request; the next job asks for them
}

// runLookUp looks up the steps of a job. All answers are handed out together, because a step in doubt must know which others
// of its batch were found before it decides.
func (c *Creator) runLookUp(r *request) {
	waiters := r.job.Waiters()
	r.replayed = replayedPart(waiters)
	r.calls = callsOf(waiters)
	l := &lookUp{Creator: c, request: r, idLocation: waiters[0].Payload.(*question).idLocation, answers: map[*queue.Waiter]lookUpAnswer{},
		controls: map[lookUpBy]control{}, tried: map[lookUpBy]bool{}, seen: map[lookUpBy]bool{}, untrusted: map[*queue.Waiter]time.Time{}, tooMany: map[*queue.Waiter]bool{}, shownOn: map[string]bool{}}
	if c.governor.lookUpsAt(l.entity).After(time.Now()) { // another look-up failed while these waited for their turn
		l.fail(waiters)
		return
	}
	o := l.all(waiters)
	l.prove(waiters)
	if r.job.Context().Err() != nil {
		return // nobody waits any more
	}
	c.judgeLookUp(l, o)
	answers := make(map[*queue.Waiter]any, len(waiters))
	for _, w := range waiters {
		a, ok := l.answers[w]
		switch {
		case !ok && slices.Contains(l.leftOver, w):
			continue
		case !ok:
			a.failure = &lookUpFailure{tooManyComments: l.tooMany[w]}
			a.failure.again, a.failure.unproven = l.untrusted[w]
		}
		w.Payload.(*question).note(a)
		answers[w] = a
	}
	r.job.Answer(answers)
}

// fail answers, without a request, that the look-ups of all waiters failed.
func (l *lookUp) fail(waiters []*queue.Waiter) {
	answers := make(map[*queue.Waiter]any, len(waiters))
	for _, w := range waiters {
		answers[w] = lookUpAnswer{failure: &lookUpFailure{}}
	}
	l.request.job.Answer(answers)
}

// all looks the waiters up, and notes in l.answers which are found and which are absent. With an outcome other than Done, some
// waiters may have no answer.
func (l *lookUp) all(waiters []*queue.Waiter) vibe.Outcome {
	switch l.entity {
	case vibe.Timelines:
		return l.byMark(waiters)
	case vibe.Fills:
		return l.byContact(waiters)
	}
	if l.field.IsTag() {
		return l.byTag(waiters)
	}
	if l.portals.isGone(l.idLocation) {
		l.sure = true
		l.absent(waiters, lookUpTime{time.Now(), time.Now()})
		return vibe.Outcome{Class: vibe.Done}
	}
	o := l.byField(waiters)
	if o.Class == vibe.Done {
		return o
	}
	k := l.portals.latest().kinds[l.entity]
	isFormer := l.field != k.idField // the portal once had it, or another process or a header says so
	// A former field is gone if the portal neither lists it nor accepts it as a filter. One of these is not enough.
	isGone := isFormer && o.Class == vibe.Refused && !k.fields.Lists(l.field.Field())
	refused := o.Class == vibe.Refused || o.Class == vibe.Business
	// Anybody may write headers, so a field that only headers name must not hold anybody up when it is refused.
	namedByHeadersOnly := isFormer && refused && onlyFromHeaders(waiters)
	if !isGone && !namedByHeadersOnly {
		return o
	}
	if isGone {
		l.portals.dropField(l.idLocation)
	}
	l.sure = true
	l.absent(l.open(waiters), lookUpTime{l.sentAt, time.Now()})
	return vibe.Outcome{Class: vibe.Done}
}

// note tells the cohort of a waiter's step what the look-up found.
func (q *question) note(a lookUpAnswer) {
	switch {
	case a.failure != nil:
	case a.id > 0:
		q.cohort.noteFound(time.Now()) // the create may have taken effect as late as the answer
	default:
		q.cohort.notFound(q.step, a.at.asked)
	}
}

// onlyFromHeaders reports whether only headers of records name the field by which the waiters are looked up.
func onlyFromHeaders(waiters []*queue.Waiter) bool {
	return !slices.ContainsFunc(waiters, func(w *queue.Waiter) bool {
		return !w.Payload.(*question).delivery.req.IDFieldFromHeader
	})
}

// judgeLookUp counts in the metrics what the job found, and reports its outcome to the governor. A failed look-up says nothing
// about creates. Only if the portal refuses to filter by the field in force, it is asked for its fields again before
// anything else is sent.
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

// search asks for the first page of what a filter finds.
func (l *lookUp) search(filter vibe.Filter) (vibe.Page, vibe.Outcome) {
	return l.searchFor(filter, l.selected())
}

// selected returns the fields that a look-up asks for: those that carry our id, and the contact of a lead or a deal.
func (l *lookUp) selected() []string {
	return l.withOwner(l.field.Select())
}

// withOwner adds the field for an object's contact to the fields that a look-up asks for, if the contact is of use.
func (l *lookUp) withOwner(selected []string) []string {
	if l.needsOwner() && !slices.Contains(selected, "contactId") {
		return append(selected, "contactId")
	}
	return selected
}

// needsOwner reports whether the contact of an object that is found is of use, and the portal has a field for it.
func (l *lookUp) needsOwner() bool {
	p := l.portals.latest() // nil in a preflight
	return l.entity != vibe.Contacts && l.cfg.Match.On() && p != nil && p.kinds[l.entity].fields.Lists("contactId")
}

// searchFor does what search does, but asks for the given fields.
func (l *lookUp) searchFor(filter vibe.Filter, selected []string) (vibe.Page, vibe.Outcome) {
	l.sentAt = time.Now()
	return pageOf(l.do(l.request.job.Context(), l.request, vibe.Search(l.entity, filter, selected, vibe.PageLimit)))
}

// pageOf returns the page of an answer. The outcome of an answer without a list is Doubt.
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

// codeNoRows says that the answer to a look-up has no list.
const codeNoRows = "NO_ROWS"

// byField looks the waiters up by a field. If the page is full, it looks them up again in halves, because rows that were
// not asked for may have left no place for one that was.
func (l *lookUp) byField(waiters []*queue.Waiter) vibe.Outcome {
	ids := make([]string, 0, len(waiters)+1)
	for _, w := range waiters {
		ids = append(ids, originOf(w))
	}
	if k, ok := l.control(lookUpBy{l.idLocation, l.field.Field()}); ok && !slices.Contains(ids, k.origin) {
		ids = append(ids, k.origin) // at the end, so that a portal that heeds only the first ids does not seem to work
	}
	page, o := l.search(vibe.Filter{l.field.Field(): vibe.In(ids...)})
	if o.Class != vibe.Done && o.Code != vibe.CodeTooLong {
		return o
	}
	at := lookUpTime{l.sentAt, time.Now()}
	unrequested, controls := l.match(waiters, page.Rows, at)
	open := l.open(waiters)
	isCut := o.Code == vibe.CodeTooLong // only a part of the answer was read, which shows no absence
	full := isCut || page.MayLack(vibe.PageLimit)
	filterHeeded := unrequested == rowCount{} || page.Whole && unrequested.blank == 0
	switch {
	case len(open) == 0:
	case !full && filterHeeded:
		l.absent(open, at)
	case full && len(waiters) > 1:
		return l.halves(open)
	case !isCut && len(page.Rows) == controls:
		// The portal says that there are more rows, but that is a mistake: only one id was asked for besides the control,
		// and the page has at most the control's row and room for many more.
		l.absent(open, at)
	default: // the portal ignored the filter: waiters whose objects are on the page have answers, the others have none
		return vibe.Outcome{Class: vibe.Refused, Status: o.Status, Code: codeFilterIgnored}
	}
	return vibe.Outcome{Class: vibe.Done}
}

// halves looks up the first half of the waiters, then the second.
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

// rowCount counts rows that a look-up did not ask for.
type rowCount struct {
	other int // have another value in the field
	blank int // lack the field or the object's id, for example because the field is gone or the filter was ignored
}

// match notes the waiters' objects among rows. It returns how many rows were not asked for, and how many are the control's.
func (l *lookUp) match(waiters []*queue.Waiter, rows []vibe.Row, at lookUpTime) (unrequested rowCount, controls int) {
	by := lookUpBy{l.idLocation, l.field.Field()}
	k, hasControl := l.controls[by]
	byID := make(map[string][]*queue.Waiter, len(waiters))
	for _, w := range waiters {
		byID[originOf(w)] = append(byID[originOf(w)], w)
	}
	for _, row := range rows {
		// Portals may ignore case, so a row whose id differs from ours in case counts as asked for, but is not ours.
		object, marks := l.field.Identify(row)
		id := marks.Text()
		matching := byID[strings.ToLower(id)]
		switch {
		case id == "", object == 0:
			unrequested.blank++
		case hasControl && l.field.Carries(marks, l.cfg.Originator, k.origin):
			l.seen[by] = true
			controls++
		case hasControl && strings.EqualFold(id, k.origin):
			controls++
		case len(matching) == 0:
			unrequested.other++
		}
		for _, w := range matching {
			if object > 0 && l.field.Carries(marks, l.cfg.Originator, originOf(w)) {
				l.found(w, object, at)
				l.noteOwner(w, object, row)
			}
		}
	}
	return unrequested, controls
}

// noteOwner notes the contact of an object that was found.
func (l *lookUp) noteOwner(w *queue.Waiter, object int64, row vibe.Row) {
	if a := l.answers[w]; a.id == object && l.needsOwner() {
		a.with = owner{row.ID("contactId"), true}
		l.answers[w] = a
	}
}

// found notes the object of a waiter. If several are found, the one with the smallest id counts.
func (l *lookUp) found(w *queue.Waiter, object int64, at lookUpTime) {
	if known := l.answers[w].id; known > 0 {
		object = min(known, object)
	}
	l.answers[w] = lookUpAnswer{id: object, at: at}
}

// originOf returns the origin id of a waiter's event.
func originOf(w *queue.Waiter) string { return w.Payload.(*question).id }
