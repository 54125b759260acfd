package consumer

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"
)

// A partition is one that this process owns in a generation. Its run goroutine fetches and dispatches records, its reader
// takes up parked records again, and a worker for each record brings it to its end.
type partition struct {
	deps     dependencies
	gen      *generation
	id       int
	openedAt opening

	// fetchBuffer is the memory for the records of the next fetch. Only run uses it.
	fetchBuffer []record

	freshBytes   *buffer // of records that were not parked
	resumedBytes *buffer // of those that were, and are taken up again

	mu    sync.Mutex
	state partitionState

	trials sync.Mutex    // held while a record is transformed alone
	wake   chan struct{} // wakes run: a record is done or parked, or a commit granted more
	reread chan struct{} // wakes the reader: a record is parked or may be due, one taken up again has ended and leaves room for the next, or a commit was acknowledged
}

// newPartition returns the partition as it is opened by the log's bounds and the group's commit.
func newPartition(g *generation, id int, log bounds, commit committed) *partition {
	o := openingOf(log, commit, g.takeover)
	part := g.deps.cfg.MaxBuffer / int64(max(len(g.assigned), 1))
	p := &partition{
		deps:         g.deps,
		gen:          g,
		id:           id,
		openedAt:     o,
		freshBytes:   newBuffer(part - part/2),
		resumedBytes: newBuffer(part / 2),
		state: partitionState{
			window:     g.deps.cfg.Window,
			grantAhead: aheadOf(g.deps.cfg, len(g.assigned)),
			progress:   newProgress(o.start, o.inherited),
			explore:    exploration{on: o.unexplored, window: max(g.deps.cfg.Window, leastExploration)},
			committed:  -1,
			wanted:     o.start,
			trial:      trial{offset: o.inherited.trial, begun: o.inherited.trials},
			logEnd:     max(o.start, o.log.end),
			endRead:    time.Now(),
		},
		wake:   make(chan struct{}, 1),
		reread: make(chan struct{}, 1),
	}
	p.state.noteWaitingSince(time.Now())
	return p
}

// reportOpening logs what an operator should know of the opening.
func (p *partition) reportOpening() {
	log := p.deps.cfg.Log.With().Int("partition", p.id).Int64("committed", p.openedAt.commit).
		Int64("log_start", p.openedAt.log.first).Int64("log_end", p.openedAt.log.end).Logger()
	if lost := p.openedAt.lost; lost > 0 {
		p.deps.metrics.lost.Add(float64(lost))
		log.Error().Int64("records_lost", lost).
			Msg("retention deleted records that were not delivered; give the topic a longer retention")
	}
	if p.openedAt.replaced {
		log.Warn().Msg("the commit lies beyond the log's end: the topic was replaced; starting at its beginning, looking up every event")
	}
}

// run delivers the partition's records until the generation ends.
func (p *partition) run() {
	err := p.deliverAll(p.gen.fetchCtx)
	if err != nil && p.gen.fetchCtx.Err() == nil {
		p.gen.end(err)
	}
}

