package consumer

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/leadbridge/leadbridge/crmclient"
)

// readParked is the reader of a partition: it takes parked records up again when they are due, the lowest offsets
// first, until the generation takes no new work.
func (p *partition) readParked() {
	ctx := p.gen.fetchCtx
	for ctx.Err() == nil {
		now := time.Now()
		floodAt := p.releaseOneOfFlood(now)
		due, next := p.takeDue(now)
		if len(due) == 0 {
			p.awaitDue(ctx, next.orAt(floodAt))
			continue
		}
		if err := p.takeUpAgain(ctx, due); err != nil {
			p.gen.end(err)
		}
	}
}

// nextLook is what ends the reader's wait, beside its signal.
type nextLook struct {
	at       time.Time // zero: no time does
	channels []<-chan struct{}
}

// orAt returns n with the earlier of its time and another one; zero for none.
func (n nextLook) orAt(at time.Time) nextLook {
	if !at.IsZero() && (n.at.IsZero() || at.Before(n.at)) {
		n.at = at
	}
	return n
}

// takeDue takes the records that are due out of parking, and returns when to look for the next ones.
func (p *partition) takeDue(now time.Time) ([]*parkedRecord, nextLook) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := &p.state
	due := s.parking.takeDue(now, s.resumable())
	for _, r := range due {
		s.progress.resume(r.offset, r.mayCreate())
		s.changed = true
	}
	var next nextLook
	if s.resumable() > 0 {
		next.at, next.channels = s.parking.nextDue()
	}
	return due, next
}

// mayCreate reports whether a create may be sent for the record when it is taken up.
func (r *parkedRecord) mayCreate() bool { return r.failure == nil && r.made == nil }

// awaitDue waits for the time, one of the channels, or the reader's signal.
func (p *partition) awaitDue(ctx context.Context, next nextLook) {
	cases := []reflect.SelectCase{receive(ctx.Done()), receive(p.reread)}
	for _, c := range next.channels {
		cases = append(cases, receive(c))
	}
	if !next.at.IsZero() {
		timer := time.NewTimer(time.Until(next.at))
		defer timer.Stop()
		cases = append(cases, receive(timer.C))
	}
	reflect.Select(cases)
}

func receive(c any) reflect.SelectCase {
	return reflect.SelectCase{Dir: reflect.SelectRecv, Chan: reflect.ValueOf(c)}
}

// takeUpAgain reads records from Kafka again and starts their workers. Its error ends the generation.
func (p *partition) takeUpAgain(ctx context.Context, due []*parkedRecord) error {
	for _, r := range due {
		p.gen.lines.resume(r.place)
	}
	err := p.awaitCommittedAsSent(ctx, due)
	wait := newBackOff()
	for err == nil && len(due) > 0 {
		var batch fetched
		if batch, err = p.fetchAgain(ctx, due[0].offset); err == nil {
			due = p.restart(ctx, batch, due)
			wait.Reset()
			continue
		}
		if ctx.Err() == nil {
			p.deps.cfg.Log.Debug().Err(err).Int("partition", p.id).Msg("reading parked records failed")
			due, err = p.afterFailedRead(ctx, due, err)
			pause(ctx, wait.NextBackOff())
		}
	}
	for _, r := range due { // the generation ends
		p.forgetPending(r)
		r.trace.Close(leftToNext)
		p.noteUnfinished(r.offset, &r.carried)
	}
	if ctx.Err() != nil {
		return nil //nolint:nilerr // the generation has ended already
	}
	return err
}

// awaitCommittedAsSent waits for a commit that calls the records sent: before a create may be sent for a record that the
// last commit called untouched, the ledger must say so.
func (p *partition) awaitCommittedAsSent(ctx context.Context, due []*parkedRecord) error {
	for _, r := range due {
		if r.mayCreate() && !r.sent() {
			return p.awaitCommit(ctx, p.reread)
		}
	}
	return nil
}

