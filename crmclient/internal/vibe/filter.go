package vibe

import (
	"encoding/json"
	"time"
)

// Filter chooses objects by their fields: those that meet all conditions. A portal refuses a
// field that it does not know with 400 INVALID_FILTER_FIELD, or ignores it: what it answers is
// to be compared with what was asked for.
type Filter map[string]Condition

// Condition is what a field is to meet.
type Condition struct{ value any } // a text, a list of texts, or one of these by operator

// Equal is met by the exact text as the portal stores it; by a field with several values if one
// of them is the text.
func Equal(text string) Condition { return Condition{text} }

// EqualNumber is met by the exact number.
func EqualNumber(n int64) Condition { return Condition{n} }

// In is met by any of the texts, as [Equal] is.
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
