package dlt

import (
	"slices"
	"strings"
	"time"
)

// Filter chooses letters; a zero field chooses all.
type Filter struct {
	Reasons  []string // any of them, in any case
	Codes    []string // any of them, in any case
	Since    time.Time
	Until    time.Time // exclusive
	EventIDs []string
	Keys     []string
	States   []State
	Places   []Position // these letters, or the newer one of the same event
	Exactly  bool       // of Places: not of an event that has failed again since
	Limit    int        // the oldest ones; 0: all
}

// keeps tells whether the filter chooses a letter, but for its place and state.
func (f Filter) keeps(l Letter) bool {
	return anyOf(f.Reasons, l.Reason) && anyOf(f.Codes, l.Code) &&
		(f.Since.IsZero() || !l.At.Before(f.Since)) && (f.Until.IsZero() || l.At.Before(f.Until)) &&
		(len(f.EventIDs) == 0 || slices.Contains(f.EventIDs, l.EventID)) &&
		(len(f.Keys) == 0 || l.Key != nil && slices.Contains(f.Keys, string(l.Key)))
}

func anyOf(words []string, word string) bool {
	return len(words) == 0 || slices.ContainsFunc(words, func(w string) bool { return strings.EqualFold(w, word) })
}
