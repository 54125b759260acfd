package vibe

import (
	"encoding/json"
	"math"
	"time"

	"github.com/leadbridge/leadbridge/internal/jsonscan"
)

// Row is an object as the CRM answers it, or an element of another list. User fields are found
// under any spelling of their names: UF_CRM_X, ufCrm_X, ufCrmX.
type Row json.RawMessage

// Text returns a field: a string, or the only one of an array; "" for anything else.
func (r Row) Text(name string) string { return textIn(r.pick([3]string{name})[0]) }

// ID returns a field that holds the id of an object; 0 for anything else.
func (r Row) ID(name string) int64 { return idIn(r.pick([3]string{name})[0]) }

// Time returns a field that holds a time with its zone; not ok for anything else.
func (r Row) Time(name string) (at time.Time, ok bool) {
	at, err := time.Parse(time.RFC3339, r.Text(name))
	return at, err == nil
}

// Point returns the first value of a field of phones or e-mails: a text, an array of texts, or one of
// objects with a value, as answers differ; "" for anything else.
func (r Row) Point(name string) string {
	raw := r.pick([3]string{name})[0]
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) == nil && len(list) > 0 {
		raw = list[0]
	}
	if jsonscan.IsObject(raw) {
		return Row(raw).Text("value")
	}
	return textIn(raw)
}

// pick reads three fields in one pass; nil stands for one that the row lacks.
func (r Row) pick(names [3]string) (values [3]json.RawMessage) {
	if !jsonscan.IsObject(json.RawMessage(r)) {
		return values
	}
	for i, name := range names {
		names[i] = foldField(name)
	}
	for key, value := range jsonscan.Members(json.RawMessage(r)) {
		folded := foldField(string(key))
		for i, name := range names {
			if folded == name {
				values[i] = value
			}
		}
	}
	return values
}

func textIn(raw json.RawMessage) string {
	if len(raw) == 0 || raw[0] != '[' {
		return jsonscan.Text(raw)
	}
	var list []string
	if json.Unmarshal(raw, &list) == nil && len(list) == 1 {
		return list[0]
	}
	return ""
}

// maxID is the largest id that a JSON number tells exactly.
const maxID = 1 << 53

// idIn reads the id of an object, a number or a string of one; 0 for what cannot be an id.
func idIn(raw json.RawMessage) int64 {
	var n number
	_ = n.UnmarshalJSON(raw) // never fails
	if n < 1 || n > maxID || n != number(math.Trunc(float64(n))) {
		return 0
	}
	return int64(n)
}

// Rows reads a list: an array, or an object that holds one under a usual name. It returns nil
// when there is no list, and an empty slice for an empty one.
func (o Outcome) Rows() []Row {
	var list []json.RawMessage
	var held map[string]json.RawMessage
	if json.Unmarshal(o.Data, &list) != nil && json.Unmarshal(o.Data, &held) == nil {
		for _, name := range [...]string{"items", "fields", "userFields", "userfields"} {
			if json.Unmarshal(held[name], &list) == nil {
				break
			}
		}
	}
	if list == nil {
		return nil
	}
	rows := make([]Row, len(list))
	for i, raw := range list {
		rows[i] = Row(raw)
	}
	return rows
}

// Page is the answer to one look-up.
type Page struct {
	Rows []Row
	More bool // the portal says that further rows match
	// Whole reports that the portal counted the rows that match, and all are here.
	Whole bool
	Total int // rows that match, as the portal counts them; 0: not told
}

// Full reports whether matching rows may be missing in an answer to a look-up with that limit.
func (p Page) Full(limit int) bool { return p.More || len(p.Rows) >= limit }

// Page reads the rows that a look-up found. It is not ok unless the answer holds a list, which
// may be empty: only a list tells that something is absent.
func (o Outcome) Page() (_ Page, ok bool) {
	var meta struct {
		HasMore   bool `json:"hasMore"`
		Truncated bool `json:"truncated"`
		Total     *int `json:"total"`
	}
	_ = json.Unmarshal(o.Meta, &meta) // a missing meta tells nothing
	rows := o.Rows()
	p := Page{Rows: rows, More: meta.HasMore || meta.Truncated}
	if meta.Total != nil {
		p.Whole, p.Total = *meta.Total == len(rows), *meta.Total // fewer than are here is no count
	}
	return p, rows != nil
}
