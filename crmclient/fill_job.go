package crmclient

import (
	"encoding/json"
	"time"

	"github.com/leadbridge/leadbridge/crmclient/internal/queue"
	"github.com/leadbridge/leadbridge/crmclient/internal/vibe"
)

// Contacts are filled in four steps, each for several contacts in one request: they are read, it is decided what they lack,
// they are updated, and they are read back. If an update's outcome is unknown, the contact is read again later: a contact
// that lacks nothing counts as filled.

// filling is one job of fills.
type filling struct {
	*Creator
	request *request
	kind    kind // the portal's description of contacts
	fills   []*contactFill
}

// contactFill is the fill of one contact.
type contactFill struct {
	waiter *queue.Waiter
	*attempt
	body []byte // the update as JSON
}

// sentUpdate is an update of a card that was sent, with what the card held before. It is never modified.
type sentUpdate struct {
	before vibe.Held
	change vibe.Body
}

// takeSent keeps the update of a fill in its step while the step is in doubt.
func (a *attempt) takeSent(got *answer) {
	if a.step.extra == nil {
		return
	}
	a.step.extra.sent = nil
	if got.trigger == onDoubt {
		a.step.extra.sent = a.sent
	}
}

// sent returns the update of a fill in doubt, nil for any other step.
func (s *step) sent() *sentUpdate {
	if s.extra == nil {
		return nil
	}
	return s.extra.sent
}

// contact returns the id of the contact that is filled.
func (fill *contactFill) contact() int64 { return fill.step.extra.contact }

// runFills fills the cards of a job's events.
func (c *Creator) runFills(r *request, p *portal) {
	f := &filling{Creator: c, request: r, kind: p.kinds[vibe.Contacts]}
	f.read()
	sent := f.ready()
	if len(sent) == 0 {
		return
	}
	atSend := c.governor.moments(time.Now())
	if len(sent) == 1 {
		o := f.writeOne(sent[0])
		if r.job.Context().Err() == nil || o.Class == vibe.Done {
			c.judgeOne(r, p, sent[0].waiter, o, atSend)
		}
		return
	}
	whole := f.writeBatch(sent)
	if r.job.Context().Err() != nil && whole.Class != vibe.Done {
		return // broken off: nobody waits
	}
	waiters := make([]*queue.Waiter, len(sent))
	for i, fill := range sent {
		waiters[i] = fill.waiter
	}
	if whole.Items != nil {
		r.job.Answer(c.judgeItems(r, p, waiters, whole, atSend))
		return
	}
	r.job.Answer(c.judgeWhole(r, waiters, whole, atSend))
}

// read reads the contacts and decides what they lack. Fills whose contacts lack nothing or cannot be read get their answer
// here.
func (f *filling) read() {
	now := time.Now()
	answers := map[*queue.Waiter]any{}
	var all []*contactFill
	var ids []int64
	for _, w := range f.request.job.Waiters() {
		fill := &contactFill{waiter: w, attempt: w.Payload.(*attempt)}
		if a := f.answerUnread(fill); a != nil {
			answers[w] = a
			continue
		}
		all, ids = append(all, fill), append(ids, fill.contact())
	}
	contacts := f.readContacts(f.request, ids)
	if f.request.job.Context().Err() != nil {
		return
	}
	atSend := f.governor.moments(now)[vibe.Fills]
	var failed []vibe.Outcome
	for i, fill := range all {
		o := contacts[i]
		if o.Class != vibe.Done {
			if o.Class != vibe.Refused { // a contact that is gone says nothing about others
				failed = append(failed, o)
			}
			answers[fill.waiter] = readFailed(o, atSend)
			continue
		}
		before := vibe.Row(o.Data).Held()
		change := merge(before, f.offered(fill), f.cfg.Patch)
		if change == nil {
			answers[fill.waiter] = &answer{trigger: onMatched, id: fill.contact(), atSend: atSend}
			continue
		}
		fill.sent = &sentUpdate{before, change}
		fill.body, _ = json.Marshal(change) // cannot fail: texts, numbers, and values that were decoded from JSON
		f.fills = append(f.fills, fill)
	}
	if len(all) > 0 && len(failed) == len(all) { // a contact that could be read says nothing about updates, so it ends no hold
		f.governor.createFailed([]vibe.Entity{vibe.Fills}, faultOf(failed[0]), f.request.fresh(), f.request.leaving.at, time.Now())
	}
	f.request.job.Answer(answers)
}

// answerUnread returns the answer to a fill whose contact need not be read, as it cannot be filled now; else nil.
func (f *filling) answerUnread(fill *contactFill) *answer {
	isHeld := !fill.probe && f.governor.kindHeld(vibe.Fills)
	switch {
	case !f.kind.fields.Known() || isHeld:
		return &answer{trigger: onUnsent}
	case f.patchDiffers.Load():
		return &answer{trigger: onRefusal, outcome: vibe.Outcome{Class: vibe.Refused, Code: reasonPatch}, items: 1}
	}
	return nil
}

