package consumer

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/leadbridge/leadbridge/internal/wait"
)

// The bounds of reading a partition's event ids back. Their number is bounded by DEDUPE_WINDOW.
const (
	rebuildBytes      = 64 << 20
	rebuildTime       = 10 * time.Second
	rebuildChunk      = 2000    // how many offsets a chunk has at most
	rebuildFirstChunk = 32      // how many offsets the first chunk has, as the size of records is not known yet
	rebuildChunkBytes = 4 << 20 // about how many bytes a later chunk has
)

// rebuildSeen reads event ids of the partition back from the log, the newest first, within bounds: those of records below the start,
// and those of records above it that an earlier owner finished, as these events may come again in another partition before delivery
// gets there. When reading fails, the ids that were read are remembered. The error is ctx's.
func (p *partition) rebuildSeen(ctx context.Context) error {
	if p.opening.openedTooOften() { // reading back may be what ends the process
		p.gen.seen.open(p.partID(), nil)
		return nil
	}
	limited, cancel := context.WithTimeout(ctx, rebuildTime)
	defer cancel()
	ids, _ := p.readBack(ctx, limited, span{from: p.opening.log.first, to: p.opening.start}, p.deps.cfg.DedupeWindow, func(int64) bool { return false })
	ahead := p.readAhead(ctx, limited)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	p.gen.seen.open(p.partID(), ids)
	if len(ahead) > 0 {
		p.gen.seen.open(aheadPart(p.id), ahead)
	}
	return nil
}

// readAhead returns the identities of the last events at and above the start, oldest first, as far as an earlier owner finished
// records. Unfinished records between them are included, as they show which of two events with one id had the id first. If not all of
// those that may have been sent could be read, it returns none: an event that was finished later would otherwise take such a record's
// id, and the record would be looked up by an id that was never sent.
func (p *partition) readAhead(ctx, limited context.Context) []identity {
	var ids []identity
	for _, stretch := range slices.Backward(p.opening.finishedAhead()) {
		isExpected := func(offset int64) bool { return !p.records.isDone(offset) }
		older, from := p.readBack(ctx, limited, stretch, p.deps.cfg.DedupeWindow-len(ids), isExpected)
		ids = append(older, ids...)
		if from > stretch.from {
			if p.opening.sentBelow(from) {
				return nil
			}
			break
		}
	}
	return ids
}

// sentBelow reports whether an earlier owner may have sent an unfinished record below an offset.
func (o opening) sentBelow(offset int64) bool {
	return slices.ContainsFunc(o.inherited.spans, func(s span) bool { return s.sent && s.from < offset })
}

// aheadPart returns the part of seen for the events of a partition that were finished above its start.
func aheadPart(partition int) partID { return partID{partition, -1} }

// forgetAhead closes aheadPart when all parts have passed these events, and so remember them themselves.
func (p *partition) forgetAhead() {
	part := p
	for part.older != nil {
		part = part.older
	}
	for ; part != nil; part = part.newer.Load() {
		if part.records.nextOffset() < min(part.opening.inherited.granted, part.records.endsAt()) {
			return
		}
	}
	p.gen.seen.close(aheadPart(p.id))
}

// finishedAhead returns the ranges of offsets at and above the start in which an earlier owner finished records, ascending. They
// include unfinished records between these, but no long runs of untouched ones: such a run is a backlog that was set aside, and no
// later event with the id of one of its records was finished.
func (o opening) finishedAhead() []span {
	var all []span
	at := o.start // the end of what is looked at
	from := at
	for _, s := range append(slices.Clone(o.inherited.spans), span{from: min(o.inherited.granted, o.log.end), to: noEnd}) {
		if s.from > at { // those between the spans are finished
			if n := len(all); n > 0 && all[n-1].from == from {
				all[n-1].to = s.from
			} else {
				all = append(all, span{from: from, to: s.from})
			}
		}
		if at = max(at, s.to); s.isBacklog() {
			from = at
		}
	}
	return all
}

// readBack returns the identities of the last events in a range of the log, oldest first, at most most of them, within the bounds of
// a rebuild. All events of the range at and above from are among them. isExpected returns
// identity.expected for an offset. limited is ctx with the time limit of the rebuild.
func (p *partition) readBack(ctx, limited context.Context, in span, most int, isExpected func(offset int64) bool) (ids []identity, from int64) {
	bytes, step := int64(0), int64(rebuildFirstChunk)
	from = in.to
	for from > in.from && len(ids) < most && bytes < rebuildBytes {
		start := max(from-step, in.from)
		chunk, read, err := p.identities(limited, start, from, isExpected)
		bytes += read
		slices.Reverse(chunk)
		ids = append(ids, chunk...) // newest first
		if err != nil {
			if ctx.Err() == nil {
				p.deps.cfg.Log.Warn().Err(err).Int("partition", p.id).Int("remembered", len(ids)).
					Msg("the memory of event ids could not be rebuilt whole")
			}
			break
		}
		if len(ids) <= most {
			from = start
		}
		step = max(min(4*step, rebuildChunk, step*rebuildChunkBytes/max(read, 1)), 1)
	}
	ids = ids[:min(len(ids), max(most, 0))]
	slices.Reverse(ids)
	return ids, from
}

// identities returns the identities of the events of [from, to), oldest first, and how many bytes were read for them.
func (p *partition) identities(ctx context.Context, from, to int64, isExpected func(offset int64) bool) ([]identity, int64, error) {
	var ids []identity
	bytes := int64(0)
	for at := from; at < to; {
		batch, err := p.fetchWithRetries(ctx, at, maxFetch)
		if err != nil {
			return ids, bytes, err
		}
		bytes += batch.bytes
		for _, rec := range batch.records {
			if rec.Offset < to && rec.Value != nil {
				e := p.intake.identityOf(rec)
				e.expected = isExpected(rec.Offset)
				ids = append(ids, e)
			}
		}
		if batch.next <= at {
			return ids, bytes, nil // the log ends here
		}
		at = batch.next
	}
	return ids, bytes, nil
}

// fetchWithRetries fetches about size bytes, again after an error until ctx ends: when partitions are taken over, leaders may move.
func (p *partition) fetchWithRetries(ctx context.Context, at, size int64) (fetched, error) {
	backOff := newBackOff()
	for {
		batch, err := p.deps.broker.fetch(ctx, p.id, at, int32(size), 0)
		if err == nil || ctx.Err() != nil || errors.Is(err, kafka.OffsetOutOfRange) {
			return batch, err
		}
		p.deps.broker.reset()
		_ = wait.For(ctx, backOff.NextBackOff())
	}
}
