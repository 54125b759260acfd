package crmclient

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"
)

// codeFilterIgnored says that a look-up was answered with contacts that it did not ask for.
const codeFilterIgnored = "FILTER_IGNORED"

// lookUp asks for the events of a job. Tickets that get no answer stay in the queue.
func (c *Creator) lookUp(j *job) {
	w, asked := j.tickets[0].way, time.Now()
	c.mu.Lock()
	p, gone := c.portal, c.gone[w]
	c.mu.Unlock()
	failed := outcome{class: classDone}
	switch {
	case w.tag():
		failed = c.lookUpTags(j, j.tickets)
	case !gone:
		failed = c.lookUpField(j, j.tickets)
		gone = p.lost(w, failed)
	}
	if gone && j.ctx.Err() == nil {
		c.forsake(w)
		c.settle(j.tickets, nil, asked)
		failed = outcome{class: classDone}
	}
	c.judgeLookUp(j, failed)
}

// lost tells whether a way of before leads nowhere: the portal does not list its field and does
// not take a look-up by it. Not to be listed, or not to be writable any more, is not enough.
func (p *portal) lost(w way, o outcome) bool {
	_, listed := p.fields[foldField(w.field)]
	return w != p.way && !listed && o.class == classRefused
}

// forsake notes that a field is gone, and what it held with it.
func (c *Creator) forsake(w way) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.gone[w] {
		c.gone[w] = true
		c.log.Warn().Stringer("origin_field", w).Msg("look-up by a field that the portal no longer has")
	}
}

// judgeLookUp draws what a look-up says about the CRM. It is no evidence
// for or against an event.
func (c *Creator) judgeLookUp(j *job, o outcome) {
	if j.ctx.Err() != nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if o.class == classDone {
		c.looksBackoff.Reset()
		c.looksAfter = time.Time{}
		return
	}
	c.meter.lookUp(lookUpFailed, 1)
	c.looksAfter = time.Now().Add(max(c.looksBackoff.NextBackOff(), o.retryAfter))
	if o.item {
		return
	}
	f := fault{causeOf(o), o.status, o.code, o.retryAfter}
	if o.class == classRefused || o.class == classBusiness {
		f.cause = HoldOriginField // the filter is not taken: ask what the portal offers now
		c.stale = true
	}
	c.hold(f, j)
}

// lookUpField asks by a field. A page that cannot hold the whole answer is asked for
// again in halves: a stranger may have pushed a row out of it.
func (c *Creator) lookUpField(j *job, tickets []*ticket) outcome {
	w := tickets[0].way
	ids := make([]string, len(tickets))
	for i, t := range tickets {
		ids[i] = t.event.req.OriginID
	}
	fields := []string{"id", w.field}
	if w.field == nativeField {
		fields = append(fields, nativeOwner)
	}
	asked := time.Now()
	page, o := c.search(j, tickets, map[string]any{w.field: map[string]any{"$in": ids}}, fields)
	if o.class != classDone && o.code != codeTooLong {
		return o
	}
	found, strangers := c.match(tickets, page.rows)
	// A part of an answer that was too long is not read: nothing is absent then.
	long := o.code == codeTooLong
	full := long || page.full()
	switch missing := len(tickets) - len(found); {
	case missing == 0 || !full && (strangers == strange{} || page.whole && strangers.blank == 0):
		c.settle(tickets, found, asked)
		return outcome{class: classDone}
	case full && len(tickets) > 1:
		c.settleFound(tickets, found, asked)
		return c.lookUpHalves(j, tickets)
	case !long && len(page.rows) == 0: // "more" than nothing, of one id: a slip
		c.settle(tickets, nil, asked)
		return outcome{class: classDone}
	}
	// Only what was found is an answer: the filter was not obeyed.
	c.settleFound(tickets, found, asked)
	return outcome{class: classRefused, status: o.status, code: codeFilterIgnored}
}

// lookUpHalves asks again for what has no answer yet.
func (c *Creator) lookUpHalves(j *job, tickets []*ticket) outcome {
	tickets = slices.DeleteFunc(slices.Clone(tickets), func(t *ticket) bool { return t.answered })
	half := len(tickets) / 2
	first := outcome{class: classDone}
	if half > 0 {
		first = c.lookUpField(j, tickets[:half])
	}
	if second := c.lookUpField(j, tickets[half:]); second.class != classDone {
		return second
	}
	return first
}

