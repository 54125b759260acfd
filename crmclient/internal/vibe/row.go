package vibe

import (
	"encoding/json"
	"math"
	"time"

	"github.com/leadbridge/leadbridge/internal/jsonscan"
)

// Row is an object, or another element of a list, in an answer of the CRM. User fields are found under any
// spelling of their names: UF_CRM_X, ufCrm_X, ufCrmX.
type Row json.RawMessage

// Text returns the text in a field, which is a string or an array of one string; else "".
func (r Row) Text(name string) string { return textIn(r.field(name)) }

// ID returns the id of an object in a field; 0 if the field has none.
func (r Row) ID(name string) int64 { return idIn(r.field(name)) }

// Time returns the time, with its zone, in a field. ok is false if the field has none.
func (r Row) Time(name string) (at time.Time, ok bool) {
	at, err := time.Parse(time.RFC3339, r.Text(name))
	return at, err == nil
}

// Point returns the first value of a field of phones or e-mails; "" if there is none. In answers such a
// field may be a text, an array of texts, or an array of objects with a value.
func (r Row) Point(name string) string {
	raw := r.field(name)
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) == nil && len(list) > 0 {
		raw = list[0]
	}
	if jsonscan.IsObject(raw) {
		return Row(raw).Text("value")
	}
	return textIn(raw)
}

// field returns the value of one field; nil if the row lacks it.
func (r Row) field(name string) json.RawMessage {
	return r.pick([3]string{name})[0] // the other two names of pick are not used
}

// pick reads three fields in one pass. A value is nil if the row lacks its field, or the name is "".
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

// textIn reads a string, or an array of one string; "" for any other value.
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

// maxID is the largest id that a JSON number holds exactly.
const maxID = 1 << 53

// idIn reads the id of an object from a number or a string; 0 for any other value.
func idIn(raw json.RawMessage) int64 {
	var n number
	_ = n.UnmarshalJSON(raw) // never fails
	if n < 1 || n > maxID || n != number(math.Trunc(float64(n))) {
		return 0
	}
	return int64(n)
}

// Rows reads a list: an array, or an object that has one under a usual name. It returns nil if there is
// no list, and an empty slice for an empty list.
func (o Outcome) Rows() []Row {
	var list []json.RawMessage
	var held map[string]json.RawMessage
	isArray := json.Unmarshal(o.Data, &list) == nil
	if !isArray && json.Unmarshal(o.Data, &held) == nil {
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
	More bool // the portal says that further rows match; false: it says that none do, or says nothing
	// Whole says that the portal counted the rows that match, and that all of them are here. If it is false, rows may be
	// missing, or the portal gave no count.
	Whole bool
	Total int // how many rows match by the portal's count; 0: not known
}

// MayLack reports whether the answer to a look-up with a limit of so many rows may lack rows that match. It judges by the
// limit and by More, not by the portal's count: a page may be Whole and still MayLack.
func (p Page) MayLack(limit int) bool { return p.More || len(p.Rows) >= limit }

// Page reads the rows that a look-up found. ok is false if the answer has no list: only a list, which may
// be empty, shows that something is absent.
func (o Outcome) Page() (_ Page, ok bool) {
	var meta struct {
		HasMore   bool `json:"hasMore"`
		Truncated bool `json:"truncated"`
		Total     *int `json:"total"`
	}
	_ = json.Unmarshal(o.Meta, &meta) // without a meta, these values are not known
	rows := o.Rows()
	p := Page{Rows: rows, More: meta.HasMore || meta.Truncated}
	if meta.Total != nil {
		p.Whole, p.Total = *meta.Total == len(rows), *meta.Total // == and not <=: a total below the rows that are here is wrong, and proves nothing
	}
	return p, rows != nil
}
