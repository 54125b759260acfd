package dlt

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"github.com/leadbridge/leadbridge/transform"
)

// What is held in memory of letters at a time.
const (
	windowLetters = 500
	windowBytes   = 8 << 20
)

// load reads letters again, with their values, a window at a time, in the order of entries.
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

// read reads some letters; what retention has deleted meanwhile is missing.
func (t *Topic) read(ctx context.Context, entries []entry) ([]Letter, error) {
	type stretch struct{ from, to int64 }
	stretches := map[int]stretch{}
	wanted := make(map[Position]*transform.Record, len(entries))
	for _, e := range entries {
		s, ok := stretches[e.Partition]
		if !ok {
			s = stretch{e.Offset, e.Offset + 1}
		}
		stretches[e.Partition] = stretch{min(s.from, e.Offset), max(s.to, e.Offset+1)}
		wanted[e.Position] = nil
	}
	for partition, s := range stretches {
		err := t.each(ctx, partition, s.from, s.to, func(r transform.Record) {
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
			l.State, l.Marked, l.Copies = e.state(), e.mark.at, e.copies
			letters = append(letters, l)
		}
	}
	return letters, nil
}

// Each gives the letters that the filter chooses, oldest first, and one of each event.
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

// Get reads the letter at a place, whatever was done with it.
func (t *Topic) Get(ctx context.Context, at Position) (Letter, error) {
	idx, err := t.scan(ctx, Filter{Places: []Position{at}, States: []State{StateOpen, StateReplayed, StateErased}}, nil)
	if err == nil {
		err = idx.placesExist(t.cfg.DeadLetterTopic)
	}
	if err != nil {
		return Letter{}, err
	}
	// The one that was asked for, not the event's newest.
	e := idx.chosen[0]
	newest := e.Position
	e.Position = at
	letters, err := t.read(ctx, []entry{e})
	if err == nil && len(letters) == 0 {
		err = noLetter(t.cfg.DeadLetterTopic, at)
	}
	if err != nil {
		return Letter{}, err
	}
	l := letters[0]
	if newest != at {
		m := idx.marks[idOf(l)]
		l.State, l.Marked = cmp.Or(m.state, StateOpen), m.at
	}
	return l, nil
}

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
