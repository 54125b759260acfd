package webhook

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
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
	session   session // of whoever sends

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

func (e *entry) awaited() bool { return !e.gone.Load() }

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
// more. It stays the same batch meanwhile: by its sequence numbers the broker knows
// one that it has already taken.
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
		if !slices.ContainsFunc(batch, (*entry).awaited) {
			l.session.end() // it may have been written: its numbers are used up
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
	ctx, cancel := context.WithTimeout(context.Background(), l.writer.limit)
	defer cancel()
	if err := l.session.begin(ctx, l.writer); err != nil {
		return err
	}
	encoded, err := l.session.encode(batch)
	if err != nil {
		return err
	}
	l.writer.metrics.batch.Observe(float64(len(batch)))
	answer, err := l.writer.client.RawProduce(ctx, &kafka.RawProduceRequest{
		Topic: l.writer.topic, Partition: l.partition, RequiredAcks: kafka.RequireAll,
		RawRecords: protocol.RawRecordSet{Reader: bytes.NewReader(encoded)},
	})
	if err == nil {
		err = answer.Error
	}
	return l.session.judge(err, len(batch), l.writer)
}
