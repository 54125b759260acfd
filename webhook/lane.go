package webhook

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/segmentio/kafka-go"
)

// Bounds of one request to Kafka. Topics take batches of 1 MiB by default; a
// larger record goes alone.
const (
	maxBatchBytes   = 768 << 10
	maxBatchRecords = 5000
	recordOverhead  = 128 // of a record beside key and value, at most about
)

// lane writes to one partition.
type lane struct {
	writer    *writer
	partition int

	mu      sync.Mutex
	waiting []*entry // guarded by mu
	busy    bool     // guarded by mu; somebody sends
}

// entry is an event that waits for its acknowledgement.
type entry struct {
	event event
	when  time.Time
	done  chan error  // takes one
	gone  atomic.Bool // whoever waited has given up
}

func (e *entry) size() int { return len(e.event.key) + len(e.event.value) + recordOverhead }

// write hands an event over and waits for its acknowledgement.
func (l *lane) write(ctx context.Context, e event) error {
	one := &entry{event: e, when: time.Now(), done: make(chan error, 1)}
	l.mu.Lock()
	l.waiting = append(l.waiting, one)
	if !l.busy {
		l.busy = true
		l.writer.work.Go(l.run)
	}
	l.mu.Unlock()
	select {
	case err := <-one.done:
		return err
	case <-ctx.Done():
		one.gone.Store(true)
		return errNotAcknowledged
	}
}

// run sends what waits until nothing does.
func (l *lane) run() {
	for {
		batch := l.take()
		if len(batch) == 0 {
			return
		}
		l.deliver(batch)
	}
}

// take takes what fits into one request; when there is nothing the lane is free.
func (l *lane) take() []*entry {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waiting = slices.DeleteFunc(l.waiting, func(e *entry) bool { return e.gone.Load() })
	size, n := 0, 0
	for n < min(len(l.waiting), maxBatchRecords) && (n == 0 || size+l.waiting[n].size() <= maxBatchBytes) {
		size += l.waiting[n].size()
		n++
	}
	if n == 0 {
		l.waiting, l.busy = nil, false
		return nil
	}
	batch := slices.Clone(l.waiting[:n])
	l.waiting = slices.Delete(l.waiting, 0, n)
	return batch
}

// deliver sends a batch until it is acknowledged or nobody waits for it any
// more. A batch that may have been written is sent again: its events keep their
// ids, by which readers know them.
func (l *lane) deliver(batch []*entry) {
	wait := newBackOff()
	for {
		err := l.send(batch)
		if !tooLarge(err) {
			l.writer.wrote(l.partition, err)
		}
		switch {
		case err == nil:
			finish(batch, nil)
			return
		case tooLarge(err) && len(batch) > 1:
			half := len(batch) / 2
			l.deliver(batch[:half])
			l.deliver(batch[half:])
			return
		case tooLarge(err):
			finish(batch, errRecordTooLarge)
			return
		}
		l.writer.transport.CloseIdleConnections()
		<-time.After(wait.NextBackOff())
		batch = slices.DeleteFunc(batch, func(e *entry) bool { return e.gone.Load() })
		if len(batch) == 0 {
			return
		}
	}
}

func finish(batch []*entry, err error) {
	for _, e := range batch {
		e.done <- err
	}
}

func tooLarge(err error) bool {
	return errors.Is(err, kafka.MessageSizeTooLarge) || errors.Is(err, kafka.RecordListTooLarge)
}

// send makes one request.
func (l *lane) send(batch []*entry) error {
	records := make([]kafka.Record, len(batch))
	for i, e := range batch {
		records[i] = kafka.Record{
			Time: e.when, Value: kafka.NewBytes(e.event.value),
			Headers: []kafka.Header{{Key: "content-type", Value: []byte(structuredType)}},
		}
		if e.event.key != nil {
			records[i].Key = kafka.NewBytes(e.event.key)
		}
	}
	l.writer.metrics.batch.Observe(float64(len(batch)))
	ctx, cancel := context.WithTimeout(context.Background(), l.writer.limit)
	defer cancel()
	answer, err := l.writer.client.Produce(ctx, &kafka.ProduceRequest{
		Topic: l.writer.topic, Partition: l.partition, RequiredAcks: kafka.RequireAll, Records: kafka.NewRecordReader(records...),
	})
	if err != nil {
		return err
	}
	return answer.Error
}
