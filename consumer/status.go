package consumer

import (
	"cmp"
	"slices"
	"time"

	"github.com/leadbridge/leadbridge/crmclient"
	"github.com/leadbridge/leadbridge/internal/phrase"
)

// The causes that hold the consumer itself; those of the CRM client are in package crmclient.
const (
	HoldBrokers     crmclient.Cause = "brokers"           // no broker answers
	HoldTopic       crmclient.Cause = "topic"             // the topic does not exist, or may not be described
	HoldGroup       crmclient.Cause = "group"             // the group cannot be joined, or does not take our commits
	HoldDeadLetters crmclient.Cause = "dead_letter_topic" // the dead-letter topic accepts no letters
	HoldResults     crmclient.Cause = "result_topic"      // the result topic accepts no results
	HoldParking     crmclient.Cause = "parking"           // a partition has no room for more parked records
	HoldSchemas     crmclient.Cause = "schema_registry"   // the schema registry does not answer; holds only events whose schema is not known
)

// holds returns all causes that hold the consumer itself.
func holds() []crmclient.Cause {
	return []crmclient.Cause{HoldBrokers, HoldTopic, HoldGroup, HoldDeadLetters, HoldResults, HoldParking, HoldSchemas, HoldOperator}
}

// Status is the state of a Consumer at a moment.
type Status struct {
	Ready      bool              `json:"ready"`            // the process is in the group, or was less than WaitingAfter ago, and reaches the brokers
	Healthy    bool              `json:"healthy"`          // the process makes progress, has nothing to do, or is held
	Reason     phrase.Text       `json:"reason,omitempty"` // why the process is not healthy; nil: it is
	Generation int               `json:"generation"`       // the generation of the group; 0 when this process is in none
	Member     string            `json:"member,omitempty"` // the process's id in the group; "": none
	Holds      []crmclient.Hold  `json:"holds"`            // the holds of the consumer itself, without the CRM client's; by cause
	Partitions []PartitionStatus `json:"partitions"`       // the partitions that the process owns, ascending
	// Stopped are the partitions as they were when the process stopped; nil while it runs.
	Stopped  []PartitionStatus `json:"stopped,omitempty"`
	LagKnown bool              `json:"lagKnown"` // the lag of each partition was read in the last eleven seconds; false: of one it was not
	Waiting  []Waiting         `json:"waiting"`  // what makes events wait for longer than WaitingAfter, the oldest first
}

// PartitionStatus is the state of one owned partition.
type PartitionStatus struct {
	Partition  int     `json:"partition"`
	Committed  int64   `json:"committed"`  // offset of the last acknowledged commit; -1 before the first one
	Next       int64   `json:"next"`       // offset of the next record to be dispatched
	LogEnd     int64   `json:"logEnd"`     // offset after the log's last record
	Lag        int64   `json:"lag"`        // records that are neither done nor parked
	LagSeconds float64 `json:"lagSeconds"` // age in seconds of the oldest record that Lag counts; 0 for none
	Unfinished int     `json:"unfinished"` // records that were dispatched, and are neither done nor parked
	Suspects   int     `json:"suspects"`   // unfinished and parked records that are looked up before a create
	Parked     int     `json:"parked"`     // records that wait for something of their own
	// ParkedWhy counts the parked records by what they wait for.
	ParkedWhy map[crmclient.Wait]int `json:"parkedWhy,omitempty"`
	// ParkingFull says that no new record is dispatched until a parked one ends.
	ParkingFull bool `json:"parkingFull,omitempty"`
	Resumed     int  `json:"resumed"` // unfinished records that were parked before
	// Backlog is the backlog that newer records overtake; nil when none is set aside. The other fields count its records too.
	Backlog *BacklogStatus `json:"backlog,omitempty"`
}

// BacklogStatus is the state of a backlog that is set aside: see FRESH_FIRST.
type BacklogStatus struct {
	Next  int64     `json:"next"`           // offset of the next record to be dispatched
	End   int64     `json:"end"`            // offset of the first record that is newer
	Lag   int64     `json:"lag"`            // records that are neither done nor parked
	Since time.Time `json:"since"`          // when the backlog was set aside
	Until time.Time `json:"until,omitzero"` // when the backlog will be delivered at the present pace; zero: not known
	// FreshLag counts the newer records that are neither done nor parked, and FreshLagSeconds is the age of the oldest of
	// these; 0 for none.
	FreshLag        int64   `json:"freshLag"`
	FreshLagSeconds float64 `json:"freshLagSeconds"`
}

