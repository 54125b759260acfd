package webhook

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"

	"github.com/leadbridge/leadbridge/internal/cluster"
	"github.com/leadbridge/leadbridge/internal/sendqueue"
)

// Bounds of one request to Kafka. Topics take batches of 1 MiB by default; a
// larger record goes alone.
const (
	maxBatchBytes   = 768 << 10
	maxBatchRecords = 5000
	recordOverhead  = 128 // bytes of a record beside its key, value and headers, about, at most
)

// lane writes to one partition.
type lane struct {
	writer    *writer
	partition int
	session   session // used by send alone
	queue     *sendqueue.Queue[*entry]
}

func newLane(w *writer, partition int) *lane {
	return &lane{
		writer: w, partition: partition,
		queue: sendqueue.New(sendqueue.Limits{Items: maxBatchRecords, Bytes: maxBatchBytes}, (*entry).size, (*entry).abandoned),
	}
}

// entry is an event that waits for its acknowledgement.
type entry struct {
	event event
	when  time.Time
	done  chan error  // of capacity 1
	gone  atomic.Bool // the caller has stopped waiting
}

func (e *entry) abandoned() bool { return e.gone.Load() }

func (e *entry) awaited() bool { return !e.abandoned() }

func (e *entry) size() int {
	n := len(e.event.key) + len(e.event.value) + recordOverhead
	for _, h := range e.event.trace {
		n += len(h.Key) + len(h.Value)
	}
	return n
}

// write hands an event over and waits for its acknowledgement.
func (l *lane) write(ctx context.Context, e event) error {
	one := &entry{event: e, when: time.Now(), done: make(chan error, 1)}
	if l.queue.Add(one) {
		l.writer.work.Go(l.send)
	}
	select {
	case err := <-one.done:
		return err
	case <-ctx.Done():
		one.gone.Store(true)
		return errNotAcknowledged
	}
}

// send sends what waits until nothing does.
func (l *lane) send() {
	for batch := l.queue.Next(); len(batch) > 0; batch = l.queue.Next() {
		l.deliver(batch)
	}
}

// deliver sends a batch until it is acknowledged, refused for a right that we lack, or nobody waits for it any
// more. It always sends the same records under the same sequence numbers, by which the broker knows
// a batch that it has already taken. Only a batch that the topic calls too large is divided.
func (l *lane) deliver(batch []*entry) {
	wait := newBackOff()
	for {
		err := l.produce(batch)
		if !cluster.TooLarge(err) {
			l.writer.noteWrite(l.partition, err)
		}
		switch {
		case err == nil:
			finish(batch, nil)
			return
		case cluster.TooLarge(err) && len(batch) > 1:
			half := len(batch) / 2
			l.deliver(batch[:half])
			l.deliver(batch[half:])
			return
		case cluster.TooLarge(err):
			finish(batch, errRecordTooLarge)
			return
		case errors.Is(err, kafka.TopicAuthorizationFailed): // senders know at once: another try helps only when somebody grants the right
			l.session.end() // an earlier try may have been written: its numbers must not be given to another batch
			finish(batch, errNotAcknowledged)
			return
		}
		l.writer.transport.CloseIdleConnections()
		<-time.After(wait.NextBackOff())
		if !slices.ContainsFunc(batch, (*entry).awaited) {
			l.session.end() // the batch may have been written: its numbers must not be given to another one
			return
		}
	}
}

func finish(batch []*entry, err error) {
	for _, e := range batch {
		e.done <- err
	}
}

// produce makes one request.
func (l *lane) produce(batch []*entry) error {
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
