package consumer

import (
	"errors"
	"time"

	"github.com/leadbridge/leadbridge/crmclient"
	"github.com/leadbridge/leadbridge/transform"
)

// A delivery is a record on its way, from its dispatch or its return from parking until it is done or parked. Only its
// worker uses it once the worker runs.
type delivery struct {
	record  // from Kafka
	carried // kept while the record is parked
	state   recordState
	unread  unread // why the event could not be read yet; nil when it was read
	event   transform.Event
	contact crmclient.Contact
	target  crmclient.Target // what the event becomes; "" for the target of CRM_TARGET
	card    crmclient.Card   // of a lead or a deal
	points  uint64           // the hash of its contact points; 0 for none
	began   time.Time        // when the record's turn came
	bytes   *buffer          // the record's size is reserved from it
	resumed bool             // the record was parked before
	early   bool             // the record is being looked up before its turn
	behind  <-chan struct{}  // closed when the backlog has no more record that must go before this one; nil when it has none
}

// A worker processes each record of a partition until it is done or parked, each in a goroutine of its own.
type worker struct {
	deps      dependencies
	gen       *generation
	partition int
	opening   opening
	records   *partitionRecords
}

// deliver processes a record until it is done or parked.
func (w *worker) deliver(d *delivery) {
	defer w.release(d)
	if d.unread != nil {
		w.parkUnread(d)
		return
	}
	if d.behind != nil {
		w.park(d, eventBehind, &parkedRecord{why: waitOrder, ready: d.behind})
		return
	}
	if !d.place.mayGo() {
		if d.mayLookUpEarly() && !w.lookUpEarly(d) {
			return
		}
		d.trace.Waits(string(waitOrder))
	}
	turn := w.awaitTurn(d)
	d.trace.Goes()
	switch turn {
	case turnStopped:
		w.records.noteUnfinished(d.Offset, &d.carried)
		return
	case turnHeld:
		w.park(d, eventHeld, &parkedRecord{why: waitOrder, ready: d.place.turn})
		return
	}
	d.began = time.Now()
	if w.beginTurn(d) && !w.create(d) {
		return
	}
	w.complete(d)
}

// beginTurn changes the record's state when its turn has come. It reports whether the CRM client must be called: not for a
// record that can never become a contact, and not for one whose contact is known.
func (w *worker) beginTurn(d *delivery) bool {
	w.useKnownResult(d)
	switch {
	case d.failure != nil:
		w.move(d, eventUseless)
	case d.made != nil:
		w.move(d, eventRepeat)
	default:
		w.move(d, eventTurn)
		return true
	}
	return false
}

// useKnownResult sets d.made to what an earlier record of the same event became, if this process knows it.
func (w *worker) useKnownResult(d *delivery) {
	if !d.repeat || d.failure != nil || d.made != nil {
		return
	}
	if made := w.gen.seen.made(d.idHash, d.points); made != (crmclient.Made{}) {
		d.made = &crmclient.Result{ContactID: made.ContactID, LeadID: made.LeadID, DealID: made.DealID, Found: true}
		w.deps.metrics.created(*d.made, time.Since(d.event.Time), d.trace)
	}
}

// move changes the record's state by an event.
func (w *worker) move(d *delivery, e recordEvent) {
	next, err := d.state.after(e)
	if err != nil { // a fault of ours: end the generation, and the next owner begins again with all unfinished records
		w.deps.cfg.Log.Error().Err(err).Int("partition", w.partition).Int64("offset", d.Offset).Msg("an internal error: please report it")
		w.gen.abort(err)
	}
	d.state = next
}

// park puts the record aside until it is due. Its value is dropped when its worker returns.
func (w *worker) park(d *delivery, e recordEvent, r *parkedRecord) {
	w.move(d, e)
	d.trace.Waits(string(r.why))
	r.carried, r.offset = d.carried, d.Offset
	w.gen.lines.park(d.place)
	w.records.park(r)
}

// release gives back what the worker held for a record. Unless the record is parked, it also leaves its lines, so that it is
// the turn of the records behind it.
func (w *worker) release(d *delivery) {
	d.bytes.release(d.size)
	if !d.resumed {
		w.gen.inFlight.leave()
	}
	signal(w.records.wakeReader) // there may be room for the next parked record
	if d.state == stateParked {
		return
	}
	d.trace.Close(d.outcome())
	w.records.endExploration(&d.carried)
	w.gen.seen.leave(d.idHash)
	w.gen.lines.leave(d.place)
}

