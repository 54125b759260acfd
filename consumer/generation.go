package consumer

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"
)

// Why a generation ends. Only after errRebalance, errPartitionsChanged and
// errShutdown is it known that its commits are still wanted and right.
var (
	errShutdown          = errors.New("shutting down")
	errRebalance         = errors.New("the group rebalances")
	errPartitionsChanged = errors.New("the topic's partitions changed")
	errCommitFailed      = errors.New("a commit failed or its outcome is unknown")
	errCreatorFailed     = errors.New("the CRM client ended a create that nobody had ended")
	errOutOfRange        = errors.New("the log no longer holds the offset to read")
)

// generation is one ownership of partitions: what is done in it may be
// committed only under it.
type generation struct {
	*Consumer
	member     membership
	assigned   []int
	known      int // partitions of the topic, 0 until that is known; owned by watch
	lease      *lease
	takeover   time.Time // nobody else works on the partitions from here on
	letters    *letters
	results    *results // nil: none are wanted
	partitions []*partition

	take   context.Context // ends when no new work is to be taken
	stop   context.CancelCauseFunc
	work   context.Context // ends when work is to be abandoned
	giveUp context.CancelCauseFunc

	workers sync.WaitGroup // records in flight
	loops   sync.WaitGroup // partitions, watch
	// remembering: partitions whose memory of event ids is not rebuilt. An id
	// may come in two partitions, so that none dispatches before all are.
	remembering sync.WaitGroup

	dirty  chan struct{} // there is something to commit
	urgent chan struct{} // somebody waits for a commit
}

func newGeneration(c *Consumer, gen *kafka.Generation, known int) *generation {
	g := &generation{
		Consumer: c,
		member:   membership{int(gen.ID), gen.MemberID},
		lease:    newLease(c.cfg.SessionTimeout),
		known:    known,
		dirty:    make(chan struct{}, 1),
		urgent:   make(chan struct{}, 1),
	}
	for _, a := range gen.Assignments[c.cfg.Topic] {
		g.assigned = append(g.assigned, a.ID)
	}
	g.letters = newLetters(c.cfg, g.lease.err, c.board)
	g.results = newResults(c.cfg, g.lease.err, c.board)
	return g
}

// run owns the partitions until the generation ends, and drains. The error
// says that the group should be left; nil that the next generation may come.
func (g *generation) run(ctx context.Context, ended <-chan struct{}, wholesome func()) error {
	g.take, g.stop = context.WithCancelCause(context.WithoutCancel(ctx))
	g.work, g.giveUp = context.WithCancelCause(context.WithoutCancel(ctx))
	defer g.stop(nil)
	defer g.giveUp(nil)
	defer g.lease.end()
	defer g.letters.close()
	defer g.results.close()
	go g.awaitEnd(ctx, ended)

	// A generation can be dead before it is handed out: one good heartbeat first.
	sent := time.Now()
	if err := g.broker.heartbeat(g.take, g.member, callTimeout); err != nil {
		g.board.ended(err)
		return nil
	}
	g.lease.renew(sent)
	g.takeover = time.Now()

	beats, stopBeats := context.WithCancel(g.work)
	defer stopBeats()
	var hearts sync.WaitGroup
	hearts.Go(func() { g.lost(g.heartbeats(beats)) })
	defer hearts.Wait()
	defer stopBeats()

	if err := g.open(g.take); err != nil {
		g.board.ended(err)
		return leaveFor(err)
	}
	wholesome()
	g.board.clear(HoldGroup)
	g.board.assigned(g)
	return g.deliverUntilEnd()
}

// awaitEnd stops the taking of work when the process or kafka-go's generation ends.
func (g *generation) awaitEnd(ctx context.Context, ended <-chan struct{}) {
	select {
	case <-ctx.Done():
		g.stop(errShutdown)
	case <-ended:
		g.stop(errRebalance)
	case <-g.take.Done():
	}
}

// lost ends the generation at once when heartbeats say that it is not ours any more.
func (g *generation) lost(err error) {
	if err != nil && g.work.Err() == nil {
		g.fail(err)
	}
}

// fail ends the generation at once: nothing may be sent or committed any more.
func (g *generation) fail(err error) {
	g.stop(err)
	g.lease.end()
	g.giveUp(err)
}

func (g *generation) deliverUntilEnd() error {
	commits := make(chan struct{})
	var committer sync.WaitGroup
	committer.Go(func() { g.commitLoop(commits) })
	g.loops.Go(g.watch)
	g.remembering.Add(len(g.partitions))
	for _, p := range g.partitions {
		g.loops.Go(p.run)
	}

	<-g.take.Done()
	cause := context.Cause(g.take)
	g.drain()
	close(commits)
	committer.Wait()
	cause = errors.Join(cause, g.lease.err(), context.Cause(g.work))
	if mayCommit(cause) {
		if err := g.finalCommit(); err != nil {
			cause = errors.Join(cause, err) // it may still arrive: leave, so that it is refused
			g.cfg.Log.Warn().Err(err).Msg("the last commit of the generation failed; the next owner looks up what was not committed")
		}
	}
	for _, p := range g.partitions {
		p.close()
	}
	g.seen.endLines()
	g.board.ended(cause)
	return leaveFor(cause)
}

// mayCommit tells whether a generation that ended for cause may still commit.
func mayCommit(cause error) bool {
	for _, fatal := range []error{errLeaseLapsed, errCommitFailed, errOutOfRange, errTopicGone, errCreatorFailed} {
		if errors.Is(cause, fatal) {
			return false
		}
	}
	return errors.Is(cause, errShutdown) || errors.Is(cause, errRebalance) || errors.Is(cause, errPartitionsChanged)
}

