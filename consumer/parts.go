package consumer

import (
	"math"
	"time"
)

// With FRESH_FIRST, the records of a partition are delivered in two parts while a backlog waits: the backlog, and what
// came after it. Each part has a place in the log where it goes on, a window, parking and bytes of its own; they share the
// commit, the lines and the memory of event ids. docs/fresh-first.md explains it.

// noEnd is the end of a part that ends where the log does.
const noEnd = math.MaxInt64

// parts returns the parts of the partition that have something to deliver or to commit, the oldest first. The last one
// always is among them.
func (p *partition) parts() []*partition {
	var all []*partition
	for ; p != nil; p = p.newer.Load() {
		if p.newer.Load() == nil || !p.records.isFinished() {
			all = append(all, p)
		}
	}
	return all
}

// newest returns the part to which the records belong that are produced now.
func (p *partition) newest() *partition {
	for newer := p.newer.Load(); newer != nil; newer = p.newer.Load() {
		p = newer
	}
	return p
}

// parts returns the parts of all partitions.
func (g *generation) parts() []*partition {
	var all []*partition
	for _, p := range g.partitions {
		all = append(all, p.parts()...)
	}
	return all
}

// needsCommit reports whether the partition has something to commit.
func (p *partition) needsCommit() bool {
	for _, part := range p.parts() {
		if part.records.needsCommit() {
			return true
		}
	}
	return false
}

// entry returns the partition's part of the next commit.
func (p *partition) entry(horizon time.Time, originField string) commitEntry {
	return p.joinedEntry(func(rs *partitionRecords) commitEntry { return rs.entry(horizon, originField, false) })
}

// finalEntry returns its part of the last commit, after a drain that has ended by now.
func (p *partition) finalEntry(now time.Time, originField string) commitEntry {
	return p.joinedEntry(func(rs *partitionRecords) commitEntry { return rs.entry(rs.lastSent(now), originField, true) })
}

// joinedEntry returns the entries of the parts as one.
func (p *partition) joinedEntry(entry func(*partitionRecords) commitEntry) commitEntry {
	p.gen.splitting.Lock()
	defer p.gen.splitting.Unlock()
	parts := p.parts()
	e := entry(parts[0].records)
	for _, newer := range parts[1:] {
		e = e.join(entry(newer.records))
	}
	return e
}

// isFinished reports whether all records of a part that has an end are done.
func (rs *partitionRecords) isFinished() bool {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	s := &rs.state
	return s.progress.next >= s.end && len(s.progress.unfinished) == 0
}

// hasEnded reports whether all records of a part that has an end were dispatched.
func (rs *partitionRecords) hasEnded() bool {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	return rs.state.progress.next >= rs.state.end
}

// endsAt returns the offset at which the part ends.
func (rs *partitionRecords) endsAt() int64 {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	return rs.state.end
}

// isBacklog reports whether the part is one that newer records overtake.
func (rs *partitionRecords) isBacklog() bool { return rs.endsAt() != noEnd }

// split ends the part at the offset end, and returns the state of the records from there on. It returns false when that
// cannot be, or is not worth it any more.
func (rs *partitionRecords) split(end int64, now time.Time) (newer partitionState, ok bool) {
	rs.update(func(s *partitionState) { newer, ok = s.split(end, now) })
	return newer, ok
}

// split is partitionRecords.split. Both parts get half of the window, and share what the ledger has room for.
func (s *partitionState) split(end int64, now time.Time) (newer partitionState, ok bool) {
	if !s.maySplit() || end < s.progress.next+s.leastBacklog() || end < s.commits.granted {
		return partitionState{}, false
	}
	room := ledgerBytes - ledgerHead - holeSpan
	taken := max(s.spanBytes(), room/2)
	half := max(s.window/2, 1)
	newer = partitionState{
		window:      half,
		end:         noEnd,
		spanRoom:    room - taken,
		progress:    s.progress.split(end),
		commits:     commitState{ahead: min(s.commits.ahead, half), wanted: end, offset: s.commits.offset},
		logEnd:      s.logEnd,
		trial:       trial{offset: -1},
		seenRebuilt: true,
	}
	newer.waits.note(newer.lag(), now)
	s.end, s.logEnd.offset = end, end
	s.window, s.spanRoom = half, taken
	s.commits.ahead = newer.commits.ahead
	s.sinceSplit = splitMark{at: now, next: s.progress.next}
	return newer, true
}

