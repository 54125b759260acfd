package consumer

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/leadbridge/leadbridge/crmclient"
)

// partitionRecords guards the state of a partition's records by a lock. run, the reader, workers and the committer share it. No
// method waits for anything else while it holds the lock.
type partitionRecords struct {
	id      int
	opening opening

	dirty  chan struct{} // the generation's: signalled when there is something to commit
	urgent chan struct{} // the generation's: signalled when a commit is waited for
	wake   chan struct{} // wakes the partition's run: a record is done or parked, or a commit granted more
	// wakeSplitter wakes the splitter: a commit was acknowledged.
	wakeSplitter chan struct{}
	// wakeReader wakes the reader of parked records: a record is parked or may be due, a resumed record has ended and left room,
	// or a commit was acknowledged.
	wakeReader chan struct{}

	mu    sync.Mutex
	state partitionState
}

// newPartitionRecords returns the records of a partition that is opened at o, or of a part of it.
func newPartitionRecords(g *generation, id int, o opening, s partitionState) *partitionRecords {
	return &partitionRecords{
		id:         id,
		opening:    o,
		dirty:      g.dirty,
		urgent:     g.urgent,
		wake:       make(chan struct{}, 1),
		wakeReader: make(chan struct{}, 1),
		state:      s,

		wakeSplitter: make(chan struct{}, 1),
	}
}

// with calls f with the state, behind the lock. It does not wake the committer: see update.
func (rs *partitionRecords) with(f func(s *partitionState)) {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	f(&rs.state)
}

// update changes the state by f, and wakes the committer and run.
func (rs *partitionRecords) update(f func(s *partitionState)) {
	rs.with(func(s *partitionState) {
		f(s)
		s.changed = true
	})
	signal(rs.dirty)
	signal(rs.wake)
}

// nextOffset returns the offset of the next record to be dispatched.
func (rs *partitionRecords) nextOffset() int64 {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	return rs.state.progress.next
}

// isDone reports whether an earlier owner finished the record at offset, which was not dispatched yet.
func (rs *partitionRecords) isDone(offset int64) bool {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	return rs.state.progress.priorState(offset) == priorDone
}

// finish marks a record as done.
func (rs *partitionRecords) finish(offset int64) {
	rs.update(func(s *partitionState) {
		s.progress.finish(offset)
		s.ended++
	})
}

// ended returns how many records this owner has finished.
func (rs *partitionRecords) ended() int {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	return rs.state.ended
}

// skip moves on to offset: no record before it is left to be dispatched.
func (rs *partitionRecords) skip(offset int64) {
	rs.update(func(s *partitionState) { s.progress.skip(offset) })
}

// noteUnfinished notes that this owner leaves a record unfinished. The ledger will call it sent if a create may have been sent,
// else untouched.
func (rs *partitionRecords) noteUnfinished(offset int64, c *carried) {
	rs.update(func(s *partitionState) {
		s.unsettled = s.unsettled || c.sentHere
		if !c.sent() {
			s.progress.markUntouched(offset)
		}
	})
}

// park puts a record aside until it is due, and wakes the reader.
func (rs *partitionRecords) park(r *parkedRecord) {
	rs.update(func(s *partitionState) {
		s.progress.park(r.offset, r.sent())
		s.parking.park(r)
	})
	signal(rs.wakeReader)
}

// takeDue takes the records that are due out of parking, and returns when the reader must look for the next ones.
func (rs *partitionRecords) takeDue(now time.Time) ([]*parkedRecord, nextLook) {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	return rs.state.takeDue(now)
}

// noteTakenUp sets what is known of the record's past, and notes its dispatch. A resumed record was dispatched before, and could
// not be read then.
func (rs *partitionRecords) noteTakenUp(d *delivery) {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	s := &rs.state
	d.inherited = d.inherited || !d.resumed && s.progress.priorState(d.Offset) == priorSuspect
	d.suspect = d.inherited || d.repeat || d.event.Replays > 0 || rs.opening.inCrashLoop(d.Offset)
	// A record that only waits for its letter, or for earlier records, is not looked up now.
	if d.explores = d.inherited && s.explore.on && d.failure == nil && d.unread == nil && d.place.mayGo(); d.explores {
		s.explore.underWay++
	}
	if !d.resumed {
		s.progress.dispatch(d.Offset, d.Time, d.suspect)
		s.waits.newest = d.Time
	}
}

