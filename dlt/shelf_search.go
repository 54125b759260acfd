package dlt

import (
	"slices"
	"strings"
	"time"
)

// Query chooses letters of a Shelf; a zero field chooses all, and States without one those that
// were not erased.
type Query struct {
	Reasons []string // any of them, in any case
	Codes   []string // any of them, in any case
	States  []State
	Text    string // anywhere in event id, code, message, key and value, in any case
	Since   time.Time
	Until   time.Time // exclusive
	Except  []Position
	Offset  int
	Limit   int // 0: all
}

// Item is a letter in a list. It names nobody.
type Item struct {
	Position
	At       time.Time
	Reason   string
	Status   int
	Code     string
	Message  string // in which the event's values are replaced by ***
	EventID  string
	State    State
	Replays  int
	Attempts int
	Summary  string
	Cut      bool // of its text not all is searched
}

// Found are the letters that a query chooses.
type Found struct {
	Total int    // before Offset and Limit
	Cut   int    // letters that Text was not found in, but of which not all could be searched
	Items []Item // newest first
	AsOf  time.Time
}

// Search looks through the letters that are held.
func (s *Shelf) Search(q Query) Found {
	s.mu.RLock()
	defer s.mu.RUnlock()
	f := Found{Items: []Item{}, AsOf: s.asOf}
	text := strings.ToLower(strings.TrimSpace(q.Text))
	var all []*shelved
	for _, one := range s.events {
		if !s.keeps(q, one) {
			continue
		}
		if text != "" && !strings.Contains(one.text, text) {
			if one.cut {
				f.Cut++
			}
			continue
		}
		all = append(all, one)
	}
	slices.SortFunc(all, func(a, b *shelved) int { return b.compare(&a.entry) })
	f.Total = len(all)
	all = all[min(max(q.Offset, 0), len(all)):]
	if q.Limit > 0 {
		all = all[:min(q.Limit, len(all))]
	}
	for _, one := range all {
		f.Items = append(f.Items, Item{
			Position: one.Position, At: one.at, Reason: one.reason, Status: one.status, Code: one.code, Message: one.message,
			EventID: one.id.event, State: s.stateOf(one), Replays: one.id.replays, Attempts: one.attempts, Summary: one.summary, Cut: one.cut,
		})
	}
	return f
}

// keeps tells whether a query chooses a letter, but for its text.
func (s *Shelf) keeps(q Query, one *shelved) bool {
	state := s.stateOf(one)
	stateWanted := slices.Contains(q.States, state) || len(q.States) == 0 && state != StateErased
	return stateWanted && anyOf(q.Reasons, one.reason) && anyOf(q.Codes, one.code) &&
		(q.Since.IsZero() || !one.at.Before(q.Since)) && (q.Until.IsZero() || one.at.Before(q.Until)) &&
		!slices.Contains(q.Except, one.Position)
}

// TrendHours is how far a trend goes back.
const TrendHours = 24

// ReasonCount counts the letters of a reason.
type ReasonCount struct {
	Reason   string
	Open     int
	Replayed int
	Erased   int
	Trend    [TrendHours]int // letters written an hour, oldest first; the last one is not over
	Advice   string
}

// Overview counts the letters that are held.
type Overview struct {
	Open     int
	ByReason []ReasonCount // the most open first
	Beyond   int           // letters too old to be held
	AsOf     time.Time     // the zero time: nothing was read yet
}

// Overview counts the letters at a time.
func (s *Shelf) Overview(now time.Time) Overview {
	s.mu.RLock()
	defer s.mu.RUnlock()
	counts := map[string]*ReasonCount{}
	o := Overview{Beyond: s.beyond, AsOf: s.asOf, ByReason: []ReasonCount{}}
	for _, one := range s.events {
		c := counts[one.reason]
		if c == nil {
			c = &ReasonCount{Reason: one.reason, Advice: adviceFor(one.reason)}
			counts[one.reason] = c
		}
		switch s.stateOf(one) {
		case StateOpen:
			c.Open++
			o.Open++
		case StateReplayed:
			c.Replayed++
		case StateErased:
			c.Erased++
		}
		if hours := int(now.Sub(one.at) / time.Hour); hours >= 0 && hours < TrendHours && !one.at.After(now) {
			c.Trend[TrendHours-1-hours]++
		}
	}
	for _, c := range counts {
		o.ByReason = append(o.ByReason, *c)
	}
	slices.SortFunc(o.ByReason, func(a, b ReasonCount) int {
		if a.Open != b.Open {
			return b.Open - a.Open
		}
		return strings.Compare(a.Reason, b.Reason)
	})
	return o
}
