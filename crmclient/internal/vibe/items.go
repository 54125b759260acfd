package vibe

import (
	"encoding/json"
	"net/http"
	"strconv"

	"github.com/leadbridge/leadbridge/internal/jsonscan"
)

// batchData is the data of the answer to a batch: what it says of each call, by the call's id. A call that neither
// results nor errors name has an unknown outcome (vendor's reference: POST /v1/batch).
type batchData struct {
	results, errors, meta map[string]json.RawMessage // meta: of lists
}

// readBatch reads the data of the answer to a batch of so many calls, which is a JSON object.
func readBatch(data json.RawMessage, calls int) (d batchData) {
	r := jsonscan.New(data)
	for name := range r.Members {
		switch name := jsonscan.Bytes(name); {
		case named(name, "results"):
			d.results = readByCall(r, calls)
		case named(name, "errors"):
			d.errors = readByCall(r, 0)
		case named(name, "meta"):
			d.meta = readByCall(r, 0)
		}
	}
	return d
}

// readByCall reads the next value, which usually names so many calls. A portal may write an empty map as a list, and so
// one whose ids are the indices of a list. Anything else says nothing.
func readByCall(r *jsonscan.Reader, usual int) map[string]json.RawMessage {
	byCall := make(map[string]json.RawMessage, usual)
	switch r.Peek() {
	case '{':
		for id := range r.Members {
			byCall[jsonscan.Text(id)] = r.Raw()
		}
	case '[':
		for range r.Elements {
			byCall[strconv.Itoa(len(byCall))] = r.Raw()
		}
	}
	return byCall
}

// items reads the outcomes of a batch's calls; nil when the answer does not tell them apart.
// Where every call failed validation, the batch fails as a whole with 400 and names the errors
// all the same.
func items(o Outcome, calls int) []Outcome {
	if calls == 0 || o.Class != Done && o.Status != http.StatusBadRequest || !jsonscan.IsObject(o.Data) {
		return nil
	}
	d := readBatch(o.Data, calls)
	if o.Class != Done && len(d.errors) == 0 {
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
	if result, ok := d.results[id]; ok {
		o.Class, o.Data, o.Meta = Done, result, d.meta[id]
		return o
	}
	failure, ok := d.errors[id]
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
