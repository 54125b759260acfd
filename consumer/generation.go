package consumer

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/leadbridge/leadbridge/internal/wait"
)

// Orderly causes for which a generation ends. After them it may still commit, see mayCommit.
var (
	errShutdown          = errors.New("shutting down")
	errRebalance         = errors.New("the group rebalances")
	errPartitionsChanged = errors.New("the topic's partitions changed")
)

// Fatal causes: after them nothing may be committed any more. errLeaseLapsed and errTopicGone are two others.
var (
	errCommitFailed  = errors.New("a commit failed or its outcome is unknown")
	errCreatorFailed = errors.New("the CRM client gave up a create without being asked to")
	errOutOfRange    = errors.New("the log no longer holds the offset to read")
)

// A generation is this process's part in one generation of the consumer group, from the assignment of its partitions to the last
// commit.
type generation struct {
	deps           dependencies
	member         membership
	assigned       []int // ids of its partitions, ascending
	partitionCount int   // of the topic; 0 until it is known. Only watch uses it
	lease          *lease
	takeover       time.Time // since when nobody else works on the partitions
	letters        *letterWriter
	results        *resultWriter // nil when none are wanted
	partitions     []*partition
	seen           *seen
	lines          *lines
	parkingHold    parkingHold
	// splitting is locked while a backlog is set aside, and while the entry of a partition for a commit is made, as the entry
	// must cover all parts.
	splitting sync.Mutex

	fetchCtx     context.Context // ends when no new work may be taken
	stopFetching context.CancelCauseFunc
	workCtx      context.Context // ends when work under way must be abandoned
	stopWork     context.CancelCauseFunc

	workers sync.WaitGroup // records that are being delivered
	loops   sync.WaitGroup // partitions, their readers, watch
	// rebuilding counts the partitions whose event ids are not read back yet. No partition dispatches before all are, as one id
	// may come in two partitions.
	rebuilding sync.WaitGroup

	dirty    chan struct{} // signalled when there is something to commit
	urgent   chan struct{} // signalled when somebody waits for a commit
	inFlight *inFlight

	rebalances    chan struct{} // closed when a heartbeat says that the group rebalances
	rebalanceOnce sync.Once     // closes it
}

func newGeneration(c *Consumer, gen *kafka.Generation, partitions int) *generation {
	g := &generation{
		deps:           c.deps,
		member:         membership{int(gen.ID), gen.MemberID},
		lease:          newLease(c.deps.cfg.SessionTimeout),
		partitionCount: partitions,
		seen:           newSeen(c.deps.cfg.DedupeWindow),
		lines:          newLines(),
		dirty:          make(chan struct{}, 1),
		urgent:         make(chan struct{}, 1),

		rebalances: make(chan struct{}),
	}
	for _, a := range gen.Assignments[c.deps.cfg.Topic] {
		g.assigned = append(g.assigned, a.ID)
	}
	slices.Sort(g.assigned) // kafka-go returns them in any order
	g.inFlight = newInFlight(c.deps.cfg, len(g.assigned))
	g.letters = newLetterWriter(c.deps.cfg, g.lease.err, c.deps.board)
	g.results = newResultWriter(c.deps.cfg, g.lease.err, c.deps.board)
	g.parkingHold.board = c.deps.board
	return g
}

