package crmclient

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"
)

// recordMargin is how much earlier than its record a contact may seem to be created:
// clocks differ, and a portal may read a time without its zone.
const recordMargin = 24 * time.Hour

// lookUpTags asks by contact point and creation time, all events in one batch, and
// compares the tag: two people may share a phone, one person may sign up twice.
func (c *Creator) lookUpTags(j *job, tickets []*ticket) outcome {
	body, err := json.Marshal(map[string]any{"calls": c.tagCalls(tickets)})
	if err != nil {
		return outcome{class: classRefused, code: "UNENCODABLE"}
	}
	asked := time.Now()
	o := c.ask(j.ctx, j, call{op: opLookUp, method: http.MethodPost, path: "/batch", body: body, items: len(tickets),
		replayed: replayedPart(tickets)})
	switch {
	case notOffered(o), o.code == codeTooLong && len(tickets) > 1:
		return c.eachTag(j, tickets)
	case o.class != classDone:
		return o
	}
	data, ok := parseBatch(o, len(tickets))
	if !ok {
		o.class, o.code = classDoubt, "NO_ROWS"
		return o
	}
	for i, t := range tickets {
		one := data.item(i)
		if one.class == classDone {
			if rows, ok := data.page(i); ok {
				one = c.matchTag(j, t, rows, asked)
			} else {
				one.class, one.code, one.item = classDoubt, "NO_ROWS", true
			}
		}
		if one.class != classDone {
			o = one // the others' answers hold; this one asks again
		}
	}
	return o
}

// tagCalls are lists, not searches: the portal joins them into one request of its own.
func (c *Creator) tagCalls(tickets []*ticket) []batchCall {
	calls := make([]batchCall, len(tickets))
	for i, t := range tickets {
		calls[i] = batchCall{strconv.Itoa(i), "contacts", "list", map[string]any{
			"filter": c.tagFilter(t.event), "select": []string{"id", tagField}, "limit": lookUpLimit,
		}}
	}
	return calls
}

// eachTag asks one by one, where a portal offers no batch or its answer was too long.
func (c *Creator) eachTag(j *job, tickets []*ticket) outcome {
	last := outcome{class: classDone}
	for _, t := range tickets {
		asked := time.Now()
		page, o := c.search(j, []*ticket{t}, c.tagFilter(t.event), []string{"id", tagField})
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
	p, o := c.search(j, []*ticket{t}, filter, []string{"id", tagField})
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
		contact, marks := t.way.identify(r)
		if contact > 0 && t.way.carries(marks, c.cfg.Originator, t.event.req.OriginID) {
			id = older(id, contact)
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
