package consumer

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/leadbridge/leadbridge/crmclient"
	"github.com/leadbridge/leadbridge/internal/wait"
)

// A parkedReader takes the parked records of a partition up again when they are due.
type parkedReader struct {
	deps    dependencies
	gen     *generation
	id      int // of the partition
	records *partitionRecords
	intake  *intake
	worker  *worker
	bytes   *buffer // of the records that it takes up
}

// run takes parked records up when they are due, the lowest offsets first, until the generation takes no new work.
func (pr *parkedReader) run() {
	ctx := pr.gen.fetchCtx
	for ctx.Err() == nil && !pr.records.isFinished() {
		now := time.Now()
		floodAt, pending := pr.records.letterForOneOfFlood(now, pr.deps.floodPace)
		forget(pr.deps.creator, pending)
		due, next := pr.records.takeDue(now)
		if len(due) == 0 {
			pr.awaitDue(ctx, next.orAt(floodAt))
			continue
		}
		if err := pr.takeUpAgain(ctx, due); err != nil {
			pr.gen.end(err)
		}
	}
}

// nextLook says when the reader must look for due records again.
type nextLook struct {
	at       time.Time         // at this time; zero for none
	channels []<-chan struct{} // when one of these is closed
}

// orAt returns n with the earlier of its time and at. A zero time stands for no time.
func (n nextLook) orAt(at time.Time) nextLook {
	if !at.IsZero() && (n.at.IsZero() || at.Before(n.at)) {
		n.at = at
	}
	return n
}

// undecided reports whether it is still open what the record becomes, so that a create may be sent when it is taken up again.
func (r *parkedRecord) undecided() bool { return r.failure == nil && r.made == nil }

