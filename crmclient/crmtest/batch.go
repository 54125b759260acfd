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
	ID     string `json:"id"`
	Entity string `json:"entity"`
	Action string `json:"action"`
	Params params `json:"params"`
}

// batchData is the data of a batch's answer.
type batchData struct {
	Results map[string]any      `json:"results"`
	Errors  map[string]*failure `json:"errors"`
	Totals  map[string]int      `json:"totals"`
	Meta    map[string]page     `json:"meta"`
	Summary batchSummary        `json:"summary"`
}

type batchSummary struct {
	Total     int `json:"total"`
	Succeeded int `json:"succeeded"`
	Failed    int `json:"failed"`
}

// planBatch plans POST /v1/batch. The lock is held.
func (s *Simulator) planBatch(body []byte) (*plan, *failure) {
	var request struct {
		Calls []batchCall `json:"calls"`
	}
	if json.Unmarshal(body, &request) != nil {
		return nil, invalid("INVALID_REQUEST", "calls must be an array of objects")
	}
	if fail := checkCalls(request.Calls); fail != nil {
		return nil, fail
	}
	p := &plan{batch: true}
	joined, counted := 0, false
	for _, call := range request.Calls {
		it := s.planCall(call)
		p.items = append(p.items, it)
		p.units += it.units
		if it.do != nil && it.units == 0 {
			joined = 1
		}
		if it.do != nil && !counted {
			it.opens, counted = len(request.Calls), true
		}
	}
	p.units += joined
	if p.units == 0 {
		return refusedBatch(p.items), nil
	}
	p.answer = func() answer { return answerBatch(p.items) }
	return p, nil
}

func checkCalls(calls []batchCall) *failure {
	if len(calls) == 0 || len(calls) > maxCalls {
		return invalid("INVALID_REQUEST", "calls must have 1 to %d entries", maxCalls)
	}
	seen := make(map[string]bool, len(calls))
	for _, call := range calls {
		switch {
		case call.ID == "" || utf8.RuneCountInString(call.ID) > maxCallID:
			return invalid("INVALID_REQUEST", "The id of a call must have 1 to %d characters", maxCallID)
		case seen[call.ID]:
			return invalid("INVALID_REQUEST", "The id of a call is repeated")
		}
		seen[call.ID] = true
	}
	return nil
}

func (s *Simulator) planCall(call batchCall) *item {
	it, fail := &item{}, invalid("INVALID_PARAMS", "Unknown entity %q", call.Entity)
	if call.Entity == "contacts" {
		var planned *item
		if planned, fail = s.planAction(call.Action, call.Params); fail == nil {
			it = planned
		}
	}
	it.id, it.fail = call.ID, fail
	return it
}

// refusedBatch answers a batch none of whose calls passed validation.
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

// answerBatch says how each call ended; one that is to be missing is in neither
// map.
func answerBatch(items []*item) answer {
	data := batchData{Results: map[string]any{}, Errors: map[string]*failure{}, Totals: map[string]int{}, Meta: map[string]page{}}
	data.Summary.Total = len(items)
	for _, it := range items {
		switch {
		case it.fate != nil && it.fate.Code == "":
		case it.fate != nil:
			data.Errors[it.id] = &failure{Code: it.fate.Code, Message: it.fate.Message}
		case it.fail != nil:
			data.Errors[it.id] = it.fail
		default:
			data.Results[it.id] = it.data
			if meta, ok := it.meta.(page); ok {
				data.Totals[it.id], data.Meta[it.id] = meta.Total, meta
			}
		}
	}
	data.Summary.Succeeded, data.Summary.Failed = len(data.Results), len(data.Errors)
	return answered(http.StatusOK, envelope{Success: true, Data: data})
}
