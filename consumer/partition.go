package consumer

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/leadbridge/leadbridge/internal/wait"
)

// A partition is a partition that this process owns in a generation, or a part of one: see parts. Its run goroutine fetches and
// dispatches records, its worker processes each of them, and its reader takes up parked records again.
type partition struct {
	deps    dependencies
	gen     *generation
	id      int
	opening opening

	records *partitionRecords // the state of its records
	intake  *intake
	worker  *worker
	reader  *parkedReader

	// fetchBuffer is the memory for the records of the next fetch. Only run uses it.
	fetchBuffer []record
	bytes       *buffer // of records that were not parked

	number int                       // of this part; 0 for the first
	older  *partition                // the part whose records lie before those of this one; nil for none
	newer  atomic.Pointer[partition] // the part of the records from the end of this one on; nil for none
}

// newPartition returns a partition that is opened by the log's bounds and the group's commit.
func newPartition(g *generation, id int, log bounds, commit committed) *partition {
	o := openingOf(log, commit, g.takeover)
	p := newPart(g, id, 0, o, newPartitionState(g.deps.cfg, o, len(g.assigned), time.Now()))
	p.setBuffers(p.share())
	return p
}

// newPart returns a part of a partition. Its buffers have no room until setBuffers is called.
func newPart(g *generation, id, number int, o opening, s partitionState) *partition {
	p := &partition{deps: g.deps, gen: g, id: id, number: number, opening: o, bytes: newBuffer(0)}
	p.records = newPartitionRecords(g, id, o, s)
	p.intake = &intake{deps: g.deps, id: id, part: number, opening: o, records: p.records, seen: g.seen, lines: g.lines}
	p.worker = &worker{deps: g.deps, gen: g, partition: id, opening: o, records: p.records}
	p.reader = &parkedReader{deps: g.deps, gen: g, id: id, records: p.records, intake: p.intake, worker: p.worker, bytes: newBuffer(0)}
	return p
}

// share returns how many bytes of records the partition may hold.
func (p *partition) share() int64 { return p.deps.cfg.MaxBuffer / int64(max(len(p.gen.assigned), 1)) }

// setBuffers divides bytes between the records that were not parked and those that were.
func (p *partition) setBuffers(bytes int64) {
	p.bytes.setLimit(bytes - bytes/2)
	p.reader.bytes.setLimit(bytes / 2)
}

// bytesInUse returns how many bytes the partition's records and its fetches hold.
func (p *partition) bytesInUse() int64 { return p.bytes.inUse() + p.reader.bytes.inUse() }

// reportOpening logs lost records and a replaced topic.
func (p *partition) reportOpening() {
	log := p.deps.cfg.Log.With().Int("partition", p.id).Int64("committed", p.opening.commit).
		Int64("log_start", p.opening.log.first).Int64("log_end", p.opening.log.end).Logger()
	if lost := p.opening.lost; lost > 0 {
		p.deps.metrics.lost.Add(float64(lost))
		log.Error().Int64("records_lost", lost).
			Msg("retention deleted records that were not delivered; give the topic a longer retention")
	}
	if p.opening.replaced {
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

// deliverAll fetches and dispatches until ctx ends, or the part does; any other error ends the generation.
func (p *partition) deliverAll(ctx context.Context) error {
	if p.older == nil {
		err := p.rebuildSeen(ctx)
		p.records.with(func(s *partitionState) { s.seenRebuilt = true })
		p.gen.rebuilding.Done()
		if err != nil {
			return err
		}
		p.gen.rebuilding.Wait() // for all partitions; each rebuild takes a bounded time, and ends with ctx
	}
	backOff := newBackOff()
	for ctx.Err() == nil && !p.records.hasEnded() {
		batch, err := p.fetchNext(ctx)
		if err != nil {
			if err := p.fetchFailed(err); err != nil {
				return err
			}
			_ = wait.For(ctx, backOff.NextBackOff())
			continue
		}
		backOff.Reset()
		if err := p.dispatchAll(ctx, batch); err != nil {
			return err
		}
	}
	p.fetchBuffer = nil
	if p.records.hasEnded() { // nothing is left that needs room in parking
		p.records.with(func(s *partitionState) { s.parkingFull = false })
		p.gen.parkingHold.noteEased(p.partID())
	}
	signal(p.records.wakeReader) // the reader ends if no record is left
	return ctx.Err()
}

// fetchNext fetches the next records, as many as the partition has room for.
func (p *partition) fetchNext(ctx context.Context) (fetched, error) {
	size := fetchSize(p.bytes, len(p.gen.assigned))
	if err := p.bytes.reserve(ctx, size); err != nil {
		return fetched{}, err
	}
	batch, err := p.deps.broker.fetchInto(ctx, p.id, p.records.nextOffset(), int32(size), fetchWait, p.fetchBuffer[:0])
	if p.fetchBuffer = batch.records; cap(p.fetchBuffer) > maxFetchBuffer {
		p.fetchBuffer = nil
	}
	p.bytes.release(size - batch.bytes) // the records keep their own sizes reserved
	p.records.noteFetched(batch)
	return batch, err
}

// Bytes to ask for in fetches. A larger record is returned nonetheless.
const (
	fetchBudget   = 1 << 20   // for one fetch of every partition, divided among them
	maxFetch      = 256 << 10 // for one fetch
	minFetchShare = 64 << 10  // the smallest share of a partition, however many there are: enough for a window of ordinary leads
	minFetch      = 16 << 10  // for one fetch, also if half of the partition's buffer is less
)

// maxFetchBuffer is how many records a fetchBuffer that is kept for the next fetch may hold.
const maxFetchBuffer = 4096

// fetchSize returns how many bytes to ask for in one fetch of a partition with the buffer b, when this process owns so many
// partitions: the partition's share of fetchBudget, but at most half of its buffer, which leaves room for another fetch.
func fetchSize(b *buffer, partitions int) int64 {
	share := max(fetchBudget/int64(max(partitions, 1)), minFetchShare)
	return min(max(b.room()/2, minFetch), share, maxFetch)
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
	// The cause may be a connection that is stuck and would stay so: open a new one.
	p.deps.broker.reset()
	return nil
}
