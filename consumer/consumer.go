// Package consumer is the spine: it takes records from Kafka, has each turned
// into exactly one contact or one dead letter, and commits what is done. It
// knows no HTTP status and decides nothing about the CRM.
//
// What it knows of each record stands in the commit itself (see ledger), so
// that the next owner of a partition, after a crash too, knows which records
// may have been sent already.
package consumer

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"
	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/sasl"

	"github.com/leadbridge/leadbridge/crmclient"
	"github.com/leadbridge/leadbridge/transform"
)

// Config is what a Consumer is made of; each field is the setting of the same name.
type Config struct {
	Brokers         []string // host:port
	Topic           string
	DeadLetterTopic string
	ResultTopic     string // "": no results are written
	GroupID         string
	SASL            sasl.Mechanism // nil: none
	SessionTimeout  time.Duration  // also the rebalance timeout
	DrainTimeout    time.Duration
	Window          int   // unfinished records per partition
	MaxBuffer       int64 // bytes of the process
	DedupeWindow    int   // remembered event ids per partition

	Version string // of this program, for dlt-version
	Log     zerolog.Logger
	Metrics prometheus.Registerer // nil: none

	// Dial opens connections to brokers, by TLS where that is wanted; nil: the network, in plain text.
	Dial dialFunc
}

// Transformer turns records into contacts.
type Transformer interface {
	Decode(transform.Record) (transform.Event, error)
	Contact(transform.Event) (crmclient.Contact, error)
}

// Creator makes contacts; see [crmclient.Creator].
type Creator interface {
	Create(ctx context.Context, r crmclient.Request) (crmclient.Result, error)
	CreateAll(ctx context.Context, requests []crmclient.Request,
		ended func(i int, r crmclient.Result, err error), later func(i int, finish func() (crmclient.Result, error)))
	SetShare(part float64)
	ContactURL(id int64) string
	Status() crmclient.Status
}

// Consumer delivers the records of one topic.
type Consumer struct {
	cfg         Config
	transformer Transformer
	creator     Creator
	broker      *broker
	buffer      *buffer
	seen        *seen
	board       *board
	metrics     *metrics
}

// New makes a Consumer; it connects to nothing yet. Settings that cannot hold
// together are clipped, with a warning.
func New(cfg Config, t Transformer, c Creator) (*Consumer, error) {
	if len(cfg.Brokers) == 0 || cfg.Topic == "" || cfg.DeadLetterTopic == "" || cfg.GroupID == "" {
		return nil, errors.New("consumer: brokers, topic, dead-letter topic and group are needed")
	}
	cfg = cfg.clipped()
	m, err := newMetrics(cfg.Metrics)
	if err != nil {
		return nil, fmt.Errorf("consumer: %w", err)
	}
	consumer := &Consumer{
		cfg:         cfg,
		transformer: t,
		creator:     c,
		broker:      newBroker(cfg),
		buffer:      newBuffer(cfg.MaxBuffer),
		seen:        newSeen(cfg.DedupeWindow),
		board:       newBoard(cfg.Log),
		metrics:     m,
	}
	if cfg.Metrics != nil {
		if err := cfg.Metrics.Register(newGauges(consumer)); err != nil {
			return nil, fmt.Errorf("consumer: %w", err)
		}
	}
	return consumer, nil
}

// clipped fits settings to each other.
func (c Config) clipped() Config {
	if limit := maxSpans; c.Window > limit {
		c.Log.Warn().Int("window", c.Window).Int("clipped", limit).
			Msg("WINDOW is larger than what a commit's metadata holds: clipped")
		c.Window = limit
	}
	c.Window = max(c.Window, 1)
	if limit := c.SessionTimeout - leaseMargin(c.SessionTimeout); c.DrainTimeout > limit {
		c.Log.Warn().Dur("drain", c.DrainTimeout).Dur("clipped", limit).
			Msg("DRAIN_TIMEOUT does not fit into KAFKA_SESSION_TIMEOUT: a rebalance cuts the drain short")
	}
	return c
}

// errTopicGone ends a membership: the topic is to be waited for outside the group.
var errTopicGone = errors.New("the topic is gone")

// Run delivers until ctx ends, drains, and returns nil. It waits for brokers
// and topic when they are not there yet.
func (c *Consumer) Run(ctx context.Context) error {
	defer c.broker.reset()
	wait := newBackOff()
	for ctx.Err() == nil {
		err := c.awaitTopic(ctx)
		if err == nil {
			err = c.membership(ctx, wait.Reset)
		}
		if err == nil || ctx.Err() != nil {
			continue
		}
		c.broker.reset()
		c.cfg.Log.Warn().Err(err).Msg("left the group; joining again")
		pause(ctx, wait.NextBackOff())
	}
	return nil
}

