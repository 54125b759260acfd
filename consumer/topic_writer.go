package consumer

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/leadbridge/leadbridge/crmclient"
	"github.com/leadbridge/leadbridge/internal/cluster"
	"github.com/leadbridge/leadbridge/internal/phrase"
)

// A target is a topic that we write to, with the words that advice about it uses.
type target struct {
	topic   string
	hold    crmclient.Cause // in force while the topic takes nothing
	setting string          // the setting that names it
}

// topicWriter writes to one topic under one generation's lease. Each of its connections checks the lease in Write: a process
// that freezes in the middle of a request sends no more of this request when it thaws.
type topicWriter struct {
	target
	client    *kafka.Client
	transport *kafka.Transport
	lease     func() error // nil while the lease is held
	board     *statusBoard
	outage    *outage
}

func newTopicWriter(cfg Config, t target, lease func() error, b *statusBoard) topicWriter {
	leased := cfg.Brokers.Through(func(conn net.Conn) net.Conn { return &leasedConn{conn, lease} })
	client, transport := leased.Client(t.topic)
	return topicWriter{
		target:    t,
		client:    client,
		transport: transport,
		lease:     lease,
		board:     b,
		outage:    newOutage(),
	}
}

// close closes the connections, and ends the hold: the next owner of the partitions finds out for itself.
func (w *topicWriter) close() {
	w.transport.CloseIdleConnections()
	w.board.clear(w.hold)
}

// try makes one attempt to write records to the partition, with acks=all. If the topic does not have this partition, it
// writes to another one, always the same for this partition. at is where the first record lies.
func (w *topicWriter) try(ctx context.Context, partition int, records ...kafka.Record) (at recordPlace, err error) {
	if err := w.lease(); err != nil {
		return at, err
	}
	ids, err := partitionsOf(ctx, w.client, w.topic)
	if err != nil {
		return at, err
	}
	if !slices.Contains(ids, partition) {
		partition = ids[partition%len(ids)]
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	res, err := w.client.Produce(ctx, &kafka.ProduceRequest{
		Topic: w.topic, Partition: partition, RequiredAcks: kafka.RequireAll, Records: kafka.NewRecordReader(records...),
	})
	if err != nil {
		return at, err
	}
	return recordPlace{partition, res.BaseOffset}, res.Error
}

// recordPlace is where a record lies in its topic.
type recordPlace struct {
	partition int
	offset    int64
}

// String returns the place as dlt show takes it.
func (p recordPlace) String() string { return fmt.Sprintf("%d:%d", p.partition, p.offset) }

// settle notes the outcome of the last try, and returns the error for the callers whose records it wrote: nil, *unwritable,
// errLeaseLapsed or ctx's.
func (w *topicWriter) settle(ctx context.Context, err error) error {
	if err == nil {
		w.outage.worked()
		w.board.clear(w.hold)
		return nil
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if lapsed := w.lease(); lapsed != nil {
		return lapsed
	}
	w.board.hold(w.hold, w.advice(err))
	w.transport.CloseIdleConnections()
	return w.outage.failed(time.Now(), err)
}

// advice says what to do about a failed write.
func (w *topicWriter) advice(err error) phrase.Text {
	switch {
	case errors.Is(err, errNoTopic):
		return phrase.New("no_own_topic", "the topic {topic} ({setting}) does not exist: create it (leadbridge check --fix does), or correct the setting", "topic", strconv.Quote(w.topic), "setting", w.setting)
	case errors.Is(err, kafka.TopicAuthorizationFailed):
		return phrase.New("no_right_to_write", "we may not write the topic {topic} ({setting}): grant WRITE and DESCRIBE on it, or correct the setting", "topic", strconv.Quote(w.topic), "setting", w.setting)
	case cluster.TooFewReplicas(err):
		return phrase.New("too_few_replicas", "the topic {topic} ({setting}) has fewer replicas in sync than its min.insync.replicas: look at its brokers", "topic", strconv.Quote(w.topic), "setting", w.setting)
	}
	if code, ok := errors.AsType[kafka.Error](err); ok {
		return phrase.New("topic_refuses", "the topic {topic} ({setting}) takes nothing ({error}): look at its settings and our rights", "topic", strconv.Quote(w.topic), "setting", w.setting, "error", code.Title())
	}
	return phrase.New("topic_unreachable", "the topic {topic} ({setting}) cannot be written: look at its brokers", "topic", strconv.Quote(w.topic), "setting", w.setting)
}

// newRecord returns a record with the current time. With the original's time, retention could delete at once what is written
// about an old event. A nil key or value is written as null, an empty one as empty.
func newRecord(key, value []byte, headers []kafka.Header) kafka.Record {
	r := kafka.Record{Time: time.Now(), Headers: headers}
	if key != nil {
		r.Key = kafka.NewBytes(key)
	}
	if value != nil {
		r.Value = kafka.NewBytes(value)
	}
	return r
}

// leasedConn is a connection whose Write fails once the lease has lapsed.
type leasedConn struct {
	net.Conn
	lease func() error
}

func (c *leasedConn) Write(b []byte) (int, error) {
	if err := c.lease(); err != nil {
		return 0, err
	}
	return c.Conn.Write(b)
}
