package crmclient

import (
	"slices"
	"sync"
	"time"

	"github.com/leadbridge/leadbridge/crmclient/internal/queue"
	"github.com/leadbridge/leadbridge/crmclient/internal/vibe"
)

// A portal may list no comments on a card that has some. The absence of a comment therefore counts only once a list has
// shown one of our comments on a card of that kind, in this process or to leadbridge probe (Config.CommentsSeen). Until then
// each look-up that finds nothing also asks for a control: a comment that this process wrote. If there is none, it reads the
// comments of cards that were made lately and looks for one of ours. Until one is seen the comment waits; in the end it is
// given up as not written.

// commentControl is a comment of ours that a list of its card can show.
type commentControl struct {
	card   vibe.CardID
	origin string    // the origin id of its event
	known  time.Time // when the comment was written
}

// commentProof says whether lists of comments on a kind of card have shown one of ours. A pure value; the zero value has seen
// none.
type commentProof struct {
	proven   bool
	awaited  bool             // events wait for the proof: their absences did not count
	controls []commentControl // the first is asked for next
	readAt   time.Time        // earliest time at which cards are searched for one of our comments again
}

// add adds a control, and returns whether events wait for one.
func (p *commentProof) add(k commentControl) (awaited bool) {
	if p.proven || len(p.controls) == maxControls {
		return false
	}
	p.controls = append(p.controls, k)
	return p.awaited && len(p.controls) == 1
}

// found notes that a list has shown one of our comments. It returns whether events wait for this proof.
func (p *commentProof) found() (awaited bool) {
	awaited = p.awaited
	*p = commentProof{proven: true}
	return awaited
}

// notShown notes that a list did not show the first control. If the control is older than the lag, it is dropped, so that
// the next one is asked for.
func (p *commentProof) notShown(lag time.Duration, now time.Time) {
	if len(p.controls) > 0 && now.Sub(p.controls[0].known) >= lag {
		p.controls = p.controls[1:]
	}
}

// commentProofs holds the proof of each kind of card. Safe for concurrent use.
type commentProofs struct {
	mu sync.Mutex // guards everything below
	of map[string]*commentProof
}

func newCommentProofs(seen []string) *commentProofs {
	p := &commentProofs{of: map[string]*commentProof{}}
	for _, kind := range seen {
		p.of[kind] = &commentProof{proven: true}
	}
	return p
}

// with calls f with the proof of a kind of card, while it holds the lock. f must not block.
func (p *commentProofs) with(kind string, f func(*commentProof)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	one := p.of[kind]
	if one == nil {
		one = &commentProof{}
		p.of[kind] = one
	}
	f(one)
}

// knowComment adds a comment that was written just now as a control.
func (c *Creator) knowComment(d *delivery, now time.Time) {
	card := d.commentOn()
	c.learnCommentProof(card.Kind, func(p *commentProof) bool { return p.add(commentControl{card, d.req.OriginID, now}) })
}

// learnCommentProof calls learn with the proof of a kind of card. If learn returns that events wait for it, they are looked up
// at once.
func (c *Creator) learnCommentProof(kind string, learn func(*commentProof) (awaited bool)) {
	awaited := false
	c.commentProofs.with(kind, func(p *commentProof) { awaited = learn(p) })
	if awaited {
		c.governor.hasten(vibe.Timelines)
	}
}

// proveComments removes the answers that say "absent" where lists are not proven to show our comments. What the lists showed
// may prove it for later look-ups.
func (l *lookUp) proveComments(waiters []*queue.Waiter) {
	byKind := map[string][]*queue.Waiter{}
	for _, w := range waiters {
		if _, answered := l.answers[w]; answered {
			kind := cardOf(w).Kind
			byKind[kind] = append(byKind[kind], w)
		}
	}
	for kind, some := range byKind {
		if l.showsComments(kind, some) {
			continue
		}
		again := time.Time{}
		l.commentProofs.with(kind, func(p *commentProof) {
			p.awaited = true
			if len(p.controls) > 0 { // the control may not be listed yet
				again = time.Now().Add(recheck)
			}
		})
		for _, w := range some {
			if l.answers[w].id == 0 && w.Payload.(*question).proof {
				delete(l.answers, w)
				l.untrusted[w] = again
			}
		}
	}
}

