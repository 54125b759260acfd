package consumer

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"

	"github.com/leadbridge/leadbridge/consumer/header"
	"github.com/leadbridge/leadbridge/crmclient"
	"github.com/leadbridge/leadbridge/transform"
)

// flight is a record on its way from its dispatch to its end. After takeUp it
// belongs to its worker.
type flight struct {
	record
	event   transform.Event
	contact crmclient.Contact
	failure *rejection // why it can never become a contact
	began   time.Time  // when its create did
	made    crmclient.Result

	panicked   bool // a create panicked: nobody knows whether it was sent
	inherited  bool // suspect, because an earlier owner may have sent it
	explores   bool // being looked up for the exploration
	suspect    bool
	sentBefore func() time.Time

	turn []<-chan struct{} // records of the same key and the same event id before it
	done chan struct{}     // closed when it ended, finished or not
}

// takeUp transforms the record and puts it in line behind those of its key and
// its event id. Only run calls it, so that the lines have the log's order.
func (p *partition) takeUp(ctx context.Context, f *flight) error {
	if err := p.transform(ctx, f); err != nil {
		return err
	}
	before, sameID := p.seen.enter(p.id, f.event.ID, f.done)
	if sameID != nil {
		f.turn = append(f.turn, sameID)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	f.inherited = p.progress.standing(f.Offset) == standingSuspect
	f.suspect = f.inherited || before || f.event.Replays > 0 || p.careful()
	f.sentBefore = p.sentBefore(f.inherited)
	if len(f.Key) > 0 {
		if ahead := p.turns[string(f.Key)]; ahead != nil {
			f.turn = append(f.turn, ahead.done)
		}
		p.turns[string(f.Key)] = f
	}
	// One that waits for a letter, or for those before it, is not being looked up.
	if f.explores = f.inherited && p.explore.on && f.failure == nil && len(f.turn) == 0; f.explores {
		p.explore.out++
	}
	p.progress.deliver(f.Offset, f.Time, f.suspect)
	p.newest = f.Time
	return nil
}

// sentBefore tells until when an earlier owner may have written a create.
func (p *partition) sentBefore(inherited bool) func() time.Time {
	switch {
	case !inherited:
		return nil // its earlier record, if any, has ended
	case !p.openedAt.unexplored:
		until := p.openedAt.sentBefore
		return func() time.Time { return until }
	default:
		return func() time.Time {
			p.mu.Lock()
			defer p.mu.Unlock()
			if p.explore.foundAt {
				return p.openedAt.takeover
			}
			return time.Time{}
		}
	}
}

// fly is a record's worker.
func (p *partition) fly(f *flight) {
	defer p.land(f)
	if !p.awaitTurn(f) {
		p.untouched(f)
		return
	}
	f.began = time.Now()
	p.deliver(f, func() (crmclient.Result, error) { return p.creator.Create(p.work, p.request(f)) })
}

// land lets the next record of the key and of the event id go, whatever
// became of this one.
func (p *partition) land(f *flight) {
	close(f.done)
	p.seen.leave(f.event.ID, f.done)
	p.buffer.release(f.size)
	p.explored(f)
	p.mu.Lock()
	defer p.mu.Unlock()
	if key := string(f.Key); p.turns[key] == f {
		delete(p.turns, key)
	}
}

// explored ends a record's part in the exploration. What its end still takes, such as
// a letter that cannot be written, is no look-up.
func (p *partition) explored(f *flight) {
	if !f.explores {
		return
	}
	f.explores = false
	p.mu.Lock()
	defer p.mu.Unlock()
	p.explore.out--
	signal(p.wake)
}

// awaitTurn waits for the records before it; false says that no work is to be
// begun any more.
func (p *partition) awaitTurn(f *flight) bool {
	for _, ahead := range f.turn {
		select {
		case <-ahead:
		case <-p.take.Done():
			return false
		}
	}
	return p.take.Err() == nil
}

// untouched notes that no create was sent for a record that did not end.
func (p *partition) untouched(f *flight) {
	if f.inherited {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.progress.untouched(f.Offset)
	p.touch()
}

// deliver brings the record to its end, unless it is cut short. create has its contact made.
func (p *partition) deliver(f *flight, create func() (crmclient.Result, error)) {
	if f.failure == nil {
		result, err := p.callCreator(f, create)
		if f.failure == nil && !p.created(f, result, err) { // else it panicked
			return
		}
	}
	p.conclude(f)
}

// conclude does what is left to do for a record whose create ended.
func (p *partition) conclude(f *flight) {
	p.explored(f)
	if f.failure == nil && !p.tell(f) {
		return
	}
	if f.failure != nil && !p.bury(f) {
		return
	}
	// What ended after the lease is the next owner's to look up.
	if err := p.lease.err(); err != nil {
		p.fail(err)
		return
	}
	p.finish(f.record)
}

// created takes what became of the record's create. It leaves a failure in f when the CRM will
// never take the contact; false says that it was cut short.
func (p *partition) created(f *flight, result crmclient.Result, err error) bool {
	if refused, ok := errors.AsType[*crmclient.Rejection](err); ok {
		f.failure = refusedByCRM(refused) // which says nothing about an earlier owner
		return true
	}
	if err != nil {
		p.cutShort(f, result, err)
		return false
	}
	p.lookedUp(f, result.Found)
	f.made = result
	p.metrics.created(result.Found, time.Since(f.event.Time))
	if told := p.cfg.Log.Debug(); told.Enabled() {
		told.Str("event_id", f.event.ID).Int("partition", f.Partition).Int64("offset", f.Offset).
			Int64("contact_id", result.ContactID).Str("contact_url", p.creator.ContactURL(result.ContactID)).
			Bool("found", result.Found).Int("attempts", result.Attempts).Dur("duration", time.Since(f.began)).
			Msg("contact exists")
	}
	return true
}

// cutShort notes how a create was left.
func (p *partition) cutShort(f *flight, result crmclient.Result, err error) {
	switch {
	case errors.Is(err, crmclient.ErrLeaseLost):
		p.fail(err)
	case p.take.Err() == nil: // nobody asked it to end
		p.fail(fmt.Errorf("%w: %w", errCreatorFailed, err))
	}
	if result.Unsettled {
		p.leftUnsettled()
		return
	}
	p.untouched(f)
}

// leftUnsettled notes that this owner sent a create whose effect is not known.
func (p *partition) leftUnsettled() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.unsettled = true
}

// maxPanics is how often a create may panic until its event is given up.
const maxPanics = 3

// callCreator tries again after a panic, now as a suspect, as a create may have
// left before it; at last the panic is a failure of the event: one record must not end
// the process again and again.
func (p *partition) callCreator(f *flight, create func() (crmclient.Result, error)) (crmclient.Result, error) {
	for range maxPanics {
		result, err := p.callOnce(f, create)
		if !errors.Is(err, errPanicked) {
			return result, err
		}
		if p.take.Err() != nil {
			return crmclient.Result{Unsettled: true}, err
		}
		p.leftUnsettled()
		now := time.Now()
		f.panicked, f.suspect, f.sentBefore = true, true, func() time.Time { return now }
		create = func() (crmclient.Result, error) { return p.creator.Create(p.work, p.request(f)) }
	}
	f.failure = internalFailure()
	return crmclient.Result{}, nil
}

// errPanicked stands for a panic of the CRM client.
var errPanicked = errors.New("the CRM client panicked")

func (p *partition) callOnce(f *flight, create func() (crmclient.Result, error)) (result crmclient.Result, err error) {
	defer func() {
		if r := recover(); r != nil {
			p.reportPanic(f, r)
			err = errPanicked
		}
	}()
	return create()
}

// request asks for the record's contact.
func (p *partition) request(f *flight) crmclient.Request {
	return crmclient.Request{
		OriginID:   f.event.OriginID,
		Contact:    &f.contact,
		Suspect:    f.suspect,
		SentBefore: f.sentBefore,
		SentWay:    p.sentWay(f),
		RecordedAt: f.event.RecordedAt,
		Replayed:   f.event.Replays > 0,
		Lease:      p.mayWrite,
		Stop:       p.take.Done(),
	}
}

// sentWay is the field by which an earlier owner marked its contacts. Whoever
// writes events can write headers, and a look-up that the CRM refuses holds
// everybody: of a header only what can be such a field counts.
func (p *partition) sentWay(f *flight) string {
	if f.inherited {
		return p.openedAt.left.way
	}
	if name := header.Text(f.Headers, header.Way); crmclient.CanBeOriginField(name) {
		return name
	}
	return ""
}

// lookedUp feeds the exploration of a partition without a commit.
func (p *partition) lookedUp(f *flight, found bool) {
	if !f.inherited || !p.openedAt.unexplored {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.explore.result(found) {
		p.progress.nobodySent()
		p.touch()
	}
}

// bury writes the dead letter; false says that it was cut short.
func (p *partition) bury(f *flight) bool {
	err := p.letters.write(p.work, p.letterFor(f))
	if err != nil {
		if !f.panicked {
			// It was refused, so that no contact can come of what was sent.
			p.untouched(f)
		}
		if errors.Is(err, errLeaseLapsed) {
			p.fail(err)
		}
		return false
	}
	p.metrics.deadLetters.WithLabelValues(f.failure.reason).Inc()
	p.cfg.Log.Warn().Str("event_id", f.event.ID).Int("partition", f.Partition).Int64("offset", f.Offset).
		Str("reason", f.failure.reason).Int("status", f.failure.status).Str("code", f.failure.code).
		Int("attempts", f.failure.attempts).Msg("dead letter written")
	return true
}

// transform reads the event and builds the contact; only ctx's end is an error.
func (p *partition) transform(ctx context.Context, f *flight) error {
	tried, err := p.tryAlone(ctx, f)
	if tried || err != nil {
		return err
	}
	p.decodeSafely(f)
	p.build(f)
	return nil
}

// decodeSafely decodes; a panic is a failure of the event.
func (p *partition) decodeSafely(f *flight) {
	defer func() {
		if r := recover(); r != nil {
			p.reportPanic(f, r)
			f.failure = internalFailure()
		}
	}()
	event, err := p.transformer.Decode(f.Record)
	f.event = event
	f.failure = rejectedByTransform(err)
}

// build makes the contact; a panic is a failure of the event.
func (p *partition) build(f *flight) {
	if f.failure != nil {
		return
	}
	defer func() {
		if r := recover(); r != nil {
			p.reportPanic(f, r)
			f.failure = internalFailure()
		}
	}()
	contact, err := p.transformer.Contact(f.event)
	f.contact = contact
	f.failure = rejectedByTransform(err)
}

// eventID is the identity of a record that needs no delivery.
func (p *partition) eventID(rec record) string {
	f := &flight{record: rec}
	p.decodeSafely(f)
	return f.event.ID
}

// reportPanic logs a panic. Its text may hold personal data, so that only its
// kind is told.
func (p *partition) reportPanic(f *flight, r any) {
	log := p.cfg.Log.Error().Int("partition", f.Partition).Int64("offset", f.Offset)
	if fault, ok := r.(runtime.Error); ok {
		log = log.Str("fault", fmt.Sprintf("%T", fault))
	}
	log.Msg("processing a record panicked")
}

// internalFailure is the failure of an event over which we panicked.
func internalFailure() *rejection {
	return &rejection{
		reason:  reasonProcessingFailed,
		message: "an internal error: please report it with this event",
	}
}
