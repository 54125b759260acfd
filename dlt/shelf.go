package dlt

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/leadbridge/leadbridge/consumer"
	"github.com/leadbridge/leadbridge/transform"
)

// ShelfLimits bound the memory of a Shelf.
type ShelfLimits struct {
	Letters   int // how many letters, the newest; older ones are counted in Overview.Beyond
	Text      int // bytes of all texts
	TextOfOne int // bytes of the text of one letter; the rest of a longer one is not searched
}

// DefaultShelfLimits returns limits for twenty thousand letters, in about 50 MiB.
func DefaultShelfLimits() ShelfLimits {
	return ShelfLimits{Letters: 20_000, Text: 32 << 20, TextOfOne: 8 << 10}
}

// Shelf holds the letters of the topic in memory, for a page that lists and searches them: for each letter what was done
// with it, and enough text to search. It reads only new records, and its memory is bounded. A replay does not rely on it,
// but reads the topic. It is safe for concurrent use.
type Shelf struct {
	topic  *Topic
	limits ShelfLimits
	by     Transformer // makes the contact that says what to mask

	reading chan struct{} // of capacity 1: only one call of Refresh reads at a time

	mu     sync.RWMutex
	events map[letterID]*shelved // of each event the letter that stands for it; the key is eventOf
	erased map[string]mark       // by the id of an erased event
	next   map[int]int64         // by partition, the offset to read next; nil: nothing was read since the last clear
	text   int                   // the sum of the weights of all letters, in bytes
	beyond int                   // letters that were removed for newer ones
	asOf   time.Time             // when the last reading to the end began; zero: there was none
}

// shelved is what a Shelf holds of a letter.
type shelved struct {
	entry
	status   int
	code     string
	message  string
	attempts int
	summary  string // whom it is about, masked
	text     string // what is searched, in lower case
	cut      bool   // text is not complete; false: all of the letter is searched
}

// weight returns how many bytes a letter takes beyond those that every letter takes.
func (one *shelved) weight() int {
	return len(one.text) + len(one.message) + len(one.summary) + len(one.id.event) + len(one.id.topic) + len(one.reason) + len(one.code)
}

// NewShelf returns an empty Shelf; Refresh reads the topic. by makes the contact that says what to mask in a letter.
func (t *Topic) NewShelf(limits ShelfLimits, by Transformer) *Shelf {
	s := &Shelf{topic: t, limits: limits, by: by, reading: make(chan struct{}, 1)}
	s.clear()
	return s
}

// Clear releases the memory. The next Refresh reads the topic from its beginning.
func (s *Shelf) Clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clear()
}

func (s *Shelf) clear() {
	s.events, s.erased, s.next = map[letterID]*shelved{}, map[string]mark{}, nil
	s.text, s.beyond, s.asOf = 0, 0, time.Time{}
}

// Refresh reads the topic to its end, unless it was read to its end less than age ago.
func (s *Shelf) Refresh(ctx context.Context, age time.Duration) error {
	select {
	case s.reading <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-s.reading }()
	if at := s.AsOf(); !at.IsZero() && time.Since(at) < age {
		return nil
	}
	began := time.Now()
	var bounds map[int]consumer.Bounds
	err := patiently(ctx, func() (err error) {
		bounds, err = s.topic.log.Bounds(ctx)
		return err
	})
	if err != nil {
		return err
	}
	next := s.beginRefresh(bounds)
	for _, id := range slices.Sorted(maps.Keys(bounds)) {
		err := s.topic.each(ctx, id, next[id], bounds[id].End, s.take)
		if err != nil {
			return err
		}
		s.mu.Lock()
		if s.next != nil { // not cleared meanwhile
			s.next[id] = max(s.next[id], bounds[id].End)
		}
		s.mu.Unlock()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keepLimits()
	s.asOf = began
	return nil
}

// AsOf returns when the topic was last read to its end; the zero time when it never was.
func (s *Shelf) AsOf() time.Time {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.asOf
}

// beginRefresh removes the letters that retention has deleted, or all when the topic was replaced, and returns by partition
// the offset from which to read.
func (s *Shelf) beginRefresh(bounds map[int]consumer.Bounds) map[int]int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, at := range s.next {
		if b, there := bounds[id]; !there || b.End < at {
			s.clear()
			break
		}
	}
	if s.next == nil {
		s.next = map[int]int64{}
	}
	from := make(map[int]int64, len(bounds))
	for id, b := range bounds {
		s.next[id] = max(s.next[id], b.First)
		from[id] = s.next[id]
	}
	for event, one := range s.events {
		if one.Offset < bounds[one.Partition].First {
			s.remove(event)
		}
	}
	return from
}

