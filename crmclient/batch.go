package crmclient

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
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

// batchDepth is how deep an answer holds what it says of each call of a batch.
const batchDepth = 3

// batchAnswer is the data of the answer to a batch, by the places of its calls; nil where it
// holds nothing of one.
type batchAnswer struct {
	results, errors, meta []json.RawMessage
	anyError              bool
}

// parseBatch reads the parts of the answer to a batch of so many calls. An empty map may be
// written as a list, and so may one whose ids are the places of a list.
func parseBatch(o outcome, calls int) (b batchAnswer, ok bool) {
	all := make([]json.RawMessage, 3*calls)
	b.results, b.errors, b.meta = all[:calls], all[calls:2*calls], all[2*calls:]
	var of []json.RawMessage // what the parts at hand are said of
	inData, inErrors, place := false, false, 0
	for _, p := range o.parts {
		switch {
		case p.Depth == 1:
			inData, of = strings.ToLower(string(p.Name)) == "data", nil
			if inData { // of several the last counts
				clear(all)
				b.anyError = false
			}
		case p.Depth == 2 && inData:
			of, place = b.of(string(p.Name)), 0
			clear(of)
			if inErrors = string(p.Name) == "errors"; inErrors {
				b.anyError = false
			}
		case of != nil:
			n := place
			if place++; p.Name != nil {
				n = placeIn(p.Name)
			}
			b.anyError = b.anyError || inErrors
			if n >= 0 && n < calls {
				of[n] = p.Value
			}
		}
	}
	return b, jsontext.IsObject(o.data)
}

func (b *batchAnswer) of(name string) []json.RawMessage {
	switch name {
	case "results":
		return b.results
	case "errors":
		return b.errors
	case "meta":
		return b.meta
	}
	return nil
}

// placeIn reads an id of ours, -1 for another.
func placeIn(id []byte) int {
	n, err := strconv.Atoi(string(id))
	if err != nil || strconv.Itoa(n) != string(id) {
		return -1
	}
	return n
}

// item is the outcome of the n-th call. One of which neither says anything is in doubt.
func (b batchAnswer) item(n int) outcome {
	if raw := b.results[n]; raw != nil {
		return outcome{class: classDone, data: raw}
	}
	if raw := b.errors[n]; raw != nil {
		var e struct {
			Code text `json:"code"`
		}
		_ = json.Unmarshal(raw, &e) // what cannot be read is a code that we do not know
		return outcome{class: classOfCode(string(e.Code)), code: plainID(string(e.Code)), item: true}
	}
	return outcome{class: classDoubt, code: "NO_RESULT", item: true}
}

// page is the outcome of the n-th call, a list, as rows, if there are any to read.
func (b batchAnswer) page(n int) (_ page, ok bool) {
	var meta pageMeta
	_ = json.Unmarshal(b.meta[n], &meta) // a missing meta tells nothing
	return parsePage(b.results[n], meta)
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
	data, ok := parseBatch(o, len(tickets))
	switch {
	case o.class == classDone && !ok:
		o.class, o.code = classDoubt, "NO_RESULTS"
	case o.class == classDone, o.status == http.StatusBadRequest && data.anyError:
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
		one := data.item(i)
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
