package consumer

import (
	"fmt"
	"time"
)

// partitionState is what a partition knows of its records and its commits. It is a plain value under the partition's lock.
type partitionState struct {
	window     int // the setting WINDOW
	grantAhead int // how many records beyond those dispatched a commit grants
	progress   progress
	parking    parking
	explore    exploration
	// granted, horizon and committed are of the last acknowledged commit: the offset below which records may be
	// dispatched, the time until which requests for them may leave, and its offset, -1 before the first commit.
	granted      int64
	horizon      time.Time
	committed    int64
	wanted       int64     // the offset of the record that waits for a grant
	changed      bool      // since the last commit
	trial        trial     // see tryAlone
	logEnd       int64     // the offset after the last record, as far as it is known
	endRead      time.Time // when logEnd was read last
	waitingSince time.Time // since when events are known to wait; zero when none does
	nextEvent    struct {  // the record that is to be dispatched next, once it is fetched
		offset int64
		at     time.Time
	}
	newestTime    time.Time // the time of the last dispatched record
	shortReadings int       // how many readings in a row had the log end below what was dispatched
	parkingFull   bool      // parking has no room for the record that is to be dispatched next

	commitsBegun, commitsDone int // how many were begun, and how many of these are acknowledged

	seenRebuilt bool // the memory of event ids was rebuilt, and the process lives
	unsettled   bool // a delivery of this owner ended with a create whose effect is not known
	givenBack   bool // a delivery ended at its turn without a create: the next owner can deliver the record at once
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
	s.parkingFull = s.progress.counts[parked] > 0 && !s.progress.isOwnSpan(offset) && s.parkedBeyond(maxParked, ledgerBytes-ledgerHead)
	return s.parkingFull
}

// parkingEased reports whether at least an eighth of parking is free.
func (s *partitionState) parkingEased() bool {
	return !s.parkedBeyond(maxParked*7/8, (ledgerBytes-ledgerHead)*7/8)
}

// parkedBeyond reports whether as many records are parked, or the spans take more bytes.
func (s *partitionState) parkedBeyond(records, bytes int) bool {
	return s.progress.counts[parked] >= records || s.spanBytes() > bytes
}

// spanBytes returns how many bytes the ledger's spans take, with those of the records that the window has room for.
func (s *partitionState) spanBytes() int {
	window := windowSpan * max(s.window-s.progress.active(), 0)
	if n := len(s.progress.unfinished) + len(s.progress.inheritedSpans) + 1; n <= maxSpans {
		return window // so few spans always fit
	}
	spans, _ := s.progress.spans(s.granted)
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

// nextGrant returns the grant of the next commit: some records beyond the one that waits and those dispatched, but none
// beyond the log's end. So what is produced later is granted by nobody yet, and no suspect after a crash.
func (s *partitionState) nextGrant() int64 {
	ahead := max(s.wanted, s.progress.next) + int64(s.grantAhead)
	return max(s.granted, s.progress.next, min(ahead, s.logEnd))
}

// wantsGrant reports whether a commit would grant more, and it is needed soon.
func (s *partitionState) wantsGrant() bool {
	return s.nextGrant() > s.granted && s.wanted+int64(s.grantAhead)/2 >= s.granted
}

// noteEnd takes over the log's end as it was read; dispatched is what was dispatched before it was asked for, as what is
// dispatched meanwhile may lie beyond an answer that is correct. It fails when the topic was replaced.
func (s *partitionState) noteEnd(end, dispatched int64) error {
	s.logEnd = max(end, s.logEnd)
	if end >= dispatched {
		s.shortReadings = 0
		return nil
	}
	if s.shortReadings++; s.shortReadings >= maxShortReadings {
		return fmt.Errorf("%w: it ends at %d, before %d", errOutOfRange, end, dispatched)
	}
	return nil
}

// maxShortReadings is how many readings in a row have the log end below what was dispatched until the topic counts as
// replaced. Fewer may come from a new leader.
const maxShortReadings = 3

// lag returns how many records are neither done nor parked, dispatched or not.
func (s *partitionState) lag() int64 {
	return max(s.logEnd-s.progress.next, 0) + int64(s.progress.active())
}
