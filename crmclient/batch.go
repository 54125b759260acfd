package crmclient

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/leadbridge/leadbridge/internal/jsontext"
)

// batchLimit is how many calls the CRM takes in one request.
const batchLimit = 50

// batchCall is one call of a batch. Its id is its place, so that it can be no other's.
type batchCall struct {
	ID     string         `json:"id"`
	Entity string         `json:"entity"`
	Action string         `json:"action"`
	Params map[string]any `json:"params"`
}

// batchAnswer is the data of the answer to a batch, by the ids of its calls.
type batchAnswer struct {
	results, errors, meta map[string]json.RawMessage
}

// parseBatch reads it. An empty map may be written as a list, and so may one whose ids are
// the places of a list.
func parseBatch(data json.RawMessage) (b batchAnswer, ok bool) {
	for name, value := range jsontext.Entries(data) {
		switch name {
		case "results":
			b.results = maps.Collect(jsontext.Entries(value))
		case "errors":
			b.errors = maps.Collect(jsontext.Entries(value))
		case "meta":
			b.meta = maps.Collect(jsontext.Entries(value))
		}
	}
	return b, jsontext.IsObject(data)
}

// item is the outcome of one call. One that is in neither map is in doubt.
func (b batchAnswer) item(id string) outcome {
	if raw, ok := b.results[id]; ok {
		return outcome{class: classDone, data: raw}
	}
	if raw, ok := b.errors[id]; ok {
		var e struct {
			Code text `json:"code"`
		}
		_ = json.Unmarshal(raw, &e) // what cannot be read is a code that we do not know
		return outcome{class: classOfCode(string(e.Code)), code: plainID(string(e.Code)), item: true}
	}
	return outcome{class: classDoubt, code: "NO_RESULT", item: true}
}

// page is the outcome of a list, as rows, if there are any to read.
func (b batchAnswer) page(id string) (_ page, ok bool) {
	var meta pageMeta
	_ = json.Unmarshal(b.meta[id], &meta) // a missing meta tells nothing
	return parsePage(b.results[id], meta)
}

// createBatch makes the contacts of several events by one request, whose body, unless it is
// given, is put together of theirs: each is encoded once.
func (c *Creator) createBatch(j *job, tickets []*ticket, p *portal, body []byte) []outcome {
	if body == nil {
		body = batchBody(tickets)
	}
	c.contactSize.Store(int64(len(body) / len(tickets)))
	what := call{op: opBatch, method: http.MethodPost, path: "/batch",
		body: body, items: len(tickets), lease: leaseOfAll(tickets), replayed: replayedPart(tickets)}
	o := c.understood(what, classify(c.do(j.ctx, j, what), time.Now()))
	o.items, o.whole = len(tickets), true
	if j.ctx.Err() != nil && o.class != classDone {
		return nil // broken off: nobody waits
	}
	data, ok := parseBatch(o.data)
	switch {
	case o.class == classDone && !ok:
		o.class, o.code = classDoubt, "NO_RESULTS"
	case o.class == classDone, o.status == http.StatusBadRequest && len(data.errors) > 0:
		return c.judgeItems(j, tickets, p.way, o, data)
	}
	return c.judgeWhole(j, tickets, o)
}

// What stands around the contacts in the body of a batch.
const (
	callsBegin = `{"calls":[`
	callsEnd   = `]}`
	callHead   = `{"id":"`
	callMiddle = `","entity":"contacts","action":"create","params":`
	callEnd    = `}`
)

// appendCallHead begins the n-th call.
func appendCallHead(dst []byte, n int) []byte {
	if n > 0 {
		dst = append(dst, ',')
	}
	return append(strconv.AppendInt(append(dst, callHead...), int64(n), 10), callMiddle...)
}

func batchBody(tickets []*ticket) []byte {
	size := len(callsBegin) + len(callsEnd)
	for _, t := range tickets {
		size += len(callHead) + len(callMiddle) + len(callEnd) + 3 + len(t.event.body)
	}
	b := append(make([]byte, 0, size), callsBegin...)
	for i, t := range tickets {
		b = appendCallHead(b, i)
		b = append(b, t.event.body...)
		b = append(b, callEnd...)
	}
	return append(b, callsEnd...)
}

// leaseOfAll holds as long as every one does.
func leaseOfAll(tickets []*ticket) func() error {
	return func() error {
		for _, t := range tickets {
			if err := t.event.lease(); err != nil {
				return err
			}
		}
		return nil
	}
}

// judgeItems draws what an answered batch says of each event. What it says of one is
// never taken for a word about all.
func (c *Creator) judgeItems(j *job, tickets []*ticket, w way, o outcome, data batchAnswer) []outcome {
	outcomes := make([]outcome, len(tickets))
	for i, t := range tickets {
		one := data.item(strconv.Itoa(i))
		one.status, one.written, one.answered, one.requestID = o.status, o.written, o.answered, o.requestID
		one.items = o.items
		one.takeID(w)
		c.judgeItem(j, t.event, w, &one)
		outcomes[i] = one
	}
	return outcomes
}

func (c *Creator) judgeItem(j *job, e *event, w way, o *outcome) {
	if o.class != classDone {
		c.log.Debug().Str("operation", opBatch).Str("code", o.code).Stringer("class", o.class).
			Str("request_id", o.requestID).Msg("CRM batch item failed")
	}
	switch o.class {
	case classDone:
		c.judge(j, e, w, o)
	case classRefused, classTooLarge, classBusiness, classCredentials:
		// Alone it gets the precise reason, or tells whose fault it is.
		o.class = classSplit
	case classThrottled:
		o.class = classNotApplied
	default:
		c.weigh([]*event{e})
	}
}

// judgeWhole draws what the failure of a batch as a whole says. No event is charged for
// it, as any of them may be the cause.
func (c *Creator) judgeWhole(j *job, tickets []*ticket, o outcome) []outcome {
	switch o.class {
	case classLeaseLost:
		return leasesLost(tickets, o)
	case classRefused, classTooLarge, classBusiness:
		o.class = classSplit
	case classThrottled:
		c.judge(j, nil, way{}, &o)
	case classCredentials:
		if notOffered(o) && c.withoutBatch(j, o) {
			return nil
		}
		var own bool
		if own, o.held = c.owners(j, o, eventsOf(tickets)...); own {
			o.class = classSplit
		}
	default:
		_, o.held = c.owners(j, o, eventsOf(tickets)...)
	}
	return slices.Repeat([]outcome{o}, len(tickets))
}

func eventsOf(tickets []*ticket) []*event {
	events := make([]*event, len(tickets))
	for i, t := range tickets {
		events[i] = t.event
	}
	return events
}

// leasesLost tells apart whose lease stopped a batch. The others go again, unless a
// part of the request was written.
func leasesLost(tickets []*ticket, o outcome) []outcome {
	outcomes := make([]outcome, len(tickets))
	for i, t := range tickets {
		one := o
		if one.lease = t.event.lease(); one.lease == nil {
			one.class = classAgain
			if !o.written.IsZero() {
				one.class = classDoubt
			}
		}
		outcomes[i] = one
	}
	return outcomes
}

// withoutBatch learns that a portal that answers all else offers no batches.
// Until it is asked what it offers again, creates go one by one.
func (c *Creator) withoutBatch(j *job, o outcome) bool {
	n := c.ask(j.ctx, j, fieldsCall)
	if n.class != classDone {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.noBatch {
		c.noBatch = true
		c.log.Warn().Int("status", o.status).Str("code", o.code).
			Msg("CRM offers no batches: contacts are created one by one, at a fiftieth of the throughput")
	}
	return true
}
