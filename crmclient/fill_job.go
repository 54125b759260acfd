package crmclient

import (
	"encoding/json"
	"time"

	"github.com/leadbridge/leadbridge/crmclient/internal/queue"
	"github.com/leadbridge/leadbridge/crmclient/internal/vibe"
)

// This file is how cards are filled: read, merged, written, and read back, for several cards in as few requests. It is
// looked up, like a create, when it is not known whether it was written: a card that lacks nothing any more is filled.

// filling is one job of fills.
type filling struct {
	*Creator
	request *request
	kind    kind // of contacts
	fills   []*cardFill
}

// cardFill is one of its fills.
type cardFill struct {
	waiter *queue.Waiter
	*attempt
	body []byte // of its change
}

// sent is the change of a card. It never changes.
type sent struct {
	before vibe.Held // the card
	change vibe.Body
}

// takeSent keeps the change of a fill while it is in doubt.
func (a *attempt) takeSent(got *answer) {
	if a.step.extra == nil {
		return
	}
	if a.step.extra.sent = nil; got.trigger == onDoubt {
		a.step.extra.sent = a.sent
	}
}

// sent returns the change of a fill in doubt, nil for any other step.
func (s *step) sent() *sent {
	if s.extra == nil {
		return nil
	}
	return s.extra.sent
}

func (k *cardFill) card() int64 { return k.step.extra.card }

// runFills fills the cards of a job's events.
func (c *Creator) runFills(r *request, p *portal) {
	f := &filling{Creator: c, request: r, kind: p.kinds[vibe.Contacts]}
	f.read()
	sent := f.ready()
	if len(sent) == 0 {
		return
	}
	left := c.governor.moments(time.Now())
	if len(sent) == 1 {
		o := f.writeOne(sent[0])
		if r.job.Context().Err() == nil || o.Class == vibe.Done {
			c.judgeOne(r, p, sent[0].waiter, o, left)
		}
		return
	}
	whole := f.writeBatch(sent)
	if r.job.Context().Err() != nil && whole.Class != vibe.Done {
		return // broken off: nobody waits
	}
	waiters := make([]*queue.Waiter, len(sent))
	for i, k := range sent {
		waiters[i] = k.waiter
	}
	if whole.Items != nil {
		r.job.Answer(c.judgeItems(r, p, waiters, whole, left))
		return
	}
	r.job.Answer(c.judgeWhole(r, waiters, whole, left))
}

// read reads the cards and decides what they lack. Those that lack nothing, or cannot be read, get their answer.
func (f *filling) read() {
	now := time.Now()
	answers := map[*queue.Waiter]any{}
	var all []*cardFill
	var ids []int64
	for _, w := range f.request.job.Waiters() {
		k := &cardFill{waiter: w, attempt: w.Payload.(*attempt)}
		if !f.kind.fields.Known() || !k.probe && f.governor.kindHeld(vibe.Fills) {
			answers[w] = &answer{trigger: onUnsent}
			continue
		}
		if f.patchDiffers.Load() {
			answers[w] = &answer{trigger: onRefusal, outcome: vibe.Outcome{Class: vibe.Refused, Code: reasonPatch}, items: 1}
			continue
		}
		all, ids = append(all, k), append(ids, k.card())
	}
	cards := f.readCards(f.request, ids)
	if f.request.job.Context().Err() != nil {
		return
	}
	left := f.governor.moments(now)[vibe.Fills]
	var failed []vibe.Outcome
	for i, k := range all {
		o := cards[i]
		if o.Class != vibe.Done {
			if o.Class != vibe.Refused { // a card that is gone says nothing about others
				failed = append(failed, o)
			}
			answers[k.waiter] = f.unread(o, left)
			continue
		}
		before := vibe.Row(o.Data).Held()
		change := merge(before, f.offered(k), f.cfg.Patch)
		if change == nil {
			answers[k.waiter] = &answer{trigger: onMatched, id: k.card(), left: left}
			continue
		}
		k.sent = &sent{before, change}
		k.body, _ = json.Marshal(change) // texts, numbers and what came as JSON
		f.fills = append(f.fills, k)
	}
	if len(all) > 0 && len(failed) == len(all) { // cards that are read say nothing about changes
		f.governor.createFailed([]vibe.Entity{vibe.Fills}, faultOf(failed[0]), f.request.fresh(), f.request.leaving.at, time.Now())
	}
	f.request.job.Answer(answers)
}