// fetchAgain reads the records from offset on. The caller releases the bytes of those that it does not keep.
func (p *partition) fetchAgain(ctx context.Context, offset int64) (fetched, error) {
	size := fetchSize(p.resumedBytes, len(p.gen.assigned))
	if err := p.resumedBytes.reserve(ctx, size); err != nil {
		return fetched{}, err
	}
	batch, err := p.deps.broker.fetch(ctx, p.id, offset, int32(size), 0)
	if err == nil && batch.next <= offset {
		err = fmt.Errorf("the broker does not show offset %d", offset)
	}
	p.resumedBytes.release(size - batch.bytes)
	return batch, err
}

// restart starts workers for the due records that lie in the batch's range, and returns the others. A record that is
// missing there is gone from the log.
func (p *partition) restart(ctx context.Context, batch fetched, due []*parkedRecord) []*parkedRecord {
	records := batch.records
	for len(due) > 0 && due[0].offset < batch.next {
		r := due[0]
		due = due[1:]
		for len(records) > 0 && records[0].Offset < r.offset {
			p.resumedBytes.release(records[0].size)
			records = records[1:]
		}
		if len(records) == 0 || records[0].Offset > r.offset {
			p.endLost(r)
			continue
		}
		d, ok := p.launch(ctx, records[0], r)
		records = records[1:]
		if ok {
			p.gen.workers.Go(func() { p.deliverOne(d) })
		}
	}
	for _, rec := range records {
		p.resumedBytes.release(rec.size)
	}
	return due
}

// restoredDelivery makes the delivery of a record that was parked. Its event is transformed again; how far it had come
// is what was kept of it.
func (p *partition) restoredDelivery(rec record, r *parkedRecord) *delivery {
	d := &delivery{record: rec, state: stateParked, bytes: p.resumedBytes}
	p.transformSafely(d)
	transformFailed := d.failure
	if transformFailed == nil {
		d.points = p.gen.seen.pointsHash(pointsOf(&d.contact))
	}
	d.carried = r.carried
	if d.failure == nil && d.made == nil {
		d.failure = transformFailed
	}
	if d.reused {
		p.giveOwnID(d)
	}
	d.trace.Goes()
	p.move(d, eventDue)
	return d
}

// endLost ends a parked record that the log no longer holds.
func (p *partition) endLost(r *parkedRecord) {
	p.deps.metrics.lost.Inc()
	p.deps.cfg.Log.Error().Int("partition", p.id).Int64("offset", r.offset).Int64("records_lost", 1).Str("waited_for", string(r.why)).
		Msg("the log no longer holds a record that waited to be delivered; give the topic a longer retention")
	p.forgetPending(r)
	r.trace.Close("lost")
	p.endExploration(&r.carried)
	p.finish(r.offset)
	p.gen.seen.leave(r.idHash)
	p.gen.lines.leave(r.place)
}

// forgetPending tells the CRM client that the record will not come back to it.
func (p *partition) forgetPending(r *parkedRecord) {
	p.forget(r.pending)
	r.pending = nil
}

// forget tells the CRM client that events which it deferred will not come back to it; nil ones are passed over.
func (p *partition) forget(pending ...*crmclient.Pending) {
	for _, one := range pending {
		if one != nil {
			p.deps.creator.Forget(one)
		}
	}
}

// forgetAllPending calls forgetPending for all that is parked, and ends its traces, when the generation has ended.
func (p *partition) forgetAllPending() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, r := range p.state.parking.records {
		p.forgetPending(r)
		r.trace.Close(leftToNext)
	}
}

// afterFailedRead ends the due records that the log no longer holds, and returns the others. Any other failure is worth
// another try; an error ends the generation.
func (p *partition) afterFailedRead(ctx context.Context, due []*parkedRecord, err error) ([]*parkedRecord, error) {
	if !errors.Is(err, kafka.OffsetOutOfRange) {
		p.deps.broker.reset()
		return due, nil
	}
	ends, listErr := p.deps.broker.listOffsets(ctx, []int{p.id}, kafka.ReadUncommitted)
	if listErr != nil {
		p.deps.broker.reset()
		return due, nil //nolint:nilerr // the next try is soon
	}
	if due[0].offset >= ends[p.id].end {
		return due, fmt.Errorf("%w: partition %d ends at %d, before %d", errOutOfRange, p.id, ends[p.id].end, due[0].offset)
	}
	for len(due) > 0 && due[0].offset < ends[p.id].first {
		p.endLost(due[0])
		due = due[1:]
	}
	return due, nil
}