// awaitDue waits for the time, one of the channels, or the reader's signal.
func (pr *parkedReader) awaitDue(ctx context.Context, next nextLook) {
	cases := []reflect.SelectCase{receive(ctx.Done()), receive(pr.records.wakeReader)}
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
func (pr *parkedReader) takeUpAgain(ctx context.Context, due []*parkedRecord) error {
	for _, r := range due {
		pr.gen.lines.resume(r.place)
	}
	left, err := pr.readDue(ctx, due)
	for _, r := range left { // these are left to the next owner
		pr.forgetPending(r)
		r.trace.Close(leftToNext)
		pr.records.noteUnfinished(r.offset, &r.carried)
	}
	if ctx.Err() != nil {
		return nil //nolint:nilerr // the generation has ended already
	}
	return err
}

// readDue reads the due records from Kafka again, and starts their workers. It returns the records that it has not started, when
// ctx ends or an error ends the generation.
func (pr *parkedReader) readDue(ctx context.Context, due []*parkedRecord) (left []*parkedRecord, err error) {
	if err := pr.awaitCommittedAsSent(ctx, due); err != nil {
		return due, err
	}
	backOff := newBackOff()
	for len(due) > 0 {
		batch, err := pr.fetchAgain(ctx, due[0].offset)
		if err == nil {
			due = pr.restart(ctx, batch, due)
			backOff.Reset()
			continue
		}
		if ctx.Err() != nil {
			return due, err
		}
		pr.deps.cfg.Log.Debug().Err(err).Int("partition", pr.id).Msg("reading parked records failed")
		if due, err = pr.afterFailedRead(ctx, due, err); err != nil {
			return due, err
		}
		_ = wait.For(ctx, backOff.NextBackOff())
	}
	return nil, nil
}

// awaitCommittedAsSent waits for a commit whose ledger calls the records sent, if a create may be sent for one that the last
// ledger called untouched.
func (pr *parkedReader) awaitCommittedAsSent(ctx context.Context, due []*parkedRecord) error {
	for _, r := range due {
		if r.undecided() && !r.sent() {
			return pr.records.awaitCommit(ctx, pr.records.wakeReader)
		}
	}
	return nil
}

// fetchAgain reads the records from offset on. The caller releases the bytes of those that it does not keep.
func (pr *parkedReader) fetchAgain(ctx context.Context, offset int64) (fetched, error) {
	size := fetchSize(pr.bytes, len(pr.gen.assigned))
	if err := pr.bytes.reserve(ctx, size); err != nil {
		return fetched{}, err
	}
	batch, err := pr.deps.broker.fetch(ctx, pr.id, offset, int32(size), 0)
	if err == nil && batch.next <= offset {
		err = fmt.Errorf("the broker does not show offset %d", offset)
	}
	pr.bytes.release(size - batch.bytes)
	return batch, err
}

// restart starts workers for the due records that lie in the batch's range, and returns the others. A due record that is
// missing in the batch is no longer in the log.
func (pr *parkedReader) restart(ctx context.Context, batch fetched, due []*parkedRecord) []*parkedRecord {
	records := batch.records
	for len(due) > 0 && due[0].offset < batch.next {
		r := due[0]
		due = due[1:]
		for len(records) > 0 && records[0].Offset < r.offset {
			pr.bytes.release(records[0].size)
			records = records[1:]
		}
		if len(records) == 0 || records[0].Offset > r.offset {
			pr.endLost(r)
			continue
		}
		d, ok := pr.launch(ctx, records[0], r)
		records = records[1:]
		if ok {
			pr.gen.workers.Go(func() { pr.worker.deliver(d) })
		}
	}
	for _, rec := range records {
		pr.bytes.release(rec.size)
	}
	return due
}

// restoredDelivery returns the delivery of a record that was parked. Its event is transformed again; everything else is restored
// from what parking kept.
func (pr *parkedReader) restoredDelivery(rec record, r *parkedRecord) *delivery {
	d := &delivery{record: rec, state: stateParked, bytes: pr.bytes, resumed: true}
	pr.intake.transformSafely(d)
	transformFailed := d.failure // d.failure is a part of d.carried, which is replaced below
	if transformFailed == nil {
		d.points = pr.gen.seen.pointsHash(pointsOf(&d.contact))
	}
	d.carried = r.carried
	if d.failure == nil && d.made == nil {
		d.failure = transformFailed
	}
	if d.reused {
		d.takeOwnID()
	}
	d.trace.Goes()
	pr.worker.move(d, eventDue)
	return d
}

// endLost ends a parked record that the log no longer holds.
func (pr *parkedReader) endLost(r *parkedRecord) {
	pr.deps.metrics.lost.Inc()
	pr.deps.cfg.Log.Error().Int("partition", pr.id).Int64("offset", r.offset).Int64("records_lost", 1).Str("waited_for", string(r.why)).
		Msg("the log no longer holds a record that waited to be delivered; give the topic a longer retention")
	pr.forgetPending(r)
	r.trace.Close("lost")
	pr.records.endExploration(&r.carried)
	pr.records.finish(r.offset)
	pr.gen.seen.leave(r.idHash)
	pr.gen.lines.leave(r.place)
	pr.intake.backlog.entered(r.offset)
}

// forgetPending makes the CRM client forget a record that will not be passed to it again.
func (pr *parkedReader) forgetPending(r *parkedRecord) {
	forget(pr.deps.creator, r.pending)
	r.pending = nil
}

// forget makes the CRM client forget deferred events that will not be passed to it again. pending may contain nil.
func forget(crm Creator, pending ...*crmclient.Pending) {
	for _, one := range pending {
		if one != nil {
			crm.Forget(one)
		}
	}
}

// afterFailedRead ends the due records that the log no longer holds, and returns the others. After another failure it returns all
// of them, to be read again. An error ends the generation.
func (pr *parkedReader) afterFailedRead(ctx context.Context, due []*parkedRecord, err error) ([]*parkedRecord, error) {
	if !errors.Is(err, kafka.OffsetOutOfRange) {
		pr.deps.broker.reset()
		return due, nil
	}
	ends, listErr := pr.deps.broker.listOffsets(ctx, []int{pr.id}, kafka.ReadUncommitted)
	if listErr != nil {
		pr.deps.broker.reset()
		return due, nil //nolint:nilerr // the next try is soon
	}
	if due[0].offset >= ends[pr.id].end {
		return due, fmt.Errorf("%w: partition %d ends at %d, before %d", errOutOfRange, pr.id, ends[pr.id].end, due[0].offset)
	}
	for len(due) > 0 && due[0].offset < ends[pr.id].first {
		pr.endLost(due[0])
		due = due[1:]
	}
	return due, nil
}
