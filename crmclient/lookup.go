package crmclient

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// recordMargin is how much earlier than its record a contact may seem to be created:
// clocks differ, and a portal may read a time without its zone.
const recordMargin = 24 * time.Hour

// codeFilterIgnored says that a look-up was answered with contacts that it did not ask for.
const codeFilterIgnored = "FILTER_IGNORED"

// lookUp asks for the events of a job. Tickets that get no answer stay in the queue.
func (c *Creator) lookUp(j *job) {
	c.mu.Lock()
	p := c.portal
	c.mu.Unlock()
	w := j.tickets[0].way
	var failed outcome
	switch {
	case w.tag():
		failed = c.lookUpTags(j, j.tickets)
	case !p.writable(w.field):
		// The field is gone, and what it held with it.
		c.log.Warn().Str("origin_field", w.field).Msg("look-up by a field that the portal no longer has")
		c.settle(j.tickets, nil, time.Now())
	default:
		failed = c.lookUpField(j, j.tickets)
	}
	c.judgeLookUp(j, failed)
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
	c.meter.lookUp("failed", 1)
	c.looksAfter = time.Now().Add(max(c.looksBackoff.NextBackOff(), o.retryAfter))
	f := fault{causeOf(o), o.status, o.code, o.retryAfter}
	if o.class == classRefused || o.class == classBusiness {
		f.cause = HoldOriginField // the filter is not taken: ask what the portal offers now
		c.stale = true
	}
	c.hold(f, j.probe)
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
	page, o := c.search(j, map[string]any{w.field: map[string]any{"$in": ids}}, fields)
	if o.class != classDone && o.code != codeTooLong {
		return o
	}
	// A part of an answer that was too long is not read: nothing is absent then.
	full := page.full() || o.code == codeTooLong
	found, strangers := c.match(tickets, page.rows)
	switch missing := len(tickets) - len(found); {
	case missing == 0 || !full && strangers == 0:
		c.settle(tickets, found, asked)
		return outcome{class: classDone}
	case full && len(tickets) > 1:
		c.settleFound(tickets, found, asked)
		return c.lookUpHalves(j, tickets)
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

// match finds the tickets' contacts among rows, and counts the rows that nobody asked for.
func (c *Creator) match(tickets []*ticket, rows []row) (found map[*ticket]int64, strangers int) {
	byID := make(map[string][]*ticket, len(tickets))
	for _, t := range tickets {
		byID[t.event.req.OriginID] = append(byID[t.event.req.OriginID], t)
	}
	found = make(map[*ticket]int64, len(rows))
	w := tickets[0].way
	for _, r := range rows {
		// A collation may find an id in other letters: asked for, but not ours.
		id := r.text(w.field)
		asked := byID[strings.ToLower(id)]
		if len(asked) == 0 {
			strangers++
		}
		for _, t := range asked {
			if r.id() > 0 && w.carries(r, c.cfg.Originator, t.event.req.OriginID) {
				found[t] = older(found[t], r.id())
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
			c.meter.lookUp("absent", 1)
			c.answer(t, outcome{class: classDone, written: asked})
		}
	}
}

// settleFound answers the tickets whose contact is there, and counts them.
func (c *Creator) settleFound(tickets []*ticket, found map[*ticket]int64, asked time.Time) int {
	n := 0
	for _, t := range tickets {
		if id := found[t]; id > 0 && !t.answered {
			c.meter.lookUp("found", 1)
			c.passed(t.event, t.job != nil && t.job.probe)
			c.answer(t, outcome{class: classDone, written: asked, id: id})
			n++
		}
	}
	return n
}

// page is the answer to one look-up.
type page struct {
	rows []row
	more bool
}

// full tells whether rows may be missing.
func (p page) full() bool { return p.more || len(p.rows) >= lookUpLimit }

// pageMeta is what stands beside the rows.
type pageMeta struct {
	HasMore   bool `json:"hasMore"`
	Truncated bool `json:"truncated"`
}

func parsePage(data json.RawMessage, meta pageMeta) page {
	raw := rowsOf(data)
	p := page{rows: make([]row, len(raw)), more: meta.HasMore || meta.Truncated}
	for i := range raw {
		p.rows[i] = parseRow(raw[i])
	}
	return p
}

// search makes one request for contacts.
func (c *Creator) search(j *job, filter map[string]any, fields []string) (page, outcome) {
	body, err := json.Marshal(map[string]any{"filter": filter, "select": fields, "limit": lookUpLimit})
	if err != nil {
		return page{}, outcome{class: classRefused, code: "UNENCODABLE"}
	}
	o := c.ask(j.ctx, j, call{op: opLookUp, method: http.MethodPost, path: "/contacts/search", body: body})
	if o.class != classDone {
		return page{}, o
	}
	if len(o.data) == 0 || o.data[0] != '[' && o.data[0] != '{' {
		o.class, o.code = classDoubt, "NO_ROWS"
		return page{}, o
	}
	var meta pageMeta
	_ = json.Unmarshal(o.extra, &meta) // a missing meta tells nothing
	return parsePage(o.data, meta), o
}

// lookUpTags asks by contact point and creation time, all events in one batch, and
// compares the tag: two people may share a phone, one person may sign up twice.
func (c *Creator) lookUpTags(j *job, tickets []*ticket) outcome {
	type item struct {
		ID     string         `json:"id"`
		Entity string         `json:"entity"`
		Action string         `json:"action"`
		Params map[string]any `json:"params"`
	}
	items := make([]item, len(tickets))
	for i, t := range tickets {
		items[i] = item{strconv.Itoa(i), "contacts", "list", map[string]any{
			"filter": c.tagFilter(t.event), "select": []string{"id", tagField}, "limit": lookUpLimit,
		}}
	}
	body, err := json.Marshal(map[string]any{"calls": items})
	if err != nil {
		return outcome{class: classRefused, code: "UNENCODABLE"}
	}
	asked := time.Now()
	o := c.ask(j.ctx, j, call{op: opLookUp, method: http.MethodPost, path: "/batch", body: body})
	switch {
	case notOffered(o):
		return c.eachTag(j, tickets)
	case o.code == codeTooLong && len(tickets) > 1:
		return c.eachTag(j, tickets)
	case o.class != classDone:
		return o
	}
	var data struct {
		Results map[string]json.RawMessage `json:"results"`
		Errors  map[string]struct {
			Code    text `json:"code"`
			Message text `json:"message"`
		} `json:"errors"`
		Meta map[string]pageMeta `json:"meta"`
	}
	if json.Unmarshal(o.data, &data) != nil {
		o.class, o.code = classDoubt, "NO_ROWS"
		return o
	}
	for i, t := range tickets {
		key := strconv.Itoa(i)
		raw, ok := data.Results[key]
		if !ok {
			// The others' answers hold; this one asks again.
			o.class, o.code = classDoubt, "NO_RESULT"
			if e, told := data.Errors[key]; told {
				o.class, o.code = classOfCode(string(e.Code)), bounded(string(e.Code), 64)
			}
			continue
		}
		if one := c.matchTag(j, t, parsePage(raw, data.Meta[key]), asked); one.class != classDone {
			o = one
		}
	}
	return o
}

// eachTag asks one by one, where a portal offers no batch or its answer was too long.
func (c *Creator) eachTag(j *job, tickets []*ticket) outcome {
	last := outcome{class: classDone}
	for _, t := range tickets {
		asked := time.Now()
		page, o := c.search(j, c.tagFilter(t.event), []string{"id", tagField})
		if o.class != classDone {
			return o
		}
		if o = c.matchTag(j, t, page, asked); o.class != classDone {
			last = o
		}
	}
	return last
}

// matchTag compares rows with the tag. A page that cannot hold the person's contacts
// is asked for again by the tag itself.
func (c *Creator) matchTag(j *job, t *ticket, p page, asked time.Time) outcome {
	done := outcome{class: classDone}
	if c.settleTag(t, p, asked) {
		return done
	}
	if !p.full() {
		c.settle([]*ticket{t}, nil, asked)
		return done
	}
	filter := c.tagFilter(t.event)
	filter[tagField] = map[string]any{"$contains": tagOf(c.cfg.Originator, t.event.req.OriginID)}
	p, o := c.search(j, filter, []string{"id", tagField})
	switch {
	case o.class != classDone:
		return o
	case c.settleTag(t, p, asked):
	case len(p.rows) > 0 || p.more:
		return outcome{class: classRefused, status: o.status, code: codeFilterIgnored}
	default:
		c.settle([]*ticket{t}, nil, asked)
	}
	return done
}

// settleTag answers a ticket whose tag is among rows.
func (c *Creator) settleTag(t *ticket, p page, asked time.Time) bool {
	var id int64
	for _, r := range p.rows {
		if r.id() > 0 && t.way.carries(r, c.cfg.Originator, t.event.req.OriginID) {
			id = older(id, r.id())
		}
	}
	return c.settleFound([]*ticket{t}, map[*ticket]int64{t: id}, asked) > 0
}

// tagFilter asks for the contacts of an event's person since its record.
func (c *Creator) tagFilter(e *event) map[string]any {
	filter := map[string]any{}
	switch person := e.req.Contact; {
	case len(person.Phones) > 0:
		filter["phone"] = person.Phones[0].Value
	case len(person.Emails) > 0:
		filter["email"] = person.Emails[0].Value
	default:
		filter[tagField] = map[string]any{"$contains": tagOf(c.cfg.Originator, e.req.OriginID)}
	}
	// A record from the future has a clock that no bound can be built on.
	if at := e.req.RecordedAt; !at.IsZero() && at.Before(time.Now()) {
		since := at.Add(time.Duration(c.wire.skew.Load())).Add(-recordMargin)
		filter["createdTime"] = map[string]any{"$gte": since.UTC().Format(time.RFC3339)}
	}
	return filter
}
