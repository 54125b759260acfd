package consumer

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"

	"github.com/leadbridge/leadbridge/transform"
)

// takeUp transforms the record and puts it in line behind earlier ones of its event id, and of its person or key. Only
// the partition's run calls it, so that the lines have the log's order, and the reader of parked records for those that
// waited for their schema. The error is ctx's.
func (p *partition) takeUp(ctx context.Context, d *delivery) error {
	if err := p.transformRecord(ctx, d); err != nil || d.skipped() {
		return err
	}
	if d.event.Distrusted {
		p.deps.cfg.Log.Warn().Int("partition", d.Partition).Int64("offset", d.Offset).
			Msg("the record has headers of a dead letter that do not go together: they count for nothing, and it is a new event")
	}
	if d.unread != nil {
		p.takeUpUnread(d)
	} else {
		p.recognise(d)
		d.place = p.gen.lines.enter(p.gen.lines.keysFor(p.deps.cfg.OrderBy, p.id, d.event.ID, d.Key, &d.contact), p.reread)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	s := &p.state
	again := d.bytes == p.resumedBytes // it was unread before
	d.inherited = d.inherited || !again && s.progress.priorState(d.Offset) == priorSuspect
	d.suspect = d.inherited || d.repeat || d.event.Replays > 0 || p.inCrashLoop(d.Offset)
	d.sentBefore = p.sentBefore(d.inherited)
	// A record that waits for its letter, or for earlier records, is not being looked up.
	if d.explores = d.inherited && s.explore.on && d.failure == nil && d.unread == nil && d.place.mayGo(); d.explores {
		s.explore.underWay++
	}
	if !again {
		s.progress.dispatch(d.Offset, d.Time, d.suspect)
		s.newestTime = d.Time
	}
	return nil
}

// skipped reports whether the mapping leaves the event out on purpose.
func (d *delivery) skipped() bool {
	return d.failure != nil && d.failure.reason == string(transform.ReasonSkipped)
}

// sentBefore returns the function that tells the CRM client after which time no earlier owner can have written a
// create for the record: nil when none did, and the zero time as long as it is not known whether there was an
// earlier owner.
func (p *partition) sentBefore(inherited bool) func() time.Time {
	switch {
	case !inherited:
		return nil // an earlier record of the same event, if any, has ended
	case !p.openedAt.unexplored:
		return func() time.Time { return p.openedAt.sentBefore }
	default:
		return func() time.Time {
			p.mu.Lock()
			defer p.mu.Unlock()
			if p.state.explore.foundAny {
				return p.openedAt.takeover
			}
			return time.Time{}
		}
	}
}

// transformRecord decodes the event and makes its contact, alone if the record may be what ended earlier owners. What
// goes wrong with the event is in d.failure; the error is ctx's.
func (p *partition) transformRecord(ctx context.Context, d *delivery) error {
	tried, err := p.tryAlone(ctx, d)
	if tried || err != nil {
		return err
	}
	p.transformSafely(d)
	return nil
}

// transformSafely decodes the event and makes its contact, and the card of a lead or a deal. A panic becomes the
// event's failure.
func (p *partition) transformSafely(d *delivery) {
	defer func() {
		if r := recover(); r != nil {
			p.reportPanic(d, r)
			d.failure = internalFailure()
		}
	}()
	event, err := p.deps.transformer.Decode(d.Record)
	d.event = event
	if d.unread, _ = errors.AsType[unread](err); d.unread != nil {
		return
	}
	if err != nil {
		d.failure = rejectedByTransform(err)
		return
	}
	planner, ok := p.deps.transformer.(Planner)
	if !ok {
		contact, err := p.deps.transformer.Contact(event)
		d.contact = contact
		d.failure = rejectedByTransform(err)
		return
	}
	plan, err := planner.Plan(event)
	d.contact, d.target, d.card = plan.Contact, plan.Target, plan.Card
	d.failure = rejectedByTransform(err)
}

// reportPanic logs that processing a record panicked. The panic's text may hold personal data, so that only the type
// of a runtime error is logged.
func (p *partition) reportPanic(d *delivery, r any) {
	log := p.deps.cfg.Log.Error().Int("partition", d.Partition).Int64("offset", d.Offset)
	if fault, ok := r.(runtime.Error); ok {
		log = log.Str("fault", fmt.Sprintf("%T", fault))
	}
	log.Msg("processing a record panicked")
}
