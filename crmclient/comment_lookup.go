package crmclient

import (
	"time"

	"github.com/leadbridge/leadbridge/crmclient/internal/queue"
	"github.com/leadbridge/leadbridge/crmclient/internal/vibe"
)

// maxCommentPages is how many pages of a card's comments are read at most. A page has fifty comments.
const maxCommentPages = 20

// codeNoText is the outcome's code when a list of comments lacks their texts.
const codeNoText = "NO_TEXT"

// byMark looks up comments: it reads the comments of each waiter's card and looks for the event's mark.
func (l *lookUp) byMark(waiters []*queue.Waiter) vibe.Outcome {
	o := l.listedByMark(waiters)
	l.proveComments(waiters)
	return o
}

// listedByMark does what byMark does, but does not check whether lists are proven to show our comments.
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
	return l.eachByMark(waiters, l.firstPagesFrom(waiters, o.Items))
}

// firstPagesFrom returns a reader that takes the first page of each waiter's card from the answer to a batch, whose items are
// in the order of the waiters. It asks for further pages one by one.
func (l *lookUp) firstPagesFrom(waiters []*queue.Waiter, items []vibe.Outcome) pageReader {
	itemOf := make(map[*queue.Waiter]vibe.Outcome, len(waiters))
	for i, w := range waiters {
		itemOf[w] = items[i]
	}
	return func(w *queue.Waiter, from vibe.Comments) (vibe.Page, vibe.Outcome) {
		isFirst := from.Over == 0 && from.Under == 0 && from.Offset == 0
		if !isFirst {
			return l.readComments(w, from)
		}
		item := itemOf[w]
		page, isPage := item.Page()
		switch {
		case item.Class == vibe.Refused, item.Class == vibe.Done && !isPage: // batches do not offer lists of comments
			return l.readComments(w, from)
		case item.Class != vibe.Done:
			return vibe.Page{}, item
		}
		return page, item
	}
}

// cardOf returns the card that the comment of a waiter's event is for.
func cardOf(w *queue.Waiter) vibe.CardID { return w.Payload.(*question).delivery.commentOn() }

// readComments asks for comments of one card by a request of its own.
func (l *lookUp) readComments(_ *queue.Waiter, which vibe.Comments) (vibe.Page, vibe.Outcome) {
	o := l.do(l.request.job.Context(), l.request, vibe.ListComments(which))
	return pageOf(o)
}

// pageReader reads a page of the comments of a waiter's card.
type pageReader func(*queue.Waiter, vibe.Comments) (vibe.Page, vibe.Outcome)

// eachByMark looks for each waiter's comment among those of its card. If one card is the reason why reading fails, only its
// waiter stays without an answer. Any other failure ends the job.
func (l *lookUp) eachByMark(waiters []*queue.Waiter, read pageReader) vibe.Outcome {
	last := vibe.Outcome{Class: vibe.Done}
	for _, w := range waiters {
		o := l.markedIn(w, read)
		if o.Class == vibe.Done {
			continue
		}
		refusesCard := o.Status/100 == 4 && !o.BlamesKey() && o.Class != vibe.Throttled
		o.Item = o.Item || refusesCard
		last = o
		if !o.Item {
			return o
		}
	}
	return last
}

// commentReading is how far the comments of a card were read, and what is read next. The vendor documents neither the order
// of a list nor how to ask for its next page. So pages are asked for by the comments' ids, upwards and then downwards. If the
// portal ignores such filters, pages are asked for by offset. If a page then brings nothing new, the portal ignores the
// offset as well.
type commentReading struct {
	seen            map[int64]bool // ids of the comments that were read
	least, greatest int64          // of these ids

	byOffset    bool  // the next page is asked for by offset, else by over or under
	offset      int   // how many comments the next page skips
	down        bool  // all comments above the least id were read: the next page is asked for by under
	over, under int64 // the next page has only ids greater than over, or less than under; 0: no such bound

	whole    bool // all comments were read
	misled   bool // the portal does not let the rest be read
	opaque   bool // a comment has no text
	stranger bool // a comment belongs to another card
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
	isFirst := len(r.seen) == 0
	newOnes, heedsFilter := r.noteRows(page.Rows, card)
	hasNext := page.MayLack(vibe.PageLimit) || isFirst && page.Total > len(page.Rows)
	switch {
	case isFirst && !hasNext:
		r.whole = true
	case isFirst && len(page.Rows) == 0: // the portal promises more after an empty page: its mistake
		r.whole = true
	case isFirst && len(r.seen) == 0: // rows without ids: the next page cannot be asked for
		r.misled = true
	case isFirst:
		r.over = r.greatest
	case r.byOffset:
		r.noteByOffset(page, newOnes, hasNext)
	case !heedsFilter:
		r.useOffset()
	case hasNext && r.down:
		r.under = r.least
	case hasNext:
		r.over = r.greatest
	case r.down:
		r.whole = true
	default:
		r.down, r.over, r.under = true, 0, r.least
	}
}

// noteRows notes comments, and returns how many of them were not seen before, and whether all of them lie within over and
// under.
func (r *commentReading) noteRows(rows []vibe.Row, card vibe.CardID) (newOnes int, within bool) {
	within = true
	for _, row := range rows {
		c := row.CommentOn(card)
		r.opaque, r.stranger = r.opaque || c.Opaque, r.stranger || c.Stray
		within = within && (r.over == 0 || c.ID > r.over) && (r.under == 0 || c.ID < r.under)
		if c.ID > 0 && !r.seen[c.ID] {
			r.seen[c.ID] = true
			newOnes++
			r.greatest = max(r.greatest, c.ID)
			if r.least == 0 || c.ID < r.least {
				r.least = c.ID
			}
		}
	}
	return newOnes, within
}

// noteByOffset decides what follows a page that was asked for by offset.
func (r *commentReading) noteByOffset(page vibe.Page, newOnes int, hasNext bool) {
	isTotalSeen := page.Total > 0 && !page.Whole && len(r.seen) >= page.Total
	switch {
	case isTotalSeen, !hasNext:
		r.whole = true
	case newOnes == 0:
		r.misled = true
	default:
		r.offset = len(r.seen)
	}
}

// useOffset has the next page asked for by offset, as the portal ignores filters by id.
func (r *commentReading) useOffset() {
	r.byOffset, r.over, r.under, r.offset = true, 0, 0, len(r.seen)
}

// judgeExtraLookUp tells the governor how a job of look-ups of extras ended. A failure concerns their kind only.
func (c *Creator) judgeExtraLookUp(entity vibe.Entity, o vibe.Outcome, now time.Time) {
	switch {
	case o.Class == vibe.Done:
		c.governor.lookedUp(entity, now)
	case !o.Item:
		c.governor.lookUpFailed(entity, faultOf(o), false, now)
	}
}