// leaveFor tells which ends call for leaving the group for a while.
func leaveFor(cause error) error {
	if errors.Is(cause, errTopicGone) || errors.Is(cause, errOutOfRange) || errors.Is(cause, errCommitFailed) || errors.Is(cause, errCreatorFailed) {
		return cause
	}
	return nil
}

// abandonTimeout is how long aborted work may take to notice.
const abandonTimeout = 5 * time.Second

// drain lets records in flight finish, for a bounded time, then aborts the rest.
// It returns when nothing can be sent any more.
func (g *generation) drain() {
	done := make(chan struct{})
	go func() {
		defer close(done)
		g.loops.Wait()
		g.workers.Wait()
	}()
	// Room is left for the last commit.
	limit := time.NewTimer(min(g.cfg.DrainTimeout, g.lease.left()-leaseMargin(g.cfg.SessionTimeout)))
	defer limit.Stop()
	select {
	case <-done:
		return
	case <-limit.C:
	case <-g.work.Done():
	}
	g.giveUp(nil)
	select {
	case <-done:
	case <-time.After(abandonTimeout):
		// Something does not come back. It holds no lease any more, so that it can
		// neither send nor finish a record.
		g.lease.end()
		g.cfg.Log.Error().Msg("work did not end when it was aborted; leaving it behind")
	}
}

// open reads where each partition stands and commits that it is ours.
func (g *generation) open(ctx context.Context) error {
	g.creator.SetShare(g.share(ctx))
	if len(g.assigned) == 0 {
		return nil
	}
	commits, err := g.broker.fetchCommits(ctx, g.assigned)
	if err != nil {
		return g.openFailed(err)
	}
	ends, err := g.settledOffsets(ctx, commits)
	if err != nil {
		return g.openFailed(err)
	}
	for _, id := range g.assigned {
		g.partitions = append(g.partitions, newPartition(g, id, ends[id], commits[id]))
	}
	// Acknowledged before the first dispatch: else a crash right after it would
	// leave the earlier owner's word that nothing is on its way.
	if err := g.commit(g.partitions); err != nil {
		return err
	}
	for _, p := range g.partitions {
		p.report()
	}
	return nil
}

// settleReadings and settlePause are how often, and how far apart, a log must
// end below a commit until it counts as another log: a new leader may not know
// for a moment how far the old one had come.
const (
	settleReadings = 5
	settlePause    = time.Second
)

// settledOffsets lists the logs' bounds; an end below a commit is read again.
func (g *generation) settledOffsets(ctx context.Context, commits map[int]committed) (map[int]bounds, error) {
	for reading := 1; ; reading++ {
		ends, err := g.broker.listOffsets(ctx, g.assigned, kafka.ReadUncommitted)
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
		pause(ctx, settlePause)
	}
}

func (g *generation) openFailed(err error) error {
	g.broker.reset()
	if errors.Is(err, kafka.UnknownTopicOrPartition) {
		return fmt.Errorf("%w: %w", errTopicGone, err)
	}
	return fmt.Errorf("opening partitions: %w", err)
}

// share is this process's part of the portal's budget: its part of the partitions.
func (g *generation) share(ctx context.Context) float64 {
	all, err := g.broker.partitions(ctx)
	if err != nil || len(all) == 0 || len(g.assigned) == 0 {
		return 1 / float64(max(len(all), 1))
	}
	return float64(len(g.assigned)) / float64(len(all))
}

// watchInterval is how often the log's ends and the topic's partitions are read.
const watchInterval = 5 * time.Second

// watch keeps the lag up to date and notices new partitions, a deleted topic,
// and one that was replaced by a shorter one.
func (g *generation) watch() {
	ticker := time.NewTicker(watchInterval)
	defer ticker.Stop()
	var read time.Time // when the topic's retention was
	for {
		if err := g.look(); err != nil && g.take.Err() == nil {
			g.stop(err)
			return
		}
		if time.Since(read) >= retentionInterval {
			g.noteRetention(g.take)
			read = time.Now()
		}
		select {
		case <-g.take.Done():
			return
		case <-ticker.C:
		}
	}
}

func (g *generation) look() error {
	ids, err := g.broker.partitions(g.take)
	switch {
	case errors.Is(err, errNoTopic):
		return fmt.Errorf("%w: %w", errTopicGone, err)
	case err != nil:
		return nil //nolint:nilerr // heartbeats tell an unreachable cluster
	case g.known > 0 && len(ids) != g.known:
		return errPartitionsChanged
	}
	g.known = len(ids)
	if len(g.partitions) == 0 {
		return nil
	}
	ends, err := g.broker.listOffsets(g.take, g.assigned, kafka.ReadCommitted)
	if err != nil {
		return nil //nolint:nilerr // the next look is soon
	}
	for _, p := range g.partitions {
		if err := p.noteBounds(ends[p.id]); err != nil {
			return err
		}
	}
	return nil
}

func (g *generation) reached() { g.board.clear(HoldBrokers) }
func (g *generation) unreachable(err error) {
	g.board.hold(HoldBrokers, "the group's coordinator does not answer: look at the cluster")
	g.cfg.Log.Debug().Err(err).Msg("heartbeat failed")
}

// passing tells the refusals of a heartbeat that do not say that we were
// thrown out: the group prepares a rebalance, or its coordinator moves. The lease
// runs on unrenewed.
func passing(err error) bool {
	for _, code := range []kafka.Error{
		kafka.RebalanceInProgress, kafka.GroupLoadInProgress, kafka.GroupCoordinatorNotAvailable, kafka.NotCoordinatorForGroup,
	} {
		if errors.Is(err, code) {
			return true
		}
	}
	return false
}

// signal sets a flag that one goroutine waits for.
func signal(flag chan struct{}) {
	select {
	case flag <- struct{}{}:
	default:
	}
}
