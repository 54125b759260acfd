package probe

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/leadbridge/leadbridge/internal/wait"
)

// clean deletes what the run has made, and notes in the profile what could not be deleted.
func (p *probe) clean(ctx context.Context) {
	if p.mayHaveMore() {
		p.takeCommentsOnCards(ctx)
	}
	p.deleteRecords(ctx)
	if p.mayHaveMore() {
		_ = wait.For(ctx, settle)
		_, _, p.seen.Unread = p.sweep(ctx, func(r row) bool { return strings.Contains(r.text("sourceDescription"), p.run) })
		p.deleteRecords(ctx)
		p.findFields(ctx)
	}
	p.seen.Extra = p.deleteExtra(ctx)
	p.deleteFields(ctx)
}

// mayHaveMore reports whether the run may have made more than the ledger holds: a create without an answer may have worked,
// even later.
func (p *probe) mayHaveMore() bool { return p.c.odd > 0 || p.untold }

// takeCommentsOnCards puts the comments on the run's cards into the ledger, those too whose ids were not told.
func (p *probe) takeCommentsOnCards(ctx context.Context) {
	for _, name := range p.offered() {
		if r, ok := p.cardOf(name); ok {
			p.takeComments(ctx, name, []int64{r.id})
		}
	}
}

// deleteExtra deletes what the portal has made of the records by itself, and returns how many: in its simple mode it makes a
// contact and a deal of each lead.
func (p *probe) deleteExtra(ctx context.Context) (count int) {
	lead, ok := p.ledger.first[leads]
	if !ok || lead == 0 {
		return 0
	}
	var queries []query
	for _, name := range p.offered() {
		queries = append(queries, byName(name, Marker))
	}
	for i, f := range p.list(ctx, queries) {
		entity := queries[i].entity
		for _, r := range f.rows {
			first, made := p.ledger.first[entity]
			if o := (object{entity, r.id()}); isMarked(r) && made && o.id > first && !p.ledger.known[o] {
				p.ledger.add(o)
				count++
			}
		}
	}
	p.deleteRecords(ctx)
	return count
}

// findFields puts the user fields of probes into the ledger.
func (p *probe) findFields(ctx context.Context) {
	for _, name := range p.offered() {
		f := object{name, p.findUserField(ctx, name)}
		if f.id > 0 && !slices.Contains(p.ledger.fields, f) {
			p.ledger.fields = append(p.ledger.fields, f)
		}
	}
}

// settle is how long after a failure a write may still arrive (CRM_SETTLE).
const settle = 5 * time.Second

// deleteRecords deletes the ledger's records: comments before their cards.
func (p *probe) deleteRecords(ctx context.Context) {
	for _, entity := range []string{timelines, deals, leads, contacts} {
		var ids []int64
		for _, o := range p.ledger.objects {
			if o.entity == entity && !slices.Contains(ids, o.id) {
				ids = append(ids, o.id)
			}
		}
		for some := range slices.Chunk(ids, batchSize) {
			p.deleteSome(ctx, entity, some)
		}
	}
	p.ledger.objects = nil
}

// deleteSome deletes up to fifty records, and reads them to see that they are gone.
func (p *probe) deleteSome(ctx context.Context, entity string, ids []int64) {
	deleted := p.each(ctx, "delete", entity, ids)
	shown := p.each(ctx, "get", entity, ids)
	for i, id := range ids {
		there := shown[i].ok() && shown[i].row().id() == id
		unknown := !shown[i].ok() && shown[i].doubtful()
		if there || unknown && !deleted[i].ok() {
			r := p.c.do(ctx, "delete", http.MethodDelete, fmt.Sprintf("/%s/%d", entity, id), nil)
			there = !r.ok() && !r.notOffered()
			if r.notOffered() { // of a deleted record, or of a path that is not offered
				there = p.read(ctx, entity, id).row().id() == id
			}
		}
		if there {
			p.seen.Left = append(p.seen.Left, Left{entity, id})
		} else {
			p.deleted++
		}
	}
}

// each gets or deletes each record: in one batch, or one by one where the portal offers no batches.
func (p *probe) each(ctx context.Context, action, entity string, ids []int64) []reply {
	if !p.noBatch {
		calls := make([]call, len(ids))
		for i, id := range ids {
			calls[i] = call{Entity: entity, Action: action, EntityID: id}
		}
		each, whole := p.c.batch(ctx, action, calls)
		if !whole.notOffered() {
			return each
		}
		p.noBatch = true
	}
	method := map[string]string{"delete": http.MethodDelete, "get": http.MethodGet}[action]
	each := make([]reply, len(ids))
	for i, id := range ids {
		each[i] = p.c.do(ctx, action, method, fmt.Sprintf("/%s/%d", entity, id), nil)
	}
	return each
}

// deleteFields deletes the user fields that the run has made.
func (p *probe) deleteFields(ctx context.Context) {
	for _, f := range p.ledger.fields {
		r := p.c.do(ctx, "user field", http.MethodDelete, fmt.Sprintf("/userfields/%s/%d", f.entity, f.id), nil)
		p.entity(f.entity, func(e *Entity) { e.UserField.Delete = r.answer() })
		if !r.ok() && p.findUserField(ctx, f.entity) == f.id {
			p.seen.Left = append(p.seen.Left, Left{"userfields/" + f.entity, f.id})
		} else {
			p.deleted++
		}
	}
	p.ledger.fields = nil
}
