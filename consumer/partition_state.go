package consumer

import "time"

// partitionState is what a partition knows of its records and its commits. It is a plain value, which partitionRecords guards.
type partitionState struct {
	window   int   // the setting WINDOW, or half of it when there are two parts
	end      int64 // the offset at which this part ends; noEnd when it reaches to the log's end
	spanRoom int   // bytes of the ledger that the spans may take
	progress progress
	parking  parking
	explore  exploration
	commits  commitState
	logEnd   logEnd
	waits    waitTimes

	sinceSplit splitMark // when this part was set aside, if it is a backlog
	trial      trial     // see tryAlone

	ended       int  // records that this owner finished
	changed     bool // since the last commit
	parkingFull bool // parking has no room for the next record to be dispatched
	seenRebuilt bool // the memory of event ids was rebuilt, and the process lives
	unsettled   bool // a delivery of this owner ended with a create whose effect is not known
	givenBack   bool // a delivery ended at its turn without a create: the next owner can deliver the record at once
}

// newPartitionState returns the state of a partition with the opening o. partitions is how many this process owns.
func newPartitionState(cfg Config, o opening, partitions int, now time.Time) partitionState {
	s := partitionState{
		window:   cfg.Window,
		end:      noEnd,
		spanRoom: ledgerBytes - ledgerHead,
		progress: newProgress(o.start, o.inherited),
		explore:  exploration{on: o.unexplored, window: max(cfg.Window, leastExploration)},
		commits:  commitState{ahead: aheadOf(cfg, partitions), wanted: o.start, offset: -1},
		logEnd:   logEnd{offset: max(o.start, o.log.end), readAt: now},
		trial:    trial{offset: o.inherited.trial, begun: o.inherited.trials},
	}
	s.waits.note(s.lag(), now)
	return s
}

// The bounds of parking: at most maxParked records of a partition, and only as many as leave room in the ledger for its other fields
// and for the spans that the window may add.
const (
	maxParked   = 5000
	ledgerBytes = (maxMetadata - len(ledgerPrefix)) * 3 / 4 // before they are encoded in base64
	ledgerHead  = 128                                       // bytes of the ledger before its spans, at most
	windowSpan  = 2                                         // about how many bytes the span of a record in the window takes
)

// noteParkingFull notes and returns whether parking has no room for the record at offset, the next one to be dispatched.
func (s *partitionState) noteParkingFull(offset int64) bool {
	s.parkingFull = s.progress.counts[parked] > 0 && !s.progress.isOwnSpan(offset) && s.parkedBeyond(maxParked, s.spanRoom)
	return s.parkingFull
}

// parkingEased reports whether at least an eighth of parking is free.
func (s *partitionState) parkingEased() bool {
	return !s.parkedBeyond(maxParked*7/8, s.spanRoom*7/8)
}

// parkedBeyond reports whether at least so many records are parked, or the spans take more than so many bytes.
func (s *partitionState) parkedBeyond(records, bytes int) bool {
	return s.progress.counts[parked] >= records || s.spanBytes() > bytes
}

// spanBytes returns how many bytes the ledger's spans take, including those that the window may still add.
func (s *partitionState) spanBytes() int {
	window := windowSpan * max(s.window-s.progress.active(), 0)
	if n := len(s.progress.unfinished) + len(s.progress.inheritedSpans) + 1; n <= maxSpans*s.spanRoom/(ledgerBytes-ledgerHead) {
		return window // so few spans fit in any case, and need not be encoded
	}
	spans, _ := s.progress.spans(s.commits.granted)
	return window + len(appendSpans(nil, s.progress.position(), spans))
}

// windowHasRoom reports whether the window has room for one more fresh record. Half of the window is only for fresh records.
func (s *partitionState) windowHasRoom() bool {
	half := s.window - s.window/2
	return s.progress.counts[fresh] < max(s.window-s.progress.counts[resumed], half)
}

// resumable returns how many parked records may be taken up again now: at most half of the window is for them.
func (s *partitionState) resumable() int {
	return max(s.window/2, 1) - s.progress.counts[resumed]
}

// takeDue takes the records that are due at now out of parking, and returns when to look for the next ones.
func (s *partitionState) takeDue(now time.Time) ([]*parkedRecord, nextLook) {
	due := s.parking.takeDue(now, s.resumable())
	for _, r := range due {
		s.progress.resume(r.offset, r.undecided())
		s.changed = true
	}
	var next nextLook
	if s.resumable() > 0 {
		next.at, next.channels = s.parking.nextDue()
	}
	return due, next
}

// A grantAnswer says whether the next record may be dispatched.
type grantAnswer struct {
	may          bool // it is granted, and there is room for it
	wantsCommit  bool // a commit would grant more records, and it is needed soon
	parkingFull  bool
	parkingEased bool // it has so much room that it will not be full at once
}

// tryGrant returns whether the record at offset, the next one, may be dispatched. The offsets between it and the last dispatched
// record hold no records, so that progress skips them.
func (s *partitionState) tryGrant(offset int64) grantAnswer {
	s.progress.skip(offset)
	s.commits.wanted = max(s.commits.wanted, offset)
	full := s.noteParkingFull(offset)
	return grantAnswer{
		may:          !full && s.windowHasRoom() && s.explore.hasRoom() && offset < s.commits.granted,
		wantsCommit:  s.wantsGrant(),
		parkingFull:  full,
		parkingEased: !full && s.parkingEased(),
	}
}

// nextGrant returns the grant of the next commit, see commitState.nextGrant.
func (s *partitionState) nextGrant() int64 {
	return s.commits.nextGrant(s.progress.next, s.logEnd.offset)
}

// wantsGrant reports whether a commit would grant more, and it is needed soon.
func (s *partitionState) wantsGrant() bool {
	return s.commits.wantsGrant(s.progress.next, s.logEnd.offset)
}

// lag returns how many records are neither done nor parked, dispatched or not.
func (s *partitionState) lag() int64 {
	return s.undispatched() + int64(s.progress.active())
}

// undispatched returns how many offsets of this part are still to be dispatched.
func (s *partitionState) undispatched() int64 { return max(s.logEnd.offset-s.progress.next, 0) }
