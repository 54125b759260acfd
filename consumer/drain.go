package consumer

import (
	"context"
	"errors"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/leadbridge/leadbridge/internal/wait"
)

// abandonTimeout is how long work may take to end after it was aborted.
const abandonTimeout = 5 * time.Second

// shortDrain is how long the drain may take while events wait for its end. In a rebalance these are the events of the whole
// group, at a stop those of the partitions that others take over.
const shortDrain = 3 * time.Second

// drainInterval is how often a drain that takes longer than shortDrain checks whether events wait.
const drainInterval = time.Second

// drainTimeLeft returns how long the drain may take at most.
func (g *generation) drainTimeLeft() time.Duration {
	limit := g.deps.cfg.DrainTimeout
	if !g.stopping() {
		limit = min(limit, shortDrain)
	}
	return min(limit, g.lease.remaining()-leaseMargin(g.deps.cfg.SessionTimeout)) // leaves time for the last commit
}

// stopping reports whether the generation ends because the process stops. Then the group does not wait for the drain,
// unless it rebalances meanwhile.
func (g *generation) stopping() bool { return errors.Is(context.Cause(g.fetchCtx), errShutdown) }

// drain waits for a bounded time until the deliveries under way have ended, then aborts those that have not. When it returns,
// nothing can be sent any more.
func (g *generation) drain() {
	done := make(chan struct{})
	go func() {
		defer close(done)
		g.loops.Wait()
		g.workers.Wait()
	}()
	if g.awaitWorkers(done) {
		return
	}
	g.stopWork(nil)
	if !wait.Within(done, abandonTimeout) {
		// Some worker hangs. Without the lease it can neither send nor finish a record.
		g.lease.end()
		g.deps.cfg.Log.Error().Msg("work did not end when it was aborted; leaving it behind")
	}
}

// awaitWorkers waits until done is closed, and reports whether it is. It gives up after drainTimeLeft, and already after
// shortDrain if events wait for the end of the drain, or the group rebalances.
func (g *generation) awaitWorkers(done <-chan struct{}) bool {
	limit := time.NewTimer(g.drainTimeLeft())
	defer limit.Stop()
	check := time.NewTimer(shortDrain)
	defer check.Stop()
	for {
		select {
		case <-done:
			return true
		case <-limit.C:
			return false
		case <-g.workCtx.Done():
			return false
		case <-check.C:
			if wait.Closed(g.rebalances) || g.hasWaitingEvents() {
				return false
			}
			check.Reset(drainInterval)
		}
	}
}

// hasWaitingEvents reports whether a partition has records that the next owner could deliver at once.
func (g *generation) hasWaitingEvents() bool {
	if len(g.partitions) == 0 {
		return false
	}
	ctx, cancel := context.WithTimeout(g.workCtx, drainInterval)
	defer cancel()
	ends, err := g.deps.broker.listOffsets(ctx, g.assigned, kafka.ReadCommitted)
	if err != nil {
		return false // without brokers the next owner cannot deliver either
	}
	for _, p := range g.parts() {
		if p.records.hasWaitingEvents(ends[p.id].end) {
			return true
		}
	}
	return false
}
