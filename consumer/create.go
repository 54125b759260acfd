package consumer

import (
	"errors"
	"fmt"
	"time"

	"github.com/leadbridge/leadbridge/consumer/header"
	"github.com/leadbridge/leadbridge/crmclient"
	"github.com/leadbridge/leadbridge/transform"
)

// create makes the CRM client create what the record becomes. It returns false when the record was parked, or the generation
// ended first. If it returns true, the record is ready for its result or its letter.
func (w *worker) create(d *delivery) bool {
	result, err := w.callCreator(d)
	deferred, isDeferred := errors.AsType[*crmclient.Deferred](err)
	refused, isRefused := errors.AsType[*crmclient.Rejection](err)
	switch {
	case err == nil:
		w.noteCreated(d, result)
		return true
	case errors.Is(err, errPanickedTooOften):
		d.failure = internalFailure()
		w.move(d, eventRefused)
		return true
	case isRefused: // no noteLookUp here: a refusal does not tell the exploration whether there was an earlier owner
		d.failure = refusedByCRM(refused)
		w.move(d, eventRefused)
		return true
	case isDeferred:
		if deferred.Optional {
			w.gen.lines.stepAside(d.place)
		}
		w.park(d, eventDeferred, recordToPark(d, deferred))
		return false
	}
	w.leaveToNext(d, result, err)
	return false
}

// mayLookUpEarly reports whether the record is looked up before its turn. This is done if an earlier owner may have sent its
// create: whether the CRM has the contact does not depend on the records before it. It does for a repeat, which depends on an
// earlier record of the same event.
func (d *delivery) mayLookUpEarly() bool {
	return d.inherited && !d.repeat && d.failure == nil && d.made == nil
}

// lookUpEarly looks a suspect up before its turn. After a crash many suspects may stand in one line, and each takes two
// look-ups, a settle time apart. It returns false when the record was parked for its second look-up, or the generation ended
// first. If it returns true, d.pending holds what was found, and the record waits for its turn.
func (w *worker) lookUpEarly(d *delivery) bool {
	d.early = true
	result, err := w.callCreator(d)
	d.early = false
	deferred, isDeferred := errors.AsType[*crmclient.Deferred](err)
	switch {
	case err == nil: // the CRM client is called again at the record's turn
		return true
	case errors.Is(err, errPanickedTooOften):
		d.failure = internalFailure()
		return true
	case isDeferred && deferred.Why == waitOrder:
		if result.Found { // tell the exploration of the earlier owner at once, not at the record's turn
			w.records.noteLookUp(d, true)
		}
		return true
	case isDeferred:
		w.park(d, eventLookedUp, recordToPark(d, deferred))
		return false
	}
	w.leaveToNext(d, result, err)
	return false
}

// recordToPark returns what parking keeps of a record that the CRM client defers.
func recordToPark(d *delivery, by *crmclient.Deferred) *parkedRecord {
	r := &parkedRecord{why: by.Why, due: by.Until, ready: by.Ready}
	if by.Refusal != nil {
		r.refusal = refusedByCRM(by.Refusal)
		// It is redacted now, as parking drops the event's values, by which it is redacted.
		r.refusal.message = boundedText(redacted(r.refusal.message, d))
	}
	return r
}

// noteCreated stores and logs what the record became.
func (w *worker) noteCreated(d *delivery, result crmclient.Result) {
	w.move(d, eventMade)
	w.records.noteLookUp(d, result.Found)
	d.made = &result
	w.gen.seen.noteMade(d.idHash, d.points, result.Made())
	w.deps.metrics.created(result, time.Since(d.event.Time), d.trace)
	if result.Comment == crmclient.CommentNotWritten {
		w.deps.cfg.Log.Warn().Str("event_id", transform.PublicID(d.event.ID)).Int("partition", d.Partition).Int64("offset", d.Offset).
			Str("reason", result.CommentReason).Str("card_url", cardURL(w.deps.creator, result.Made())).Msg("its comment is not written")
	}
	if result.Fill == crmclient.FillFailed {
		w.deps.cfg.Log.Warn().Str("event_id", transform.PublicID(d.event.ID)).Int("partition", d.Partition).Int64("offset", d.Offset).
			Str("reason", result.FillReason).Int64("contact_id", result.ContactID).Msg("the card of its contact is not filled")
	}
	if log := w.deps.cfg.Log.Debug(); log.Enabled() {
		log.Str("event_id", transform.PublicID(d.event.ID)).Int("partition", d.Partition).Int64("offset", d.Offset).
			Stringer("made", result.Made()).Str("card_url", cardURL(w.deps.creator, result.Made())).
			Str("how", d.outcomeInCRM()).Str("fill", string(result.Fill)).Int("attempts", result.Attempts).Dur("took_ms", time.Since(d.began)).
			Msg("event delivered")
	}
}

