package webhook

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/rs/zerolog"
	"github.com/segmentio/kafka-go"
)

// metadataTTL is how old the picture of the cluster may be, and so how late
// a new partition or a new leader is noticed.
const metadataTTL = 2 * time.Second

// clientID is what brokers log about our connections.
const clientID = "leadbridge"

var (
	// errNotAcknowledged says that Kafka may not have the event.
	errNotAcknowledged = errors.New("the event could not be stored in time: send it again later")
	errRecordTooLarge  = errors.New("the topic does not take an event of this size")
	errNoTopic         = errors.New("topic does not exist")
	errNotAsked        = errors.New("the brokers were not reached yet")
)

// writer writes events to the topic. Each partition has one request under way
// at most, which takes what came while the one before was: batches grow with
// the load by themselves, and records of a key keep their order.
type writer struct {
	topic     string
	client    *kafka.Client
	transport *kafka.Transport
	log       zerolog.Logger
	metrics   *metrics
	limit     time.Duration // for one request to Kafka
	asked     chan struct{} // closed when the partitions are known

	lanes atomic.Pointer[[]*lane] // one a partition; a longer list replaces it
	work  sync.WaitGroup          // lanes that have something to do

	mu    sync.Mutex
	fault error // guarded by mu; why the last request or look at the topic failed
}

func newWriter(cfg Config, m *metrics) *writer {
	transport := &kafka.Transport{
		Dial: cfg.Dial, DialTimeout: cfg.AckTimeout, MetadataTTL: metadataTTL, MetadataTopics: []string{cfg.Topic},
		ClientID: clientID, TLS: cfg.TLS, SASL: cfg.SASL, IdleTimeout: 5 * time.Minute,
	}
	w := &writer{
		topic:     cfg.Topic,
		client:    &kafka.Client{Addr: kafka.TCP(cfg.Brokers...), Transport: transport},
		transport: transport,
		log:       cfg.Log,
		metrics:   m,
		limit:     cfg.AckTimeout,
		asked:     make(chan struct{}),
		fault:     errNotAsked,
	}
	w.lanes.Store(&[]*lane{})
	return w
}

// run keeps the list of partitions until ctx ends, and then waits for what is
// under way: every write has its own limit.
func (w *writer) run(ctx context.Context) {
	defer w.transport.CloseIdleConnections()
	defer w.work.Wait()
	wait := newBackOff()
	for {
		pause := metadataTTL
		if err := w.look(ctx); err == nil {
			wait.Reset()
		} else if ctx.Err() == nil {
			w.failed(err)
			pause = wait.NextBackOff()
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return
		}
	}
}

// look asks for the topic's partitions. It never creates the topic: kafka-go asks
// for metadata without that wish.
func (w *writer) look(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, w.limit)
	defer cancel()
	answer, err := w.client.Metadata(ctx, &kafka.MetadataRequest{Topics: []string{w.topic}})
	if err != nil {
		return fmt.Errorf("asking for the topic: %w", err)
	}
	count := 0
	for _, t := range answer.Topics {
		if t.Name != w.topic {
			continue
		}
		if t.Error != nil && !errors.Is(t.Error, kafka.UnknownTopicOrPartition) {
			return fmt.Errorf("asking for the topic: %w", t.Error)
		}
		count = len(t.Partitions)
	}
	w.resize(count)
	if count == 0 {
		return errNoTopic
	}
	w.settle(errNotAsked, errNoTopic)
	return nil
}

// resize fits the lanes to the partitions. Lanes that stay keep what waits.
func (w *writer) resize(count int) {
	old := *w.lanes.Load()
	if len(old) != count {
		lanes := make([]*lane, count)
		copy(lanes, old)
		for i := min(len(old), count); i < count; i++ {
			lanes[i] = &lane{writer: w, partition: i}
		}
		w.lanes.Store(&lanes)
	}
	select {
	case <-w.asked:
	default:
		close(w.asked)
	}
}

// write returns when the topic has the event, acknowledged by all in-sync
// replicas, or it cannot be said that it has: errNotAcknowledged.
func (w *writer) write(ctx context.Context, e event) error {
	select {
	case <-w.asked:
	case <-ctx.Done():
		return errNotAcknowledged
	}
	lanes := *w.lanes.Load()
	if len(lanes) == 0 {
		return errNotAcknowledged
	}
	by := e.key
	if by == nil { // one event sent twice still comes to one partition
		by = []byte(e.id)
	}
	return lanes[partitionOf(by, len(lanes))].write(ctx, e)
}

// partitionOf places a key where Kafka's own clients do.
func partitionOf(key []byte, count int) int {
	partitions := make([]int, count)
	for i := range partitions {
		partitions[i] = i
	}
	return kafka.Murmur2Balancer{Consistent: true}.Balance(kafka.Message{Key: key}, partitions...)
}

// ready is nil when the last that was heard of the topic was good.
func (w *writer) ready() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.fault
}

// failed notes a fault; the first of a row is logged.
func (w *writer) failed(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.fault == nil || errors.Is(w.fault, errNotAsked) {
		w.log.Error().Err(err).Str("topic", w.topic).Msg(advice(err))
	}
	w.fault = err
}

// settle ends a fault: any, or only one of those given.
func (w *writer) settle(only ...error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.fault == nil {
		return
	}
	for _, one := range only {
		if errors.Is(w.fault, one) {
			only = nil
		}
	}
	if len(only) > 0 {
		return
	}
	w.log.Info().Str("topic", w.topic).Msg("Kafka takes events")
	w.fault = nil
}

func advice(err error) string {
	if errors.Is(err, errNoTopic) {
		return "the topic does not exist: create it (leadbridge check --fix does), or mend KAFKA_TOPIC; until then webhooks are answered 503"
	}
	return "Kafka does not take events: look at its brokers and at our rights; until then webhooks are answered 503"
}

func newBackOff() *backoff.ExponentialBackOff {
	b := backoff.NewExponentialBackOff()
	b.InitialInterval, b.MaxInterval, b.MaxElapsedTime = 50*time.Millisecond, time.Second, 0
	b.Reset()
	return b
}
