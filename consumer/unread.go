package consumer

import (
	"context"
	"fmt"
	"time"

	"github.com/leadbridge/leadbridge/internal/phrase"
	"github.com/leadbridge/leadbridge/transform"
)

// An unread record has a value in the frame of a schema registry, whose schema is not known yet. It is parked at once, so that
// no other record waits for it. When the schema is known, it is taken up as if it came only then. Until then it is in a line of
// its own, as its event is not known.

// unread is the error of a [Transformer] for an unread record.
type unread interface {
	error
	// Ready is closed when the record can be read; it is nil if nobody knows when that will be.
	Ready() <-chan struct{}
}

// unreadPause is how long a record waits until it is read again if its Ready is nil.
const unreadPause = 10 * time.Second

// watchSchemas shows a hold while schemas are missing because the registry does not answer.
func (c *Consumer) watchSchemas() {
	t, ok := c.deps.transformer.(interface {
		Watch(f func(advice phrase.Text))
	})
	if !ok {
		return
	}
	t.Watch(func(advice phrase.Text) {
		if advice == nil {
			c.deps.board.clear(HoldSchemas)
			return
		}
		c.deps.board.hold(HoldSchemas, advice)
	})
}

// takeUpUnknown gives a record a line of its own: its event is not known, or it may come after records that were not dispatched
// yet. When it is taken up again, it gets its real place.
func (in *intake) takeUpUnknown(d *delivery) {
	own := fmt.Sprintf("unread %d/%d", in.id, d.Offset)
	d.idHash = in.seen.hash(own)
	in.seen.hold(d.idHash)
	d.unknown = true
	d.place = in.lines.enter(in.lines.keysFor(OrderByNone, in.id, own, nil, nil), in.records.wakeReader)
}

// wakeOf returns the channel that is signalled at each commit for the goroutine that takes the record up.
func (in *intake) wakeOf(d *delivery) <-chan struct{} {
	if d.resumed {
		return in.records.wakeReader
	}
	return in.records.wake
}

// parkUnread parks an unread record until its schema is known: one that has never been read, or one that was parked for
// something else before, and whose schema has been forgotten since.
func (w *worker) parkUnread(d *delivery) {
	r := &parkedRecord{why: waitSchema, ready: d.unread.Ready()}
	if r.ready == nil {
		r.due = time.Now().Add(unreadPause)
	}
	w.park(d, eventUnread, r)
}

// launch makes a parked record a delivery again. It returns false when the record needs no delivery any more, or the generation
// ends.
func (pr *parkedReader) launch(ctx context.Context, rec record, r *parkedRecord) (*delivery, bool) {
	if !r.unknown {
		return pr.restoredDelivery(rec, r), true
	}
	d := &delivery{record: rec, state: stateParked, bytes: pr.bytes, resumed: true}
	d.inherited, d.trace = r.inherited, r.trace
	d.trace.Goes()
	pr.gen.seen.leave(r.idHash)
	pr.gen.lines.leave(r.place)
	pr.worker.move(d, eventDue)
	if err := pr.intake.takeUp(ctx, d); err != nil { // the generation ends
		d.bytes.release(d.size)
		d.trace.Close(leftToNext)
		pr.records.noteUnfinished(d.Offset, &d.carried)
		return nil, false
	}
	if d.unread == nil {
		d.trace.Names(transform.PublicID(d.event.ID))
	}
	if !d.skipped() {
		return d, true
	}
	d.bytes.release(d.size)
	d.trace.Close(skippedMapping)
	pr.deps.metrics.skipped.WithLabelValues(skippedMapping).Inc()
	pr.records.finish(d.Offset)
	return nil, false
}