// newBackOff paces everything that is tried for ever against brokers.
func newBackOff() *backoff.ExponentialBackOff {
	return backoff.NewExponentialBackOff(
		backoff.WithInitialInterval(100*time.Millisecond),
		backoff.WithMaxInterval(5*time.Second),
		backoff.WithMaxElapsedTime(0),
	)
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// awaitTopic waits until the cluster shows the topic. Joining before would
// create it on brokers that allow that, and spin on those that do not.
func (c *Consumer) awaitTopic(ctx context.Context) error {
	wait := newBackOff()
	for {
		_, err := c.broker.partitions(ctx)
		switch {
		case err == nil:
			c.board.clear(HoldBrokers, HoldTopic)
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, errNoTopic):
			c.board.clear(HoldBrokers)
			c.board.hold(HoldTopic, fmt.Sprintf("the topic %q does not exist: create it (leadbridge check --fix does), or mend KAFKA_TOPIC", c.cfg.Topic))
		default:
			c.broker.reset()
			c.board.hold(HoldBrokers, "no broker answers: look at KAFKA_BROKERS, the TLS and SASL settings, and the cluster")
			c.cfg.Log.Debug().Err(err).Msg("brokers do not answer")
		}
		pause(ctx, wait.NextBackOff())
	}
}

// leaveTimeout bounds the wait for leaving the group: kafka-go's Close waits for
// the network without a bound, and exit must not.
const leaveTimeout = 3 * time.Second

// membership joins the group and works generation after generation, until ctx
// ends (nil) or the group should be left for a while. wholesome is called
// whenever a generation has begun well.
func (c *Consumer) membership(ctx context.Context, wholesome func()) error {
	group, err := kafka.NewConsumerGroup(c.groupConfig())
	if err != nil {
		return err
	}
	defer leave(group)
	wait := newBackOff()
	// Next is always called again: a generation that nobody takes stands in the
	// way of the whole group.
	for {
		before, err := c.broker.partitions(ctx)
		if errors.Is(err, errNoTopic) {
			return fmt.Errorf("%w: %w", errTopicGone, err)
		}
		gen, err := group.Next(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			if gone := c.joinFailed(ctx, err); gone != nil {
				return gone
			}
			pause(ctx, wait.NextBackOff())
			continue
		}
		began := false
		if err := c.generation(ctx, gen, len(before), func() { began = true; wholesome() }); err != nil {
			return err
		}
		if began {
			wait.Reset()
			continue
		}
		pause(ctx, wait.NextBackOff()) // joining again at once would shake the whole group
	}
}

// joinFailed notes why Next had nothing; it returns an error when the topic is gone.
func (c *Consumer) joinFailed(ctx context.Context, err error) error {
	c.cfg.Log.Debug().Err(err).Msg("joining the group failed; trying again")
	if advice := groupAdvice(c.cfg, err); advice != "" {
		c.board.hold(HoldGroup, advice)
		return nil
	}
	if _, err := c.broker.partitions(ctx); errors.Is(err, errNoTopic) {
		return fmt.Errorf("%w: %w", errTopicGone, err)
	} else if err != nil {
		c.board.hold(HoldBrokers, "no broker answers: look at KAFKA_BROKERS and the cluster")
		c.broker.reset()
	}
	return nil
}

// groupAdvice says what to do about an error that trying again does not mend.
func groupAdvice(cfg Config, err error) string {
	switch {
	case errors.Is(err, kafka.InvalidSessionTimeout):
		return fmt.Sprintf("the brokers do not take KAFKA_SESSION_TIMEOUT %v: give one between their group.min.session.timeout.ms and group.max.session.timeout.ms", cfg.SessionTimeout)
	case errors.Is(err, kafka.GroupAuthorizationFailed):
		return fmt.Sprintf("we may not join the group %q: grant READ on it, or mend KAFKA_GROUP_ID", cfg.GroupID)
	case errors.Is(err, kafka.TopicAuthorizationFailed):
		return fmt.Sprintf("we may not read the topic %q: grant READ and DESCRIBE on it", cfg.Topic)
	case errors.Is(err, kafka.InconsistentGroupProtocol):
		return fmt.Sprintf("the group %q is used by another kind of consumer: give this one its own KAFKA_GROUP_ID", cfg.GroupID)
	}
	return ""
}

func (c *Consumer) groupConfig() kafka.ConsumerGroupConfig {
	return kafka.ConsumerGroupConfig{
		ID:      c.cfg.GroupID,
		Brokers: c.cfg.Brokers,
		Topics:  []string{c.cfg.Topic},
		Dialer: &kafka.Dialer{
			ClientID: clientID, Timeout: callTimeout, DialFunc: groupDial(c.cfg), SASLMechanism: c.cfg.SASL,
		},
		HeartbeatInterval: c.cfg.SessionTimeout / 10,
		SessionTimeout:    c.cfg.SessionTimeout,
		// The coordinator gives a silent member's partitions away at the
		// rebalance timeout, whatever the session: one value, so that one lease fits both.
		RebalanceTimeout: c.cfg.SessionTimeout,
		JoinGroupBackoff: 200 * time.Millisecond,
		StartOffset:      kafka.FirstOffset,
	}
}

func leave(group *kafka.ConsumerGroup) {
	left := make(chan struct{})
	go func() {
		defer close(left)
		_ = group.Close() // it has no error to tell
	}()
	select {
	case <-left:
	case <-time.After(leaveTimeout):
	}
}

// generation works one generation to its end. The work runs inside the
// generation, so that kafka-go joins the next one only after it.
// known is how many partitions the topic had before it was joined, 0 if that is not known.
func (c *Consumer) generation(ctx context.Context, gen *kafka.Generation, known int, wholesome func()) error {
	g := newGeneration(c, gen, known)
	result := make(chan error, 1)
	gen.Start(func(ended context.Context) { result <- g.run(ctx, ended.Done(), wholesome) })
	return <-result
}
