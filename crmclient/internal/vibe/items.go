package vibe

import (
	"encoding/json"
	"net/http"
	"strconv"

	"github.com/leadbridge/leadbridge/internal/jsonscan"
)

// batchData is the data of the answer to a batch. A call that neither results nor errors name
// has an unknown outcome (vendor's reference: POST /v1/batch).
type batchData struct {
	Results byCall `json:"results"`
	Errors  byCall `json:"errors"`
	Meta    byCall `json:"meta"` // of lists
}

// byCall is what an answer says of each call, by the call's id. A portal may write an empty map
// as a list, and so one whose ids are the indices of a list.
type byCall map[string]json.RawMessage

func (m *byCall) UnmarshalJSON(b []byte) error {
	*m = byCall{}
	var list []json.RawMessage
	if json.Unmarshal(b, &list) == nil {
		for i, v := range list {
			(*m)[strconv.Itoa(i)] = v
		}
		return nil
	}
	_ = json.Unmarshal(b, (*map[string]json.RawMessage)(m)) // anything else says nothing
	return nil
}

// items reads the outcomes of a batch's calls; nil when the answer does not tell them apart.
// Where every call failed validation, the batch fails as a whole with 400 and names the errors
// all the same.
func items(o Outcome, calls int) []Outcome {
	if calls == 0 || o.Class != Done && o.Status != http.StatusBadRequest || !jsonscan.IsObject(o.Data) {
		return nil
	}
	var d batchData
	if json.Unmarshal(o.Data, &d) != nil || o.Class != Done && len(d.Errors) == 0 {
		return nil
	}
	items := make([]Outcome, calls)
	for i := range items {
		items[i] = d.item(strconv.Itoa(i))
		items[i].Status, items[i].RequestID = o.Status, o.RequestID
		items[i].Written, items[i].Answered, items[i].Took = o.Written, o.Answered, o.Took
	}
	return items
}

// item returns the outcome of one call.
func (d batchData) item(id string) Outcome {
	o := Outcome{Item: true}
	if result, ok := d.Results[id]; ok {
		o.Class, o.Data, o.Meta = Done, result, d.Meta[id]
		return o
	}
	failure, ok := d.Errors[id]
	if !ok {
		o.Class, o.Code = Doubt, CodeNoResult
		return o
	}
	var c complaint
	_ = json.Unmarshal(failure, &c) // what cannot be read is a code that is not known
	o.complain(c)
	o.Class = classOfCode(string(c.Code))
	return o
}