// tryGrant returns whether the next record, the one at offset, may be dispatched, and if not, why.
func (rs *partitionRecords) tryGrant(offset int64) grantAnswer {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	return rs.state.tryGrant(offset)
}

// easeParking reports whether parking has enough room, and notes it if parking was full before.
func (rs *partitionRecords) easeParking() bool {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	eased := rs.state.parkingEased()
	rs.state.parkingFull = rs.state.parkingFull && !eased
	return eased
}

// noteFetched notes what a fetch says about the log's end, which limits grants, and since when records wait.
func (rs *partitionRecords) noteFetched(batch fetched) {
	rs.with(func(s *partitionState) {
		now := time.Now()
		if s.end == noEnd {
			s.logEnd.fetched(batch.end, batch.next, now)
		}
		s.waits.note(s.lag(), now)
	})
}

// noteBounds notes the log's bounds that the watch has read. dispatched is the value of nextOffset before the watch read them:
// records that were dispatched later may lie beyond the end that it read. An error ends the generation.
func (rs *partitionRecords) noteBounds(log bounds, dispatched int64) error {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	now := time.Now()
	if rs.state.end != noEnd { // the partition was split meanwhile, and this part ends before the log does
		return nil
	}
	if err := rs.state.logEnd.read(log.end, dispatched, now); err != nil {
		return fmt.Errorf("partition %d: %w", rs.id, err)
	}
	rs.state.waits.note(rs.state.lag(), now)
	return nil
}

// endRead returns the time at which the end of the log was last read.
func (rs *partitionRecords) endRead() time.Time {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	return rs.state.logEnd.readAt
}

// mayWrite returns nil until the send horizon of the last acknowledged commit has passed, then an error that wraps
// errLeaseLapsed.
func (rs *partitionRecords) mayWrite() error {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	if !time.Now().Before(rs.state.commits.horizon) {
		return fmt.Errorf("%w: the commit's send horizon passed", errLeaseLapsed)
	}
	return nil
}

// noteLookUp tells the exploration whether the record was found in the CRM. If that ends the exploration, no earlier
// owner can have sent any of the later records.
func (rs *partitionRecords) noteLookUp(d *delivery, found bool) {
	if !d.inherited || !rs.opening.unexplored {
		return
	}
	ended := false
	rs.with(func(s *partitionState) { ended = s.explore.noteLookUp(found) })
	if ended {
		rs.update(func(s *partitionState) { s.progress.nobodySent() })
	}
}

// endExploration notes that a record's look-up for the exploration has ended, however long its letter or its result takes.
func (rs *partitionRecords) endExploration(c *carried) {
	if !c.explores {
		return
	}
	c.explores = false
	rs.with(func(s *partitionState) { s.explore.underWay-- })
	signal(rs.wake)
}

// sentBefore returns a function for the CRM client, which returns the time after which no earlier owner can have written a create
// for the record, or the zero time while it is not known whether there was an earlier owner. sentBefore returns nil if no earlier
// owner can have written one.
func (rs *partitionRecords) sentBefore(inherited bool) func() time.Time {
	switch {
	case !inherited:
		return nil // an earlier record of the same event, if any, has ended
	case !rs.opening.unexplored:
		return func() time.Time { return rs.opening.sentBefore }
	default:
		return func() time.Time {
			rs.mu.Lock()
			defer rs.mu.Unlock()
			if rs.state.explore.foundAny {
				return rs.opening.takeover
			}
			return time.Time{}
		}
	}
}

// releaseFlood is parking.releaseFlood behind the lock.
func (rs *partitionRecords) releaseFlood(now time.Time) (int, []*crmclient.Pending) {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	return rs.state.parking.releaseFlood(now)
}

