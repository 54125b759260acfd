package consumer

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/rs/zerolog"
	"github.com/segmentio/kafka-go"
)

// commitPause is how long a commit that nobody waits for is delayed, so that it covers more records.
const commitPause = 100 * time.Millisecond

// horizonLength returns how long after its start a commit allows requests to be sent. A shorter one would let the next owner
// begin its look-ups earlier after a crash, and make an idle group commit more often.
func (g *generation) horizonLength() time.Duration { return g.deps.cfg.SessionTimeout * 2 / 3 }

// commitLoop is the generation's committer. One commit is in flight at a time: an older commit that arrives after a
// newer one would set offsets back.
func (g *generation) commitLoop(end <-chan struct{}) {
	renew := time.NewTicker(g.horizonLength() / 3)
	defer renew.Stop()
	for {
		var due []*partition
		select {
		case <-end:
			return
		case <-g.urgent:
			due = g.partitionsToCommit()
		case <-renew.C:
			due = g.partitions
		case <-g.dirty:
			if !g.pauseUnlessUrgent(end) {
				return
			}
			due = g.partitionsToCommit()
		}
		if g.lease.err() != nil {
			continue // records that were done after the lease had ended are looked up by the next owner
		}
		if cause := context.Cause(g.fetchCtx); cause != nil && !mayCommit(cause) {
			continue // the topic may have been replaced: the offsets are those of the old one
		}
		if err := g.commit(due); err != nil {
			g.abort(err)
			return
		}
	}
}

// pauseUnlessUrgent waits for commitPause, so that more records are done, or until somebody waits for the commit. It returns
// false when end is closed.
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

// partitionsToCommit returns the partitions that have something to commit.
func (g *generation) partitionsToCommit() []*partition {
	var due []*partition
	for _, p := range g.partitions {
		if p.needsCommit() {
			due = append(due, p)
		}
	}
	return due
}

// commit writes the state of partitions. After an error nobody knows whether it was written, and the generation must end.
func (g *generation) commit(due []*partition) error {
	if len(due) == 0 {
		return nil
	}
	// Round(0) drops the monotonic clock's reading: the next owner compares the horizon with the wall clock, and on a
	// suspended machine the monotonic clock falls behind it.
	horizon := time.Now().Add(g.horizonLength()).Round(0)
	originField := g.deps.creator.Status().OriginField
	entries := make([]commitEntry, 0, len(due))
	for _, p := range due {
		entries = append(entries, p.entry(horizon, originField))
	}
	if err := g.writeCommit(entries); err != nil {
		return err
	}
	for _, e := range entries {
		e.acknowledge()
	}
	return nil
}

// finalCommit writes the state at the end of a drain. Nothing more will be dispatched or sent: this owner's grant
// falls to the next record to be dispatched, and the send horizon is in the past.
func (g *generation) finalCommit() error {
	now := time.Now()
	originField := g.deps.creator.Status().OriginField
	entries := make([]commitEntry, 0, len(g.partitions))
	for _, p := range g.partitions {
		entries = append(entries, p.finalEntry(now, originField))
	}
	return g.writeCommit(entries)
}

// writeCommit writes entries; its error wraps errCommitFailed.
func (g *generation) writeCommit(entries []commitEntry) error {
	if len(entries) == 0 {
		return nil
	}
	began := time.Now()
	commits, longest := encodeCommits(entries, g.deps.room.bytes)
	err := g.tryCommit(commits)
	for errors.Is(err, kafka.OffsetMetadataTooLarge) {
		refused := longest
		if commits, longest = encodeCommits(entries, refused*3/4); longest >= refused {
			break // the metadata cannot be shortened further
		}
		g.deps.room.lower(refused*3/4, g.deps.cfg.Log)
		err = g.tryCommit(commits)
	}
	g.deps.metrics.commit(time.Since(began), err)
	if err != nil {
		return fmt.Errorf("%w: %w", errCommitFailed, err)
	}
	return nil
}

// tryCommit writes commits once. Nothing cancels it: a commit that is given up may still arrive.
func (g *generation) tryCommit(commits []kafka.OffsetCommit) error {
	return g.deps.broker.commit(context.WithoutCancel(g.workCtx), g.member, commits, g.deps.cfg.SessionTimeout/3)
}

// encodeCommits returns the commits of entries, and how many bytes the longest metadata has. It shortens metadata to most
// bytes, if that is possible.
func encodeCommits(entries []commitEntry, most int) (commits []kafka.OffsetCommit, longest int) {
	commits = make([]kafka.OffsetCommit, len(entries))
	for i, e := range entries {
		commits[i] = kafka.OffsetCommit{Partition: e.partition, Offset: e.offset, Metadata: e.ledger.encodeWithin(e.offset, most)}
		longest = max(longest, len(commits[i].Metadata))
	}
	return commits, longest
}

// metadataRoom is how many bytes of metadata the brokers accept with a commit, as far as this process knows. Only the
// goroutine that commits uses it.
type metadataRoom struct{ bytes int }

// lower notes that the brokers accept less.
func (r *metadataRoom) lower(bytes int, log zerolog.Logger) {
	r.bytes = bytes
	log.Warn().Int("bytes", bytes).
		Msg("the brokers refuse the metadata of a commit as too large: set their offset.metadata.max.bytes to 4096, which is its default; until then a commit tells less, and more events are looked up after a crash")
}

// A commitEntry is one partition's part of a commit.
type commitEntry struct {
	partition int
	offset    int64
	ledger    ledger
	parts     []partEntry // the parts of the partition that it covers, ascending by their offsets
}

// A partEntry is what a commit means for one part of a partition.
type partEntry struct {
	records *partitionRecords
	// grant is the offset below which this owner may dispatch records of the part once the commit is acknowledged.
	// ledger.granted (H in docs/delivery.md) is higher if an earlier owner had a higher grant.
	grant int64
}

// acknowledge notes in the parts that the commit is acknowledged.
func (e *commitEntry) acknowledge() {
	for _, p := range e.parts {
		p.records.noteCommitted(e.offset, p.grant, e.ledger.horizon)
	}
}

// join returns the entry of a partition with a backlog that is set aside. e is the entry of the backlog, and newer that of the
// records after it. Trials and openings are those of the backlog.
func (e commitEntry) join(newer commitEntry) commitEntry {
	e.parts = append(e.parts, newer.parts...)
	e.ledger.spans = append(e.ledger.spans, newer.ledger.spans...)
	e.ledger.granted = newer.ledger.granted
	if newer.ledger.horizon.After(e.ledger.horizon) {
		e.ledger.horizon = newer.ledger.horizon
	}
	return e
}
