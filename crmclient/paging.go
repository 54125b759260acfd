package crmclient

import (
	"maps"
	"slices"

	"github.com/leadbridge/leadbridge/crmclient/internal/vibe"
)

// A list shows fifty rows. The order of rows is not documented, so that the next page is asked for by the objects' ids:
// upwards from the largest id that was seen, then downwards from the smallest.

// maxPages bounds how many pages are read of what one filter finds.
const maxPages = 100

// pages calls enough with the rows of what a filter finds, a page at a time, until enough returns true or all are read. page
// is the first page. A page that does not heed the filter by id, and too many pages, fail with codeFilterIgnored.
func (l *lookUp) pages(filter vibe.Filter, selected []string, page vibe.Page, enough func([]vibe.Row) bool) vibe.Outcome {
	full := page.Full(vibe.PageLimit)
	seen := idPaging{up: full, down: full}
	seen.widen(l.field, page.Rows)
	if enough(page.Rows) {
		return vibe.Outcome{Class: vibe.Done}
	}
	for n := 0; seen.more(); n++ {
		if seen.largest == 0 || n == maxPages {
			return vibe.Outcome{Class: vibe.Refused, Status: 200, Code: codeFilterIgnored, Item: true}
		}
		before := seen.idRange
		page, o := l.searchFor(seen.next(filter), selected)
		if o.Class != vibe.Done {
			return o
		}
		if seen.up && !l.within(page.Rows, seen.largest, 0) || !seen.up && !l.within(page.Rows, 0, seen.smallest) {
			return vibe.Outcome{Class: vibe.Refused, Status: o.Status, Code: codeFilterIgnored, Item: true}
		}
		seen.widen(l.field, page.Rows)
		if enough(page.Rows) {
			return vibe.Outcome{Class: vibe.Done}
		}
		seen.took(before, page.Full(vibe.PageLimit))
	}
	return vibe.Outcome{Class: vibe.Done}
}

// idPaging is how far the rows of a filter were read, by their ids.
type idPaging struct {
	idRange
	up, down bool // there may be more rows above the range, and below it
}

// more reports whether there may be more rows.
func (p *idPaging) more() bool { return p.up || p.down }

// next returns the filter for the next page.
func (p *idPaging) next(filter vibe.Filter) vibe.Filter {
	bounded := maps.Clone(filter)
	if bounded["id"] = vibe.GreaterThan(p.largest); !p.up {
		bounded["id"] = vibe.LessThan(p.smallest)
	}
	return bounded
}

// took notes that the page of next was read. before is the range without it. There may be more on that side if the page was
// full and brought new ids.
func (p *idPaging) took(before idRange, full bool) {
	again := full && p.idRange != before
	if p.up {
		p.up = again
	} else {
		p.down = again
	}
}

// within reports whether all rows are of objects whose ids are above over and below under; 0: no bound. If not, the filter
// by id was not heeded, and a page without new rows does not show that there are no more.
func (l *lookUp) within(rows []vibe.Row, over, under int64) bool {
	return !slices.ContainsFunc(rows, func(row vibe.Row) bool {
		id, _ := l.field.Identify(row)
		return id <= over || under > 0 && id >= under
	})
}

// idRange is the smallest and the largest id of the objects that were read; 0: none was.
type idRange struct{ smallest, largest int64 }

// widen includes the ids of rows.
func (r *idRange) widen(field vibe.IDField, rows []vibe.Row) {
	for _, row := range rows {
		id, _ := field.Identify(row)
		r.include(id)
	}
}

// include includes an id; it does nothing with 0, which is none.
func (r *idRange) include(id int64) {
	if id == 0 {
		return
	}
	if r.largest == 0 || id < r.smallest {
		r.smallest = id
	}
	r.largest = max(r.largest, id)
}
