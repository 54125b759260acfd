package consumer

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"

	"github.com/rs/zerolog"

	"github.com/leadbridge/leadbridge/transform"
)

// An intake turns the records of a partition into deliveries: it transforms them, recognises repeated events and puts
// them in line.
type intake struct {
	deps    dependencies
	id      int // of the partition
	part    int // the number of its part
	opening opening
	records *partitionRecords
	seen    *seen
	lines   *lines
	backlog *backlog   // the backlog that the records of this part overtake; nil for none
	trials  sync.Mutex // locked while a record is transformed alone
}

// takeUp transforms the record and puts it in line behind earlier records of its event id, and of its person or key. The
// partition's run calls it in the log's order, so that the lines have that order. The reader of parked records calls it later
// for records whose event was not known before. The error is ctx's.
func (in *intake) takeUp(ctx context.Context, d *delivery) error {
	if err := in.transformRecord(ctx, d); err != nil {
		return err
	}
	if d.skipped() {
		in.backlog.entered(d.Offset)
		return nil
	}
	if d.event.Distrusted {
		in.deps.cfg.Log.Warn().Int("partition", d.Partition).Int64("offset", d.Offset).
			Msg("the record has headers of a dead letter that do not go together: they count for nothing, and it is a new event")
	}
	switch {
	case d.unread != nil:
		in.takeUpUnknown(d)
		in.backlog.entered(d.Offset)
	case in.standsBehindBacklog(d):
		in.takeUpUnknown(d)
	default:
		in.recognise(d)
		d.place = in.lines.enter(in.lines.keysFor(in.deps.cfg.OrderBy, in.id, d.event.ID, d.Key, &d.contact), in.records.wakeReader)
		in.backlog.entered(d.Offset)
	}
	in.records.noteTakenUp(d)
	d.sentBefore = in.records.sentBefore(d.inherited)
	return nil
}

// skipped reports whether the mapping leaves the event out on purpose.
func (d *delivery) skipped() bool {
	return d.failure != nil && d.failure.reason == string(transform.ReasonSkipped)
}

// transformRecord decodes the event and makes its contact. It does so in a trial if the record may have ended earlier owners. A
// fault of the event is noted in d.failure; the error is ctx's.
func (in *intake) transformRecord(ctx context.Context, d *delivery) error {
	tried, err := in.tryAlone(ctx, d)
	if tried || err != nil {
		return err
	}
	in.transformSafely(d)
	return nil
}

// transformSafely decodes the event and makes its contact, and the card of a lead or a deal. A panic becomes the
// event's failure.
func (in *intake) transformSafely(d *delivery) {
	defer func() {
		if r := recover(); r != nil {
			reportPanic(in.deps.cfg.Log, d, r)
			d.failure = internalFailure()
			if d.event.ID == "" { // Decode panicked
				d.event.ID = d.placeID()
			}
		}
	}()
	event, err := in.deps.transformer.Decode(d.Record)
	d.event = event
	if d.unread, _ = errors.AsType[unread](err); d.unread != nil {
		return
	}
	if err != nil {
		d.failure = rejectedByTransform(err)
		return
	}
	planner, ok := in.deps.transformer.(Planner)
	if !ok {
		contact, err := in.deps.transformer.Contact(event)
		d.contact = contact
		d.failure = rejectedByTransform(err)
		return
	}
	plan, err := planner.Plan(event)
	d.contact, d.target, d.card = plan.Contact, plan.Target, plan.Card
	d.failure = rejectedByTransform(err)
}

// placeID returns an id for the event of a record that cannot be decoded.
func (d *delivery) placeID() string {
	return fmt.Sprintf("%s/%d/%d@%d", d.Topic, d.Partition, d.Offset, d.Time.UnixMilli())
}

// reportPanic logs that processing a record panicked. The panic's text may hold personal data, so that only the type
// of a runtime error is logged.
func reportPanic(log zerolog.Logger, d *delivery, r any) {
	event := log.Error().Int("partition", d.Partition).Int64("offset", d.Offset)
	if fault, ok := r.(runtime.Error); ok {
		event = event.Str("fault", fmt.Sprintf("%T", fault))
	}
	event.Msg("processing a record panicked")
}