// leaveToNext leaves a record, whose create ended without an outcome, to the next owner. It aborts the generation if the
// lease is lost, or if err is not due to the generation's end.
func (w *worker) leaveToNext(d *delivery, result crmclient.Result, err error) {
	switch {
	case errors.Is(err, crmclient.ErrLeaseLost):
		w.gen.abort(err)
	case w.gen.fetchCtx.Err() == nil: // nobody asked the generation to end
		w.gen.abort(fmt.Errorf("%w: %w", errCreatorFailed, err))
	}
	d.sentHere = d.sentHere || result.Unsettled
	w.records.noteUnfinished(d.Offset, &d.carried)
	w.records.with(func(s *partitionState) { s.givenBack = s.givenBack || !d.sent() })
}

// maxPanics is how often the create of an event may panic until the event becomes a letter.
const maxPanics = 3

// callCreator calls the CRM client, and keeps the state of an event that it defers. After a panic it calls again, with the event
// as a suspect, as a create may have left before the panic. After maxPanics panics the error is errPanickedTooOften, so that one
// record cannot end the process again and again. If the generation ends after a panic, the error is errPanicked.
func (w *worker) callCreator(d *delivery) (crmclient.Result, error) {
	for d.panics < maxPanics {
		result, err := w.callOnce(d)
		if !errors.Is(err, errPanicked) {
			if deferred, ok := errors.AsType[*crmclient.Deferred](err); ok {
				d.pending, d.sentHere = deferred.Pending, deferred.Sent
			}
			return result, err
		}
		d.panics++
		forget(w.deps.creator, d.pending) // after a panic its state may be inconsistent
		d.pending = nil
		now := time.Now()
		d.sentHere, d.suspect, d.sentBefore = true, true, func() time.Time { return now }
		if w.gen.fetchCtx.Err() != nil {
			return crmclient.Result{Unsettled: true}, err
		}
	}
	return crmclient.Result{}, errPanickedTooOften
}

// Errors that stand for panics of the CRM client.
var (
	errPanicked         = errors.New("the CRM client panicked")
	errPanickedTooOften = errors.New("the CRM client panicked too often for one event")
)

// callOnce calls the CRM client; its error is errPanicked after a panic.
func (w *worker) callOnce(d *delivery) (result crmclient.Result, err error) {
	defer func() {
		if r := recover(); r != nil {
			reportPanic(w.deps.cfg.Log, d, r)
			err = errPanicked
		}
	}()
	return w.deps.creator.Create(d.trace.Context(w.gen.workCtx), w.request(d))
}

// request returns the request for what the record becomes.
func (w *worker) request(d *delivery) crmclient.Request {
	originField, fromHeader := w.sentOriginField(d)
	return crmclient.Request{
		OriginID:          d.event.OriginID,
		Contact:           &d.contact,
		Target:            d.target,
		Card:              d.card,
		Suspect:           d.suspect,
		LookUpOnly:        d.early,
		SentBefore:        d.sentBefore,
		SentIDField:       originField,
		RecordedAt:        d.event.RecordedAt,
		Later:             w.records.isBacklog(),
		Replayed:          d.event.Replays > 0,
		IDFieldFromHeader: fromHeader,
		Lease:             w.mayWrite,
		Stop:              w.gen.fetchCtx.Done(),
		Resume:            d.pending,
	}
}

// sentOriginField returns the field of the CRM in which an earlier owner, or the process that wrote a replayed letter, put our
// ids; "" when it is not known. fromHeader reports whether a header of the record names it. As anybody who writes events can
// write headers, and a look-up that the CRM refuses holds all events, a header counts only if it can be the name of such a
// field.
func (w *worker) sentOriginField(d *delivery) (name string, fromHeader bool) {
	if d.inherited {
		return w.opening.inherited.originField, false
	}
	if name := header.Text(d.Headers, header.OriginField); d.event.Replays > 0 && crmclient.CanBeOriginField(name) {
		return name, true
	}
	return "", false
}
