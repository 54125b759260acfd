package crmclient

import (
	"time"

	"github.com/leadbridge/leadbridge/crmclient/internal/queue"
	"github.com/leadbridge/leadbridge/crmclient/internal/vibe"
)

// maxCommentPages is how many pages of a card's comments are read, of fifty comments each.
const maxCommentPages = 20

// codeNoText is the code when a list of comments does not have their texts.
const codeNoText = "NO_TEXT"

// byMark looks for the comments of events, by their marks, among the comments of their cards.
func (l *lookUp) byMark(waiters []*queue.Waiter) vibe.Outcome {
	o := l.listedByMark(waiters)
	l.proveComments(waiters)
	return o
}

// listedByMark is byMark without the proof that lists show comments of ours.
func (l *lookUp) listedByMark(waiters []*queue.Waiter) vibe.Outcome {
	l.sentAt = time.Now()
	if len(waiters) == 1 || l.governor.extrasUnbatched(l.sentAt) {
		return l.eachByMark(waiters, l.readComments)
	}
	cards := make([]vibe.CardID, len(waiters))
	for i, w := range waiters {
		cards[i] = cardOf(w)
	}
	o := l.do(l.request.job.Context(), l.request, vibe.ListCommentsBatch(cards))
	refused := o.Class == vibe.Refused || o.Class == vibe.Credentials
	switch {
	case o.Items != nil:
	case refused, o.Code == vibe.CodeTooLong:
		return l.eachByMark(waiters, l.readComments)
	case o.Class != vibe.Done:
		return o
	default:
		return vibe.Outcome{Class: vibe.Doubt, Status: o.Status, Code: codeNoRows}
	}
	i := -1 // eachByMark asks for the first pages in the order of the waiters
	return l.eachByMark(waiters, func(w *queue.Waiter, from vibe.Comments) (vibe.Page, vibe.Outcome) {
		if from.Over > 0 || from.Under > 0 || from.Offset > 0 {
			return l.readComments(w, from)
		}
		i++
		one := o.Items[i]
		page, ok := one.Page()
		switch {
		case one.Class == vibe.Refused, one.Class == vibe.Done && !ok: // no lists of comments in batches
			return l.readComments(w, from)
		case one.Class != vibe.Done:
			return vibe.Page{}, one
		}
		return page, one
	})
}

func cardOf(w *queue.Waiter) vibe.CardID { return w.Payload.(*question).delivery.commentOn() }

// readComments asks for comments of one card by a request of its own.
func (l *lookUp) readComments(_ *queue.Waiter, which vibe.Comments) (vibe.Page, vibe.Outcome) {
	o := l.do(l.request.job.Context(), l.request, vibe.ListComments(which))
	return pageOf(o)
}

// pageReader reads a page of the comments of a waiter's card.
type pageReader func(*queue.Waiter, vibe.Comments) (vibe.Page, vibe.Outcome)

// eachByMark looks for each waiter's comment among those of its card. If reading fails for the reason of one card, that
// waiter alone has no answer. Any other failure ends the job.
func (l *lookUp) eachByMark(waiters []*queue.Waiter, read pageReader) vibe.Outcome {
	last := vibe.Outcome{Class: vibe.Done}
	for _, w := range waiters {
		o := l.markedIn(w, read)
		if o.Class == vibe.Done {
			continue
		}
		o.Item = o.Item || o.Status/100 == 4 && !o.NamesKey() && o.Class != vibe.Throttled
		last = o
		if !o.Item {
			return o
		}
	}
	return last
}

// commentReading is how far the comments of a card were read, and what is read next. Neither the order of a list is
// documented, nor how its next page is asked for: by the comments' ids, upwards and then downwards, and by an offset where
// the portal does not heed these. A page that brings nothing new shows that the offset was not heeded either.
type commentReading struct {
	seen            map[int64]bool // ids of the comments that were read
	least, greatest int64          // of these ids

	byOffset    bool  // the next page is asked for by offset, else by over or under
	offset      int   // how many comments the next page leaves out
	down        bool  // all comments with greater ids were read: the next page is to have those with lesser ones
	over, under int64 // the next page is to have comments with ids over, or under; 0: no bound

	whole    bool // all comments were read
	misled   bool // the portal does not let the rest be read
	opaque   bool // a comment has no text
	stranger bool // a comment is of another card
}

