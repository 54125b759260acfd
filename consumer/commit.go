package consumer

import (
	"context"
	"fmt"
	"time"

	"github.com/segmentio/kafka-go"
)

// commitPause is the least time between commits that nobody waits for.
const commitPause = 100 * time.Millisecond

// horizonLength is how far ahead of a commit requests may be sent on it. A
// shorter one lets the next owner's look-ups begin earlier after a crash of
// everybody, and costs more commits of an idle group.
func (g *generation) horizonLength() time.Duration { return g.cfg.SessionTimeout * 2 / 3 }

// commitLoop is the generation's only committer, and there is one commit
// in flight: an older one that arrives after a newer one would take offsets back.
func (g *generation) commitLoop(end <-chan struct{}) {
	renew := time.NewTicker(g.horizonLength() / 3)
	defer renew.Stop()
	for {
		var due []*partition
		select {
		case <-end:
			return
		case <-g.urgent:
			due = g.changedPartitions()
		case <-renew.C:
			due = g.partitions
		case <-g.dirty:
			if !g.pauseUnlessUrgent(end) {
				return
			}
			due = g.changedPartitions()
		}
		if g.lease.err() != nil {
			continue // what finished after the lease is the next owner's
		}
		if cause := context.Cause(g.take); cause != nil && !mayCommit(cause) {
			continue // a replaced topic would take our offset for its own
		}
		if err := g.commit(due); err != nil {
			g.fail(err)
			return
		}
	}
}

// pauseUnlessUrgent lets more records finish; false says that the loop ends.
func (g *generation) pauseUnlessUrgent(end <-chan struct{}) bool {
	timer := time.NewTimer(commitPause)
	defer timer.Stop()
	select {
	case <-end:
		return false
	case <-timer.C:
	case <-g.urgent:
	}
	return true
}

func (g *generation) changedPartitions() []*partition {
	var due []*partition
	for _, p := range g.partitions {
		p.mu.Lock()
		if p.changed || p.want+int64(g.cfg.Window)/2 > p.granted {
			due = append(due, p)
		}
		p.mu.Unlock()
	}
	return due
}

// commit writes the state of partitions. When it fails, or nobody knows
// whether it worked, the generation must end.
func (g *generation) commit(due []*partition) error {
	if len(due) == 0 {
		return nil
	}
	// Without its monotonic part: the next owner reads it by the clock on the
	// wall, which a suspended machine's other clock falls behind.
	horizon := time.Now().Add(g.horizonLength()).Round(0)
	entries := make([]entry, 0, len(due))
	for _, p := range due {
		entries = append(entries, p.entry(horizon, false))
	}
	if err := g.write(entries); err != nil {
		return err
	}
	for i, p := range due {
		p.acknowledged(entries[i])
	}
	return nil
}

// finalCommit writes the true state at the end of a drain. Nothing more will be
// dispatched or sent, so that the horizon is now and the limit falls to what
// was delivered.
func (g *generation) finalCommit() error {
	now := time.Now()
	entries := make([]entry, 0, len(g.partitions))
	for _, p := range g.partitions {
		entries = append(entries, p.entry(p.lastSent(now), true))
	}
	return g.write(entries)
}

// lastSent is the time after which nobody has written a create for a record
// that is unfinished at the end of a drain. When this owner left none, it is that of the
// earlier one: else each take-over would begin the wait for it again.
func (p *partition) lastSent(now time.Time) time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.unsettled || p.openedAt.sentBefore.IsZero() {
		return now
	}
	return p.openedAt.sentBefore
}

func (g *generation) write(entries []entry) error {
	if len(entries) == 0 {
		return nil
	}
	commits := make([]kafka.OffsetCommit, len(entries))
	for i, e := range entries {
		commits[i] = kafka.OffsetCommit{Partition: e.partition, Offset: e.offset, Metadata: e.ledger.encode(e.offset)}
	}
	began := time.Now()
	// Not cancelled by anything: a commit that is given up may still arrive.
	err := g.broker.commit(context.WithoutCancel(g.work), g.member, commits, g.cfg.SessionTimeout/3)
	g.metrics.commit(time.Since(began), err)
	if err != nil {
		return fmt.Errorf("%w: %w", errCommitFailed, err)
	}
	return nil
}

// entry is one partition's part of a commit.
type entry struct {
	partition int
	offset    int64
	ledger    ledger
	limit     int64 // what it grants when it is acknowledged
}

// entry takes the partition's state. The limit goes a window beyond the
// record that waits, so that an idle partition's next record costs no commit.
func (p *partition) entry(horizon time.Time, final bool) entry {
	way := p.creator.Status().OriginField // before the lock: the creator asks for our lease under its own
	p.mu.Lock()
	defer p.mu.Unlock()
	p.changed = false
	p.commitsBegun++
	e := entry{partition: p.id, offset: p.progress.position()}
	if final {
		e.limit = p.progress.next
	} else {
		e.limit = max(p.granted, max(p.want, p.progress.next)+int64(p.cfg.Window))
	}
	e.ledger = ledger{
		horizon: horizon,
		trial:   p.trial.offset,
		trials:  p.trial.begun,
		way:     way,
	}
	e.ledger.spans, e.ledger.granted = p.progress.spans(e.limit)
	if !final {
		e.ledger.openings = p.openedAt.openings(e.offset)
	}
	return e
}

// acknowledged puts an acknowledged commit into force.
func (p *partition) acknowledged(e entry) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.granted, p.horizon, p.committed = e.limit, e.ledger.horizon, e.offset
	p.commitsDone = p.commitsBegun // one is in flight at a time
	signal(p.wake)
}

// openings counts this opening of the partition, if it still stands where it was opened.
func (o opening) openings(offset int64) int {
	if offset != o.start {
		return 0
	}
	return o.left.openings + 1
}
