package crm

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// query is a look-up. Offset is not documented; it is taken so that clients can page.
type query struct {
	Filter map[string]any
	Select []string
	Limit  int
	Offset int
}

// defaultLimit is the length of a page when a look-up does not say.
const defaultLimit = 50

// search answers a look-up: the rows that fit, oldest first.
func (p *Portal) search(params []byte) answer {
	q := query{Limit: defaultLimit}
	if len(params) == 0 {
		params = []byte("{}")
	}
	if err := json.Unmarshal(params, &q); err != nil || q.Limit < 1 || q.Offset < 0 {
		return failure(http.StatusBadRequest, "INVALID_REQUEST", "filter, select, limit or offset is not valid")
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	known := p.known()
	filter := map[string]any{}
	for name, want := range q.Filter {
		name = p.spelling(name)
		if _, ok := known[name]; !ok {
			return failure(http.StatusBadRequest, "INVALID_FILTER_FIELD", fmt.Sprintf("there is no field %q", name))
		}
		if bad := unknownOperator(want); bad != "" {
			return failure(http.StatusBadRequest, "INVALID_FILTER", fmt.Sprintf("there is no operator %q", bad))
		}
		filter[name] = want
	}
	now := time.Now()
	var found []Contact
	for _, c := range p.contacts {
		if now.Sub(c.Created) >= p.config.IndexDelay && p.fits(c, filter) {
			found = append(found, c)
		}
	}
	page := found[min(q.Offset, len(found)):min(q.Offset+q.Limit, len(found))]
	rows := make([]map[string]any, len(page))
	for i, c := range page {
		rows[i] = p.selected(c.row(), q.Select)
	}
	a := success(http.StatusOK, rows)
	a.meta = &pageMeta{Total: len(found), Returned: len(rows), HasMore: q.Offset+len(rows) < len(found)}
	return a
}

// selected keeps those fields of a row that a look-up asks for; none: all. The caller
// holds mu.
func (p *Portal) selected(row map[string]any, names []string) map[string]any {
	if len(names) == 0 {
		return row
	}
	maps.DeleteFunc(row, func(name string, _ any) bool {
		return !slices.ContainsFunc(names, func(n string) bool { return p.spelling(n) == name })
	})
	return row
}

// unknownOperator returns an operator of a filter's value that there is not; "": none.
func unknownOperator(want any) string {
	object, _ := want.(map[string]any)
	for op := range object {
		switch op {
		case "$in", "$ne", "$gt", "$gte", "$lt", "$lte", "$contains":
		default:
			return op
		}
	}
	return ""
}

// fits reports whether a contact fits all of a filter.
func (p *Portal) fits(c Contact, filter map[string]any) bool {
	for name, want := range filter {
		if !p.fitsField(c.values(name), want) {
			return false
		}
	}
	return true
}

// fitsField reports whether the values of a field fit: any of them, for a plain value
// and all operators but $ne.
func (p *Portal) fitsField(have []string, want any) bool {
	object, ok := want.(map[string]any)
	if !ok {
		return slices.Contains(have, text(want))
	}
	for op, operand := range object {
		if !p.fitsOperator(have, op, operand) {
			return false
		}
	}
	return true
}

func (p *Portal) fitsOperator(have []string, op string, operand any) bool {
	switch op {
	case "$in":
		return slices.ContainsFunc(have, func(v string) bool { return slices.Contains(valuesOf(operand), v) })
	case "$ne":
		return !slices.Contains(have, text(operand))
	case "$contains":
		part := strings.ToLower(text(operand))
		return !p.config.BlindContains && slices.ContainsFunc(have, func(v string) bool { return strings.Contains(strings.ToLower(v), part) })
	}
	return slices.ContainsFunc(have, func(v string) bool { return ordered(op, compare(v, text(operand))) })
}

// ordered reports whether a comparison's result fits an operator.
func ordered(op string, order int) bool {
	switch op {
	case "$gt":
		return order > 0
	case "$gte":
		return order >= 0
	case "$lt":
		return order < 0
	}
	return order <= 0
}

// compare orders two values: as times, as numbers, else as texts.
func compare(a, b string) int {
	if x, err := time.Parse(time.RFC3339, a); err == nil {
		if y, err := time.Parse(time.RFC3339, b); err == nil {
			return x.Compare(y)
		}
	}
	var x, y float64
	if json.Unmarshal([]byte(a), &x) == nil && json.Unmarshal([]byte(b), &y) == nil {
		return cmp.Compare(x, y)
	}
	return strings.Compare(a, b)
}

// valuesOf returns the texts of a value, of each item of a list.
func valuesOf(value any) []string {
	switch v := value.(type) {
	case nil:
		return nil
	case []any:
		all := make([]string, len(v))
		for i, item := range v {
			all[i] = text(item)
		}
		return all
	}
	return []string{text(value)}
}

// text spells a value of JSON.
func text(value any) string {
	if n, ok := value.(float64); ok {
		return strconv.FormatFloat(n, 'f', -1, 64)
	}
	return fmt.Sprint(value)
}