func (f *filling) offered(k *cardFill) vibe.Body {
	return offered(*k.delivery.req.Contact, f.kind, f.cfg.Originator)
}

// unread is the answer to a fill whose card cannot be read: one that is gone is refused.
func (f *filling) unread(o vibe.Outcome, left moment) *answer {
	got := &answer{trigger: triggerOf(o), outcome: unwritten(o), left: left, items: 1}
	if got.trigger == onDoubt { // nothing was written
		got.trigger = onFailure
	}
	return got
}

// ready returns the fills that may leave: the budget allows it, and their owners still may.
func (f *filling) ready() (fills []*cardFill) {
	fit := make([]*queue.Waiter, len(f.fills))
	by := map[*queue.Waiter]*cardFill{}
	for i, k := range f.fills {
		fit[i], by[k.waiter] = k.waiter, k
	}
	for _, w := range f.readyToLeave(f.request, fit) {
		fills = append(fills, by[w])
	}
	return fills
}

// writeOne changes one card, and reads it back.
func (f *filling) writeOne(k *cardFill) vibe.Outcome {
	o := f.do(f.request.job.Context(), f.request, vibe.Update(vibe.Contacts, k.card(), k.body, k.delivery.lease))
	if o.Class == vibe.Done {
		f.check(k, &o, f.readCards(f.request, []int64{k.card()})[0])
	}
	return o
}

// writeBatch changes several cards, and reads back those that were changed.
func (f *filling) writeBatch(sent []*cardFill) vibe.Outcome {
	changes, waiters := make([]vibe.Change, len(sent)), make([]*queue.Waiter, len(sent))
	for i, k := range sent {
		changes[i], waiters[i] = vibe.Change{ID: k.card(), Body: k.body}, k.waiter
	}
	o := f.do(f.request.job.Context(), f.request, vibe.UpdateBatch(vibe.Contacts, changes, leaseOfAll(waiters)))
	if o.Items == nil {
		return o
	}
	var ids []int64
	var of []int
	for i := range o.Items {
		if o.Items[i].Class == vibe.Done {
			ids, of = append(ids, sent[i].card()), append(of, i)
		}
	}
	cards := f.readCards(f.request, ids)
	for n, i := range of {
		f.check(sent[i], &o.Items[i], cards[n])
	}
	return o
}

// check makes of the outcome of a change, and of the card as it is now, that of the fill: done is what the card shows.
func (f *filling) check(k *cardFill, o *vibe.Outcome, card vibe.Outcome) {
	if card.Class != vibe.Done { // the change is there by the CRM's word: it is looked up
		o.Class, o.Code, o.Data = vibe.Doubt, card.Code, nil
		return
	}
	after := vibe.Row(card.Data).Held()
	v := verify(k.sent.before, after, k.sent.change)
	if v == doubled || v == damaged {
		f.endFilling(k.card())
	}
	switch v {
	case kept, doubled:
		o.Data, _ = json.Marshal(map[string]int64{"id": k.card()}) // as the answer to a create
	case notKept:
		o.Class, o.Code, o.Message, o.Data = vibe.Refused, reasonNotKept, "", nil
	case damaged:
		f.repair(f.request, k.card(), k.sent, after, k.delivery.lease)
		o.Class, o.Code, o.Message, o.Data = vibe.Refused, reasonPatch, "", nil
	}
}

// endFilling ends the filling of cards in this process: updates do something else here than was measured.
func (c *Creator) endFilling(card int64) {
	if !c.patchDiffers.Swap(true) {
		c.log.Error().Str("card_url", c.ContactURL(card)).
			Msg("an update does something else to phones and e-mails than PORTAL_PROFILE says: no more cards are filled; run leadbridge probe again")
	}
}

