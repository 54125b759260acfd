package dlt

import (
	"context"
	"errors"

	"github.com/leadbridge/leadbridge/transform"
)

// ErrNoLetter is wrapped by the error when there is no letter at a place.
var ErrNoLetter = errors.New("no letter lies")

// Letter returns the letter at a place, with its state as of the last Refresh. The error wraps [ErrNoLetter] when there is
// none.
func (s *Shelf) Letter(ctx context.Context, at Position) (Letter, error) {
	var found *transform.Record
	bounds, err := s.topic.log.Bounds(ctx)
	if err != nil {
		return Letter{}, err
	}
	b, there := bounds[at.Partition]
	if !there || at.Offset < b.First || at.Offset >= b.End {
		return Letter{}, noLetter(s.topic.cfg.DeadLetterTopic, at)
	}
	err = s.topic.each(ctx, at.Partition, at.Offset, at.Offset+1, func(r transform.Record) {
		if r.Offset == at.Offset {
			found = &r
		}
	})
	if err != nil {
		return Letter{}, err
	}
	if found == nil || found.Value == nil {
		return Letter{}, noLetter(s.topic.cfg.DeadLetterTopic, at)
	}
	if _, _, marker := markOf(*found); marker {
		return Letter{}, noLetter(s.topic.cfg.DeadLetterTopic, at)
	}
	l := newLetter(*found)
	if s.knows(&l) {
		return l.forgotten(), nil
	}
	return s.topic.Get(ctx, at) // it is an older letter of its event, or not held
}

// knows fills in the state of a letter, if it is held.
func (s *Shelf) knows(l *Letter) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	id := idOf(*l)
	one := s.events[eventOf(id)]
	if one == nil || one.id != id {
		return false
	}
	l.State, l.Marked, l.Copies = s.stateOf(one), one.mark.at, one.copies
	l.Word = one.mark.word
	return true
}
