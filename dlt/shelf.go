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

// ShelfLimits bound what a Shelf holds, whatever the topic does.
type ShelfLimits struct {
	Letters   int // the newest so many; older ones are counted in Overview.Beyond
	Text      int // bytes of all that is held of them
	TextOfOne int // of one letter; what is longer is searched in its first part
}

// DefaultShelfLimits hold twenty thousand letters in about 50 MiB.
func DefaultShelfLimits() ShelfLimits {
	return ShelfLimits{Letters: 20_000, Text: 32 << 20, TextOfOne: 8 << 10}
}

// Shelf holds the letters of the topic in memory, for those who look at them: which there are,
// what became of each, and enough of it to search. It is read on, not anew, and is
// bounded; it is no proof of anything, so that a replay reads the topic by itself. It is safe
// for concurrent use.
type Shelf struct {
	topic  *Topic
	limits ShelfLimits
	by     Transformer

	reading chan struct{} // of capacity 1: one reads at a time

	mu     sync.RWMutex
	events map[letterID]*shelved // the newest letter of an event, under eventOf
	erased map[string]mark       // by event
	next   map[int]int64         // where to read on
	text   int                   // bytes held, but for what every letter takes
	beyond int                   // letters that gave way to newer ones
	asOf   time.Time
}

// shelved is a letter as far as it is held.
type shelved struct {
	entry
	status   int
	code     string
	message  string
	attempts int
	summary  string // who, masked
	text     string // in lower case: what is searched
	cut      bool   // not all of it
}

// weight is how many bytes of its own a letter takes.
func (one *shelved) weight() int {
	return len(one.text) + len(one.message) + len(one.summary) + len(one.id.event) + len(one.id.topic) + len(one.reason) + len(one.code)
}

// NewShelf reads nothing yet; by tells whom a letter is about.
func (t *Topic) NewShelf(limits ShelfLimits, by Transformer) *Shelf {
	s := &Shelf{topic: t, limits: limits, by: by, reading: make(chan struct{}, 1)}
	s.clear()
	return s
}

// Clear gives the memory back; the next Refresh reads the topic from its beginning.
func (s *Shelf) Clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clear()
}

func (s *Shelf) clear() {
	s.events, s.erased, s.next = map[letterID]*shelved{}, map[string]mark{}, nil
	s.text, s.beyond, s.asOf = 0, 0, time.Time{}
}

// Refresh reads on to the topic's end, unless that was done no longer than age ago.
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
	next := s.begin(bounds)
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
	s.bound()
	s.asOf = began
	return nil
}

// AsOf is when the topic was last read to its end; the zero time: never.
func (s *Shelf) AsOf() time.Time {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.asOf
}

// begin drops what retention has deleted, or everything when the topic is another one now,
// and tells where to read on.
func (s *Shelf) begin(bounds map[int]consumer.Bounds) map[int]int64 {
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

// take puts a record of the topic on the shelf.
func (s *Shelf) take(r transform.Record) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.next == nil {
		return // cleared: all is read again
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
		if known.newer(&one.entry) {
			known.copies = one.copies
			return
		}
		if known.id == one.id {
			one.mark = known.mark
		}
		s.remove(event)
	}
	s.events[event] = one
	s.text += one.weight()
	if len(s.events) > s.limits.Letters*9/8 || s.text > s.limits.Text*9/8 {
		s.bound()
	}
}

func (s *Shelf) takeMark(id letterID, m mark) {
	if m.state == StateErased && id.event != "" && len(s.erased) < maxErased {
		s.erased[id.event] = m
	}
	one := s.events[eventOf(id)]
	if one != nil && one.id == id && (one.mark == (mark{}) || m.outranks(one.mark)) {
		one.mark = m
	}
}

// maxErased is how many events are remembered as erased, should a letter of theirs come again.
const maxErased = 50_000

// bound lets the oldest letters go, and the texts of the oldest, until the limits are kept.
func (s *Shelf) bound() {
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
	for len(all) > 0 && s.text > s.limits.Text { // long ids
		s.remove(all[0])
		s.beyond++
		all = all[1:]
	}
}

// stateOf is what was done with a letter.
func (s *Shelf) stateOf(one *shelved) State {
	if _, gone := s.erased[one.id.event]; gone {
		return StateErased
	}
	return one.state()
}
