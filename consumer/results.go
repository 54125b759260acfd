package consumer

import (
	"context"
	"slices"
	"sync"

	"github.com/segmentio/kafka-go"
)

// What one produce of results may hold.
const (
	maxResults     = 500
	maxResultBytes = 256 << 10
)

// results writes results, many at a time: while one produce to a partition is under way the
// next ones wait for it together, so that a busy process has few produces and an idle one no wait.
type results struct {
	outlet
	board *board

	senders sync.WaitGroup

	mu     sync.Mutex
	queues map[int][]*pendingResult // by the event's partition; an entry says that a sender is at work
}

// pendingResult is a result whose worker waits.
type pendingResult struct {
	resultRecord
	done chan error
}

// newResults is nil when no results are wanted.
func newResults(cfg Config, lease func() error, b *board) *results {
	if cfg.ResultTopic == "" {
		return nil
	}
	return &results{
		outlet: newOutlet(cfg, cfg.ResultTopic, lease, "result", "KAFKA_RESULT_TOPIC", "results"),
		board:  b,
		queues: map[int][]*pendingResult{},
	}
}

// close ends the hold too: the next owner of the partitions finds out anew. All
// writes have returned: what a sender still has at hand was given up by its context.
func (r *results) close() {
	if r == nil {
		return
	}
	r.senders.Wait() // one that used the transport after this would open it again
	r.transport.CloseIdleConnections()
	r.board.clear(HoldResults)
}

// write returns when the result is in the topic, acknowledged by all in-sync
// replicas, or ctx, which is that of the generation, or the lease has ended.
func (r *results) write(ctx context.Context, partition int, rec resultRecord) error {
	if ctx.Err() != nil {
		return ctx.Err() // no sender is to start any more
	}
	p := &pendingResult{resultRecord: rec, done: make(chan error, 1)}
	r.mu.Lock()
	queue, sending := r.queues[partition]
	r.queues[partition] = append(queue, p)
	r.mu.Unlock()
	if !sending {
		r.senders.Go(func() { r.send(ctx, partition) })
	}
	select {
	case err := <-p.done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// send writes what waits for a partition until nothing does.
func (r *results) send(ctx context.Context, partition int) {
	for {
		batch := r.take(partition)
		if len(batch) == 0 {
			return
		}
		err := r.writeBatch(ctx, partition, batch)
		for _, p := range batch {
			p.done <- err
		}
	}
}

// take takes the next batch; without one the sender's work is over.
func (r *results) take(partition int) []*pendingResult {
	r.mu.Lock()
	defer r.mu.Unlock()
	queue := r.queues[partition]
	if len(queue) == 0 {
		delete(r.queues, partition)
		return nil
	}
	n, size := 0, 0
	for n < len(queue) && n < maxResults && (n == 0 || size+queue[n].size() <= maxResultBytes) {
		size += queue[n].size()
		n++
	}
	r.queues[partition] = queue[n:]
	return slices.Clone(queue[:n])
}

// writeBatch does not give up before ctx or the lease ends.
func (r *results) writeBatch(ctx context.Context, partition int, batch []*pendingResult) error {
	wait := newBackOff()
	for {
		err := r.try(ctx, partition, recordsOf(batch)...)
		if err == nil {
			r.board.clear(HoldResults)
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if lapsed := r.lease(); lapsed != nil {
			return lapsed
		}
		if refusedForGood(err) && len(batch) > 1 { // one of them is the culprit: each alone
			for _, p := range batch {
				if err := r.writeBatch(ctx, partition, []*pendingResult{p}); err != nil {
					return err
				}
			}
			return nil
		}
		if refusedForGood(err) && batch[0].lessen() {
			continue
		}
		r.board.hold(HoldResults, r.advice(err))
		r.transport.CloseIdleConnections()
		pause(ctx, wait.NextBackOff())
	}
}

// lessen makes a result that the broker refuses for ever acceptable; false
// says that there is no step left.
func (p *pendingResult) lessen() bool {
	switch {
	case len(p.headers) > 0:
		p.headers = nil
	case string(p.key) != p.eventID: // too large, or a compacted topic that takes none without a key
		p.key = []byte(p.eventID)
	default:
		return false
	}
	return true
}

func recordsOf(batch []*pendingResult) []kafka.Record {
	records := make([]kafka.Record, len(batch))
	for i, p := range batch {
		records[i] = p.record()
	}
	return records
}
