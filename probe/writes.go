package probe

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/leadbridge/leadbridge/internal/wait"
)

// tryBatch makes fifty contacts in one request.
func (p *probe) tryBatch(ctx context.Context) {
	if p.kinds[contacts] == nil || len(p.samples) == 0 {
		return
	}
	records := make([]record, batchSize)
	calls := make([]call, batchSize)
	for i := range records {
		records[i] = p.newRecord(contacts)
		calls[i] = call{Entity: contacts, Action: "create", Params: p.body(records[i])}
	}
	each, whole := p.c.batch(ctx, "batch of 50 creates", calls)
	b := &p.seen.Batch
	b.Answer, b.Offered, b.Took = whole.answer(), !whole.notOffered() && whole.err == nil, milliseconds(whole.took)
	if !b.Offered {
		return
	}
	b.Items = batchSize
	for i, r := range each {
		if p.note(records[i], r).id > 0 {
			b.Made++
		}
	}
	alone := spread(p.c.calls["create "+contacts].times).P50
	b.PerItem = max(0, (b.Took-alone)/(batchSize-1))
}

// tryMultifields makes a contact with each form of a phone, all in one batch. The native form should be refused: so the
// batch also shows what an item's error does to the others.
func (p *probe) tryMultifields(ctx context.Context) {
	if p.kinds[contacts] == nil || len(p.samples) == 0 {
		return
	}
	forms := []string{"string", "strings", "objects", "native"}
	records, bodies := make([]record, len(forms)), make([]map[string]any, len(forms))
	for i, form := range forms {
		records[i] = p.newRecord(contacts)
		bodies[i] = p.body(records[i])
		bodies[i]["phone"] = phoneAs(form, records[i].phone)
	}
	for i, answer := range p.createAll(ctx, bodies) {
		r := p.note(records[i], answer)
		p.seen.Multifield[forms[i]] = answer.answer()
		if r.id > 0 && !p.keepsPhone(ctx, r, answer) {
			p.seen.Multifield[forms[i]] = Answer{Status: http.StatusOK, Code: "NOT_KEPT"}
		}
	}
	m := p.seen.Multifield
	if p.seen.Batch.Offered && m["native"].Code != "" {
		p.seen.Batch.OneBad = "all fail"
		if m["objects"].OK() {
			p.seen.Batch.OneBad = "alone"
		}
	}
}

// keepsPhone reports whether the answer to a create, or a read of the record, shows the record's phone in any form.
func (p *probe) keepsPhone(ctx context.Context, r record, answer reply) bool {
	return strings.Contains(digits(answer.data), r.phone[2:]) || strings.Contains(digits(p.read(ctx, contacts, r.id).data), r.phone[2:])
}

// createAll makes contacts in one batch, or one by one where the portal offers no batches.
func (p *probe) createAll(ctx context.Context, bodies []map[string]any) []reply {
	if p.seen.Batch.Offered {
		calls := make([]call, len(bodies))
		for i, b := range bodies {
			calls[i] = call{Entity: contacts, Action: "create", Params: b}
		}
		each, _ := p.c.batch(ctx, "batch with a bad item", calls)
		return each
	}
	var each []reply
	for _, b := range bodies {
		each = append(each, p.c.do(ctx, "create "+contacts, http.MethodPost, "/"+contacts, b))
	}
	return each
}

// phoneAs returns a phone in one of the forms of Profile.Multifield.
func phoneAs(form, phone string) any {
	switch form {
	case "string":
		return phone
	case "strings":
		return []string{phone}
	case "native":
		return []map[string]string{{"VALUE": phone, "VALUE_TYPE": "WORK"}}
	}
	return []map[string]string{{"value": phone, "typeId": "WORK"}}
}

// digits returns a text without the characters that phones are formatted with.
func digits(text json.RawMessage) string {
	return strings.NewReplacer(" ", "", "-", "", "(", "", ")", "").Replace(string(text))
}

// pointsOf returns an update that sets the phones and e-mails of records.
func pointsOf(records ...record) map[string]any {
	var phones, emails []map[string]string
	for _, r := range records {
		phones = append(phones, map[string]string{"value": r.phone, "typeId": "WORK"})
		emails = append(emails, map[string]string{"value": r.email, "typeId": "WORK"})
	}
	return map[string]any{"phone": phones, "email": emails}
}