// strange counts the rows that nobody asked for: with another value of the field, and
// without one, as when the field is gone or the filter is not obeyed. A row that does not
// tell whose contact it is, or which, is like one without.
type strange struct{ other, blank int }

// match finds the tickets' contacts among rows, and counts the others.
func (c *Creator) match(tickets []*ticket, rows []row) (found map[*ticket]int64, strangers strange) {
	byID := make(map[string][]*ticket, len(tickets))
	for _, t := range tickets {
		byID[t.event.req.OriginID] = append(byID[t.event.req.OriginID], t)
	}
	found = make(map[*ticket]int64, len(rows))
	w := tickets[0].way
	for _, r := range rows {
		// A collation may find an id in other letters: asked for, but not ours.
		contact, marks := w.identify(r)
		id := textIn(marks.mark)
		asked := byID[strings.ToLower(id)]
		switch {
		case id == "", contact == 0:
			strangers.blank++
		case len(asked) == 0:
			strangers.other++
		}
		for _, t := range asked {
			if contact > 0 && w.carries(marks, c.cfg.Originator, t.event.req.OriginID) {
				found[t] = older(found[t], contact)
			}
		}
	}
	return found, strangers
}

func older(a, b int64) int64 {
	if a == 0 {
		return b
	}
	return min(a, b)
}

// settle answers tickets: found, or absent as of the time of asking.
func (c *Creator) settle(tickets []*ticket, found map[*ticket]int64, asked time.Time) {
	c.settleFound(tickets, found, asked)
	for _, t := range tickets {
		if !t.answered {
			c.meter.lookUp(lookUpAbsent, 1)
			c.answer(t, &outcome{class: classDone, written: asked})
		}
	}
}

// settleFound answers the tickets whose contact is there, and counts them.
func (c *Creator) settleFound(tickets []*ticket, found map[*ticket]int64, asked time.Time) int {
	n := 0
	for _, t := range tickets {
		if id := found[t]; id > 0 && !t.answered {
			c.meter.lookUp(lookUpFound, 1)
			if !t.event.asksOnly {
				c.passed(t.event, t.job)
			}
			c.answer(t, &outcome{class: classDone, written: asked, id: id})
			n++
		}
	}
	return n
}

// page is the answer to one look-up.
type page struct {
	rows []row
	more bool
	// whole says that the portal counted the rows that match, and all are here.
	whole bool
}

// full tells whether rows may be missing.
func (p page) full() bool { return p.more || len(p.rows) >= lookUpLimit }

// pageMeta is what stands beside the rows.
type pageMeta struct {
	HasMore   bool `json:"hasMore"`
	Truncated bool `json:"truncated"`
	Total     *int `json:"total"`
}

// parsePage reads rows; it is not ok when there is no list, be it an empty one: only a list
// tells that something is absent.
func parsePage(data json.RawMessage, meta pageMeta) (_ page, ok bool) {
	raw := rowsOf(data)
	p := page{rows: make([]row, len(raw)), more: meta.HasMore || meta.Truncated}
	if meta.Total != nil {
		p.whole = *meta.Total <= len(raw)
	}
	for i := range raw {
		p.rows[i] = row(raw[i])
	}
	return p, raw != nil
}

// search makes one request for the contacts of tickets.
func (c *Creator) search(j *job, tickets []*ticket, filter map[string]any, fields []string) (page, outcome) {
	body, err := json.Marshal(map[string]any{"filter": filter, "select": fields, "limit": lookUpLimit})
	if err != nil {
		return page{}, outcome{class: classRefused, code: "UNENCODABLE"}
	}
	o := c.ask(j.ctx, j, call{op: opLookUp, method: http.MethodPost, path: "/contacts/search", body: body, replayed: replayedPart(tickets)})
	if o.class != classDone {
		return page{}, o
	}
	var meta pageMeta
	_ = json.Unmarshal(o.extra, &meta) // a missing meta tells nothing
	p, ok := parsePage(o.data, meta)
	if !ok {
		o.class, o.code = classDoubt, "NO_ROWS"
	}
	return p, o
}
