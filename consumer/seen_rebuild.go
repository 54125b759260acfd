package consumer

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/leadbridge/leadbridge/internal/wait"
)

// The bounds of reading a partition's event ids back, beside the number of DEDUPE_WINDOW.
const (
	rebuildBytes      = 64 << 20
	rebuildTime       = 10 * time.Second
	rebuildChunk      = 2000    // most offsets that are read at a time
	rebuildFirstChunk = 32      // offsets of the first chunk, as the size of the records is not known
	rebuildChunkBytes = 4 << 20 // about the bytes of a chunk after that
)

// rebuildSeen reads the partition's event ids back from the log below the start, the newest chunk first, within bounds. If an
// earlier owner set a backlog aside, it reads back those of the records above the backlog, too, that are done: the part of
// these records remembers them. When reading fails, what was read is remembered; the error is ctx's.
func (p *partition) rebuildSeen(ctx context.Context) error {
	if p.opening.openedTooOften() { // reading back may be what ends the process
		p.gen.seen.open(p.partID(), nil)
		return nil
	}
	limited, cancel := context.WithTimeout(ctx, rebuildTime)
	defer cancel()
	ids := p.readBack(ctx, limited, p.opening.log.first, p.opening.start, func(int64) bool { return true })
	var above []identity
	if end := p.opening.backlogEnd(p.leastBacklog()); end > 0 {
		above = p.readBack(ctx, limited, end, min(p.opening.inherited.granted, p.opening.log.end), p.records.isDone)
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	p.gen.seen.open(p.partID(), ids)
	if len(above) > 0 {
		p.gen.seen.open(partID{p.id, p.number + 1}, above)
	}
	return nil
}

// readBack returns the identities of the last events of [first, end) that want lets through, oldest first, within the bounds
// of a rebuild. limited is ctx with the end of the time for it.
func (p *partition) readBack(ctx, limited context.Context, first, end int64, want func(offset int64) bool) []identity {
	var ids []identity // newest first
	bytes, step := int64(0), int64(rebuildFirstChunk)
	for end > first && len(ids) < p.deps.cfg.DedupeWindow && bytes < rebuildBytes {
		from := max(end-step, first)
		chunk, read, err := p.identities(limited, from, end, want)
		bytes += read
		slices.Reverse(chunk)
		ids = append(ids, chunk...)
		if err != nil {
			if ctx.Err() == nil {
				p.deps.cfg.Log.Warn().Err(err).Int("partition", p.id).Int("remembered", len(ids)).
					Msg("the memory of event ids could not be rebuilt whole")
			}
			break
		}
		end = from
		step = max(min(4*step, rebuildChunk, step*rebuildChunkBytes/max(read, 1)), 1)
	}
	ids = ids[:min(len(ids), p.deps.cfg.DedupeWindow)]
	slices.Reverse(ids)
	return ids
}

// identities returns the identities of the events of [from, to) that want lets through, oldest first, and how many bytes
// were read for them.
func (p *partition) identities(ctx context.Context, from, to int64, want func(offset int64) bool) ([]identity, int64, error) {
	var ids []identity
	bytes := int64(0)
	for at := from; at < to; {
		batch, err := p.fetchWithRetries(ctx, at)
		if err != nil {
			return ids, bytes, err
		}
		bytes += batch.bytes
		for _, rec := range batch.records {
			if rec.Offset < to && rec.Value != nil && want(rec.Offset) {
				ids = append(ids, p.intake.identityOf(rec))
			}
		}
		if batch.next <= at {
			return ids, bytes, nil // the log ends here
		}
		at = batch.next
	}
	return ids, bytes, nil
}

// fetchWithRetries fetches, again after an error until ctx ends: when partitions are taken over, leaders may move.
func (p *partition) fetchWithRetries(ctx context.Context, at int64) (fetched, error) {
	backOff := newBackOff()
	for {
		batch, err := p.deps.broker.fetch(ctx, p.id, at, maxFetch, 0)
		if err == nil || ctx.Err() != nil || errors.Is(err, kafka.OffsetOutOfRange) {
			return batch, err
		}
		p.deps.broker.reset()
		_ = wait.For(ctx, backOff.NextBackOff())
	}
}