// tryUpdates measures what updates do to a contact's phones and e-mails: single ones, and those in batches, by which
// leadbridge fills several cards.
func (p *probe) tryUpdates(ctx context.Context) {
	if len(p.samples) < 3 {
		return
	}
	p.tryUpdate(ctx, p.samples[2])
	if len(p.samples) > 4 && p.seen.Batch.Offered && p.stopped(ctx) == nil {
		p.tryUpdatesInBatch(ctx, p.samples[3:5])
	}
}

// tryUpdatesInBatch sets the phones and e-mails of contacts to new ones by a batch, then to the old and the new ones by
// another, and reads the contacts by a batch after each.
func (p *probe) tryUpdatesInBatch(ctx context.Context, olds []record) {
	nexts := make([]record, len(olds))
	for i := range nexts {
		nexts[i] = p.newRecord(contacts)
	}
	u := &p.seen.Update.InBatch
	if u.Answer = p.updateAll(ctx, olds, func(i int) map[string]any { return pointsOf(nexts[i]) }); !u.Answer.OK() {
		return
	}
	u.Phone, u.Email = p.becameInBatch(ctx, olds, nexts)
	if u.Phone == "" || !p.updateAll(ctx, olds, func(i int) map[string]any { return pointsOf(olds[i], nexts[i]) }).OK() {
		return
	}
	if phone, email := p.becameInBatch(ctx, olds, nexts); phone != "" {
		u.Both = "not shown"
		if phone == "adds" && email == "adds" {
			u.Both = BothShown
		}
	}
}

// updateAll changes contacts by a batch. It returns the answer to the first update that failed; when none did, that to the
// batch.
func (p *probe) updateAll(ctx context.Context, records []record, change func(i int) map[string]any) Answer {
	calls := make([]call, len(records))
	for i, r := range records {
		calls[i] = call{Entity: contacts, Action: "update", EntityID: r.id, Params: change(i)}
	}
	each, whole := p.c.batch(ctx, "batch of updates", calls)
	for _, r := range each {
		if !r.ok() {
			return r.answer()
		}
	}
	return whole.answer()
}

// becameInBatch reads contacts by a batch, and returns what the updates did to their old phones and e-mails, see became;
// "differs" when that is not the same for all, and "" when one cannot be read.
func (p *probe) becameInBatch(ctx context.Context, olds, nexts []record) (phone, email string) {
	calls := make([]call, len(olds))
	for i, r := range olds {
		calls[i] = call{Entity: contacts, Action: "get", EntityID: r.id}
	}
	each, _ := p.c.batch(ctx, "batch of reads", calls)
	for i, r := range each {
		if !r.ok() {
			return "", ""
		}
		ofPhone := became(digits(r.data), olds[i].phone[2:], nexts[i].phone[2:])
		ofEmail := became(strings.ToLower(string(r.data)), olds[i].email, nexts[i].email)
		if i == 0 {
			phone, email = ofPhone, ofEmail
		}
		if phone != ofPhone || email != ofEmail {
			return "differs", "differs"
		}
	}
	return phone, email
}

// tryUpdate sets a contact's phone and e-mail to new ones, does so again, and then sets them to the old and the new ones. It
// reads the contact after each.
func (p *probe) tryUpdate(ctx context.Context, old record) {
	next := p.newRecord(contacts)
	changeTo := func(records ...record) reply {
		return p.c.do(ctx, "update", http.MethodPatch, fmt.Sprintf("/%s/%d", contacts, old.id), pointsOf(records...))
	}
	change := func() reply { return changeTo(next) }
	first := change()
	u := &p.seen.Update
	if u.Answer = first.answer(); !first.ok() {
		return
	}
	once := p.read(ctx, contacts, old.id)
	if !once.ok() {
		return
	}
	phones, emails := digits(once.data), strings.ToLower(string(once.data))
	u.Phone = became(phones, old.phone[2:], next.phone[2:])
	u.Email = became(emails, old.email, next.email)
	if !change().ok() {
		return
	}
	if twice := p.read(ctx, contacts, old.id); twice.ok() {
		u.Again = "same"
		if strings.Count(digits(twice.data), next.phone[2:]) > strings.Count(phones, next.phone[2:]) ||
			strings.Count(strings.ToLower(string(twice.data)), next.email) > strings.Count(emails, next.email) {
			u.Again = "doubles"
		}
	}
	if !changeTo(old, next).ok() {
		return
	}
	if both := p.read(ctx, contacts, old.id); both.ok() {
		u.Both = "not shown"
		if became(digits(both.data), old.phone[2:], next.phone[2:]) == "adds" && became(strings.ToLower(string(both.data)), old.email, next.email) == "adds" {
			u.Both = BothShown
		}
	}
}

