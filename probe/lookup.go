package probe

import (
	"context"
	"net/http"
)

// query is one look-up.
type query struct {
	entity string
	filter map[string]any
}

// found is the answer to a query.
type found struct {
	rows  []row
	ok    bool // it answered with a list
	reply reply
}

// has reports whether a record is among the rows.
func (f found) has(id int64) bool {
	for _, r := range f.rows {
		if r.id() == id {
			return true
		}
	}
	return false
}

func (q query) params() map[string]any {
	selected := []string{"id", "name", "title", "sourceDescription"}
	if q.entity == timelines {
		selected = []string{"id", "comment"}
	}
	return map[string]any{"filter": q.filter, "limit": batchSize, "select": selected}
}

// list asks for all queries, in batches where the portal offers them, as leadbridge does.
func (p *probe) list(ctx context.Context, queries []query) []found {
	var all []found
	for len(queries) > 0 {
		n := min(len(queries), batchSize)
		all = append(all, p.listSome(ctx, queries[:n])...)
		queries = queries[n:]
	}
	return all
}

func (p *probe) listSome(ctx context.Context, queries []query) []found {
	if !p.noBatch {
		calls := make([]call, len(queries))
		for i, q := range queries {
			calls[i] = call{Entity: q.entity, Action: "list", Params: q.params()}
		}
		each, whole := p.c.batch(ctx, "look-up", calls)
		if !whole.notOffered() {
			out := make([]found, len(each))
			for i, r := range each {
				out[i] = asFound(r)
			}
			return out
		}
		p.noBatch = true
	}
	out := make([]found, len(queries))
	for i, q := range queries {
		out[i] = p.search(ctx, q)
	}
	return out
}

// search asks for a query by a request of its own.
func (p *probe) search(ctx context.Context, q query) found {
	return asFound(p.c.do(ctx, "search", http.MethodPost, "/"+q.entity+"/search", q.params()))
}

func asFound(r reply) found {
	rows, ok := r.rows()
	return found{rows, ok, r}
}

// judge returns what a look-up does, by the answer to one that should find a record and to one that should find nothing.
func judge(id int64, positive, negative found) Lookup {
	switch {
	case positive.reply.doubtful() || negative.reply.doubtful():
		return Lookup{Code: positive.reply.code}
	case !positive.ok:
		return Lookup{Refused, positive.reply.answer().Code}
	case negative.ok && len(negative.rows) > 0:
		return Lookup{Match: Ignored}
	case positive.has(id):
		return Lookup{Match: Found}
	}
	return Lookup{Match: Missed}
}