// A turnResult is how a record's wait for the earlier ones in its lines ended.
type turnResult int

const (
	turnCame    turnResult = iota
	turnHeld               // one of the earlier records was parked
	turnStopped            // the generation ends
)

// awaitTurn waits until the earlier records in the record's lines are done, or one of them is parked.
func (w *worker) awaitTurn(d *delivery) turnResult {
	select {
	case <-d.place.turn:
	case <-d.place.held:
	case <-w.gen.fetchCtx.Done():
	}
	switch {
	case w.gen.fetchCtx.Err() != nil:
		return turnStopped
	case d.place.mayGo():
		return turnCame
	default:
		return turnHeld
	}
}

// complete writes the result or the letter of a record, and marks it as done.
func (w *worker) complete(d *delivery) {
	w.records.endExploration(&d.carried)
	if d.failure == nil && !w.publishResult(d) {
		return
	}
	if d.failure != nil && !w.deadLetter(d) {
		return
	}
	// After the lease has ended, the record belongs to the next owner, which looks it up.
	if err := w.gen.lease.err(); err != nil {
		w.gen.abort(err)
		return
	}
	w.move(d, eventWritten)
	w.records.finish(d.Offset)
}

// deadLetter writes the record's letter. It returns false if the letter was not written: the record was parked, or the
// generation ended.
func (w *worker) deadLetter(d *delivery) bool {
	l := letterFor(d, w.deps.cfg.Version, w.deps.creator.Status().OriginField)
	send := d.trace.Send(w.deps.cfg.DeadLetterTopic)
	l.headers = send.Headers(l.headers)
	at, err := w.gen.letters.write(w.gen.workCtx, l)
	send.End(err)
	if err == nil {
		w.deps.metrics.deadLetters.WithLabelValues(d.failure.reason).Inc()
		w.deps.cfg.Log.Warn().Str("event_id", transform.PublicID(d.event.ID)).Int("partition", d.Partition).Int64("offset", d.Offset).
			Str("reason", d.failure.reason).Int("status", d.failure.status).Str("code", d.failure.code).
			Int("attempts", d.failure.attempts).Stringer("letter", at).Msg("dead letter written")
		return true
	}
	// A refused create has no effect. After a panic, or if a part of the event exists already, the next owner must look it up.
	d.sentHere = d.panics > 0 || d.failure.done != ""
	w.postpone(d, err, waitLetter)
	return false
}

// postpone parks a record whose letter or result cannot be written for now, or leaves it to the next owner.
func (w *worker) postpone(d *delivery, err error, why crmclient.Wait) {
	if u, ok := errors.AsType[*unwritable](err); ok {
		if d.failure != nil {
			d.failure.message = boundedText(redacted(d.failure.message, d)) // parking drops the values by which it is redacted
		}
		w.park(d, eventUnwritable, &parkedRecord{why: why, due: u.until, ready: u.over})
		return
	}
	w.records.noteUnfinished(d.Offset, &d.carried)
	if errors.Is(err, errLeaseLapsed) {
		w.gen.abort(err)
	}
}

// publishResult writes the result of a record whose contact exists. It returns false if the result was not written: the
// record was parked, or the generation ended and the next owner looks the contact up and writes the result.
func (w *worker) publishResult(d *delivery) bool {
	if w.gen.results == nil {
		return true
	}
	rec, err := encodeResult(d, w.deps.creator)
	if err == nil {
		send := d.trace.Send(w.deps.cfg.ResultTopic)
		rec.headers = send.Headers(rec.headers)
		err = w.gen.results.write(w.gen.workCtx, d.Partition, rec)
		send.End(err)
	}
	if err == nil {
		w.deps.metrics.results.Inc()
		return true
	}
	d.sentHere = true // the next owner must wait until the contact can be found, and look it up
	w.postpone(d, err, waitResult)
	return false
}

// mayWrite returns nil while requests for the partition's records may be sent, and afterwards an error that wraps
// errLeaseLapsed.
func (w *worker) mayWrite() error {
	if err := w.gen.lease.err(); err != nil {
		return err
	}
	return w.records.mayWrite()
}
