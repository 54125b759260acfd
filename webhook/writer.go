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

	"github.com/leadbridge/leadbridge/internal/cluster"
	"github.com/leadbridge/leadbridge/internal/kafkaauth"
)

var (
	// errNotAcknowledged says that Kafka may not have the event.
	errNotAcknowledged = errors.New("the event could not be stored in time: send it again later")
	errRecordTooLarge  = errors.New("the topic does not take an event of this size")
	errNotAsked        = errors.New("the brokers were not reached yet")
	errUnwell          = errors.New("the brokers do not take events: the log says why")
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
	asked     chan struct{} // closed when the brokers have told the partitions, or that there is no topic

	// plain says that the brokers give us no producer sessions.
	plain atomic.Bool

	lanes atomic.Pointer[lanes]
	work  sync.WaitGroup // lanes that have something to do

	mu       sync.Mutex
	unseen   error         // guarded by mu; why the last look at the topic failed
	failing  map[int]error // guarded by mu; why the last request to a partition failed
	told     string        // guarded by mu; the trouble that was logged last; "" while there is none
	failedAt time.Time     // guarded by mu
	wroteAt  time.Time     // guarded by mu; when a request last went well
}

// lanes are those of all partitions; a changed list replaces it.
type lanes struct {
	list []*lane
	ids  []int // of the partitions
}

func newWriter(cfg Config, m *metrics) *writer {
	transport := cfg.Brokers.Transport(cfg.Topic)
	transport.DialTimeout, transport.IdleTimeout = cfg.AckTimeout, 5*time.Minute
	w := &writer{
		topic:     cfg.Topic,
		client:    &kafka.Client{Addr: kafka.TCP(cfg.Brokers.Addresses...), Transport: transport},
		transport: transport,
		log:       cfg.Log,
		metrics:   m,
		limit:     cfg.AckTimeout / 2, // so that a second try is still in time
		asked:     make(chan struct{}),
		unseen:    errNotAsked,
		failing:   map[int]error{},
	}
	w.lanes.Store(&lanes{})
	return w
}

// run keeps the list of partitions until ctx ends, and then waits for what is
// under way: every write has its own limit.
func (w *writer) run(ctx context.Context) {
	defer w.transport.CloseIdleConnections()
	defer w.work.Wait()
	wait := newBackOff()
	for {
		pause := cluster.MetadataTTL
		err := w.look(ctx)
		w.looked(ctx, err)
		if err == nil {
			wait.Reset()
		} else {
			pause = wait.NextBackOff()
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return
		}
	}
}

// look asks for the topic's partitions. It never creates the topic.
func (w *writer) look(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, w.limit)
	defer cancel()
	ids, err := cluster.Partitions(ctx, w.client, w.topic)
	if err == nil || errors.Is(err, cluster.ErrNoTopic) {
		w.resize(len(ids))
	}
	return err
}

// resize fits the lanes to the partitions. Lanes that stay keep what waits.
func (w *writer) resize(count int) {
	old := w.lanes.Load()
	if len(old.list) != count {
		next := &lanes{list: make([]*lane, count), ids: make([]int, count)}
		copy(next.list, old.list)
		for i := range count {
			next.ids[i] = i
			if next.list[i] == nil {
				next.list[i] = newLane(w, i)
			}
		}
		w.lanes.Store(next)
	}
	select {
	case <-w.asked:
	default:
		close(w.asked)
	}
}

// write waits until the topic has the event, acknowledged by all in-sync replicas. The error is errNotAcknowledged when
// the topic may not have it, and errRecordTooLarge when the topic does not take it.
func (w *writer) write(ctx context.Context, e event) error {
	select {
	case <-w.asked:
	case <-ctx.Done():
		return errNotAcknowledged
	}
	now := w.lanes.Load()
	if len(now.list) == 0 {
		return errNotAcknowledged
	}
	by := e.key
	if by == nil { // one event sent twice still comes to one partition
		by = []byte(e.id)
	}
	return now.of(by).write(ctx, e)
}

// of places a key where Kafka's own clients do.
func (l *lanes) of(key []byte) *lane {
	return l.list[kafka.Murmur2Balancer{Consistent: true}.Balance(kafka.Message{Key: key}, l.ids...)]
}

// probation is how long after a failed request to write the gate is not ready:
// without webhooks nothing else would show that it is over.
const probation = 10 * time.Second

// ready is nil when the topic is there and writing it did not just fail. One
// partition of several that fails is no reason to send webhooks elsewhere. The
// error names no broker: websites may see it.
func (w *writer) ready() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case errors.Is(w.unseen, cluster.ErrNoTopic):
		return cluster.ErrNoTopic
	case errors.Is(w.unseen, errNotAsked):
		return errNotAsked
	case w.unseen != nil:
		return errUnwell
	case len(w.failing) == 0 || time.Since(w.failedAt) >= probation || time.Since(w.wroteAt) < probation:
		return nil
	}
	return errUnwell
}

// looked notes how a look at the topic went; a change is logged.
func (w *writer) looked(ctx context.Context, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if ctx.Err() != nil {
		return
	}
	if err == nil && errors.Is(w.unseen, errNotAsked) {
		w.log.Info().Str("topic", w.topic).Msg("the topic is there")
	}
	if err == nil && errors.Is(w.unseen, cluster.ErrNoTopic) {
		clear(w.failing) // it was away as a whole
	}
	w.unseen = err
	w.tell(err)
}

// tell logs trouble once, whatever notices it and however many partitions have it, and once its end.
func (w *writer) tell(err error) {
	switch {
	case err != nil && w.told != advice(err):
		w.told = advice(err)
		w.log.Error().Err(err).Str("topic", w.topic).Msg(w.told)
	case err == nil && w.told != "" && w.unseen == nil && len(w.failing) == 0:
		w.told = ""
		w.log.Info().Str("topic", w.topic).Msg("Kafka takes events again")
	}
}

// wrote notes how a request to a partition went.
func (w *writer) wrote(partition int, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err == nil {
		w.wroteAt = time.Now()
		delete(w.failing, partition)
		if time.Since(w.failedAt) >= probation {
			clear(w.failing) // nobody has written to those since
		}
		w.tell(nil)
		return
	}
	w.metrics.failures.Inc()
	w.failedAt = time.Now()
	w.failing[partition] = err
	w.tell(fmt.Errorf("partition %d: %w", partition, err))
}

func advice(err error) string {
	if errors.Is(err, cluster.ErrNoTopic) || errors.Is(err, kafka.UnknownTopicOrPartition) {
		return "the topic does not exist: create it (leadbridge check --fix does), or correct KAFKA_TOPIC; until then webhooks are answered 503"
	}
	if login := kafkaauth.Advice(err); login != "" {
		return login + "; until then webhooks are answered 503"
	}
	switch {
	case errors.Is(err, kafka.TopicAuthorizationFailed):
		return "we may not write the topic: grant WRITE and DESCRIBE on it, or correct KAFKA_TOPIC; until then webhooks are answered 503"
	case cluster.TooFewReplicas(err):
		return "the topic has fewer replicas in sync than its min.insync.replicas: look at its brokers; until then webhooks are answered 503"
	}
	return "Kafka does not take events: look at its brokers and at our rights; until then webhooks are answered 503"
}

func newBackOff() *backoff.ExponentialBackOff {
	b := backoff.NewExponentialBackOff()
	b.InitialInterval, b.MaxInterval, b.MaxElapsedTime = 50*time.Millisecond, time.Second, 0
	b.Reset()
	return b
}
