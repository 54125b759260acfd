package consumer

import (
	"context"
	"time"
)

// dispatchAll dispatches the records of a fetch in their order. When it fails, the bytes of the others are released.
func (p *partition) dispatchAll(ctx context.Context, batch fetched) error {
	for i, rec := range batch.records {
		if err := p.dispatch(ctx, rec); err != nil {
			for _, left := range batch.records[i:] {
				p.freshBytes.release(left.size)
			}
			return err
		}
	}
	clear(batch.records)             // so that fetchBuffer does not keep what they refer to
	if batch.next > p.nextOffset() { // an empty fetch changes nothing
		p.update(func(s *partitionState) { s.progress.skip(batch.next) })
	}
	p.updateParkingHold()
	return nil
}

// dispatch starts the worker of the record, once there is room for it and it is granted. A record that needs no delivery
// is skipped.
func (p *partition) dispatch(ctx context.Context, rec record) error {
	p.deps.metrics.consumed.Inc()
	if p.skipIfDone(rec) {
		return nil
	}
	p.noteNextEvent(rec)
	if err := p.awaitGrant(ctx, rec.Offset); err != nil {
		return err
	}
	if rec.Value == nil { // a tombstone holds nothing to deliver
		p.deps.metrics.skipped.WithLabelValues(skippedTombstone).Inc()
		p.skip(rec)
		return nil
	}
	if err := p.gen.inFlight.enter(ctx); err != nil {
		return err
	}
	d := &delivery{record: rec, state: stateWaiting, bytes: p.freshBytes}
	dispatched := time.Now()
	if err := p.takeUp(ctx, d); err != nil {
		p.gen.inFlight.leave()
		return err
	}
	d.trace = p.traced(d, dispatched)
	if d.skipped() {
		d.trace.Close(skippedMapping)
		p.gen.inFlight.leave()
		p.deps.metrics.skipped.WithLabelValues(skippedMapping).Inc()
		p.skip(rec)
		return nil
	}
	p.gen.workers.Go(func() { p.deliverOne(d) })
	return nil
}

// noteNextEvent notes which record is to be dispatched next, for the status.
func (p *partition) noteNextEvent(rec record) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.state.nextEvent.offset, p.state.nextEvent.at = rec.Offset, rec.Time
}

// skipIfDone skips a record that an earlier owner finished, and reports whether it did.
func (p *partition) skipIfDone(rec record) bool {
	p.mu.Lock()
	done := p.state.progress.priorState(rec.Offset) == priorDone
	p.mu.Unlock()
	if done {
		p.deps.metrics.skipped.WithLabelValues(skippedDone).Inc()
		if rec.Value != nil && !p.inCrashLoop(rec.Offset) {
			p.gen.seen.note(p.id, p.identityOf(rec))
		}
		p.skip(rec)
	}
	return done
}

// skip moves past a record that needs no delivery.
func (p *partition) skip(rec record) {
	p.freshBytes.release(rec.size)
	p.update(func(s *partitionState) { s.progress.skip(rec.Offset + 1) })
}

// awaitGrant waits until the window and parking have room and an acknowledged commit grants the record at offset.
func (p *partition) awaitGrant(ctx context.Context, offset int64) error {
	for {
		p.mu.Lock()
		s := &p.state
		// The offsets before this one hold no record: with nothing in flight the commit can move up to it.
		s.progress.skip(offset)
		s.wanted = max(s.wanted, offset)
		full := s.noteParkingFull(offset)
		eased := !full && s.parkingEased()
		room := !full && s.windowHasRoom() && s.explore.hasRoom()
		granted := offset < s.granted
		wantsGrant := s.wantsGrant()
		p.mu.Unlock()
		p.gen.parkingHold.note(p.id, full, eased)
		if wantsGrant {
			signal(p.gen.urgent) // before the last granted record is dispatched
		}
		if room && granted {
			return ctx.Err()
		}
		if full {
			signal(p.reread) // letters of a flood may be written
		}
		select {
		case <-p.wake:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