// run delivers the partitions' records until the generation ends, and drains. After a nil error this process can take part in
// the next generation; after any other it should leave the group first. resetBackOff is called unless the generation failed, so
// that joining again at once would fail again.
func (g *generation) run(ctx context.Context, ended <-chan struct{}, resetBackOff func()) error {
	// The contexts must not end with ctx, which would abort work under way: awaitEnd ends the generation with errShutdown, and
	// it drains.
	g.fetchCtx, g.stopFetching = context.WithCancelCause(context.WithoutCancel(ctx))
	g.workCtx, g.stopWork = context.WithCancelCause(context.WithoutCancel(ctx))
	defer g.stopFetching(nil)
	defer g.stopWork(nil)
	defer g.lease.end()
	defer g.letters.close()
	defer g.results.close()
	go g.awaitEnd(ctx, ended)

	// The generation may have ended before kafka-go returned it: a heartbeat must succeed first.
	sent := time.Now()
	if err := g.deps.broker.heartbeat(g.fetchCtx, g.member, callTimeout); err != nil {
		g.deps.board.generationEnded(err)
		if errors.Is(err, kafka.RebalanceInProgress) { // another rebalance has begun, which is not a failure
			_ = wait.For(g.fetchCtx, rebalancePause)
			resetBackOff()
		}
		return nil
	}
	g.lease.renew(sent)
	g.takeover = time.Now()

	stopHeartbeats := g.startHeartbeats()
	defer stopHeartbeats()

	if err := g.openPartitions(g.fetchCtx); err != nil {
		g.deps.board.generationEnded(err)
		g.deps.holdForGroup(err)
		return leaveFor(err)
	}
	resetBackOff()
	g.deps.board.clear(HoldGroup)
	g.deps.board.partitionsAssigned(g)
	return g.deliverUntilEnd()
}

// awaitEnd ends the generation when the process stops or kafka-go ends it.
func (g *generation) awaitEnd(ctx context.Context, ended <-chan struct{}) {
	select {
	case <-ctx.Done():
		g.end(errShutdown)
	case <-ended:
		g.end(errRebalance)
	case <-g.fetchCtx.Done():
	}
}

// endForRebalance ends the generation because the group waits for this member to join again.
func (g *generation) endForRebalance() {
	g.rebalanceOnce.Do(func() { close(g.rebalances) })
	g.end(errRebalance)
}

// end ends the generation in order: no new work is taken, and what is under way is drained.
func (g *generation) end(cause error) { g.stopFetching(cause) }

// abort ends the generation at once: nothing may be sent or committed any more.
func (g *generation) abort(cause error) {
	g.end(cause)
	g.lease.end()
	g.stopWork(cause)
}

// deliverUntilEnd delivers until the generation ends, drains and makes the last commit.
func (g *generation) deliverUntilEnd() error {
	stopCommits := make(chan struct{})
	var committer sync.WaitGroup
	committer.Go(func() { g.commitLoop(stopCommits) })
	g.loops.Go(g.watch)
	g.rebuilding.Add(len(g.partitions))
	for _, p := range g.partitions {
		g.loops.Go(p.run)
		g.loops.Go(p.reader.run)
		if g.deps.cfg.FreshFirst > 0 {
			g.loops.Go(newSplitter(p, p.opening.backlogEnd(p.leastBacklog())).run)
		}
	}

	<-g.fetchCtx.Done()
	cause := context.Cause(g.fetchCtx)
	g.drain()
	close(stopCommits)
	committer.Wait()
	cause = errors.Join(cause, g.lease.err(), context.Cause(g.workCtx))
	if mayCommit(cause) {
		if err := g.finalCommit(); err != nil {
			// The commit may still arrive. With this cause the process leaves the group, so that the broker refuses it.
			cause = errors.Join(cause, err)
			g.deps.cfg.Log.Warn().Err(err).Msg("the last commit of the generation failed; the next owner looks up what was not committed")
		}
	}
	for _, p := range g.parts() {
		forget(g.deps.creator, p.records.leaveParked()...)
	}
	g.deps.board.clear(HoldParking)
	g.deps.board.generationEnded(cause)
	g.deps.holdForGroup(cause)
	return leaveFor(cause)
}

// mayCommit reports whether a generation that ended for cause may still commit: the cause must be orderly, and not be joined
// with a fatal one, which may be met in the drain.
func mayCommit(cause error) bool {
	if errors.Is(cause, errLeaseLapsed) || leaveFor(cause) != nil {
		return false
	}
	return errors.Is(cause, errShutdown) || errors.Is(cause, errRebalance) || errors.Is(cause, errPartitionsChanged)
}

// leaveFor returns cause if the process should leave the group after it, else nil. It should after every fatal cause except
// errLeaseLapsed: then the process may still be a member, as the first heartbeat of the next generation shows.
func leaveFor(cause error) error {
	if errors.Is(cause, errTopicGone) || errors.Is(cause, errOutOfRange) || errors.Is(cause, errCommitFailed) || errors.Is(cause, errCreatorFailed) {
		return cause
	}
	return nil
}
