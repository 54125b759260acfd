package dlt

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"

	"github.com/leadbridge/leadbridge/internal/cluster"
	"github.com/leadbridge/leadbridge/internal/producerbatch"
)

// ErrTakenOver is the error when another replay or erasure in the topic has started. That one continues, and this one ends.
var ErrTakenOver = errors.New("another replay or erasure in this dead-letter topic has started and continues instead of this one")

// transactionTimeout is after how long the brokers abort the open transaction of a process that was killed. Until then
// readers do not get the records after it.
const transactionTimeout = 10 * time.Second

// errNotAttempted is the broker's OPERATION_NOT_ATTEMPTED, for which kafka-go has another name.
const errNotAttempted = kafka.Error(55)

// A place is a partition of a topic.
type place struct {
	topic     string
	partition int
}

// writer writes records to several partitions in one transaction. Only the newest of all writers with one transactional id
// can write.
type writer struct {
	client    *kafka.Client
	transport *kafka.Transport
	id        string
	producer  kafka.ProducerSession
	sequences map[place]int32 // by partition, the next sequence number in this producer session
	// afterStep is called after each step of a transaction. Tests set it.
	afterStep func(step string)
}

func newWriter(cfg Config) *writer {
	client, transport := cfg.Brokers.Client(cfg.Topic, cfg.DeadLetterTopic)
	return &writer{
		client:    client,
		transport: transport,
		id:        "leadbridge-replay-" + cfg.DeadLetterTopic,
		producer:  kafka.ProducerSession{ProducerID: -1, ProducerEpoch: -1},
		afterStep: func(string) {},
	}
}

// close closes the writer's connections.
func (w *writer) close() { w.transport.CloseIdleConnections() }

// openSession opens a producer session: all transactions are written in it until it is called again, as it must be after a
// failed write. It ends the transaction that an earlier session with this transactional id left open, and fences that
// session's writer. The error is ErrTakenOver when another writer has opened a session since this writer's last one.
func (w *writer) openSession(ctx context.Context) error {
	err := patiently(ctx, func() error {
		res, err := w.client.InitProducerID(ctx, &kafka.InitProducerIDRequest{
			TransactionalID: w.id, TransactionTimeoutMs: int(transactionTimeout.Milliseconds()),
			ProducerID: w.producer.ProducerID, ProducerEpoch: w.producer.ProducerEpoch,
		})
		if err == nil {
			err = res.Error
		}
		if err == nil {
			w.producer = *res.Producer
		}
		return err
	})
	w.sequences = map[place]int32{}
	return w.explain(err)
}

// write writes records in one transaction. After an error either none or all of them are written: the next openSession
// settles which, and reading the topics then shows it.
func (w *writer) write(ctx context.Context, records map[place][]kafka.Record) error {
	// The end of ctx does not end a transaction: it is short, and an open one would delay the readers of its topics.
	ctx = context.WithoutCancel(ctx)
	if err := w.enlist(ctx, records); err != nil {
		return w.explain(err)
	}
	w.afterStep("enlisted")
	for p, rs := range records {
		if err := w.produce(ctx, p, rs); err != nil {
			return w.explain(err)
		}
		w.afterStep("produced")
	}
	err := patiently(ctx, func() error {
		res, err := w.client.EndTxn(ctx, &kafka.EndTxnRequest{
			TransactionalID: w.id, ProducerID: w.producer.ProducerID, ProducerEpoch: w.producer.ProducerEpoch, Committed: true,
		})
		if err == nil {
			err = res.Error
		}
		return err
	})
	if err == nil {
		w.afterStep("committed")
	}
	return w.explain(err)
}

// enlist adds the partitions to the transaction.
func (w *writer) enlist(ctx context.Context, records map[place][]kafka.Record) error {
	topics := map[string][]kafka.AddPartitionToTxn{}
	for p := range records {
		topics[p.topic] = append(topics[p.topic], kafka.AddPartitionToTxn{Partition: p.partition})
	}
	return patiently(ctx, func() error {
		res, err := w.client.AddPartitionsToTxn(ctx, &kafka.AddPartitionsToTxnRequest{
			TransactionalID: w.id, ProducerID: w.producer.ProducerID, ProducerEpoch: w.producer.ProducerEpoch, Topics: topics,
		})
		if err != nil {
			return err
		}
		var refused error
		for _, partitions := range res.Topics {
			for _, p := range partitions {
				// When one partition is refused, the others are reported as not attempted, which is not the cause.
				if p.Error != nil && (refused == nil || errors.Is(refused, errNotAttempted)) {
					refused = p.Error
				}
			}
		}
		return refused
	})
}

// produce writes the records of one partition in the transaction. It is not tried again: after an error another session
// ends the whole transaction, which is then written anew.
func (w *writer) produce(ctx context.Context, p place, records []kafka.Record) error {
	batch, err := producerbatch.Encode(records, protocol.Transactional, &w.producer, w.sequences[p])
	if err != nil {
		return err
	}
	res, err := w.client.RawProduce(ctx, &kafka.RawProduceRequest{
		Topic: p.topic, Partition: p.partition, RequiredAcks: kafka.RequireAll, TransactionalID: w.id,
		RawRecords: protocol.RawRecordSet{Reader: bytes.NewReader(batch)},
	})
	if err == nil {
		err = res.Error
	}
	if err != nil {
		return fmt.Errorf("writing to partition %d of %q: %w", p.partition, p.topic, err)
	}
	w.sequences[p] += int32(len(records))
	return nil
}

// explain returns the error with what to do about it, if trying again cannot help.
func (w *writer) explain(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, kafka.ProducerFenced), errors.Is(err, kafka.InvalidProducerEpoch):
		return fmt.Errorf("%w (or this one stood still for longer than %v): run it again", ErrTakenOver, transactionTimeout)
	case errors.Is(err, kafka.TransactionalIDAuthorizationFailed):
		return fmt.Errorf("we may not use the transactional id %q: grant WRITE and DESCRIBE on it: %w", w.id, err)
	case errors.Is(err, kafka.TopicAuthorizationFailed):
		return fmt.Errorf("grant WRITE on the topics of events and of dead letters: %w", err)
	case errors.Is(err, kafka.GroupCoordinatorNotAvailable):
		return fmt.Errorf("the cluster has no coordinator for transactions: look at its topic __transaction_state (transaction.state.log.replication.factor needs as many brokers): %w", err)
	}
	return err
}

// refusedForGood reports whether brokers will never accept the records of a write.
func refusedForGood(err error) bool {
	return cluster.RefusesRecord(err) || errors.Is(err, kafka.InvalidTimestamp)
}

// isFinal reports whether another session would fail in the same way. A coordinator that is not available is normally a
// passing trouble, but by then [patiently] has waited until it gave up.
func isFinal(err error) bool {
	for _, final := range []error{
		ErrTakenOver, kafka.TransactionalIDAuthorizationFailed, kafka.TopicAuthorizationFailed, kafka.ClusterAuthorizationFailed,
		kafka.UnsupportedVersion, kafka.InvalidTransactionTimeout, kafka.GroupCoordinatorNotAvailable,
	} {
		if errors.Is(err, final) {
			return true
		}
	}
	return false
}
