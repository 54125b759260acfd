package probe

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Cleaned is what [Clean] did.
type Cleaned struct {
	Deleted int    `json:"deleted"` // records, comments and user fields, without those that Clean made for itself
	Left    []Left `json:"left"`    // what could not be deleted; nil: nothing
	// Unsure are the kinds of objects of which test records may be left: look-ups did not find all of them, and at most
	// the newest [walkLength] were read one by one.
	Unsure []string `json:"unsure"`
}

// walkLength is how many of the newest records are read one by one where look-ups find nothing.
const walkLength = 1000

// Clean deletes what probes have left in a portal: every contact, lead and deal that is named [Marker], the comments on
// them, and the probe's user field. It is not for a portal in which another probe runs.
func Clean(ctx context.Context, cfg Config) (Cleaned, error) {
	p, err := newProbe(cfg)
	if err != nil {
		return Cleaned{}, err
	}
	defer p.c.close()
	if err := p.askKey(ctx); err != nil {
		return Cleaned{}, err
	}
	ctx = context.WithValue(ctx, cleaning{}, true)
	p.askFields(ctx)
	own, unsure, _ := p.sweep(ctx, isMarked)
	p.deleteRecords(deleting(ctx))
	own += p.deleteExtra(deleting(ctx))
	p.findFields(ctx)
	p.deleteFields(deleting(ctx))
	return Cleaned{max(0, p.deleted-own), p.seen.Left, unsure}, p.stoppedCleaning(ctx)
}

// stoppedCleaning returns why cleaning may not have come to its end.
func (p *probe) stoppedCleaning(ctx context.Context) error {
	if p.c.odd > 0 && ctx.Err() == nil {
		return errUnclean
	}
	return ctx.Err()
}

// sweep finds the test records that are mine, and puts them, with the comments on them, into the ledger. It first makes a
// record of each kind: when a look-up finds that one, it finds the older ones, too. Where it does not, the newest records
// are read one by one. own is how many records it made; unsure names the kinds that were read one by one, or not at all, and
// unread those of which newest records could not be read either.
func (p *probe) sweep(ctx context.Context, mine func(row) bool) (own int, unsure, unread []string) {
	var beacons []record
	for _, name := range []string{contacts, deals, leads} { // leads last: see deleteExtra
		if p.kinds[name] == nil {
			continue
		}
		r, _ := p.create(ctx, p.newRecord(name), nil)
		if r.id == 0 {
			unsure, unread = append(unsure, name), append(unread, name)
		} else {
			beacons = append(beacons, r)
		}
	}
	visible := p.await(ctx, beacons)
	for _, b := range beacons {
		if visible[b.entity] && p.sweepByName(ctx, b.entity, mine) {
			continue
		}
		if !p.sweepByID(ctx, b, mine) {
			unread = append(unread, b.entity)
		}
		unsure = append(unsure, b.entity)
	}
	return len(beacons), unsure, unread
}

// byName returns the query for records with a name, or a title.
func byName(entity, name string) query {
	if entity == contacts {
		return query{entity, map[string]any{"name": name}}
	}
	return query{entity, map[string]any{"title": name}}
}

// await asks until look-ups by name find the records, or LagLimit is over. It returns the kinds whose record was found.
func (p *probe) await(ctx context.Context, records []record) map[string]bool {
	visible := map[string]bool{}
	end := time.Now().Add(p.cfg.LagLimit)
	for len(visible) < len(records) && time.Now().Before(end) && ctx.Err() == nil {
		queries := make([]query, len(records))
		for i, r := range records {
			queries[i] = byName(r.entity, Marker)
			queries[i].filter["id"] = r.id // there may be more of the name than a page holds
		}
		for i, f := range p.list(ctx, queries) {
			if f.has(records[i].id) {
				visible[records[i].entity] = true
			}
		}
	}
	return visible
}

// sweepByName finds the test records of a kind by their name and deletes them, page by page. It returns false when the
// portal answers with other records, or not with a list.
func (p *probe) sweepByName(ctx context.Context, entity string, mine func(row) bool) bool {
	var seen []int64
	for end := time.Now().Add(p.cfg.LagLimit); ctx.Err() == nil; {
		answer := p.list(ctx, []query{byName(entity, Marker)})[0]
		rows := answer.rows
		if !answer.ok || slices.ContainsFunc(rows, func(r row) bool { return !isMarked(r) }) {
			return false
		}
		fresh := p.take(ctx, entity, rows, seen, mine)
		seen = append(seen, fresh...)
		p.deleteRecords(deleting(ctx))
		if len(fresh) == 0 && (len(rows) < batchSize || time.Now().After(end)) {
			return true // a full page without new ones may be of deleted records that the look-up still shows
		}
	}
	return true
}

// isMarked reports whether a record was made by a probe.
func isMarked(r row) bool { return r.text("name") == Marker || r.text("title") == Marker }

// sweepByID reads the walkLength records before b one by one, and puts the test records among them into the ledger. It
// returns false when some could not be read.
func (p *probe) sweepByID(ctx context.Context, b record, mine func(row) bool) (all bool) {
	all = true
	for last := b.id - 1; last > max(0, b.id-1-walkLength) && ctx.Err() == nil; last -= batchSize {
		var ids []int64
		for id := last; id > max(0, last-batchSize); id-- {
			ids = append(ids, id)
		}
		var rows []row
		for _, r := range p.each(ctx, "get", b.entity, ids) {
			if r.ok() {
				rows = append(rows, r.row())
			}
			all = all && !r.doubtful()
		}
		p.take(ctx, b.entity, rows, nil, mine)
	}
	return all && ctx.Err() == nil
}

// take puts those rows that are mine, and not in seen, into the ledger with the comments on them, and returns their ids.
func (p *probe) take(ctx context.Context, entity string, rows []row, seen []int64, mine func(row) bool) (ids []int64) {
	for _, r := range rows {
		if id := r.id(); id > 0 && mine(r) && !slices.Contains(seen, id) {
			ids = append(ids, id)
			p.ledger.add(object{entity, id})
		}
	}
	p.takeComments(ctx, entity, ids)
	return ids
}

// takeComments puts the comments of probes on cards of a kind into the ledger.
func (p *probe) takeComments(ctx context.Context, entity string, ids []int64) {
	for _, f := range p.commentsOn(ctx, strings.TrimSuffix(entity, "s"), ids) {
		for _, r := range f.rows {
			if strings.HasPrefix(r.text("comment"), Marker) && r.id() > 0 {
				p.ledger.add(object{timelines, r.id()})
			}
		}
	}
}

// commentsOn lists the comments on cards of a kind.
func (p *probe) commentsOn(ctx context.Context, card string, ids []int64) (lists []found) {
	if p.noBatch { // comments have no search
		for _, id := range ids {
			lists = append(lists, asFound(p.c.do(ctx, "comments", http.MethodGet, commentsOf(card, id), nil)))
		}
		return lists
	}
	var queries []query
	for _, id := range ids {
		queries = append(queries, query{timelines, map[string]any{"entityType": card, "entityId": id}})
	}
	return p.list(ctx, queries)
}