// hasBacklog reports whether so many records wait to be dispatched that they are worth setting aside.
func (rs *partitionRecords) hasBacklog() bool {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	return rs.state.undispatched() >= rs.state.leastBacklog()
}

// maySplit reports whether so many records wait that a backlog can be set aside, and the ledger has room for that.
func (s *partitionState) maySplit() bool {
	return !s.explore.on && s.end == noEnd && s.undispatched() >= s.leastBacklog() && s.spanBytes() <= (ledgerBytes-ledgerHead-holeSpan)*3/4
}

// holeSpan is how many bytes of the ledger the span of the records takes that nobody has dispatched of a backlog.
const holeSpan = 12

// leastBacklog is how many records must wait to be dispatched for a backlog to be set aside.
func (s *partitionState) leastBacklog() int64 { return int64(2 * s.window) }

// leastBacklog is that of a partition that is not split.
func (p *partition) leastBacklog() int64 { return int64(2 * p.deps.cfg.Window) }

// A splitMark is where a backlog began to be delivered as such.
type splitMark struct {
	at   time.Time
	next int64
}

// A partID identifies a part of a partition in a generation.
type partID struct {
	partition int
	part      int // its number
}

// partID returns what identifies the part.
func (p *partition) partID() partID { return partID{p.id, p.number} }

// status returns the state of the partition at now, of all its parts.
func (p *partition) status(now time.Time) PartitionStatus {
	parts := p.parts()
	newest := parts[len(parts)-1].records
	all := newest.status(now)
	for _, older := range parts[:len(parts)-1] {
		all = older.records.status(now).with(all)
		all.Backlog = older.records.backlogStatus(now, newest.status(now))
	}
	return all
}

// snapshot returns what the events of the part wait for at now.
func (p *partition) snapshot(now time.Time) partitionSnapshot {
	s := p.records.snapshot(now)
	if s.why == Why(HoldParking) && !p.intake.backlog.isEmpty() { // the backlog's delivery makes room
		s.why = WhyTurn
	}
	return s
}

// with returns the state of a partition of which s is the state of the backlog, and newer that of the other part.
func (s PartitionStatus) with(newer PartitionStatus) PartitionStatus {
	s.Next, s.LogEnd = newer.Next, newer.LogEnd
	s.Lag += newer.Lag
	s.LagSeconds = max(s.LagSeconds, newer.LagSeconds)
	s.Unfinished += newer.Unfinished
	s.Suspects += newer.Suspects
	s.Parked += newer.Parked
	for why, n := range newer.ParkedWhy {
		s.ParkedWhy[why] += n
	}
	s.ParkingFull = s.ParkingFull || newer.ParkingFull
	s.Resumed += newer.Resumed
	return s
}

// backlogStatus returns the state of the backlog at now, given that of the newer part.
func (rs *partitionRecords) backlogStatus(now time.Time, newer PartitionStatus) *BacklogStatus {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	s := &rs.state
	return &BacklogStatus{
		Next: s.progress.next, End: s.end, Lag: s.lag(), Since: s.sinceSplit.at, Until: s.backlogUntil(now),
		FreshLag: newer.Lag, FreshLagSeconds: newer.LagSeconds,
	}
}

// estimateAfter is for how long a backlog must have been delivered until its end is estimated.
const estimateAfter = 10 * time.Second

// backlogUntil returns when a backlog will be dispatched at the pace that it had until now; zero when that is not known.
func (s *partitionState) backlogUntil(now time.Time) time.Time {
	took, moved := now.Sub(s.sinceSplit.at), s.progress.next-s.sinceSplit.next
	if took < estimateAfter || moved <= 0 {
		return time.Time{}
	}
	return now.Add(time.Duration(float64(took) / float64(moved) * float64(s.end-s.progress.next))).Truncate(time.Second)
}