// markedIn reads a card's comments until the event's is found or all are read.
func (l *lookUp) markedIn(w *queue.Waiter, read pageReader) vibe.Outcome {
	card, asked := cardOf(w), time.Now()
	r := &commentReading{seen: map[int64]bool{}}
	for range maxCommentPages {
		page, o := read(w, vibe.Comments{Card: card, Over: r.over, Under: r.under, Offset: r.offset})
		if o.Class != vibe.Done {
			if len(r.seen) > 0 && !r.byOffset && (o.Class == vibe.Refused || o.Class == vibe.Business) {
				r.useOffset() // the portal takes no filter by id
				continue
			}
			return o
		}
		l.shownOn[card.Kind] = l.shownOn[card.Kind] || l.hasOurs(page, card)
		for _, row := range page.Rows {
			if c := row.CommentOn(card); vibe.Marked(c.Text, originOf(w)) {
				l.found(w, max(c.ID, 1), lookUpTime{asked, time.Now()})
				return vibe.Outcome{Class: vibe.Done}
			}
		}
		r.note(page, card)
		switch {
		case r.opaque:
			return vibe.Outcome{Class: vibe.Refused, Status: o.Status, Code: codeNoText, Item: true}
		case r.stranger, r.misled:
			return vibe.Outcome{Class: vibe.Refused, Status: o.Status, Code: codeFilterIgnored, Item: true}
		case r.whole:
			l.absent([]*queue.Waiter{w}, lookUpTime{asked, time.Now()})
			return vibe.Outcome{Class: vibe.Done}
		}
	}
	l.tooMany[w] = true
	return vibe.Outcome{Class: vibe.Refused, Status: 200, Code: string(reasonTooMany), Item: true}
}

// note notes the comments of a page, and decides which page is read next or whether all were read.
func (r *commentReading) note(page vibe.Page, card vibe.CardID) {
	first, fresh, within := len(r.seen) == 0, 0, true
	for _, row := range page.Rows {
		c := row.CommentOn(card)
		r.opaque, r.stranger = r.opaque || c.Opaque, r.stranger || c.Stray
		within = within && (r.over == 0 || c.ID > r.over) && (r.under == 0 || c.ID < r.under)
		if c.ID > 0 && !r.seen[c.ID] {
			r.seen[c.ID] = true
			fresh++
			r.greatest = max(r.greatest, c.ID)
			if r.least == 0 || c.ID < r.least {
				r.least = c.ID
			}
		}
	}
	more := page.Full(vibe.PageLimit) || first && page.Total > len(page.Rows)
	switch {
	case page.Total > 0 && !page.Whole && !first && r.byOffset && len(r.seen) >= page.Total, first && !more:
		r.whole = true
	case first && len(r.seen) == 0: // an empty page that promises more is the portal's mistake; after rows without ids there is no next page
		r.whole, r.misled = len(page.Rows) == 0, len(page.Rows) > 0
	case first:
		r.over = r.greatest
	case r.byOffset && !more:
		r.whole = true
	case r.byOffset && fresh == 0:
		r.misled = true
	case r.byOffset:
		r.offset = len(r.seen)
	case !within:
		r.useOffset()
	case more && r.down:
		r.under = r.least
	case more:
		r.over = r.greatest
	case r.down:
		r.whole = true
	default:
		r.down, r.over, r.under = true, 0, r.least
	}
}

// useOffset has the next page asked for by offset, as the portal does not heed filters by id.
func (r *commentReading) useOffset() {
	r.byOffset, r.over, r.under, r.offset = true, 0, 0, len(r.seen)
}

// judgeExtraLookUp tells the governor how a job of look-ups of extras went. It concerns their kind only.
func (c *Creator) judgeExtraLookUp(entity vibe.Entity, o vibe.Outcome, now time.Time) {
	switch {
	case o.Class == vibe.Done:
		c.governor.lookedUp(entity, now)
	case !o.Item:
		c.governor.lookUpFailed(entity, faultOf(o), false, now)
	}
}
