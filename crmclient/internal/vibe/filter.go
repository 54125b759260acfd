package vibe

import (
	"encoding/json"
	"time"
)

// Filter chooses the objects whose fields meet all conditions. A portal refuses a field that it does not
// know with 400 INVALID_FILTER_FIELD, or ignores it. So the answer must be compared with the filter.
type Filter map[string]Condition

// Condition is a condition for a field.
type Condition struct{ value any } // a text, a number, or a map from an operator to a value

// Equal is met if the field, as the portal stores it, is exactly the text. If the field has several
// values, one of them must be the text.
func Equal(text string) Condition { return Condition{text} }

// EqualNumber is met by the exact number.
func EqualNumber(n int64) Condition { return Condition{n} }

// In is met if [Equal] is met for one of the texts.
func In(texts ...string) Condition { return Condition{map[string][]string{"$in": texts}} }

// NotBefore is met by a time that is not before another, to the second.
func NotBefore(at time.Time) Condition {
	return Condition{map[string]string{"$gte": at.UTC().Format(time.RFC3339)}}
}

// GreaterThan is met by a number that is greater than another.
func GreaterThan(n int64) Condition { return Condition{map[string]int64{"$gt": n}} }

// LessThan is met by a number that is less than another.
func LessThan(n int64) Condition { return Condition{map[string]int64{"$lt": n}} }

// MarshalJSON writes the condition as a value of a filter.
func (c Condition) MarshalJSON() ([]byte, error) { return json.Marshal(c.value) }

// query is the body of a search, and the params of a list.
type query struct {
	Filter Filter   `json:"filter"`
	Select []string `json:"select,omitempty"` // nil: all fields
	Limit  int      `json:"limit"`
}
