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
	carried // what stays known of it while it is parked
	state   recordState
	unread  unread // nil: the event was read
	event   transform.Event
	contact crmclient.Contact
	target  crmclient.Target // what it becomes; "": what CRM_TARGET says
	card    crmclient.Card   // of a lead or a deal
	points  uint64           // the hash of its contact points; 0 for none
	began   time.Time        // when its turn came
	bytes   *buffer          // from which its size is reserved
}

// deliverOne is the worker of a record: it brings it to its end, or parks it.
func (p *partition) deliverOne(d *delivery) {
	defer p.release(d)
	if d.unread != nil {
		p.parkUnread(d)
		return
	}
	if !d.place.mayGo() {
		d.trace.Waits(string(waitOrder))
	}
	turn := p.awaitTurn(d)
	d.trace.Goes()
	switch turn {
	case turnStopped:
		p.noteUnfinished(d.Offset, &d.carried)
		return
	case turnHeld:
		p.park(d, eventHeld, &parkedRecord{why: waitOrder, ready: d.place.turn})
		return
	}
	d.began = time.Now()
	if p.needsCreate(d) && !p.create(d) {
		return
	}
	p.complete(d)
}

// needsCreate notes that the record's turn has come. It reports whether the CRM client is to be asked, which it is not for
// a record that can never become a contact and for one whose contact is known.
func (p *partition) needsCreate(d *delivery) bool {
	p.useKnownResult(d)
	switch {
	case d.failure != nil:
		p.move(d, eventUseless)
	case d.made != nil:
		p.move(d, eventRepeat)
	default:
		p.move(d, eventTurn)
		return true
	}
	return false
}

// useKnownResult takes over what an earlier record of the same event became, if this process knows that.
func (p *partition) useKnownResult(d *delivery) {
	if !d.repeat || d.failure != nil || d.made != nil {
		return
	}
	if made := p.gen.seen.made(d.idHash, d.points); made != (crmclient.Made{}) {
		d.made = &crmclient.Result{ContactID: made.ContactID, LeadID: made.LeadID, DealID: made.DealID, Found: true}
		p.deps.metrics.created(*d.made, time.Since(d.event.Time), d.trace)
	}
}

// move changes the state of the record by what happened to it.
func (p *partition) move(d *delivery, e recordEvent) {
	next, err := d.state.after(e)
	if err != nil { // a fault of ours: end the generation, whose next owner begins anew with what is unfinished
		p.deps.cfg.Log.Error().Err(err).Int("partition", p.id).Int64("offset", d.Offset).Msg("an internal error: please report it")
		p.gen.abort(err)
	}
	d.state = next
}

// park puts the record aside until it is due. Its value is dropped when its worker returns.
func (p *partition) park(d *delivery, e recordEvent, r *parkedRecord) {
	p.move(d, e)
	d.trace.Waits(string(r.why))
	r.carried, r.offset = d.carried, d.Offset
	p.gen.lines.park(d.place)
	p.update(func(s *partitionState) {
		s.progress.park(r.offset, r.sent())
		s.parking.park(r)
	})
	signal(p.reread)
}

// release gives back what a worker held. Unless its record is parked, the next records in its lines may go, whatever
// became of this one.
func (p *partition) release(d *delivery) {
	d.bytes.release(d.size)
	if d.bytes == p.freshBytes {
		p.gen.inFlight.leave()
	}
	signal(p.reread) // there may be room for the next one
	if d.state == stateParked {
		return
	}
	d.trace.Close(d.outcome())
	p.endExploration(&d.carried)
	p.gen.seen.leave(d.idHash)
	p.gen.lines.leave(d.place)
}

// A turnResult is how a record's wait for the earlier ones in its lines ended.
type turnResult int

const (
	turnCame    turnResult = iota
	turnHeld               // one of them was parked
	turnStopped            // the generation ends
)

// awaitTurn waits until the earlier records in its lines are done, or one of them is parked.
func (p *partition) awaitTurn(d *delivery) turnResult {
	select {
	case <-d.place.turn:
	case <-d.place.held:
	case <-p.gen.fetchCtx.Done():
	}
	switch {
	case p.gen.fetchCtx.Err() != nil:
		return turnStopped
	case d.place.mayGo():
		return turnCame
	default:
		return turnHeld
	}
}

// noteUnfinished notes what the ledger says of a record that this owner leaves unfinished: untouched if no create was
// sent for it, else sent.
func (p *partition) noteUnfinished(offset int64, c *carried) {
	p.update(func(s *partitionState) {
		s.unsettled = s.unsettled || c.sentHere
		if !c.sent() {
			s.progress.markUntouched(offset)
		}
	})
}

// complete writes the result or the letter of a record, and marks it as done.
func (p *partition) complete(d *delivery) {
	p.endExploration(&d.carried)
	if d.failure == nil && !p.publishResult(d) {
		return
	}
	if d.failure != nil && !p.deadLetter(d) {
		return
	}
	// After the end of the lease the record is the next owner's, which looks it up.
	if err := p.gen.lease.err(); err != nil {
		p.gen.abort(err)
		return
	}
	p.move(d, eventWritten)
	p.finish(d.Offset)
}

// deadLetter writes the record's letter. It returns false when the record was parked, or the generation ended first.
func (p *partition) deadLetter(d *delivery) bool {
	l := p.letterFor(d)
	send := d.trace.Send(p.deps.cfg.DeadLetterTopic)
	l.headers = send.Headers(l.headers)
	at, err := p.gen.letters.write(p.gen.workCtx, l)
	send.End(err)
	if err == nil {
		p.deps.metrics.deadLetters.WithLabelValues(d.failure.reason).Inc()
		p.deps.cfg.Log.Warn().Str("event_id", transform.PublicID(d.event.ID)).Int("partition", d.Partition).Int64("offset", d.Offset).
			Str("reason", d.failure.reason).Int("status", d.failure.status).Str("code", d.failure.code).
			Int("attempts", d.failure.attempts).Stringer("letter", at).Msg("dead letter written")
		return true
	}
	// The CRM refused it, so that what was sent has no effect, except for a part of it that exists already.
	d.sentHere = d.panics > 0 || d.failure.done != ""
	p.postpone(d, err, waitLetter)
	return false
}

// postpone parks a record whose letter or result cannot be written for now, or leaves it to the next owner.
func (p *partition) postpone(d *delivery, err error, why crmclient.Wait) {
	if u, ok := errors.AsType[*unwritable](err); ok {
		if d.failure != nil {
			d.failure.message = boundedText(redacted(d.failure.message, d)) // now, as parking drops the values that redaction hides
		}
		p.park(d, eventUnwritable, &parkedRecord{why: why, due: u.until, ready: u.over})
		return
	}
	p.noteUnfinished(d.Offset, &d.carried)
	if errors.Is(err, errLeaseLapsed) {
		p.gen.abort(err)
	}
}

// publishResult writes the result of a record whose contact exists. It returns false when the record was parked, or the
// generation ended first: then the next owner looks the contact up and writes the result.
func (p *partition) publishResult(d *delivery) bool {
	if p.gen.results == nil {
		return true
	}
	rec, err := p.encodeResult(d)
	if err == nil {
		send := d.trace.Send(p.deps.cfg.ResultTopic)
		rec.headers = send.Headers(rec.headers)
		err = p.gen.results.write(p.gen.workCtx, d.Partition, rec)
		send.End(err)
	}
	if err == nil {
		p.deps.metrics.results.Inc()
		return true
	}
	d.sentHere = true // the next owner must look up what was created, and wait for it if need be
	p.postpone(d, err, waitResult)
	return false
}
