package crmtest

import (
	"encoding/json"
	"net/http"
	"unicode/utf8"
)

// Limits of a batch.
const (
	maxCalls  = 50
	maxCallID = 64
)

// batchCall is one call of a batch.
type batchCall struct {
	id, entity, action string
	entityID           string // a number, as JSON; "": it is in params, or not given
	params             string // an object, as JSON; "": not given
}

// batchData is the data of a batch's answer.
type batchData struct {
	results []*item
	errors  map[string]*failure
	totals  map[string]int
	meta    map[string]page
	total   int
}

type batchSummary struct {
	Total     int `json:"total"`
	Succeeded int `json:"succeeded"`
	Failed    int `json:"failed"`
}

// planBatch plans POST /v1/batch. The lock is held.
func (s *Simulator) planBatch(body string) (*plan, *failure) {
	calls, ok := readCalls(body)
	if !ok {
		return nil, invalid("INVALID_REQUEST", "calls must be an array of objects")
	}
	if fail := checkCalls(calls); fail != nil {
		return nil, fail
	}
	p := &plan{batch: true, items: make([]*item, 0, len(calls))}
	joined, counted := 0, false // all calls without units of their own are one portal request
	for _, call := range calls {
		it := s.planCall(call)
		p.items = append(p.items, it)
		p.units += it.units
		isValid := it.do != nil
		if isValid && it.units == 0 {
			joined = 1
		}
		if isValid && !counted {
			it.opens, counted = len(calls), true
		}
	}
	p.units += joined
	if p.units == 0 {
		return refusedBatch(p.items), nil
	}
	p.answer = func() answer { return answerBatch(p.items) }
	return p, nil
}

// readCalls reads the body of a batch. ok is false if the body has another shape.
func readCalls(body string) (calls []batchCall, ok bool) {
	r := reader{text: body}
	for name := range r.members {
		if name != "calls" || r.peek() == 'n' {
			continue
		}
		calls = make([]batchCall, 0, maxCalls)
		for range r.elements {
			calls = append(calls, readCall(&r))
		}
	}
	return calls, r.whole()
}

func readCall(r *reader) batchCall {
	var call batchCall
	for name := range r.members {
		switch name {
		case "id":
			call.id = r.word()
		case "entity":
			call.entity = r.word()
		case "action":
			call.action = r.word()
		case "entityId":
			if c := r.peek(); c >= '0' && c <= '9' {
				call.entityID = r.raw()
			}
		case "params":
			if c := r.peek(); c == '{' {
				call.params = r.raw()
			} else if c != 'n' {
				r.fail()
			}
		}
	}
	return call
}

func checkCalls(calls []batchCall) *failure {
	if len(calls) == 0 || len(calls) > maxCalls {
		return invalid("INVALID_REQUEST", "calls must have 1 to %d entries", maxCalls)
	}
	seen := make(map[string]bool, len(calls))
	for _, call := range calls {
		switch {
		case call.id == "" || utf8.RuneCountInString(call.id) > maxCallID:
			return invalid("INVALID_REQUEST", "The id of a call must have 1 to %d characters", maxCallID)
		case seen[call.id]:
			return invalid("INVALID_REQUEST", "The id of a call is repeated")
		}
		seen[call.id] = true
	}
	return nil
}

func (s *Simulator) planCall(call batchCall) *item {
	it, fail := &item{}, invalid("INVALID_PARAMS", "Unknown entity %q", call.entity)
	if t := s.tables[call.entity]; t != nil {
		var planned *item
		if planned, fail = s.planOne(t, call); fail == nil {
			it = planned
		}
	}
	it.id, it.fail = call.id, fail
	return it
}

func (s *Simulator) planOne(t *table, call batchCall) (*item, *failure) {
	if call.action == "create" {
		return s.planCreate(t, call.params)
	}
	ps, fail := readObject([]byte(call.params))
	if fail != nil {
		return nil, fail
	}
	if call.entityID != "" {
		ps["id"] = json.RawMessage(call.entityID)
	}
	return s.planAction(t, call.action, ps)
}

// refusedBatch returns the plan of a batch of which no call passed validation.
func refusedBatch(items []*item) *plan {
	errs := make(map[string]*failure, len(items))
	for _, it := range items {
		errs[it.id] = it.fail
	}
	return &plan{answer: func() answer {
		return answered(http.StatusBadRequest, envelope{
			Error: invalid("INVALID_REQUEST", "No call passed validation"),
			Data:  map[string]any{"errors": errs},
		})
	}}
}

// answerBatch returns the answer to a batch, with the result or the error of each call.
func answerBatch(items []*item) answer {
	data := &batchData{errors: map[string]*failure{}, totals: map[string]int{}, meta: map[string]page{}, total: len(items)}
	for _, it := range items {
		switch {
		case it.fate != nil && it.fate.Code == "": // the answer does not mention the call
		case it.fate != nil:
			data.errors[it.id] = &failure{Code: it.fate.Code, Message: it.fate.Message}
		case it.fail != nil:
			data.errors[it.id] = it.fail
		default:
			data.results = append(data.results, it)
			if meta, ok := it.meta.(page); ok {
				data.totals[it.id], data.meta[it.id] = meta.Total, meta
			}
		}
	}
	return answered(http.StatusOK, envelope{Success: true, Data: data})
}

// size estimates the length of the results.
func (d *batchData) size() int {
	size := 0
	for _, it := range d.results {
		if r, ok := it.data.(rendered); ok {
			size += len(r) + 2*len(it.id) + 8
		}
	}
	return size
}

// append adds the data as JSON.
func (d *batchData) append(b []byte) []byte {
	b = append(b, `{"results":{`...)
	for i, it := range d.results {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendJSON(b, it.id)
		b = appendValue(append(b, ':'), it.data)
	}
	b = appendJSON(append(b, `},"errors":`...), d.errors)
	b = appendJSON(append(b, `,"totals":`...), d.totals)
	b = appendJSON(append(b, `,"meta":`...), d.meta)
	b = appendJSON(append(b, `,"summary":`...), batchSummary{d.total, len(d.results), len(d.errors)})
	return append(b, '}')
}