func (s *Shelf) remove(event letterID) {
	s.text -= s.events[event].weight()
	delete(s.events, event)
}

// take adds a record of the topic.
func (s *Shelf) take(r transform.Record) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.next == nil {
		return // cleared meanwhile: the next Refresh reads everything
	}
	s.next[r.Partition] = max(s.next[r.Partition], r.Offset+1)
	if id, m, ok := markOf(r); ok {
		s.takeMark(id, m)
		return
	}
	if r.Value == nil {
		return
	}
	one := s.shelve(newLetter(r))
	event := eventOf(one.id)
	if known := s.events[event]; known != nil {
		one.copies += known.copies
		if known.supersedes(&one.entry) {
			known.copies = one.copies
			return
		}
		if known.id == one.id {
			one.mark = known.mark
		}
		s.remove(event)
	}
	if s.stateOf(one) == StateErased {
		one.forget()
	}
	s.events[event] = one
	s.text += one.weight()
	// An eighth more is let in, as keepLimits sorts all letters.
	if len(s.events) > s.limits.Letters*9/8 || s.text > s.limits.Text*9/8 {
		s.keepLimits()
	}
}

// takeMark adds what a marker says.
func (s *Shelf) takeMark(id letterID, m mark) {
	if m.state == StateErased && id.event != "" && len(s.erased) < maxErased {
		s.erased[id.event] = m
	}
	one := s.events[eventOf(id)]
	if one == nil {
		return
	}
	if one.id == id && (one.mark == (mark{}) || m.outranks(one.mark)) {
		one.mark = m
	}
	if s.stateOf(one) == StateErased {
		s.text -= one.weight()
		one.forget()
		s.text += one.weight()
	}
}

// forget removes from an erased letter what is about the person.
func (one *shelved) forget() {
	one.code, one.message, one.summary, one.text, one.cut = "", "", "", "", false
}

// maxErased is how many erased events are remembered, in case another letter of theirs comes.
const maxErased = 50_000

// keepLimits removes the oldest letters while there are too many, then the texts of the oldest ones, and, when that is not
// enough, further letters.
func (s *Shelf) keepLimits() {
	if len(s.events) <= s.limits.Letters && s.text <= s.limits.Text {
		return
	}
	all := make([]letterID, 0, len(s.events))
	for event := range s.events {
		all = append(all, event)
	}
	slices.SortFunc(all, func(a, b letterID) int { return s.events[a].compare(&s.events[b].entry) })
	for len(all) > s.limits.Letters {
		s.remove(all[0])
		s.beyond++
		all = all[1:]
	}
	for _, event := range all {
		if s.text <= s.limits.Text {
			return
		}
		one := s.events[event]
		s.text -= len(one.text)
		one.text, one.cut = "", true
	}
	for len(all) > 0 && s.text > s.limits.Text { // all texts are gone: ids and messages can be long, too
		s.remove(all[0])
		s.beyond++
		all = all[1:]
	}
}

// stateOf returns the state of a letter.
func (s *Shelf) stateOf(one *shelved) State {
	if _, gone := s.erased[one.id.event]; gone {
		return StateErased
	}
	return one.state()
}