// deliverAll fetches and dispatches until ctx ends; any other error ends the generation.
func (p *partition) deliverAll(ctx context.Context) error {
	err := p.rebuildSeen(ctx)
	p.gen.rebuilding.Done()
	if err != nil {
		return err
	}
	p.gen.rebuilding.Wait() // for all partitions; each rebuild takes a bounded time, and ends with ctx
	wait := newBackOff()
	for ctx.Err() == nil {
		batch, err := p.fetchNext(ctx)
		if err != nil {
			if err := p.fetchFailed(err); err != nil {
				return err
			}
			pause(ctx, wait.NextBackOff())
			continue
		}
		wait.Reset()
		if err := p.dispatchAll(ctx, batch); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// fetchNext fetches the next records, as many as the partition has room for.
func (p *partition) fetchNext(ctx context.Context) (fetched, error) {
	size := fetchSize(p.freshBytes, len(p.gen.assigned))
	if err := p.freshBytes.reserve(ctx, size); err != nil {
		return fetched{}, err
	}
	batch, err := p.deps.broker.fetchInto(ctx, p.id, p.nextOffset(), int32(size), fetchWait, p.fetchBuffer[:0])
	if p.fetchBuffer = batch.records; cap(p.fetchBuffer) > maxFetchBuffer {
		p.fetchBuffer = nil
	}
	p.freshBytes.release(size - batch.bytes) // the records keep their own sizes reserved
	p.noteFetched(batch)
	return batch, err
}

// noteFetched takes over the log's end, up to which commits may grant, with the time at which it was read, and since when
// records wait. batch.end is 0 when the broker did not tell it. batch.next, the offset to go on at, is a bound as well: the log
// reaches at least that far.
func (p *partition) noteFetched(batch fetched) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.state.logEnd = max(p.state.logEnd, batch.end, batch.next)
	if batch.end > 0 {
		p.state.endRead = time.Now()
	}
	p.state.noteWaitingSince(time.Now())
}

// Bytes to ask for in fetches. A record that is larger comes all the same.
const (
	fetchBudget   = 1 << 20   // for one fetch of every partition, divided among them
	maxFetch      = 256 << 10 // for one fetch
	minFetchShare = 64 << 10  // a partition's share of the budget is no smaller, however many there are: a window of ordinary leads
	minFetch      = 16 << 10  // half of a partition's buffer counts as no smaller
)

// maxFetchBuffer is for how many records fetchBuffer is kept until the next fetch.
const maxFetchBuffer = 4096

// fetchSize returns how many bytes to ask for in one fetch of one of so many partitions: its share of the budget, but half of
// its buffer at most, which leaves room for another fetch.
func fetchSize(b *buffer, partitions int) int64 {
	share := max(fetchBudget/int64(max(partitions, 1)), minFetchShare)
	return min(max(b.limit/2, minFetch), share, maxFetch)
}

// nextOffset returns the offset of the next record to be dispatched.
func (p *partition) nextOffset() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.state.progress.next
}

// fetchFailed returns nil when the fetch should be tried again, else the error that ends the generation.
func (p *partition) fetchFailed(err error) error {
	if p.gen.fetchCtx.Err() != nil {
		return p.gen.fetchCtx.Err()
	}
	p.deps.cfg.Log.Debug().Err(err).Int("partition", p.id).Msg("fetch failed")
	if errors.Is(err, kafka.OffsetOutOfRange) {
		return fmt.Errorf("%w: %w", errOutOfRange, err)
	}
	// The cause may be a connection that is stuck, which does not heal by itself: connect anew.
	p.deps.broker.reset()
	return nil
}

// finish marks a record as done.
func (p *partition) finish(offset int64) {
	p.update(func(s *partitionState) { s.progress.finish(offset) })
}

// update changes the state by f, and wakes the committer and run.
func (p *partition) update(f func(s *partitionState)) {
	p.mu.Lock()
	f(&p.state)
	p.state.changed = true
	p.mu.Unlock()
	signal(p.gen.dirty)
	signal(p.wake)
}

// noteBounds takes over the log's bounds as the watch read them. dispatched is what nextOffset was before the watch asked:
// records dispatched later may lie beyond its answer. An error ends the generation.
func (p *partition) noteBounds(log bounds, dispatched int64) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.state.noteEnd(log.end, dispatched); err != nil {
		return fmt.Errorf("partition %d: %w", p.id, err)
	}
	p.state.endRead = time.Now()
	p.state.noteWaitingSince(time.Now())
	return nil
}

// mayWrite returns nil while a request for one of the partition's records may leave, else an error that wraps
// errLeaseLapsed.
func (p *partition) mayWrite() error {
	if err := p.gen.lease.err(); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if !time.Now().Before(p.state.horizon) {
		return fmt.Errorf("%w: the commit's send horizon passed", errLeaseLapsed)
	}
	return nil
}
