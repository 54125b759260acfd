package crmclient

import (
	"maps"
	"slices"

	"github.com/leadbridge/leadbridge/crmclient/internal/vibe"
)

// A list shows fifty rows. The vendor does not document their order, so further pages are asked for by the objects' ids:
// upwards from the largest id that was seen, then downwards from the smallest.

// maxPages is how many further pages are read at most for one filter.
const maxPages = 100

// pages reads all pages of what a filter finds, beginning with page, which was read already. It calls enough with the rows
// of each page, and stops when enough returns true. It fails with codeFilterIgnored if the portal ignores the filter by
// id, or there are too many pages.
func (l *lookUp) pages(filter vibe.Filter, selected []string, page vibe.Page, enough func([]vibe.Row) bool) vibe.Outcome {
	full := page.MayLack(vibe.PageLimit)
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
		isHeeded := l.within(page.Rows, 0, seen.smallest)
		if seen.up {
			isHeeded = l.within(page.Rows, seen.largest, 0)
		}
		if !isHeeded {
			return vibe.Outcome{Class: vibe.Refused, Status: o.Status, Code: codeFilterIgnored, Item: true}
		}
		seen.widen(l.field, page.Rows)
		if enough(page.Rows) {
			return vibe.Outcome{Class: vibe.Done}
		}
		seen.took(before, page.MayLack(vibe.PageLimit))
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
	if p.up {
		bounded["id"] = vibe.GreaterThan(p.largest)
	} else {
		bounded["id"] = vibe.LessThan(p.smallest)
	}
	return bounded
}

// took notes that the page for which next asked was read. before is the range of ids before that page. If the page was full
// and brought new ids, there may be more rows on its side of the range.
func (p *idPaging) took(before idRange, full bool) {
	again := full && p.idRange != before
	if p.up {
		p.up = again
	} else {
		p.down = again
	}
}

// within reports whether the ids of all rows are above over and below under; an under of 0 is no bound. If they are not, the
// portal ignored the filter by id, and a page without new rows does not show that there are no more.
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

// include includes an id. 0 means that there is none.
func (r *idRange) include(id int64) {
	if id == 0 {
		return
	}
	if r.largest == 0 || id < r.smallest {
		r.smallest = id
	}
	r.largest = max(r.largest, id)
}