// became returns what an update did to an old value, by a text that shows the record after it.
func became(text, old, next string) string {
	switch had, has := strings.Contains(text, old), strings.Contains(text, next); {
	case had && has:
		return "adds"
	case has:
		return "replaces"
	case had:
		return "ignored"
	}
	return "unknown"
}

// tryComments writes a comment on a card of each kind, and lists the comments.
func (p *probe) tryComments(ctx context.Context) {
	for _, name := range p.offered() {
		if r, ok := p.cardOf(name); ok && p.stopped(ctx) == nil {
			p.tryComment(ctx, r)
		}
	}
	if r, ok := p.cardOf(contacts); ok && p.seen.Batch.Offered {
		list := p.list(ctx, []query{{timelines, map[string]any{"entityType": "contact", "entityId": r.id}}})[0]
		p.seen.Comments.Batch = list.reply.answer()
	}
}

// tryComment writes a comment on a card, and asks for it until a list shows it or LagLimit is over.
func (p *probe) tryComment(ctx context.Context, r record) {
	card := strings.TrimSuffix(r.entity, "s")
	answer := p.c.do(ctx, "comment", http.MethodPost, "/"+timelines, map[string]any{
		"entityType": card, "entityId": r.id, "comment": Marker + " " + r.origin})
	p.seen.Comments.Make[card] = answer.answer()
	id := answer.row().id()
	p.untold = p.untold || answer.untold(id)
	if !answer.ok() {
		return
	}
	made := time.Now()
	if id > 0 {
		p.ledger.add(object{timelines, id})
	}
	path := commentsOf(card, r.id)
	for {
		list := p.c.do(ctx, "comments", http.MethodGet, path, nil)
		listed := strings.Contains(string(list.data), r.origin)
		p.seen.Comments.Listed[card] = listed
		if listed {
			p.seen.Comments.Lag = max(p.seen.Comments.Lag, milliseconds(time.Since(made)))
		}
		if listed || !list.ok() || time.Since(made) > p.cfg.LagLimit || p.stopped(ctx) != nil || wait.For(ctx, time.Second) != nil {
			return
		}
	}
}

// commentsOf returns the path that lists the comments of a card.
func commentsOf(card string, id int64) string {
	return "/" + timelines + "?" + url.Values{"filter[entityType]": {card}, "filter[entityId]": {fmt.Sprint(id)}}.Encode()
}

// tryMistakes makes contacts with one mistake each.
func (p *probe) tryMistakes(ctx context.Context) {
	if len(p.samples) == 0 {
		return
	}
	mistakes := []struct {
		name string
		more map[string]any
	}{
		{"wrongType", map[string]any{"companyId": "not a number"}},
		{"wrongCompany", map[string]any{"companyId": 2_147_480_001}},
		{"wrongUser", map[string]any{"assignedById": 2_147_480_001}},
		{"unknownField", map[string]any{"leadbridgeUnknown": "x"}},
	}
	for _, m := range mistakes {
		_, answer := p.create(ctx, p.newRecord(contacts), m.more)
		p.seen.Codes[m.name] = answer.answer()
	}
	p.tryUnlisted(ctx)
}

// tryUnlisted sends originId and utmSource where they are not listed: an API may pass on what it does not list.
func (p *probe) tryUnlisted(ctx context.Context) {
	k, r := p.kinds[contacts], p.newRecord(contacts)
	if k.writes("originId") && k.writes("utmSource") {
		return
	}
	r, _ = p.create(ctx, r, map[string]any{"originId": r.origin, "utmSource": r.origin})
	if r.id == 0 {
		return
	}
	back := p.read(ctx, contacts, r.id).row()
	p.entity(contacts, func(e *Entity) {
		if w := e.Ways[wayOriginID]; !w.Offered && back.text("originId") == r.origin {
			w.Kept = true
			e.Ways[wayOriginID] = w
		}
		if !k.writes("utmSource") && back.text("utmSource") == r.origin {
			e.UTM = "kept, not offered"
		}
	})
}
