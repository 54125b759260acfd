package dlt

import (
	"slices"
	"strings"
	"time"

	"github.com/leadbridge/leadbridge/internal/phrase"
	"github.com/leadbridge/leadbridge/transform"
)

// Query chooses the letters of a Shelf that match all of its fields. A zero field matches all, but without States erased
// letters are left out.
type Query struct {
	Reasons []string // any of them, in any case
	Codes   []string // any of them, in any case
	Words   []string // any of them occurs in the CRM's message, in any case
	Sources []string // any of them; see [Letter.Source]
	States  []State  // any of them
	Text    string   // occurs in the letter, see [Searching]; "": any letter
	Whole   bool     // Text is found only as a full phone number, a full e-mail address, an event id or whole words of a name; false: as a part of any text
	Since   time.Time
	Until   time.Time  // exclusive
	Except  []Position // not the letters there
	Offset  int        // how many of the newest are skipped
	Limit   int        // how many letters, at most; 0: all
}

// Item is a letter in a list. It does not say whom the letter is about.
type Item struct {
	Position
	At       time.Time
	Reason   string
	Status   int
	Code     string
	Message  string // the event's values are replaced by ***
	EventID  string
	State    State
	Word     string // why it was closed
	Source   string
	Replays  int
	Attempts int
	Summary  string // tells letters apart without naming anybody, such as "I. P. · ***67"
	Cut      bool   // not all of its text is searched
}

// Found is the result of a search.
type Found struct {
	Total int    // how many letters match, without Offset and Limit
	Cut   int    // letters without Text in them, of which not everything was searched
	Items []Item // newest first
	AsOf  time.Time
}

// Search returns the letters that the query chooses, of those that are held.
func (s *Shelf) Search(q Query) Found {
	s.mu.RLock()
	defer s.mu.RUnlock()
	f := Found{Items: []Item{}, AsOf: s.asOf}
	text := newTextSearch(q.Text)
	var all []*shelved
	for _, one := range s.events {
		if !s.keeps(q, one) {
			continue
		}
		if !text.empty() && s.stateOf(one) == StateErased {
			continue // its text was removed
		}
		found, searched := text.foundIn(one.text), !one.cut
		if q.Whole {
			found, searched = text.identifies(one.text, one.id.event), one.text != ""
		}
		if !text.empty() && !found {
			if !searched {
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
			EventID: eventShown(one, s.stateOf(one)), State: s.stateOf(one), Word: one.mark.word, Source: sourceOf(one.id.event, one.id.topic), Replays: one.id.replays, Attempts: one.attempts, Summary: one.summary, Cut: one.cut,
		})
	}
	return f
}

// eventShown returns the event's id as people may see it.
func eventShown(one *shelved, state State) string {
	if state == StateErased {
		return transform.PublicID(one.id.event)
	}
	return one.id.event
}

// keeps reports whether a letter matches the query, without regard to Text.
func (s *Shelf) keeps(q Query, one *shelved) bool {
	return hasState(q.States, s.stateOf(one)) && anyOf(q.Reasons, one.reason) && anyOf(q.Codes, one.code) &&
		anyIn(q.Words, one.message) && anyOf(q.Sources, sourceOf(one.id.event, one.id.topic)) &&
		(q.Since.IsZero() || !one.at.Before(q.Since)) && (q.Until.IsZero() || one.at.Before(q.Until)) &&
		!slices.Contains(q.Except, one.Position)
}

// TrendHours is how many hours a trend goes back.
const TrendHours = 24

// ReasonCount counts the letters of a reason.
type ReasonCount struct {
	Reason   string
	Open     int
	Closed   int
	Replayed int
	Erased   int
	Trend    [TrendHours]int // letters written in each hour, oldest first; the last hour is not over
	Advice   phrase.Text
}

// Overview counts the letters that are held.
type Overview struct {
	Open     int
	ByReason []ReasonCount // those with the most open letters first
	Beyond   int           // how many older letters are not held
	AsOf     time.Time     // the zero time when nothing was read yet
}

// Overview counts the letters that are held; trends end at now.
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
		case StateClosed:
			c.Closed++
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
