package consumer

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/leadbridge/leadbridge/internal/wait"
)

// An opening is where and how the delivery of a partition starts.
type opening struct {
	log       bounds
	commit    int64  // the offset of the group's commit; -1 for none
	start     int64  // the offset of the first record to deliver
	inherited ledger // what earlier owners left, at and above start
	// sentBefore is the time after which no earlier owner can have written a create.
	sentBefore time.Time
	takeover   time.Time // since when this owner has the partition

	unexplored bool  // there is no commit: see exploration
	replaced   bool  // the commit belongs to an earlier topic of this name
	lost       int64 // how many unfinished offsets retention has deleted
	split      bool  // this is the opening of the part after a backlog
}

// openingOf returns the opening for the log's bounds and the group's commit.
//
// Earlier owners stopped before the log's end was read. So none of them dispatched a record at or above it, whatever its grant.
func openingOf(log bounds, commit committed, takeover time.Time) opening {
	o := opening{log: log, commit: commit.offset, start: commit.offset, sentBefore: takeover, takeover: takeover}
	suspectAll := func(from int64) { // nothing is known of the records from there on
		o.start = from
		o.inherited = ledger{granted: max(from, log.end), trial: -1}
		if from < log.end {
			o.inherited.spans = []span{{from: from, to: log.end, sent: true}}
		}
	}
	inherited, err := decodeLedger(commit.offset, commit.metadata)
	switch {
	case commit.offset < 0:
		o.unexplored = log.first < log.end
		suspectAll(log.first)
		o.sentBefore = time.Time{} // not known yet, see exploration
		return o
	case commit.offset > log.end, err == nil && inherited.doneEnd(commit.offset) > log.end:
		o.replaced = true
		suspectAll(log.first)
		return o
	}
	if err != nil {
		suspectAll(max(commit.offset, log.first))
	} else {
		o.inherited = inherited
		o.inherited.spans = unsentFrom(inherited.spans, log.end)
		if inherited.horizon.Before(takeover) {
			o.sentBefore = inherited.horizon
		}
	}
	if commit.offset < log.first {
		o.lost = inherited.unfinishedBelow(commit.offset, log.first) // without a ledger of ours, every offset counts
		o.start = log.first
		o.inherited.granted = max(o.inherited.granted, log.first)
	}
	return o
}

// openingsAt returns the number of openings to write into a commit at offset: how often in a row the partition was opened there,
// this time included. It is 0 when delivery has moved on. It is also 0 when the event ids were read back, and no record is left
// that an earlier owner may have dispatched: then nothing is left that could have ended that owner's process.
func (o opening) openingsAt(offset int64, seenRebuilt bool) int {
	if offset != o.start || o.split || seenRebuilt && min(o.log.end, o.inherited.granted) <= o.start {
		return 0
	}
	return o.inherited.openings + 1
}

// openedTooOften reports whether the partition was opened so often in a row at its offset that a record may be what ends the
// process.
func (o opening) openedTooOften() bool { return o.inherited.openings >= crashLoopOpenings }

// inCrashLoop reports whether the record at offset may have ended the processes of earlier owners: the partition was opened too
// often in a row, and they may have dispatched the record, as it lies below the inherited grant and not in a backlog.
func (o opening) inCrashLoop(offset int64) bool {
	return o.openedTooOften() && offset < o.inherited.granted && !o.inBacklog(offset)
}

// inBacklog reports whether the record at offset lies in a backlog that was set aside, and was not granted there.
func (o opening) inBacklog(offset int64) bool {
	return slices.ContainsFunc(o.inherited.spans, func(s span) bool {
		return s.isBacklog() && s.from <= offset && offset < s.to
	})
}

// unfinishedBelow counts the offsets of [committed, end) that are not done.
func (l ledger) unfinishedBelow(committed, end int64) int64 {
	n := max(end-max(l.granted, committed), 0) // at and above the grant nothing was dispatched
	for _, s := range l.spans {
		n += max(min(s.to, end)-s.from, 0)
	}
	return n
}

// unsentFrom returns the spans with all that lies at or above offset marked as not sent.
func unsentFrom(spans []span, offset int64) []span {
	cut := make([]span, 0, len(spans)+1)
	for _, s := range spans {
		if s.from < offset {
			cut = appendSpan(cut, span{s.from, min(s.to, offset), s.sent})
		}
		if s.to > offset {
			cut = appendSpan(cut, span{max(s.from, offset), s.to, false})
		}
	}
	return cut
}

// openPartitions reads how far each partition has come, and makes the first commit for all of them.
func (g *generation) openPartitions(ctx context.Context) error {
	g.deps.creator.SetShare(g.budgetShare(ctx))
	if len(g.assigned) == 0 {
		return nil
	}
	commits, err := g.deps.broker.fetchCommits(ctx, g.assigned)
	if err != nil {
		return g.openFailed(err)
	}
	ends, err := g.settledBounds(ctx, commits)
	if err != nil {
		return g.openFailed(err)
	}
	for _, id := range g.assigned {
		g.partitions = append(g.partitions, newPartition(g, id, ends[id], commits[id]))
	}
	// The commit must be acknowledged before the first dispatch. Otherwise a crash would leave the earlier owner's commit, which
	// may say that nothing was sent.
	if err := g.commit(g.partitions); err != nil {
		return err
	}
	for _, p := range g.partitions {
		p.reportOpening()
	}
	return nil
}

// A log that ends below the group's commit in settleReadings readings, settlePause apart, is another log than the one that was
// committed. In fewer readings it may be the same: a new leader may not know at once how far the log reaches.
const (
	settleReadings = 5
	settlePause    = time.Second
)

// settledBounds returns the bounds of the logs, read again while one ends below its commit.
func (g *generation) settledBounds(ctx context.Context, commits map[int]committed) (map[int]bounds, error) {
	for reading := 1; ; reading++ {
		ends, err := g.deps.broker.listOffsets(ctx, g.assigned, kafka.ReadUncommitted)
		if err != nil {
			return nil, err
		}
		below := false
		for id, c := range commits {
			below = below || c.offset > ends[id].end
		}
		if !below || reading == settleReadings {
			return ends, nil
		}
		_ = wait.For(ctx, settlePause)
	}
}

// openFailed returns the error of an opening that failed with err.
func (g *generation) openFailed(err error) error {
	g.deps.broker.reset()
	if errors.Is(err, kafka.UnknownTopicOrPartition) {
		return fmt.Errorf("%w: %w", errTopicGone, err)
	}
	return fmt.Errorf("opening partitions: %w", err)
}

// budgetShare returns the part of the portal's budget that this process may use, in (0, 1]: the part of the partitions that it
// has.
func (g *generation) budgetShare(ctx context.Context) float64 {
	all, err := g.deps.broker.partitions(ctx)
	if err != nil || len(all) == 0 || len(g.assigned) == 0 {
		return 1 / float64(max(len(all), 1))
	}
	return float64(len(g.assigned)) / float64(len(all))
}