// offered returns the fields that a fill's event offers to its contact.
func (f *filling) offered(fill *contactFill) vibe.Body {
	return offered(*fill.delivery.req.Contact, f.kind, f.cfg.Originator)
}

// readFailed returns the answer to a fill whose contact could not be read. If the contact is gone, the fill is refused.
func readFailed(o vibe.Outcome, atSend moment) *answer {
	got := &answer{trigger: triggerOf(o), outcome: unwritten(o), atSend: atSend, items: 1}
	if got.trigger == onDoubt { // nothing was written
		got.trigger = onFailure
	}
	return got
}

// ready waits for the budget, and returns the fills whose owners still hold their leases.
func (f *filling) ready() (fills []*contactFill) {
	waiters := make([]*queue.Waiter, len(f.fills))
	fillOf := map[*queue.Waiter]*contactFill{}
	for i, fill := range f.fills {
		waiters[i], fillOf[fill.waiter] = fill.waiter, fill
	}
	for _, w := range f.readyToLeave(f.request, waiters) {
		fills = append(fills, fillOf[w])
	}
	return fills
}

// writeOne updates one contact, and reads it back.
func (f *filling) writeOne(fill *contactFill) vibe.Outcome {
	o := f.do(f.request.job.Context(), f.request, vibe.Update(vibe.Contacts, fill.contact(), fill.body, fill.delivery.lease))
	if o.Class == vibe.Done {
		f.check(fill, &o, f.readContacts(f.request, []int64{fill.contact()})[0])
	}
	return o
}

// writeBatch updates several contacts, and reads back those whose updates succeeded.
func (f *filling) writeBatch(sent []*contactFill) vibe.Outcome {
	changes, waiters := make([]vibe.Change, len(sent)), make([]*queue.Waiter, len(sent))
	for i, fill := range sent {
		changes[i], waiters[i] = vibe.Change{ID: fill.contact(), Body: fill.body}, fill.waiter
	}
	o := f.do(f.request.job.Context(), f.request, vibe.UpdateBatch(vibe.Contacts, changes, leaseOfAll(waiters)))
	if o.Items == nil {
		return o
	}
	var ids []int64
	var itemIndex []int
	for i := range o.Items {
		if o.Items[i].Class == vibe.Done {
			ids, itemIndex = append(ids, sent[i].contact()), append(itemIndex, i)
		}
	}
	contacts := f.readContacts(f.request, ids)
	for n, i := range itemIndex {
		f.check(sent[i], &o.Items[i], contacts[n])
	}
	return o
}

// check replaces o, the outcome of a fill's update, by what the contact shows that was read back (after).
func (f *filling) check(fill *contactFill, o *vibe.Outcome, after vibe.Outcome) {
	if after.Class != vibe.Done { // whether the update took effect must be looked up
		o.Class, o.Code, o.Data = vibe.Doubt, after.Code, nil
		return
	}
	switch f.compare(f.request, fill.contact(), fill.sent, vibe.Row(after.Data).Held(), fill.delivery.lease) {
	case kept, doubled:
		o.Data, _ = json.Marshal(map[string]int64{"id": fill.contact()}) // in the form of an answer to a create
	case notKept:
		o.Class, o.Code, o.Message, o.Data = vibe.Refused, reasonNotKept, "", nil
	case damaged:
		o.Class, o.Code, o.Message, o.Data = vibe.Refused, reasonPatch, "", nil
	}
}

// compare returns what became of a contact by an update. If the update did something else than PORTAL_PROFILE says, this
// process fills no more contacts, the log names the contact, and values that the contact lost are written back.
func (c *Creator) compare(r *request, contact int64, s *sentUpdate, now vibe.Held, lease func() error) verdict {
	v := verify(s.before, now, s.change)
	if v != doubled && v != damaged {
		return v
	}
	if !c.patchDiffers.Swap(true) {
		c.log.Error().Msg("updates do something else to phones and e-mails than PORTAL_PROFILE says: no more cards are filled; run leadbridge probe again")
	}
	if v == damaged {
		c.repair(r, contact, s, now, lease)
	} else {
		c.log.Error().Str("card_url", c.ContactURL(contact)).
			Msg("an update doubled phones or e-mails of this card: remove by hand what stands twice")
	}
	return v
}

// repair writes back what an update took from a contact, and logs whether that succeeded.
func (c *Creator) repair(r *request, contact int64, s *sentUpdate, now vibe.Held, lease func() error) {
	log := c.log.With().Str("card_url", c.ContactURL(contact)).Logger()
	o := c.writeBack(r, contact, s, now, lease)
	if o.Class == vibe.Done {
		log.Error().Msg("an update damaged phones or e-mails of this card: they were written back")
		return
	}
	log.Error().Stringer("class", o.Class).Int("status", o.Status).Str("code", o.Code).
		Msg("an update damaged phones or e-mails of this card, and writing them back failed: restore them by hand")
}

