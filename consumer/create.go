package consumer

import (
	"errors"
	"fmt"
	"time"

	"github.com/leadbridge/leadbridge/consumer/header"
	"github.com/leadbridge/leadbridge/crmclient"
	"github.com/leadbridge/leadbridge/transform"
)

// create has the CRM client create what the record becomes. It returns false when the record was parked, or when the
// generation ended first; else the record is ready for its result or its letter.
func (p *partition) create(d *delivery) bool {
	opened := p.deps.creator.Opened() // before the create, so that no create that passes meanwhile is missed
	result, err := p.callCreator(d)
	deferred, isDeferred := errors.AsType[*crmclient.Deferred](err)
	refused, isRefused := errors.AsType[*crmclient.Rejection](err)
	switch {
	case err == nil && d.failure != nil: // it panicked too often
		p.move(d, eventRefused)
		return true
	case err == nil:
		p.noteCreated(d, result)
		return true
	case isRefused: // which does not show whether there was an earlier owner
		d.failure = refusedByCRM(refused)
		p.move(d, eventRefused)
		return true
	case isDeferred:
		p.park(d, eventDeferred, p.deferredRecord(d, deferred, opened))
		return false
	}
	p.cutShort(d, result, err)
	return false
}

// deferredRecord is the record as the CRM client wants it parked.
func (p *partition) deferredRecord(d *delivery, by *crmclient.Deferred, opened <-chan struct{}) *parkedRecord {
	d.pending, d.sentHere = by.Pending, by.Sent
	r := &parkedRecord{why: by.Why, due: by.Until}
	if by.Early {
		r.ready = opened
	}
	if by.Refusal != nil {
		r.refusal = refusedByCRM(by.Refusal)
		r.refusal.message = boundedText(redacted(r.refusal.message, d))
	}
	return r
}

// noteCreated takes over what the record became.
func (p *partition) noteCreated(d *delivery, result crmclient.Result) {
	p.move(d, eventMade)
	p.noteLookUp(d, result.Found)
	d.made = &result
	p.gen.seen.noteMade(d.idHash, d.points, result.Made())
	p.deps.metrics.created(result, time.Since(d.event.Time), d.trace)
	if result.Comment == crmclient.CommentNotWritten {
		p.deps.cfg.Log.Warn().Str("event_id", transform.PublicID(d.event.ID)).Int("partition", d.Partition).Int64("offset", d.Offset).
			Str("reason", result.CommentReason).Str("card_url", p.cardURL(result.Made())).Msg("its comment is not written")
	}
	if result.Fill == crmclient.FillFailed {
		p.deps.cfg.Log.Warn().Str("event_id", transform.PublicID(d.event.ID)).Int("partition", d.Partition).Int64("offset", d.Offset).
			Str("reason", result.FillReason).Int64("contact_id", result.ContactID).Msg("the card of its contact is not filled")
	}
	if log := p.deps.cfg.Log.Debug(); log.Enabled() {
		log.Str("event_id", transform.PublicID(d.event.ID)).Int("partition", d.Partition).Int64("offset", d.Offset).
			Stringer("made", result.Made()).Str("card_url", p.cardURL(result.Made())).
			Bool("found", result.Found).Bool("matched", result.Matched).Str("fill", string(result.Fill)).Int("attempts", result.Attempts).Dur("duration", time.Since(d.began)).
			Msg("it exists in the CRM")
	}
}

// cutShort notes that a create ended without an outcome, as the generation ends.
func (p *partition) cutShort(d *delivery, result crmclient.Result, err error) {
	switch {
	case errors.Is(err, crmclient.ErrLeaseLost):
		p.gen.abort(err)
	case p.gen.fetchCtx.Err() == nil: // nobody asked it to end
		p.gen.abort(fmt.Errorf("%w: %w", errCreatorFailed, err))
	}
	d.sentHere = d.sentHere || result.Unsettled
	p.noteUnfinished(d.Offset, &d.carried)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.state.givenBack = p.state.givenBack || !d.sent()
}

// maxPanics is how often the create of an event may panic until the event becomes a letter.
const maxPanics = 3

// callCreator calls the CRM client, again after a panic: then as a suspect, as a create may have left before it. After
// maxPanics the panic becomes the event's failure, so that one record cannot end the process again and again.
func (p *partition) callCreator(d *delivery) (crmclient.Result, error) {
	for d.panics < maxPanics {
		result, err := p.callOnce(d)
		if !errors.Is(err, errPanicked) {
			return result, err
		}
		d.panics++
		now := time.Now()
		d.sentHere, d.suspect, d.sentBefore = true, true, func() time.Time { return now }
		if p.gen.fetchCtx.Err() != nil {
			return crmclient.Result{Unsettled: true}, err
		}
	}
	d.failure = internalFailure()
	return crmclient.Result{}, nil
}

// errPanicked stands for a panic of the CRM client.
var errPanicked = errors.New("the CRM client panicked")

// callOnce calls the CRM client; its error is errPanicked after a panic.
func (p *partition) callOnce(d *delivery) (result crmclient.Result, err error) {
	defer func() {
		if r := recover(); r != nil {
			p.reportPanic(d, r)
			err = errPanicked
		}
	}()
	return p.deps.creator.Create(d.trace.Context(p.gen.workCtx), p.request(d))
}

// request returns the request for what the record becomes.
func (p *partition) request(d *delivery) crmclient.Request {
	return crmclient.Request{
		OriginID:   d.event.OriginID,
		Contact:    &d.contact,
		Target:     d.target,
		Card:       d.card,
		Suspect:    d.suspect,
		SentBefore: d.sentBefore,
		SentWay:    p.sentOriginField(d),
		RecordedAt: d.event.RecordedAt,
		Replayed:   d.event.Replays > 0,
		WayIsTold:  !d.inherited,
		Lease:      p.mayWrite,
		Stop:       p.gen.fetchCtx.Done(),
		Resume:     d.pending,
	}
}

// sentOriginField returns the field of the CRM in which an earlier owner, or the one that wrote a replayed letter, put our ids;
// "" when it is not known. Anybody who writes events can write headers, and a look-up that the CRM refuses holds
// everybody, so that a header's text counts only if it can be the name of such a field.
func (p *partition) sentOriginField(d *delivery) string {
	if d.inherited {
		return p.openedAt.inherited.originField
	}
	if name := header.Text(d.Headers, header.OriginField); d.event.Replays > 0 && crmclient.CanBeOriginField(name) {
		return name
	}
	return ""
}
