package consumer

import (
	"bytes"
	"context"
	"errors"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"

	"github.com/leadbridge/leadbridge/internal/wait"
)

// readRight checks that we may read the topic.
func (f *preflight) readRight(ctx context.Context, ids []int) {
	err := f.withRetries(ctx, func() error {
		ends, err := f.broker.listOffsets(ctx, ids[:1], kafka.ReadUncommitted)
		if err == nil {
			_, err = f.broker.fetch(ctx, ids[0], ends[ids[0]].end, 1<<10, 0)
		}
		return err
	})
	f.right("reading "+f.cfg.Topic, "grant READ and DESCRIBE on the topic", err)
}

// setupTimeout is how long to wait for the coordinator of a new group, or for the leaders of a new topic: a cluster that has
// never had a group first creates the 50 partitions of its offsets topic.
const setupTimeout = time.Minute

// withRetries repeats a call for up to setupTimeout while it fails with an error that Kafka calls temporary.
func (f *preflight) withRetries(ctx context.Context, call func() error) error {
	ctx, cancel := context.WithTimeout(ctx, setupTimeout)
	defer cancel()
	backOff := newBackOff()
	for {
		err := call()
		code, ok := errors.AsType[kafka.Error](err)
		if !ok || !code.Temporary() || ctx.Err() != nil {
			return err
		}
		_ = wait.For(ctx, backOff.NextBackOff())
	}
}

// groupRight checks that we may use the group.
func (f *preflight) groupRight(ctx context.Context, ids []int) {
	err := f.withRetries(ctx, func() error {
		_, err := f.broker.fetchCommits(ctx, ids)
		return err
	})
	if errors.Is(err, kafka.GroupIdNotFound) {
		err = nil // nobody has joined it yet
	}
	f.right("group "+f.cfg.GroupID, "grant READ on the group (KAFKA_GROUP_ID)", err)
}

// writeRight checks that we may write the topic, without writing to it: it sends a corrupt batch. If we may write, the broker
// refuses the batch as corrupt; if not, it says that the right is missing.
func (f *preflight) writeRight(ctx context.Context, topic string, partition int) {
	err := f.withRetries(ctx, func() error { return f.offerCorruptBatch(ctx, topic, partition) })
	f.right("writing "+topic, "grant WRITE and DESCRIBE on the topic "+topic, err)
}

// offerCorruptBatch returns nil when the batch is refused as corrupt.
func (f *preflight) offerCorruptBatch(ctx context.Context, topic string, partition int) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	res, err := f.broker.client.RawProduce(ctx, &kafka.RawProduceRequest{
		Topic: topic, Partition: partition, RequiredAcks: kafka.RequireAll,
		RawRecords: protocol.RawRecordSet{Reader: bytes.NewReader(corruptBatch())},
	})
	if err == nil {
		err = res.Error
	}
	for _, refused := range []error{kafka.InvalidMessage, kafka.InvalidRecord, kafka.UnsupportedForMessageFormat} {
		if errors.Is(err, refused) {
			err = nil
		}
	}
	return err
}

// corruptBatch returns an empty record batch (format 2) with a wrong checksum, preceded by its size.
func corruptBatch() []byte {
	const header = 61
	b := make([]byte, 4+header)
	b[3] = header
	batch := b[4:]
	batch[11] = header - 12 // length of what follows
	batch[16] = 2           // format
	batch[17] = 0xff        // checksum
	return b
}

// right adds the finding of whether we have a right; err is nil when we have it.
func (f *preflight) right(check, remedy string, err error) {
	if err != nil {
		f.add("fail", check, remedy, "%v", err)
		return
	}
	f.add("ok", check, "", "allowed")
}

// givesTransactions checks that the brokers support transactional producers. Only a replay needs one, so that it is no fault
// when this account may not use them.
func (f *preflight) givesTransactions(ctx context.Context) {
	const check = "transactions"
	id := "leadbridge-replay-" + f.cfg.DeadLetterTopic + checkSuffix
	err := f.withRetries(ctx, func() error {
		ctx, cancel := context.WithTimeout(ctx, callTimeout)
		defer cancel()
		res, err := f.broker.client.InitProducerID(ctx, &kafka.InitProducerIDRequest{TransactionalID: id, TransactionTimeoutMs: 10_000, ProducerID: -1, ProducerEpoch: -1})
		if err == nil {
			err = res.Error
		}
		return err
	})
	switch {
	case errors.Is(err, kafka.TransactionalIDAuthorizationFailed), errors.Is(err, kafka.ClusterAuthorizationFailed):
		f.add("ok", check, "", "the brokers know them; this account may not use the id %s, which only leadbridge dlt replay would need", id)
	case err != nil:
		f.add("warn", check, "leadbridge dlt replay and the page's replay need them: use brokers that have them for these", "the brokers give none: %v", err)
	default:
		f.add("ok", check, "", "the brokers give them")
	}
}
