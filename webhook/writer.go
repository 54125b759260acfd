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
	// errNotAcknowledged is returned when Kafka may not have the event.
	errNotAcknowledged = errors.New("the event could not be stored in time: send it again later")
	errRecordTooLarge  = errors.New("the topic does not take an event of this size")
	errNotReached      = errors.New("the brokers were not reached yet")
	errFailing         = errors.New("the brokers do not take events: the log says why")
)

// writer writes events to a topic. Each partition has at most one request under way, and the next one takes all
// events that came meanwhile: so batches grow with the load, and records of a key keep their order.
type writer struct {
	topic     string
	setting   string // that names the topic, such as KAFKA_TOPIC
	client    *kafka.Client
	transport *kafka.Transport
	log       zerolog.Logger
	metrics   *metrics
	limit     time.Duration // for one request to Kafka
	asked     chan struct{} // closed when the brokers have first told the partitions, that there is no topic, or that it is not for us

	noSessions atomic.Bool // the brokers give us no producer sessions

	lanes atomic.Pointer[lanes]
	work  sync.WaitGroup // lanes that have something to send

	mu       sync.Mutex
	topicErr error         // guarded by mu; why the last request for the partitions failed; nil: it did not
	failing  map[int]error // guarded by mu; by partition, why its last request failed
	trouble  string        // guarded by mu; the trouble that was logged last; "" when its end was logged, or there was none
	failedAt time.Time     // guarded by mu; when a request to write last failed
	wroteAt  time.Time     // guarded by mu; when a request to write last went well
}

// lanes are those of all partitions. They are not changed, but replaced when the number of partitions changes.
type lanes struct {
	list []*lane
	ids  []int // of the partitions
}

// newWriter makes a writer of cfg.Topic. setting is where people correct the topic's name.
func newWriter(cfg Config, setting string, m *metrics) *writer {
	transport := cfg.Brokers.Transport(cfg.Topic)
	transport.DialTimeout, transport.IdleTimeout = cfg.AckTimeout, 5*time.Minute
	w := &writer{
		topic:     cfg.Topic,
		setting:   setting,
		client:    &kafka.Client{Addr: kafka.TCP(cfg.Brokers.Addresses...), Transport: transport},
		transport: transport,
		log:       cfg.Log,
		metrics:   m,
		limit:     cfg.AckTimeout / 2, // so that a second try is still in time
		asked:     make(chan struct{}),
		topicErr:  errNotReached,
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
		err := w.updateLanes(ctx)
		w.noteUpdate(ctx, err)
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

// updateLanes asks for the topic's partitions, and makes a lane of each. It never creates the topic.
func (w *writer) updateLanes(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, w.limit)
	defer cancel()
	ids, err := cluster.Partitions(ctx, w.client, w.topic)
	switch {
	case err == nil, errors.Is(err, cluster.ErrNoTopic):
		w.resize(len(ids))
		w.noteAsked()
	case errors.Is(err, kafka.TopicAuthorizationFailed):
		w.noteAsked()
	}
	return err
}

// noteAsked lets webhooks wait no longer for what the brokers tell of the topic.
func (w *writer) noteAsked() {
	select {
	case <-w.asked:
	default:
		close(w.asked)
	}
}

// resize makes as many lanes as there are partitions. Lanes that stay keep the events that wait in them.
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
	if by == nil { // an event that is sent twice comes to the same partition twice
		by = []byte(e.id)
	}
	return now.of(by).write(ctx, e)
}

// of returns the lane of a key's partition, which is the one that Kafka's own clients choose.
func (l *lanes) of(key []byte) *lane {
	return l.list[kafka.Murmur2Balancer{Consistent: true}.Balance(kafka.Message{Key: key}, l.ids...)]
}

// probation is how long after a failed request to write the gate is not ready. A gate that is not ready gets no
// webhooks, and only a webhook shows that the trouble is over: so it is ready again after this time.
const probation = 10 * time.Second

// ready returns nil when the topic is there and writing to it did not fail in the last probation, or worked in it: while
// one partition of several fails, webhooks are not sent elsewhere. The error names no broker: websites may see it.
func (w *writer) ready() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case errors.Is(w.topicErr, cluster.ErrNoTopic):
		return cluster.ErrNoTopic
	case errors.Is(w.topicErr, errNotReached):
		return errNotReached
	case w.topicErr != nil:
		return errFailing
	case len(w.failing) == 0 || time.Since(w.failedAt) >= probation || time.Since(w.wroteAt) < probation:
		return nil
	}
	return errFailing
}

// noteUpdate notes how updateLanes went, and logs a change.
func (w *writer) noteUpdate(ctx context.Context, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if ctx.Err() != nil {
		return
	}
	if err == nil && errors.Is(w.topicErr, errNotReached) {
		w.log.Info().Str("topic", w.topic).Msg("the topic is there")
	}
	if err == nil && errors.Is(w.topicErr, cluster.ErrNoTopic) {
		clear(w.failing) // the partitions failed because the topic was not there
	}
	w.topicErr = err
	w.logChange(err)
}

// logChange logs trouble once, whatever notices it and however many partitions have it, and its end once. Called with mu
// held.
func (w *writer) logChange(err error) {
	switch {
	case err != nil && w.trouble != w.advice(err):
		w.trouble = w.advice(err)
		w.log.Error().Err(err).Str("topic", w.topic).Msg(w.trouble)
	case err == nil && w.trouble != "" && w.topicErr == nil && len(w.failing) == 0:
		w.trouble = ""
		w.log.Info().Str("topic", w.topic).Msg("Kafka takes events again")
	}
}

// noteWrite notes how a request to write to a partition went.
func (w *writer) noteWrite(partition int, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err == nil {
		w.wroteAt = time.Now()
		delete(w.failing, partition)
		if time.Since(w.failedAt) >= probation {
			clear(w.failing) // nothing was written to those partitions since, so that they may work again
		}
		w.logChange(nil)
		return
	}
	w.metrics.failures.Inc()
	w.failedAt = time.Now()
	w.failing[partition] = err
	w.logChange(fmt.Errorf("partition %d: %w", partition, err))
}

// advice returns what is wrong with the topic or the brokers, and what to do, for the log.
func (w *writer) advice(err error) string {
	if errors.Is(err, cluster.ErrNoTopic) || errors.Is(err, kafka.UnknownTopicOrPartition) {
		return "the topic does not exist: create it (leadbridge check --fix does), or correct " + w.setting + "; until then webhooks are answered 503"
	}
	if login := kafkaauth.Advice(err); login != "" {
		return login + "; until then webhooks are answered 503"
	}
	switch {
	case errors.Is(err, kafka.TopicAuthorizationFailed):
		return "we may not write the topic: grant WRITE and DESCRIBE on it, or correct " + w.setting + "; until then webhooks are answered 503"
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
