package consumer

import "time"

// partitionState is what a partition knows of its records and its commits. It is a plain value; partitionRecords has the
// lock.
type partitionState struct {
	window   int   // the setting WINDOW, or half of it when there are two parts
	end      int64 // the offset at which this part ends; noEnd: the log's end, wherever it is
	spanRoom int   // bytes of the ledger that the spans may take
	progress progress
	parking  parking
	explore  exploration
	commits  commitState
	logEnd   logEnd
	waits    waitTimes

	sinceSplit splitMark // of a backlog: when it was set aside
	trial      trial     // see tryAlone

	ended       int  // records that this owner finished
	changed     bool // since the last commit
	parkingFull bool // parking has no room for the record that is to be dispatched next
	seenRebuilt bool // the memory of event ids was rebuilt, and the process lives
	unsettled   bool // a delivery of this owner ended with a create whose effect is not known
	givenBack   bool // a delivery ended at its turn without a create: the next owner can deliver the record at once
}

// newPartitionState returns the state of a partition that is opened at o, one of so many of this process.
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

// The bounds of parking: maxParked records of a partition, and as many as leave room in the ledger for what else it holds
// and for the spans that the window may add.
const (
	maxParked   = 5000
	ledgerBytes = (maxMetadata - len(ledgerPrefix)) * 3 / 4 // before they are encoded in base64
	ledgerHead  = 128                                       // bytes of the ledger before its spans, at most
	windowSpan  = 2                                         // bytes that the span of a record in the window takes, about
)

// noteParkingFull works out whether parking has no room, for the record at offset, which is to be dispatched next.
func (s *partitionState) noteParkingFull(offset int64) bool {
	s.parkingFull = s.progress.counts[parked] > 0 && !s.progress.isOwnSpan(offset) && s.parkedBeyond(maxParked, s.spanRoom)
	return s.parkingFull
}

// parkingEased reports whether at least an eighth of parking is free.
func (s *partitionState) parkingEased() bool {
	return !s.parkedBeyond(maxParked*7/8, s.spanRoom*7/8)
}

// parkedBeyond reports whether as many records are parked, or the spans take more bytes.
func (s *partitionState) parkedBeyond(records, bytes int) bool {
	return s.progress.counts[parked] >= records || s.spanBytes() > bytes
}

// spanBytes returns how many bytes the ledger's spans take, with those of the records that the window has room for.
func (s *partitionState) spanBytes() int {
	window := windowSpan * max(s.window-s.progress.active(), 0)
	if n := len(s.progress.unfinished) + len(s.progress.inheritedSpans) + 1; n <= maxSpans*s.spanRoom/(ledgerBytes-ledgerHead) {
		return window // so few spans always fit
	}
	spans, _ := s.progress.spans(s.commits.granted)
	return window + len(appendSpans(nil, s.progress.position(), spans))
}

// windowHasRoom reports whether the window has room for one more fresh record. Half of it is always for fresh ones.
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

// tryGrant reports whether the record at offset, the next one, may be dispatched. The offsets before it hold no record:
// with nothing in flight the commit can move up to it.
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
