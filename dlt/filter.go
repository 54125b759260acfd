package dlt

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/leadbridge/leadbridge/transform"
)

// Filter chooses the letters that match all of its fields. A zero field matches all.
type Filter struct {
	Reasons  []string  // any of them, in any case
	Codes    []string  // any of them, in any case
	Words    []string  // any of them occurs in the CRM's message, in any case
	Sources  []string  // any of them; see [Letter.Source]
	Flood    string    // the name of a flood of refusals, or AnyFlood
	Since    time.Time // of the time when the letter was written
	Until    time.Time // exclusive
	EventIDs []string
	Keys     []string
	States   []State
	Places   []Position        // events that have a letter at one of these places; the newest letter of each event is chosen
	Exactly  bool              // with Places: only if the newest letter, or a copy of it, lies at one of the places
	Text     func(Letter) bool // reports whether a text is found in a letter, see [Searching]; nil: none is looked for
	Newest   bool              // newest first, and Limit chooses the newest ones; false: oldest first, and Limit chooses the oldest ones
	Limit    int               // how many letters, at most; 0: all
}

// AnyFlood chooses all letters of events that were refused in a flood.
const AnyFlood = "any"

// keeps reports whether a letter matches the filter, without regard to its place and state.
func (f Filter) keeps(l Letter) bool {
	return anyOf(f.Reasons, l.Reason) && anyOf(f.Codes, l.Code) && anyIn(f.Words, l.Message) && anyOf(f.Sources, l.Source()) &&
		(f.Flood == "" || f.Flood == l.Flood || f.Flood == AnyFlood && l.Flood != "") &&
		(f.Since.IsZero() || !l.At.Before(f.Since)) && (f.Until.IsZero() || l.At.Before(f.Until)) &&
		(len(f.EventIDs) == 0 || slices.Contains(f.EventIDs, l.EventID)) &&
		(len(f.Keys) == 0 || l.Key != nil && slices.Contains(f.Keys, string(l.Key))) &&
		(f.Text == nil || f.Text(l))
}

// hasState reports whether a state is one of states. Without any, all states are meant but erased ones.
func hasState(states []State, state State) bool {
	if len(states) == 0 {
		return state != StateErased
	}
	return slices.Contains(states, state)
}

// anyOf reports whether word is one of words, or words is empty; case does not count.
func anyOf(words []string, word string) bool {
	return len(words) == 0 || slices.ContainsFunc(words, func(w string) bool { return strings.EqualFold(w, word) })
}

// anyIn reports whether one of words occurs in a text, or words is empty; case does not count.
func anyIn(words []string, text string) bool {
	return len(words) == 0 || slices.ContainsFunc(words, func(w string) bool {
		return strings.Contains(strings.ToLower(text), strings.ToLower(w))
	})
}

// Source returns where the letter's event came from: the source of a CloudEvent or of a gate, else the topic.
func (l Letter) Source() string { return sourceOf(l.EventID, l.Original.Topic) }

func sourceOf(eventID, topic string) string { return cmp.Or(transform.SourceOf(eventID), topic) }
