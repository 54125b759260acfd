package dlt

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"

	"github.com/leadbridge/leadbridge/consumer"
	"github.com/leadbridge/leadbridge/internal/producerbatch"
)

// ErrTakenOver says that another replay of the topic has started: it goes on
// instead of this one.
var ErrTakenOver = errors.New("another replay of this dead-letter topic has started and goes on instead")

// transactionTimeout is how long the brokers keep the transaction of a process
// that was killed: the records behind it in its partitions are not delivered before.
const transactionTimeout = 10 * time.Second

// errNotAttempted is the broker's OPERATION_NOT_ATTEMPTED, which kafka-go calls
// by another name.
const errNotAttempted = kafka.Error(55)

// place is a partition of a topic.
type place struct {
	topic     string
	partition int
}

// writer writes records of several partitions, all or none. Of all writers of
// one transactional id only the newest can write.
type writer struct {
	client    *kafka.Client
	shut      func()
	id        string
	producer  kafka.ProducerSession
	sequences map[place]int32 // next, of this producer session
	// gap is called, in tests, at each step of a transaction.
	gap func(step string)
}

func newWriter(cfg consumer.Config) *writer {
	client, shut := consumer.NewClient(cfg, cfg.Topic, cfg.DeadLetterTopic)
	return &writer{
		client:   client,
		shut:     shut,
		id:       "leadbridge-replay-" + cfg.DeadLetterTopic,
		producer: kafka.ProducerSession{ProducerID: -1, ProducerEpoch: -1},
		gap:      func(string) {},
	}
}

// begin starts a session of the writer. What an earlier session of the id left
// open is ended by then, and its writer can write nothing any more. Called again, it
// gives up what this writer left open; when another one has begun meanwhile, it fails.
func (w *writer) begin(ctx context.Context) error {
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

// write writes records in one transaction. After an error none or all of them are
// written; begin tells.
func (w *writer) write(ctx context.Context, records map[place][]kafka.Record) error {
	// Whoever asks to stop waits for a transaction's end: it is short, and an open
	// one would hold up the topic.
	ctx = context.WithoutCancel(ctx)
	if err := w.enlist(ctx, records); err != nil {
		return w.explain(err)
	}
	w.gap("enlisted")
	for p, rs := range records {
		if err := w.produce(ctx, p, rs); err != nil {
			return w.explain(err)
		}
		w.gap("produced")
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
		w.gap("committed")
	}
	return w.explain(err)
}

// enlist tells the coordinator which partitions take part.
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
				// The others are not tried when one is refused, which says nothing.
				if p.Error != nil && (refused == nil || errors.Is(refused, errNotAttempted)) {
					refused = p.Error
				}
			}
		}
		return refused
	})
}

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

// explain says what to do about what trying again does not mend.
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

// refusedForGood tells errors of a batch that trying again does not mend.
func refusedForGood(err error) bool {
	for _, code := range []kafka.Error{
		kafka.MessageSizeTooLarge, kafka.RecordListTooLarge, kafka.InvalidRecord, kafka.PolicyViolation, kafka.InvalidTimestamp,
	} {
		if errors.Is(err, code) {
			return true
		}
	}
	return false
}

// isFinal tells failures after which a new session would fail as well.
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
