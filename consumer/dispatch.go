package consumer

import (
	"context"
	"time"
)

// dispatchAll dispatches the records of a fetch in their order. If that fails, the bytes of the records that are not
// dispatched are released.
func (p *partition) dispatchAll(ctx context.Context, batch fetched) error {
	for i, rec := range batch.records {
		if rec.Offset >= p.records.endsAt() { // it belongs to the newer part
			p.releaseAll(batch.records[i:])
			break
		}
		if err := p.dispatch(ctx, rec); err != nil {
			p.releaseAll(batch.records[i:])
			return err
		}
		p.tellNewer()
	}
	clear(batch.records)                                                            // otherwise fetchBuffer would keep their keys and values in memory
	if next := min(batch.next, p.records.endsAt()); next > p.records.nextOffset() { // an empty fetch changes nothing
		p.records.skip(next)
	}
	p.tellNewer()
	p.forgetAhead()
	if p.records.easeParking() { // so that the hold ends even if no further record comes
		p.gen.parkingHold.noteEased(p.partID())
	}
	return nil
}

// releaseAll releases the bytes of records that are not dispatched.
func (p *partition) releaseAll(records []record) {
	for _, left := range records {
		p.bytes.release(left.size)
	}
}

// dispatch starts the worker of a record, once there is room for the record and it is granted. A record that needs no
// delivery is skipped.
func (p *partition) dispatch(ctx context.Context, rec record) error {
	p.deps.metrics.consumed.Inc()
	if p.skipIfDone(rec) {
		return nil
	}
	p.records.with(func(s *partitionState) { s.waits.next.offset, s.waits.next.at = rec.Offset, rec.Time }) // for the status
	if err := p.awaitGrant(ctx, rec.Offset); err != nil {
		return err
	}
	if rec.Value == nil { // a tombstone holds nothing to deliver
		p.deps.metrics.skipped.WithLabelValues(skippedTombstone).Inc()
		p.skip(rec)
		return nil
	}
	if err := p.gen.inFlight.enter(ctx, p.records.isBacklog()); err != nil {
		return err
	}
	d := &delivery{record: rec, state: stateWaiting, bytes: p.bytes}
	dispatched := time.Now()
	if err := p.intake.takeUp(ctx, d); err != nil {
		p.gen.inFlight.leave()
		return err
	}
	d.trace = p.intake.traced(d, dispatched)
	if d.skipped() {
		d.trace.Close(skippedMapping)
		p.gen.inFlight.leave()
		p.deps.metrics.skipped.WithLabelValues(skippedMapping).Inc()
		p.skip(rec)
		return nil
	}
	p.gen.workers.Go(func() { p.worker.deliver(d) })
	return nil
}

// skipIfDone skips a record if an earlier owner finished it, and returns whether it skipped the record.
func (p *partition) skipIfDone(rec record) bool {
	if !p.records.isDone(rec.Offset) {
		return false
	}
	p.deps.metrics.skipped.WithLabelValues(skippedDone).Inc()
	// In a crash loop the record is not transformed, as that may be what ends the process.
	if rec.Value != nil && !p.opening.inCrashLoop(rec.Offset) {
		p.gen.seen.note(p.partID(), p.intake.identityOf(rec))
	}
	p.skip(rec)
	return true
}

// skip moves past a record that needs no delivery.
func (p *partition) skip(rec record) {
	p.bytes.release(rec.size)
	p.records.skip(rec.Offset + 1)
}

// awaitGrant waits until the window and parking have room and an acknowledged commit grants the record at offset.
func (p *partition) awaitGrant(ctx context.Context, offset int64) error {
	for {
		answer := p.records.tryGrant(offset)
		if answer.wantsCommit {
			signal(p.gen.urgent) // the commit comes early enough for dispatch to go on without a stop
		}
		if answer.parkingEased {
			p.gen.parkingHold.noteEased(p.partID())
		}
		if answer.may {
			return ctx.Err()
		}
		if answer.parkingFull {
			if p.intake.backlog.isEmpty() { // if it is not, its delivery will make room
				p.gen.parkingHold.noteFull(p.partID())
			}
			signal(p.records.wakeReader) // the reader may make room: see letterForOneOfFlood
		}
		select {
		case <-p.records.wake:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
