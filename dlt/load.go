package dlt

import (
	"context"
	"fmt"
	"strings"

	"github.com/leadbridge/leadbridge/transform"
)

// How many letters are in memory at a time, and how many bytes of keys and values.
const (
	windowLetters = 500
	windowBytes   = 8 << 20
)

// load reads the letters of entries, with their values, and calls take with some of them at a time, in the order of
// entries. Letters that retention has deleted meanwhile are left out.
func (t *Topic) load(ctx context.Context, entries []entry, take func([]Letter) error) error {
	for len(entries) > 0 {
		n, size := 0, 0
		for n < len(entries) && n < windowLetters && (n == 0 || size+entries[n].size <= windowBytes) {
			size += entries[n].size
			n++
		}
		letters, err := t.read(ctx, entries[:n])
		if err != nil {
			return err
		}
		if err := take(letters); err != nil {
			return err
		}
		entries = entries[n:]
	}
	return nil
}

// read reads letters; those that retention has deleted meanwhile are missing.
func (t *Topic) read(ctx context.Context, entries []entry) ([]Letter, error) {
	type offsets struct{ from, to int64 }
	ranges := map[int]offsets{}
	wanted := make(map[Position]*transform.Record, len(entries))
	for _, e := range entries {
		r, ok := ranges[e.Partition]
		if !ok {
			r = offsets{e.Offset, e.Offset + 1}
		}
		ranges[e.Partition] = offsets{min(r.from, e.Offset), max(r.to, e.Offset+1)}
		wanted[e.Position] = nil
	}
	for partition, at := range ranges {
		err := t.each(ctx, partition, at.from, at.to, func(r transform.Record) {
			if _, ok := wanted[Position{r.Partition, r.Offset}]; ok {
				wanted[Position{r.Partition, r.Offset}] = &r
			}
		})
		if err != nil {
			return nil, err
		}
	}
	letters := make([]Letter, 0, len(entries))
	for _, e := range entries {
		if r := wanted[e.Position]; r != nil {
			l := newLetter(*r)
			l.State, l.Marked, l.Word, l.Copies = e.state(), e.mark.at, e.mark.word, e.copies
			letters = append(letters, l.forgotten())
		}
	}
	return letters, nil
}

// Each calls take for each letter that the filter chooses: the newest letter of each event, oldest first unless the filter
// says Newest. The error wraps [ErrNoLetter] when there is none at one of the filter's places.
func (t *Topic) Each(ctx context.Context, f Filter, take func(Letter) error) error {
	idx, err := t.scan(ctx, f, nil)
	if err == nil {
		err = idx.placesExist(t.cfg.DeadLetterTopic)
	}
	if err != nil {
		return err
	}
	return t.load(ctx, idx.chosen, func(letters []Letter) error {
		for _, l := range letters {
			if err := take(l); err != nil {
				return err
			}
		}
		return nil
	})
}

// Get returns the letter at a place, in any state. The error wraps [ErrNoLetter] when there is none.
func (t *Topic) Get(ctx context.Context, at Position) (Letter, error) {
	idx, err := t.scan(ctx, Filter{Places: []Position{at}, States: []State{StateOpen, StateClosed, StateReplayed, StateErased}}, nil)
	if err == nil {
		err = idx.placesExist(t.cfg.DeadLetterTopic)
	}
	if err != nil {
		return Letter{}, err
	}
	// The index has the newest letter of the event. The one at this place may be an older one, with a mark of its own.
	e := idx.chosen[0]
	older := e.Position != at
	e.Position, e.id = at, idx.places[at]
	if older {
		e.mark = idx.marks[e.id]
		if m, gone := idx.erased[e.id.event]; gone {
			e.mark = m
		}
	}
	letters, err := t.read(ctx, []entry{e})
	if err == nil && len(letters) == 0 {
		err = noLetter(t.cfg.DeadLetterTopic, at)
	}
	if err != nil {
		return Letter{}, err
	}
	return letters[0], nil
}

// placesExist returns an error that wraps ErrNoLetter when there is no letter at one of the filter's places.
func (idx *index) placesExist(topic string) error {
	if none := idx.missing(); len(none) > 0 {
		return noLetter(topic, none...)
	}
	return nil
}

func noLetter(topic string, places ...Position) error {
	texts := make([]string, len(places))
	for i, p := range places {
		texts[i] = p.String()
	}
	return fmt.Errorf("%w in %q at %s", ErrNoLetter, topic, strings.Join(texts, ", "))
}