// letterForOneOfFlood makes room when parking is full: the record with the lowest offset that was refused in a flood becomes a
// letter, if floodPause has passed since the last one. It returns when the next record may become a letter, zero if none will, and
// the state with the CRM client that can be forgotten, which may be nil.
func (rs *partitionRecords) letterForOneOfFlood(now time.Time, p *pace) (time.Time, *crmclient.Pending) {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	r := rs.state.parking.firstInFlood()
	if !rs.state.parkingFull || r == nil {
		return time.Time{}, nil
	}
	next, ok := p.allow(now, floodPause)
	if !ok {
		return next, nil
	}
	return next, r.becomeLetter(now)
}

// leaveParked leaves the parked records to the next owner, and ends their traces. It returns their states with the CRM client,
// which can be forgotten.
func (rs *partitionRecords) leaveParked() []*crmclient.Pending {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	var pending []*crmclient.Pending
	for _, r := range rs.state.parking.records {
		pending = append(pending, r.pending)
		r.pending = nil
		r.trace.Close(leftToNext)
	}
	return pending
}

// hasWaitingEvents reports whether the partition has records that the next owner could deliver at once. end is where
// the partition's log ends.
func (rs *partitionRecords) hasWaitingEvents(end int64) bool {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	return min(end, rs.state.end) > rs.state.progress.next || rs.state.givenBack
}

// setTrial makes the next commit say which record is in a trial.
func (rs *partitionRecords) setTrial(t trial) {
	rs.with(func(s *partitionState) { s.trial, s.changed = t, true })
}

// needsCommit reports whether the partition has something to commit.
func (rs *partitionRecords) needsCommit() bool {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	return rs.state.changed || rs.state.wantsGrant()
}

// lastSent returns the send horizon for the last commit of a drain: the time after which nobody has written a create for an
// unfinished record. If this owner leaves no create whose effect is unknown, this is the earlier owner's time: with now, every
// take-over would begin the wait for old requests again.
func (rs *partitionRecords) lastSent(now time.Time) time.Time {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	if rs.state.unsettled || rs.state.parking.sentHere() || rs.opening.sentBefore.IsZero() {
		return now
	}
	return rs.opening.sentBefore
}

// entry returns the entry of this part for the next commit. final says that this is the last commit, after a drain. originField is
// the field of the CRM that has our ids.
func (rs *partitionRecords) entry(horizon time.Time, originField string, final bool) commitEntry {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	s := &rs.state
	s.changed = false
	s.commits.begun++
	e := commitEntry{partition: rs.id, offset: s.progress.position()}
	grant := s.nextGrant()
	if final {
		grant = s.progress.next
	}
	e.parts = []partEntry{{records: rs, grant: grant}}
	e.ledger = ledger{
		horizon:     horizon,
		trial:       s.trial.offset,
		trials:      s.trial.begun,
		originField: originField,
	}
	e.ledger.spans, e.ledger.granted = s.progress.spans(grant)
	if !final {
		e.ledger.openings = rs.opening.openingsAt(e.offset, s.seenRebuilt)
	}
	return e
}

// noteCommitted notes an acknowledged commit, by which more records are granted and the send horizon moves on.
func (rs *partitionRecords) noteCommitted(offset, grant int64, horizon time.Time) {
	rs.with(func(s *partitionState) { s.commits.acknowledge(offset, grant, horizon) })
	signal(rs.wake)
	signal(rs.wakeReader)
	signal(rs.wakeSplitter)
}

// awaitCommit waits until a commit that begins after the call is acknowledged. wake must be signalled whenever a commit
// is acknowledged. The error is ctx's.
func (rs *partitionRecords) awaitCommit(ctx context.Context, wake <-chan struct{}) error {
	target := 0
	rs.with(func(s *partitionState) { target = s.commits.begun + 1 })
	for {
		done := false
		rs.with(func(s *partitionState) {
			s.changed = s.changed || s.commits.begun < target
			done = s.commits.done >= target
		})
		if done {
			return nil
		}
		signal(rs.urgent)
		select {
		case <-wake:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// status returns the state of the partition at now.
func (rs *partitionRecords) status(now time.Time) PartitionStatus {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	s := rs.state.status(now)
	s.Partition = rs.id
	return s
}

// snapshot returns what the partition's events wait for at now.
func (rs *partitionRecords) snapshot(now time.Time) partitionSnapshot {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	return rs.state.snapshot(now)
}
