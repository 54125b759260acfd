package consumer

import (
	"context"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/leadbridge/leadbridge/internal/cluster"
	"github.com/leadbridge/leadbridge/internal/sendqueue"
)

// A produce request holds at most maxResults results of maxResultBytes together.
const (
	maxResults     = 500
	maxResultBytes = 256 << 10
)

// resultWriter writes results in batches: while a produce request to a partition is under way, further results for this
// partition are collected, and are sent together in the next request. So a busy process sends few requests, and in an idle
// process no result waits.
type resultWriter struct {
	writer  topicWriter
	senders sync.WaitGroup

	mu     sync.Mutex
	queues map[int]*sendqueue.Queue[*pendingResult] // by the event's partition
}

// A pendingResult is a result whose worker waits until it is written.
type pendingResult struct {
	encodedResult
	done chan error // receives the outcome; buffered, as the worker may have stopped waiting
}

// newResultWriter returns nil when no results are wanted.
func newResultWriter(cfg Config, lease func() error, b *statusBoard) *resultWriter {
	if cfg.ResultTopic == "" {
		return nil
	}
	t := target{topic: cfg.ResultTopic, hold: HoldResults, setting: "KAFKA_RESULT_TOPIC"}
	return &resultWriter{writer: newTopicWriter(cfg, t, lease, b), queues: map[int]*sendqueue.Queue[*pendingResult]{}}
}

// close must be called after all calls of write have returned, and their context has ended: it waits for the senders.
func (r *resultWriter) close() {
	if r == nil {
		return
	}
	r.senders.Wait() // a sender that used the transport after this would open it again
	r.writer.close()
}

// write writes a result, and returns nil when all in-sync replicas have acknowledged it. Otherwise its error is *unwritable,
// errLeaseLapsed or that of ctx, which must be the generation's.
func (r *resultWriter) write(ctx context.Context, partition int, result encodedResult) error {
	if ctx.Err() != nil {
		return ctx.Err() // no sender may start any more
	}
	if err := r.writer.outage.admit(time.Now()); err != nil {
		return err
	}
	p := &pendingResult{encodedResult: result, done: make(chan error, 1)}
	queue := r.queue(partition)
	if needsSender := queue.Add(p); needsSender {
		r.senders.Go(func() {
			for batch := queue.Next(); len(batch) > 0; batch = queue.Next() {
				r.writeBatch(ctx, partition, batch)
			}
		})
	}
	select {
	case err := <-p.done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// queue returns the partition's queue.
func (r *resultWriter) queue(partition int) *sendqueue.Queue[*pendingResult] {
	r.mu.Lock()
	defer r.mu.Unlock()
	q := r.queues[partition]
	if q == nil {
		q = sendqueue.New(sendqueue.Limits{Items: maxResults, Bytes: maxResultBytes}, (*pendingResult).size, nil)
		r.queues[partition] = q
	}
	return q
}

// writeBatch writes a batch, and gives the worker of each of its results the outcome.
func (r *resultWriter) writeBatch(ctx context.Context, partition int, batch []*pendingResult) {
	_, err := r.writer.try(ctx, partition, recordsOf(batch)...)
	for cluster.RefusesRecord(err) && len(batch) == 1 && batch[0].reduce() {
		_, err = r.writer.try(ctx, partition, recordsOf(batch)...)
	}
	if cluster.RefusesRecord(err) && len(batch) > 1 { // one of them was refused: write each alone
		for _, p := range batch {
			r.writeBatch(ctx, partition, []*pendingResult{p})
		}
		return
	}
	err = r.writer.settle(ctx, err)
	for _, p := range batch {
		p.done <- err
	}
}

// recordsOf returns the records of a batch. Each try needs new ones, as a write consumes them.
func recordsOf(batch []*pendingResult) []kafka.Record {
	records := make([]kafka.Record, len(batch))
	for i, p := range batch {
		records[i] = newRecord(p.key, p.value, p.headers)
	}
	return records
}