// writeBack writes what an update took from a contact. If that fails, the contact is read, and what it still lacks is written
// once more. The outcome is Done when nothing is missing.
func (c *Creator) writeBack(r *request, contact int64, s *sentUpdate, now vibe.Held, lease func() error) (o vibe.Outcome) {
	lost := restored(s.before, now, s.change, c.cfg.Patch)
	for try := 0; try < 2 && lost != nil; try++ {
		body, _ := json.Marshal(lost) // cannot fail: texts
		if o = c.do(r.job.Context(), r, vibe.Update(vibe.Contacts, contact, body, lease)); o.Class == vibe.Done {
			return o
		}
		read := c.readContacts(r, []int64{contact})[0]
		if read.Class != vibe.Done {
			return o
		}
		lost = restored(s.before, vibe.Row(read.Data).Held(), s.change, c.cfg.Patch)
	}
	if lost == nil {
		return vibe.Outcome{Class: vibe.Done}
	}
	return o
}

// repairIfDamaged is for an update whose answer was lost: if the contact shows that the update took effect and took values
// from it, they are written back. It reports whether that was necessary; the next look-up shows whether it succeeded.
func (l *lookUp) repairIfDamaged(contact int64, q *question, now vibe.Held) bool {
	if q.sent == nil || !q.sent.tookEffect(now) {
		return false
	}
	return l.compare(l.request, contact, q.sent, now, q.delivery.lease) == damaged
}

// readContacts reads contacts. The outcomes are in the order of ids. An outcome that is Done holds the contact with that id.
func (c *Creator) readContacts(r *request, ids []int64) []vibe.Outcome {
	var contacts []vibe.Outcome
	switch {
	case len(ids) == 0:
	case len(ids) > 1 && !c.governor.extrasUnbatched(time.Now()):
		o := c.do(r.job.Context(), r, vibe.GetBatch(vibe.Contacts, ids))
		switch {
		case o.Items != nil:
			contacts = o.Items
		case o.NotOffered(), o.Class == vibe.Refused, o.Code == vibe.CodeTooLong:
			contacts = c.readEach(r, ids)
		default:
			for range ids {
				contacts = append(contacts, o)
			}
		}
	default:
		contacts = c.readEach(r, ids)
	}
	for i, id := range ids {
		classifyRead(&contacts[i], id)
	}
	return contacts
}

// readEach reads contacts one by one.
func (c *Creator) readEach(r *request, ids []int64) (contacts []vibe.Outcome) {
	for _, id := range ids {
		contacts = append(contacts, c.do(r.job.Context(), r, vibe.Get(vibe.Contacts, id)))
	}
	return contacts
}

// classifyRead turns an answer with another contact into Doubt, and a missing contact into a refusal.
func classifyRead(o *vibe.Outcome, id int64) {
	switch {
	case o.Class == vibe.Done && vibe.Row(o.Data).ID("id") != id:
		o.Class, o.Code = vibe.Doubt, codeNoRows
	case o.NotOffered(), o.Code == "NOT_FOUND", o.Code == "ENTITY_NOT_FOUND":
		o.Class, o.Code = vibe.Refused, codeContactMissing
	}
}

// byContact looks up fills: it reads their contacts. A contact that has all that its event offers counts as filled.
func (l *lookUp) byContact(waiters []*queue.Waiter) vibe.Outcome {
	l.sentAt = time.Now()
	contactKind := l.portals.latest().kinds[vibe.Contacts]
	ids := make([]int64, len(waiters))
	for i, w := range waiters {
		ids[i] = w.Payload.(*question).step.extra.contact
	}
	last := vibe.Outcome{Class: vibe.Done}
	for i, o := range l.readContacts(l.request, ids) {
		w, now := waiters[i], vibe.Row(o.Data).Held()
		switch {
		case o.Class == vibe.Refused && o.Code == codeContactMissing: // the next try to fill it will be refused
			l.absent([]*queue.Waiter{w}, lookUpTime{l.sentAt, time.Now()})
		case o.Class != vibe.Done:
			last = o
		case l.repairIfDamaged(ids[i], w.Payload.(*question), now):
			l.absent([]*queue.Waiter{w}, lookUpTime{l.sentAt, time.Now()})
		case merge(now, offered(*w.Payload.(*question).delivery.req.Contact, contactKind, l.cfg.Originator), l.cfg.Patch) == nil:
			l.found(w, ids[i], lookUpTime{l.sentAt, time.Now()})
		default:
			l.absent([]*queue.Waiter{w}, lookUpTime{l.sentAt, time.Now()})
		}
	}
	return last
}
