package consumer

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/segmentio/kafka-go"
)

// What the rebuild of a partition's memory of event ids may read back, beside
// DEDUPE_WINDOW records.
const (
	rememberBytes = 64 << 20
	rememberTime  = 10 * time.Second
	rememberChunk = 2000 // offsets read at a time, at most
	rememberFirst = 32   // as long as their size is not known
	rememberAim   = 4 << 20
)

// remember rebuilds the memory of event ids from the log below the start, the
// newest records first, within bounds. A failure leaves what was read.
func (p *partition) remember(ctx context.Context) error {
	if p.careful() { // a record below may be what ends the process: every event is a suspect instead
		p.seen.open(p.id, nil)
		return nil
	}
	limited, cancel := context.WithTimeout(ctx, rememberTime)
	defer cancel()
	var hashes []uint64 // newest first
	bytes, step := int64(0), int64(rememberFirst)
	for end := p.openedAt.start; end > p.openedAt.log.first && len(hashes) < p.cfg.DedupeWindow && bytes < rememberBytes; {
		from := max(end-step, p.openedAt.log.first)
		chunk, read, err := p.readBack(limited, from, end)
		bytes += read
		slices.Reverse(chunk)
		hashes = append(hashes, chunk...)
		if err != nil {
			if ctx.Err() == nil {
				p.cfg.Log.Warn().Err(err).Int("partition", p.id).Int("remembered", len(hashes)).
					Msg("the memory of event ids could not be rebuilt whole")
			}
			break
		}
		end = from
		step = max(min(4*step, rememberChunk, step*rememberAim/max(read, 1)), 1)
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	hashes = hashes[:min(len(hashes), p.cfg.DedupeWindow)]
	slices.Reverse(hashes)
	p.seen.open(p.id, hashes)
	return nil
}

// readBack hashes the event ids of [from, to), oldest first.
func (p *partition) readBack(ctx context.Context, from, to int64) ([]uint64, int64, error) {
	var hashes []uint64
	bytes := int64(0)
	for at := from; at < to; {
		batch, err := p.fetchPatiently(ctx, at)
		if err != nil {
			return hashes, bytes, err
		}
		bytes += batch.bytes
		for _, rec := range batch.records {
			if rec.Offset < to && rec.Value != nil {
				hashes = append(hashes, p.seen.hash(p.eventID(rec)))
			}
		}
		if batch.next <= at {
			return hashes, bytes, nil // nothing more is to be read
		}
		at = batch.next
	}
	return hashes, bytes, nil
}

// fetchPatiently tries again until ctx ends: at a take-over leaders may move.
func (p *partition) fetchPatiently(ctx context.Context, at int64) (fetched, error) {
	wait := newBackOff()
	for {
		batch, err := p.broker.fetch(ctx, p.id, at, maxFetch, 0)
		if err == nil || ctx.Err() != nil || errors.Is(err, kafka.OffsetOutOfRange) {
			return batch, err
		}
		p.broker.reset()
		pause(ctx, wait.NextBackOff())
	}
}