// repair gives a card back what a change took from it. What fails is tried once more, by what the card shows then.
func (c *Creator) repair(r *request, card int64, s *sent, now vibe.Held, lease func() error) {
	for range 2 {
		lost := restored(s.before, now, s.change, c.cfg.Patch)
		if lost == nil {
			return
		}
		body, _ := json.Marshal(lost)
		if o := c.do(r.job.Context(), r, vibe.Update(vibe.Contacts, card, body, lease)); o.Class == vibe.Done {
			return
		}
		o := c.readCards(r, []int64{card})[0]
		if o.Class != vibe.Done {
			break
		}
		now = vibe.Row(o.Data).Held()
	}
	if restored(s.before, now, s.change, c.cfg.Patch) != nil {
		c.log.Error().Str("card_url", c.ContactURL(card)).Msg("a phone or e-mail is gone from a card by an update, and giving it back failed")
	}
}

// mend gives a card back what a change took from it whose answer was lost, if the card shows that it took effect. It
// reports whether there was something to give back: the next look-up tells whether the card has it.
func (l *lookUp) mend(card int64, q *question, now vibe.Held) bool {
	if q.sent == nil || !q.sent.tookEffect(now) {
		return false
	}
	v := verify(q.sent.before, now, q.sent.change)
	if v == doubled || v == damaged {
		l.endFilling(card)
	}
	if v == damaged {
		l.repair(l.request, card, q.sent, now, q.delivery.lease)
	}
	return v == damaged
}

// readCards reads the cards of contacts, in the order of their ids. An outcome of Done holds the contact.
func (c *Creator) readCards(r *request, ids []int64) []vibe.Outcome {
	var cards []vibe.Outcome
	switch {
	case len(ids) == 0:
	case len(ids) > 1 && !c.governor.extrasAlone(time.Now()):
		o := c.do(r.job.Context(), r, vibe.GetBatch(vibe.Contacts, ids))
		switch {
		case o.Items != nil:
			cards = o.Items
		case o.NotOffered(), o.Class == vibe.Refused, o.Code == vibe.CodeTooLong:
			cards = c.readEach(r, ids)
		default:
			for range ids {
				cards = append(cards, o)
			}
		}
	default:
		cards = c.readEach(r, ids)
	}
	for i, id := range ids {
		readable(&cards[i], id)
	}
	return cards
}

// readEach reads cards one by one.
func (c *Creator) readEach(r *request, ids []int64) (cards []vibe.Outcome) {
	for _, id := range ids {
		cards = append(cards, c.do(r.job.Context(), r, vibe.Get(vibe.Contacts, id)))
	}
	return cards
}

// readable makes of an answer that is not the card that was asked for one that tells nothing, and of a card that is gone a
// refusal.
func readable(o *vibe.Outcome, id int64) {
	switch {
	case o.Class == vibe.Done && vibe.Row(o.Data).ID("id") != id:
		o.Class, o.Code = vibe.Doubt, codeNoRows
	case o.NotOffered(), o.Code == "NOT_FOUND", o.Code == "ENTITY_NOT_FOUND":
		o.Class, o.Code = vibe.Refused, codeCardMissing
	}
}

// byCard looks whether the cards of events have what they were to be filled with.
func (l *lookUp) byCard(waiters []*queue.Waiter) vibe.Outcome {
	l.asked = time.Now()
	k := l.portals.latest().kinds[vibe.Contacts]
	ids := make([]int64, len(waiters))
	for i, w := range waiters {
		ids[i] = w.Payload.(*question).step.extra.card
	}
	last := vibe.Outcome{Class: vibe.Done}
	for i, o := range l.readCards(l.request, ids) {
		w, now := waiters[i], vibe.Row(o.Data).Held()
		switch {
		case o.Class == vibe.Refused && o.Code == codeCardMissing: // the next read tells the event
			l.absent([]*queue.Waiter{w}, lookUpTime{l.asked, time.Now()})
		case o.Class != vibe.Done:
			last = o
		case l.mend(ids[i], w.Payload.(*question), now):
			l.absent([]*queue.Waiter{w}, lookUpTime{l.asked, time.Now()})
		case merge(now, offered(*w.Payload.(*question).delivery.req.Contact, k, l.cfg.Originator), l.cfg.Patch) == nil:
			l.found(w, ids[i], lookUpTime{l.asked, time.Now()})
		default:
			l.absent([]*queue.Waiter{w}, lookUpTime{l.asked, time.Now()})
		}
	}
	return last
}
