package dlt

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/leadbridge/leadbridge/consumer"
	"github.com/leadbridge/leadbridge/internal/wait"
)

// ErrHeldBack is the error when an open transaction of another producer hides the end of the dead-letter topic, where
// markers may say what was replayed or erased.
var ErrHeldBack = errors.New("an open transaction of another producer hides the end of the dead-letter topic: run it again when that has ended")

// awaitMarkers waits until everything that was written to the topic can be read. Markers behind an open transaction cannot:
// their letters would be replayed again. The error wraps [ErrHeldBack] when the wait takes longer than patience.
func (t *Topic) awaitMarkers(ctx context.Context) error {
	var written map[int]consumer.Bounds
	err := patiently(ctx, func() (err error) {
		written, err = t.log.Written(ctx)
		return err
	})
	if err != nil {
		return err
	}
	for began := time.Now(); ; {
		hidden, err := t.hidden(ctx, written)
		if err != nil || len(hidden) == 0 {
			return err
		}
		if time.Since(began) > patience {
			return fmt.Errorf("partition %d of %q: %w", hidden[0], t.cfg.DeadLetterTopic, ErrHeldBack)
		}
		if err := wait.For(ctx, 100*time.Millisecond); err != nil {
			return err
		}
	}
}

// hidden returns the partitions of which not all that was written can be read, ascending. It removes the others from
// written.
func (t *Topic) hidden(ctx context.Context, written map[int]consumer.Bounds) ([]int, error) {
	var read map[int]consumer.Bounds
	err := patiently(ctx, func() (err error) {
		read, err = t.log.Bounds(ctx)
		return err
	})
	maps.DeleteFunc(written, func(id int, b consumer.Bounds) bool { return read[id].End >= b.End })
	return slices.Sorted(maps.Keys(written)), err
}
