package vibe

import (
	"encoding/json"
	"net/http"
	"strconv"

	"github.com/leadbridge/leadbridge/internal/jsonscan"
)

// batchData is the data of the answer to a batch, by the ids of the batch's calls. The outcome of a call that is neither in
// results nor in errors is unknown (vendor's reference: POST /v1/batch).
type batchData struct {
	results, errors, meta map[string]json.RawMessage // only lists have a meta
}

// readBatch reads the data of the answer to a batch. data must be a JSON object; calls is how many calls the batch has.
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

// readByCall reads the next value, a map by the ids of calls. usual is how many ids it usually has. A portal may write an
// empty map as a list, and also a map whose ids are 0, 1, 2 and so on. Any other value is read as an empty map.
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

// items returns the outcomes of a batch's calls; nil if the answer has none for single calls. A batch of which no call passed
// validation fails as a whole with 400, but its answer names the error of each call.
func items(o Outcome, calls int) []Outcome {
	mayHaveItems := calls > 0 && (o.Class == Done || o.Status == http.StatusBadRequest)
	if !mayHaveItems || !jsonscan.IsObject(o.Data) {
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
	_ = json.Unmarshal(failure, &c) // an error that cannot be read counts as an unknown code
	o.complain(c)
	o.Class = classOfCode(string(c.Code))
	return o
}
