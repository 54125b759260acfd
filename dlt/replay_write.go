package dlt

import (
	"context"
	"errors"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/leadbridge/leadbridge/internal/tracing"
)

// batchBytes is how many bytes of events a transaction may have: a short one delays nobody.
const batchBytes = 256 << 10

// replayLetters plans the replay of letters, and writes each batch that is full.
func (r *replay) replayLetters(ctx context.Context, letters []Letter) error {
	for _, l := range letters {
		p, left, err := r.plan(ctx, l)
		if err != nil {
			return err
		}
		if left != nil {
			r.noteLeft(idOf(l), *left)
			continue
		}
		if len(r.batch) > 0 && r.bytes+p.size > batchBytes {
			if err := r.flush(ctx); err != nil {
				return err
			}
		}
		r.batch, r.bytes = append(r.batch, p), r.bytes+p.size
		if len(r.batch) >= r.pace.batch {
			if err := r.flush(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

// flush writes the batch. When the topic refuses it permanently, each event is written alone.
func (r *replay) flush(ctx context.Context) error {
	batch := r.batch
	r.batch, r.bytes = nil, 0
	if len(batch) == 0 {
		return nil
	}
	if r.opts.DryRun {
		r.countRejections(batch)
		r.noteReplayed(batch)
		return ctx.Err()
	}
	if err := r.pace.wait(ctx, len(batch)); err != nil {
		return err
	}
	err := r.write(ctx, batch)
	if !refusedForGood(err) {
		return err
	}
	r.unsure = nil // a refused transaction wrote nothing
	for _, p := range batch {
		if err := r.openSession(ctx); err != nil {
			return err
		}
		err := r.write(ctx, []planned{p})
		if refusedForGood(err) {
			r.unsure = nil
			r.noteLeft(p.id, p.letter.left(LeftRefused, "the topic does not take the event: %s", brokerWords(err)))
			continue
		}
		if err != nil {
			return err
		}
	}
	return r.openSession(ctx) // the last write may have been refused, which leaves its transaction open
}

// write writes events and their markers in one transaction.
func (r *replay) write(ctx context.Context, batch []planned) error {
	records := map[place][]kafka.Record{}
	now := time.Now()
	sends := make([]*tracing.Span, len(batch))
	for i, p := range batch {
		sends[i] = r.trace.Send(p.headers, p.to.topic, p.letter.Replays+1)
		p.headers = sends[i].Headers(p.headers)
		records[p.to] = append(records[p.to], p.record())
		besideLetter := place{r.topic.cfg.DeadLetterTopic, p.letter.Partition}
		records[besideLetter] = append(records[besideLetter], newMarker(p.id, StateReplayed, now))
	}
	err := r.writer.write(ctx, records)
	for _, send := range sends {
		send.End(err)
	}
	if err != nil {
		r.unsure = batch
		return &writeError{err}
	}
	r.noteReplayed(batch)
	return nil
}

// brokerWords returns the name of a broker's error, without kafka-go's explanation.
func brokerWords(err error) string {
	if code, ok := errors.AsType[kafka.Error](err); ok {
		return code.Title()
	}
	return err.Error()
}
