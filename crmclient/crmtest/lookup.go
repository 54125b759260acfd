package crmtest

import (
	"encoding/json"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	pageRows = 50  // how many rows of a look-up are one portal request
	maxRows  = 500 // how many rows a look-up returns at most
)

// page is the meta of a look-up.
type page struct {
	Total     int  `json:"total"`
	Returned  int  `json:"returned"`
	HasMore   bool `json:"hasMore"`
	Truncated bool `json:"truncated"` // limit was greater than maxRows
}

// query is a look-up that was read.
type query struct {
	filter        []condition
	selected      map[string]bool // keys of fields; empty: all
	limit, offset int
	truncated     bool
}

// planLookup plans a list or search. The lock is held.
func (s *Simulator) planLookup(t *table, action string, ps params) (*item, *failure) {
	sc := s.schema(t)
	q, fail := readQuery(sc, ps, s.now().Location())
	if fail != nil {
		return nil, fail
	}
	q.filter = slices.DeleteFunc(q.filter, s.ignores)
	if t.entity == Timelines && (!q.filters("entityType") || !q.filters("entityId")) {
		return nil, invalid("MISSING_PARAMS", "filter[entityType] and filter[entityId] are required")
	}
	it := &item{isLookup: true, do: func(now time.Time) (any, any, *failure) {
		rows, meta := s.look(t, q, now)
		return rows, meta, nil
	}}
	// A batch joins lists of one page into one portal request. Other look-ups are requests of their own.
	if action == "search" || q.limit > pageRows {
		it.units = max(1, (q.limit+pageRows-1)/pageRows)
	}
	return it, nil
}

func readQuery(sc *schema, ps params, zone *time.Location) (*query, *failure) {
	q := &query{limit: pageRows, selected: map[string]bool{}}
	var fail *failure
	if q.filter, fail = readFilter(sc, ps["filter"], zone); fail != nil {
		return nil, fail
	}
	for name, into := range map[string]*int{"limit": &q.limit, "offset": &q.offset} {
		if raw, ok := ps[name]; ok && (json.Unmarshal(raw, into) != nil || *into < 0) {
			return nil, invalid("INVALID_PARAMS", "%s must be a number from 0", name)
		}
	}
	if q.limit == 0 {
		q.limit = pageRows
	}
	if q.limit > maxRows {
		q.limit, q.truncated = maxRows, true
	}
	var names []string
	if raw, ok := ps["select"]; ok && json.Unmarshal(raw, &names) != nil {
		return nil, invalid("INVALID_PARAMS", "select must be an array of field names")
	}
	for _, name := range names {
		q.selected[fieldKey(name)] = true
	}
	return q, nil
}

// look finds the rows of a query. The lock is held.
func (s *Simulator) look(t *table, q *query, now time.Time) ([]rendered, page) {
	sc, rows := s.schema(t), []rendered{}
	meta := page{Truncated: q.truncated}
	if s.faults.IgnoreFilters && len(q.filter) > 0 {
		s.stats.Faults["ignore_filters"]++
		for i := len(t.store.rows) - 1; i >= 0 && len(rows) < q.limit; i-- {
			if c := t.store.rows[i]; c != nil {
				rows = append(rows, c.render(sc, q.selected))
			}
		}
		meta.Total, meta.Returned, meta.HasMore = t.store.count, len(rows), len(rows) == q.limit
		return rows, meta
	}
	if slices.ContainsFunc(q.filter, s.faults.blindTo) {
		s.stats.Faults["blind"]++
		return rows, meta
	}
	newest := now.Add(-time.Duration(s.faults.LookupLag))
	t.candidates(q, func(c *Record) {
		if c.Created.After(newest) || !q.matches(c) {
			return
		}
		if meta.Total++; meta.Total > q.offset && len(rows) < q.limit {
			rows = append(rows, c.render(sc, q.selected))
		}
	})
	meta.Returned = len(rows)
	meta.HasMore = meta.Returned == q.limit // wrong on a last page that is exactly full, see the package's comment
	return rows, meta
}

// filters reports whether the query has an equality condition for a field.
func (q *query) filters(name string) bool {
	return slices.ContainsFunc(q.filter, func(c condition) bool { return c.field.name == name && (c.op == "$eq" || c.op == "$in") })
}

func (q *query) matches(c *Record) bool {
	for i := range q.filter {
		if !q.filter[i].matches(c) {
			return false
		}
	}
	return true
}

// candidates visits every record that may match, by id. If the filter asks for equality with an
// indexed field, it uses the index; otherwise it visits all records.
func (t *table) candidates(q *query, visit func(*Record)) {
	for _, cond := range q.filter {
		if cond.op != "$eq" && cond.op != "$in" || !indexed(cond.field) {
			continue
		}
		if slices.ContainsFunc(cond.operands, func(o operand) bool { return o.null }) {
			continue // the index does not have records without the field
		}
		hashes := make([]uint64, len(cond.operands))
		for i, o := range cond.operands {
			hashes[i] = t.store.hash(cond.field.name, o.text)
		}
		for _, c := range t.store.byHash(hashes) {
			visit(c)
		}
		return
	}
	for c := range t.store.all {
		visit(c)
	}
}

// queryParams converts the query of GET /v1/{entity} to the parameters of a search.
func queryParams(values url.Values) (params, *failure) {
	ps, filter := params{}, map[string]any{}
	for name, given := range values {
		switch inner, isFilter := strings.CutPrefix(name, "filter["); {
		case isFilter:
			addFilter(filter, inner, given)
		case name == "limit", name == "offset":
			if _, err := strconv.Atoi(given[0]); err != nil {
				return nil, invalid("INVALID_PARAMS", "%s must be a number", name)
			}
			ps[name] = json.RawMessage(given[0])
		case name == "select", name == "select[]":
			ps["select"] = appendJSON(nil, strings.Split(strings.Join(given, ","), ","))
		}
	}
	if len(filter) > 0 {
		ps["filter"] = appendJSON(nil, filter)
	}
	return ps, nil
}

// addFilter reads field]=v, field][$op]=v and field][$in][]=v.
func addFilter(filter map[string]any, inner string, given []string) {
	name, rest, _ := strings.Cut(inner, "]")
	op := strings.Trim(strings.TrimSuffix(rest, "[]"), "[]")
	if op == "" {
		filter[name] = given[0]
		return
	}
	ops, _ := filter[name].(map[string]any)
	if ops == nil {
		ops = map[string]any{}
		filter[name] = ops
	}
	if op == "$in" {
		ops[op] = strings.Split(strings.Join(given, ","), ",")
	} else {
		ops[op] = given[0]
	}
}