// bytesInUse returns how many bytes the records of all partitions and their fetches hold.
func (b *statusBoard) bytesInUse() int64 {
	g := b.currentGeneration()
	if g == nil {
		return 0
	}
	used := int64(0)
	for _, p := range g.parts() {
		used += p.bytesInUse()
	}
	return used
}

// Status returns the state of the consumer. It may be called at any time, from any goroutine.
func (c *Consumer) Status() Status {
	now := time.Now()
	s := c.deps.board.status(now)
	crm := c.deps.creator.Status()
	s.Waiting = c.deps.board.waiting(append(slices.Clone(s.Holds), crm.Holds...), s.LagKnown, now)
	stuck := c.deps.board.stuckPartition(s.Partitions, len(s.Holds)+len(crm.Holds) > 0, now)
	s.Healthy = stuck == nil
	s.Reason = stuck
	return s
}

// status returns the state without what needs the CRM client: Healthy, Reason and Waiting.
func (b *statusBoard) status(now time.Time) Status {
	b.mu.Lock()
	g, last := b.current, b.atStop
	s := Status{Holds: []crmclient.Hold{}, Partitions: []PartitionStatus{}, Waiting: []Waiting{}}
	for _, h := range b.holds {
		s.Holds = append(s.Holds, h)
	}
	_, unreachable := b.holds[HoldBrokers]
	s.Ready = b.everAssigned && !unreachable && (g != nil || now.Sub(b.since) <= WaitingAfter)
	b.mu.Unlock()
	slices.SortFunc(s.Holds, func(x, y crmclient.Hold) int { return cmp.Compare(x.Cause, y.Cause) })
	if last != nil {
		s.Stopped, s.LagKnown = last.status, true
	}
	if g == nil {
		return s
	}
	s.Generation, s.Member = g.member.generation, g.member.member
	for _, p := range g.partitions {
		s.Partitions = append(s.Partitions, p.status(now))
	}
	s.LagKnown = g.knowsEnds(now)
	return s
}

// waiting returns what makes events wait. holds are those of the consumer and of the CRM client.
func (b *statusBoard) waiting(holds []crmclient.Hold, lagKnown bool, now time.Time) []Waiting {
	b.mu.Lock()
	g := b.current
	s := snapshot{assigned: g != nil, everAssigned: b.everAssigned, since: b.since, lagKnown: lagKnown, holds: holds}
	if b.atStop != nil {
		s.stopped, s.partitions = true, b.atStop.waiting
	}
	b.mu.Unlock()
	if g == nil {
		return s.waiting(now)
	}
	s.since = g.endsRead(now)
	for _, p := range g.parts() {
		s.partitions = append(s.partitions, p.snapshot(now))
	}
	return s.waiting(now)
}

// A finalSnapshot is how the partitions of a process were when it stopped.
type finalSnapshot struct {
	status  []PartitionStatus
	waiting []partitionSnapshot
}

func newFinalSnapshot(g *generation, now time.Time) *finalSnapshot {
	f := &finalSnapshot{status: []PartitionStatus{}}
	for _, p := range g.partitions {
		f.status = append(f.status, p.status(now))
	}
	for _, p := range g.parts() {
		f.waiting = append(f.waiting, p.snapshot(now))
	}
	return f
}

// endsStale is how old the reading of a log's end may be: then two readings have failed.
const endsStale = 2*watchInterval + time.Second

// knowsEnds reports whether the ends of all logs were read less than endsStale ago.
func (g *generation) knowsEnds(now time.Time) bool { return now.Sub(g.endsRead(now)) <= endsStale }

// endsRead returns the time of the oldest reading of a log's end.
func (g *generation) endsRead(now time.Time) time.Time {
	oldest := now
	for _, p := range g.partitions {
		if read := p.newest().records.endRead(); read.Before(oldest) {
			oldest = read
		}
	}
	return oldest
}

// status returns the state of the partition at now, without its number.
func (s *partitionState) status(now time.Time) PartitionStatus {
	status := PartitionStatus{
		Committed:   s.commits.offset,
		Next:        s.progress.next,
		LogEnd:      s.logEnd.offset,
		Lag:         s.lag(),
		Unfinished:  s.progress.active(),
		Suspects:    s.progress.suspects(),
		Parked:      s.progress.counts[parked],
		ParkedWhy:   s.parking.counts(),
		ParkingFull: s.parkingFull,
		Resumed:     s.progress.counts[resumed],
	}
	if oldest := s.waits.oldest(&s.progress); status.Lag > 0 && !oldest.IsZero() {
		status.LagSeconds = max(now.Sub(oldest).Seconds(), 0)
	}
	return status
}
