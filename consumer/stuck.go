package consumer

import (
	"time"

	"github.com/leadbridge/leadbridge/internal/phrase"
)

// stuckAfter is how long a partition with lag may make no progress while nothing holds it.
const stuckAfter = 5 * time.Minute

// A lastMove is how far a partition had come when it last made progress.
type lastMove struct {
	position int64
	done     int64
	since    time.Time
}

// stuckPartition returns why the process is not healthy: a partition has lag and has made no progress for stuckAfter.
// It returns nil when there is none. held says that something holds the delivery.
func (b *statusBoard) stuckPartition(partitions []PartitionStatus, held bool, now time.Time) phrase.Text {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, p := range partitions {
		m, known := b.lastMoves[p.Partition]
		// Resumed records are added, so that parking a record counts as progress, and resuming one is not a step back.
		done := p.dispatched() - int64(p.Unfinished-p.Resumed)
		// A new generation begins at the last commit again, so that only going further than ever before counts as progress.
		progressed := p.Committed > m.position || done > m.done
		if !known || held || p.Lag == 0 || progressed {
			b.lastMoves[p.Partition] = lastMove{p.Committed, done, now}
			continue
		}
		if now.Sub(m.since) > stuckAfter {
			return phrase.New("stuck", "a partition has lag and makes no progress; see /statusz")
		}
	}
	return nil
}

// dispatched returns a number that grows with each dispatched record, and stays the same when a backlog is set aside.
func (s PartitionStatus) dispatched() int64 {
	if s.Backlog == nil {
		return s.Next
	}
	return s.Next - (s.Backlog.End - s.Backlog.Next)
}