// showsComments reports whether lists of comments on a kind of card are proven to show ours. If they are not, and a waiter's
// absence depends on it, it asks for a control.
func (l *lookUp) showsComments(kind string, waiters []*queue.Waiter) bool {
	var p commentProof
	l.commentProofs.with(kind, func(known *commentProof) { p = *known })
	found := func(w *queue.Waiter) bool { return l.answers[w].id > 0 }
	matters := func(w *queue.Waiter) bool { return !found(w) && w.Payload.(*question).proof }
	switch {
	case p.proven:
		return true
	case l.shownOn[kind], slices.ContainsFunc(waiters, found):
	case !slices.ContainsFunc(waiters, matters):
		return false
	case len(p.controls) > 0:
		if !l.listsOurs([]vibe.CardID{p.controls[0].card}) {
			l.commentProofs.with(kind, func(p *commentProof) { p.notShown(l.proofs.lag, time.Now()) })
			return false
		}
	case time.Now().Before(p.readAt) || !l.findsOurs(kind, waiters):
		return false
	}
	l.learnCommentProof(kind, (*commentProof).found)
	return true
}

// commentsReadAgain is the shortest time between two searches of recent cards for one of our comments.
const commentsReadAgain = time.Minute

// findsOurs reads the comments of cards that were made lately, and reports whether it saw one of ours. It tries cards of the
// time of the youngest event, then older ones.
func (l *lookUp) findsOurs(kind string, waiters []*queue.Waiter) bool {
	l.commentProofs.with(kind, func(p *commentProof) { p.readAt = time.Now().Add(commentsReadAgain) })
	entity, youngest := vibe.Entity(kind+"s"), time.Time{}
	for _, w := range waiters {
		youngest = later(youngest, recordedAt(w))
	}
	for _, back := range [...]time.Duration{recordMargin, widerWindows[0]} {
		filter := vibe.Filter{}
		if !youngest.IsZero() {
			filter[entity.CreatedField()] = vibe.NotBefore(youngest.Add(l.client.Skew() - back))
		}
		page, o := pageOf(l.do(l.request.job.Context(), l.request, vibe.Search(entity, filter, []string{"id"}, vibe.PageLimit)))
		if o.Class != vibe.Done {
			return false
		}
		var cards []vibe.CardID
		for _, row := range page.Rows {
			if id := row.ID("id"); id > 0 && len(cards) < vibe.BatchLimit {
				cards = append(cards, vibe.CardID{Kind: kind, ID: id})
			}
		}
		if len(cards) > 0 && l.listsOurs(cards) {
			return true
		}
	}
	return false
}

// listsOurs reads the comments of cards, and reports whether it saw one of ours.
func (l *lookUp) listsOurs(cards []vibe.CardID) bool {
	if len(cards) == 1 || l.governor.extrasUnbatched(time.Now()) {
		for _, card := range cards {
			page, o := pageOf(l.do(l.request.job.Context(), l.request, vibe.ListComments(vibe.Comments{Card: card})))
			if o.Class == vibe.Done && l.hasOurs(page, card) {
				return true
			}
		}
		return false
	}
	o := l.do(l.request.job.Context(), l.request, vibe.ListCommentsBatch(cards))
	for i, card := range cards[:min(len(cards), len(o.Items))] {
		one := o.Items[i]
		if page, ok := one.Page(); ok && one.Class == vibe.Done && l.hasOurs(page, card) {
			return true
		}
	}
	return false
}

// hasOurs reports whether a page shows a comment of the card that has our mark.
func (c *Creator) hasOurs(page vibe.Page, card vibe.CardID) bool {
	return slices.ContainsFunc(page.Rows, func(row vibe.Row) bool {
		comment := row.CommentOn(card)
		return !comment.Stray && vibe.HasMark(comment.Text, c.cfg.Originator)
	})
}
