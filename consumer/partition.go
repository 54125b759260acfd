package consumer

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"
)

// partition is one owned partition of a generation. Its run goroutine fetches
// and dispatches; workers finish records; the committer writes what is done.
type partition struct {
	*generation
	id       int
	openedAt opening

	// ready are the records that are taken up and not yet on their way. Owned by run.
	ready []*flight
	// room is the memory of fetched records, which are copied when they are taken up. Owned by run.
	room []record

	// turns holds, per key, the newest unfinished record: the next one of that key
	// waits for it. Guarded by mu.
	turns map[string]*flight

	mu       sync.Mutex
	progress progress
	explore  exploration
	// granted is the acknowledged limit below which records may be
	// dispatched, horizon the acknowledged time until which they may be sent.
	granted   int64
	horizon   time.Time
	committed int64
	want      int64 // a record that waits to be granted
	changed   bool  // something finished since the last commit
	trial     trial
	logEnd    int64
	newest    time.Time // of the newest delivered record
	short     int       // readings in a row of a log that ends below next

	commitsBegun, commitsDone int

	unsettled bool // this owner left a create whose effect is not known

	wake chan struct{} // for run: a record finished or a grant came
}

// newPartition works out where to start from the log's bounds and the group's commit.
func newPartition(g *generation, id int, log bounds, commit committed) *partition {
	o := openingOf(log, commit, g.takeover)
	p := &partition{
		generation: g,
		id:         id,
		openedAt:   o,
		turns:      map[string]*flight{},
		progress:   newProgress(o.start, o.left),
		explore:    exploration{on: o.unexplored, window: max(g.cfg.Window, defaultWindow)},
		committed:  -1,
		want:       o.start,
		trial:      trial{offset: o.left.trial, begun: o.left.trials},
		logEnd:     o.start, // the watch reads it at once
		wake:       make(chan struct{}, 1),
	}
	return p
}

// defaultWindow is the least that an exploration looks at: an earlier owner may
// have had a larger window than this one.
const defaultWindow = 256

// report tells what the opening found, where an operator should know.
func (p *partition) report() {
	log := p.cfg.Log.With().Int("partition", p.id).Int64("committed", p.openedAt.commit).
		Int64("log_start", p.openedAt.log.first).Int64("log_end", p.openedAt.log.end).Logger()
	if lost := p.openedAt.lost; lost > 0 {
		p.metrics.lost.Add(float64(lost))
		log.Error().Int64("records_lost", lost).
			Msg("retention deleted records that were not delivered; give the topic a longer retention")
	}
	if p.openedAt.replaced {
		log.Warn().Msg("the commit lies beyond the log's end: the topic was replaced; starting at its beginning, looking up every event")
	}
}

// run delivers the partition's records until no more are to be taken.
func (p *partition) run() {
	err := p.deliverAll(p.take)
	if err != nil && p.take.Err() == nil {
		p.stop(err)
	}
}

