package statetopic

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"
	"github.com/segmentio/kafka-go"

	"github.com/leadbridge/leadbridge/consumer"
	"github.com/leadbridge/leadbridge/internal/cluster"
	"github.com/leadbridge/leadbridge/internal/phrase"
	"github.com/leadbridge/leadbridge/internal/wait"
)

// Config names the topic and the process that writes to it. All fields are needed unless they say otherwise.
type Config struct {
	Brokers cluster.Brokers
	Topic   string // KAFKA_STATE_TOPIC
	Host    string // the name of this replica
	Version string // the version of this program
	Started time.Time
	// Read returns what this process has done and does now. It is called four times a minute, and must not wait.
	Read    func() Reading
	Log     zerolog.Logger
	Metrics prometheus.Registerer // nil: no metrics
}

// Topic is the state topic as one process sees it. It is safe for concurrent use.
type Topic struct {
	cfg     Config
	metrics metrics
	writer  writer
	reader  reader

	mu   sync.Mutex // guards self
	self process
}

// New returns a Topic; it connects to nothing before Run or Refresh. It fails when its metrics are registered already.
func New(cfg Config) (*Topic, error) {
	t := &Topic{cfg: cfg, self: newProcess(cfg.Host)}
	var err error
	if t.metrics, err = newMetrics(cfg.Metrics); err != nil {
		return nil, fmt.Errorf("state topic: %w", err)
	}
	client, transport := cfg.Brokers.Client(cfg.Topic)
	transport.MetadataTTL = publishEvery // asking the brokers more often would be of no use
	t.writer = writer{topic: cfg.Topic, client: client, transport: transport, pending: newBacklog(), metrics: t.metrics, log: cfg.Log}
	t.writer.replaced = t.reader.startAgain
	t.reader = reader{log: consumer.NewLog(cfg.Brokers, cfg.Topic), view: newView(), metrics: t.metrics}
	return t, nil
}

// newProcess returns a process of a host, with a new random number.
func newProcess(host string) process {
	var run [8]byte
	_, _ = rand.Read(run[:]) // it never fails
	return process{cleanHost(host), hex.EncodeToString(run[:])}
}

// Host returns the name of this replica as the topic has it.
func (t *Topic) Host() string { return t.own().host }

// own returns the name by which this process writes. It changes when the clock is put back, see publish.
func (t *Topic) own() process {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.self
}

// Run writes this process's records four times a minute until ctx ends, and then once more that it has stopped, which takes
// a second at most. Once an hour it deletes records that are too old. A write that fails is tried again.
func (t *Topic) Run(ctx context.Context) {
	defer t.writer.transport.CloseIdleConnections()
	sweeping := make(chan struct{})
	go func() {
		defer close(sweeping)
		t.sweepHourly(ctx)
	}()
	defer func() { <-sweeping }()
	var r recorder
	for wait.For(ctx, untilNext(time.Now())) == nil {
		t.publish(ctx, &r, t.cfg.Read())
	}
	last := t.cfg.Read()
	last.Now = Now{State: stopped}
	limit, done := context.WithTimeout(context.WithoutCancel(ctx), stopLimit)
	defer done()
	t.publish(limit, &r, last)
}

// Close closes all connections, when Run and every Refresh have ended.
func (t *Topic) Close() {
	t.writer.transport.CloseIdleConnections()
	t.reader.log.Close()
}

// stopLimit is how long writing the last record of a process may take.
const stopLimit = time.Second

// untilNext returns the time until the clock's next multiple of publishEvery. So readings are made where buckets begin.
func untilNext(now time.Time) time.Duration {
	return now.Truncate(publishEvery).Add(publishEvery).Sub(now)
}

// publish notes a reading, and writes what is new and what could not be written before.
func (t *Topic) publish(ctx context.Context, r *recorder, is Reading) {
	now := time.Now()
	self := t.own()
	wentBack := r.wentBack(now)
	for _, b := range r.take(now, is) {
		t.writer.pending.add(self.bucketKey(b.Width, b.Start), b)
	}
	h := heard{At: now.UTC(), Started: t.cfg.Started.UTC(), Version: cleanVersion(t.cfg.Version), Now: is.Now}
	if wentBack {
		// The clock comes to times again for which this process has written keys. To keep these, it goes on under the
		// name of a new process.
		last := h
		last.Now = Now{State: stopped}
		t.writer.pending.add(self.key(), last)
		self = newProcess(t.cfg.Host)
		t.mu.Lock()
		t.self = self
		t.mu.Unlock()
	}
	for _, b := range r.stillOpen() {
		h.Open = append(h.Open, openValue{int64(b.Width / time.Second), b})
	}
	t.writer.pending.add(self.key(), h)
	t.writer.write(ctx)
}

// History returns the points of a range up to now, as of the last Refresh.
func (t *Topic) History(r Range, now time.Time) []Point {
	t.reader.mu.Lock()
	defer t.reader.mu.Unlock()
	return t.reader.view.history(r, now)
}

// Replicas returns the replicas that have written in the last day, as of the last Refresh, by host.
func (t *Topic) Replicas(now time.Time) []Replica {
	t.reader.mu.Lock()
	defer t.reader.mu.Unlock()
	return t.reader.view.replicas(now, t.own())
}

// Refresh reads what is new in the topic, if it was not read in the last five seconds. It returns at once while another call
// reads. AsOf also returns its error.
func (t *Topic) Refresh(ctx context.Context) error { return t.reader.refresh(ctx, time.Now()) }

// AsOf returns when the topic was last read to its end, and the error of the last Refresh. The time is zero if the topic was
// never read.
func (t *Topic) AsOf() (time.Time, error) {
	t.reader.mu.Lock()
	defer t.reader.mu.Unlock()
	return t.reader.asOf, t.reader.err
}

// Advice says what to do about an error of Refresh or AsOf; nil for nil.
func (t *Topic) Advice(err error) phrase.Text {
	if err == nil {
		return nil
	}
	if errors.Is(err, cluster.ErrNoTopic) {
		return phrase.New("no_state_topic", "the state topic {topic} does not exist: create it (leadbridge check --fix does), or correct KAFKA_STATE_TOPIC", "topic", strconv.Quote(t.cfg.Topic))
	}
	if errors.Is(err, kafka.TopicAuthorizationFailed) {
		return phrase.New("no_right_to_state_topic", "we may not read or not write the state topic {topic}: grant READ, WRITE and DESCRIBE on it", "topic", strconv.Quote(t.cfg.Topic))
	}
	if code, ok := errors.AsType[kafka.Error](err); ok {
		return phrase.New("state_topic_refuses", "the state topic {topic} cannot be read or written ({error}): look at its settings and our rights; leadbridge check says more", "topic", strconv.Quote(t.cfg.Topic), "error", code.Title())
	}
	return phrase.New("state_topic_unreachable", "the state topic {topic} cannot be reached: look at its brokers", "topic", strconv.Quote(t.cfg.Topic))
}