func (p *partition) deliverAll(ctx context.Context) error {
	err := p.remember(ctx)
	p.remembering.Done()
	if err != nil {
		return err
	}
	p.remembering.Wait() // each is bounded, and ends with ctx
	wait := newBackOff()
	for ctx.Err() == nil {
		batch, err := p.next(ctx)
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

// next fetches as many bytes as the process has room for.
func (p *partition) next(ctx context.Context) (fetched, error) {
	size := p.fetchSize()
	if err := p.buffer.reserve(ctx, size); err != nil {
		return fetched{}, err
	}
	batch, err := p.broker.fetchInto(ctx, p.id, p.position(), int32(size), fetchWait, p.room[:0])
	if p.room = batch.records; cap(p.room) > maxRoom {
		p.room = nil
	}
	p.buffer.release(size - batch.bytes) // the records hold what they are
	return batch, err
}

// maxFetch bounds one fetch, in bytes; a larger record still comes. It holds more records
// than a window, and what a process has in memory is a few fetches for each partition.
const maxFetch = 256 << 10

// maxRoom is for how many records memory is kept until the next fetch.
const maxRoom = 4096

// fetchSize leaves every partition of the process room for a fetch.
func (p *partition) fetchSize() int64 {
	part := p.cfg.MaxBuffer / int64(2*len(p.assigned))
	return min(max(part, 16<<10), maxFetch)
}

func (p *partition) position() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.progress.next
}

// fetchFailed decides what a failed fetch means; the error ends the generation.
func (p *partition) fetchFailed(err error) error {
	if p.take.Err() != nil {
		return p.take.Err()
	}
	p.cfg.Log.Debug().Err(err).Int("partition", p.id).Msg("fetch failed")
	if errors.Is(err, kafka.OffsetOutOfRange) {
		return fmt.Errorf("%w: %w", errOutOfRange, err)
	}
	// A stuck connection outlives most broker errors.
	p.broker.reset()
	return nil
}

// dispatchAll dispatches a fetch's records in their order. What is not
// dispatched any more gives its room back.
func (p *partition) dispatchAll(ctx context.Context, batch fetched) error {
	defer p.launch()
	for i, rec := range batch.records {
		if err := p.dispatch(ctx, rec); err != nil {
			for _, left := range batch.records[i:] {
				p.buffer.release(left.size)
			}
			return err
		}
	}
	clear(batch.records) // what they refer to is not held until the next ones come
	p.mu.Lock()
	defer p.mu.Unlock()
	p.logEnd = max(p.logEnd, batch.end)
	if batch.next > p.progress.next { // an empty fetch is no news to commit
		p.progress.skip(batch.next)
		p.touch()
	}
	return nil
}

// dispatch waits for the window and the grant and takes the record up.
func (p *partition) dispatch(ctx context.Context, rec record) error {
	p.metrics.consumed.Inc()
	if done := p.alreadyDone(rec); done {
		return nil
	}
	if err := p.awaitGrant(ctx, rec.Offset); err != nil {
		return err
	}
	if rec.Value == nil { // a tombstone holds nothing to deliver
		p.metrics.skipped.WithLabelValues(skippedTombstone).Inc()
		p.pass(rec)
		return nil
	}
	f := &flight{record: rec, done: make(chan struct{})}
	if err := p.takeUp(ctx, f); err != nil {
		return err
	}
	p.ready = append(p.ready, f)
	if len(p.ready) == launchLimit {
		p.launch()
	}
	return nil
}

// launchLimit is how many records set out together at most: a full batch of the CRM's.
const launchLimit = 50

// launch sets what is ready on its way, together: one by one, each would find a free slot
// of the CRM client and leave in a request of its own. Nothing waits for more to come.
func (p *partition) launch() {
	var together []*flight
	for _, f := range p.ready {
		if p.together(f) {
			together = append(together, f)
		} else {
			p.workers.Go(func() { p.fly(f) })
		}
	}
	if len(together) > 0 {
		p.workers.Go(func() { p.flyTogether(together) })
	}
	if len(p.ready) > 1 {
		runtime.Gosched() // they are to be in the CRM client's queue before more is prepared
	}
	clear(p.ready)
	p.ready = p.ready[:0]
}

// alreadyDone passes over a record that an earlier owner finished.
func (p *partition) alreadyDone(rec record) bool {
	p.mu.Lock()
	done := p.progress.standing(rec.Offset) == standingDone
	p.mu.Unlock()
	if done {
		p.metrics.skipped.WithLabelValues(skippedDone).Inc()
		if rec.Value != nil && !p.careful() {
			p.seen.note(p.id, p.eventID(rec))
		}
		p.pass(rec)
	}
	return done
}

// pass moves on past a record that needs no delivery.
func (p *partition) pass(rec record) {
	p.buffer.release(rec.size)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.progress.skip(rec.Offset + 1)
	p.touch()
}

// awaitGrant waits until the window has room and the record at offset lies
// below the acknowledged limit.
func (p *partition) awaitGrant(ctx context.Context, offset int64) error {
	for {
		p.mu.Lock()
		// What lies below holds no record: with nothing in flight the commit can
		// move up to this one, however far it is.
		p.progress.skip(offset)
		room := p.progress.unfinished() < p.window() && p.explore.room()
		granted := offset < p.granted
		p.want = max(p.want, offset)
		soon := p.granted-offset < int64(p.cfg.Window)/2
		p.mu.Unlock()
		if soon {
			signal(p.urgent) // ask before the limit is reached
		}
		if room && granted {
			return ctx.Err()
		}
		p.launch()
		select {
		case <-p.wake:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// window is how many records may be unfinished: what the commit's metadata
// holds beside the spans an earlier owner left.
func (p *partition) window() int {
	return max(min(p.cfg.Window, maxSpans-len(p.progress.inherited)), 1)
}

// finish marks a record as done.
func (p *partition) finish(rec record) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.progress.finish(rec.Offset)
	p.touch()
}

// touch notes that a commit has something new to say; the caller holds mu.
func (p *partition) touch() {
	p.changed = true
	signal(p.dirty)
	signal(p.wake)
}

// shortReadings in a row of an end below what was delivered say that the
// topic was replaced; a single one may come from a leader that is new.
const shortReadings = 2

// noteBounds takes over what the watch read.
func (p *partition) noteBounds(log bounds) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.logEnd = max(log.end, p.logEnd)
	if log.end >= p.progress.next {
		p.short = 0
		return nil
	}
	if p.short++; p.short >= shortReadings {
		return fmt.Errorf("%w: partition %d ends at %d, before %d", errOutOfRange, p.id, log.end, p.progress.next)
	}
	return nil
}

// mayWrite says whether a request for one of the partition's records may leave.
func (p *partition) mayWrite() error {
	if err := p.lease.err(); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if !time.Now().Before(p.horizon) {
		return fmt.Errorf("%w: the commit's send horizon passed", errLeaseLapsed)
	}
	return nil
}

// close gives up what the partition holds of the process.
func (p *partition) close() { p.seen.close(p.id) }
