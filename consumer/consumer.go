// Package consumer reads records from Kafka, makes each of them exactly one
// contact (or lead, or deal) or one dead letter, and commits what is done. It
// decides nothing about the CRM: package crmclient does.
//
// The metadata of a commit is a ledger of the records that are not done. From it
// the next owner of a partition learns, even after a crash, for which records a
// create may have been sent. docs/delivery.md explains the design.
//
// # Words
//
// A record lies in Kafka. A delivery is a record from its dispatch on, with its
// event and its contact. A parkedRecord is what remains of a delivery while it
// waits for something of its own. An unfinishedRecord is the entry that progress
// has for a delivery or a parkedRecord until it is done. A span is a run of
// unfinished offsets in a commit.
//
// A partition is owned for one generation of the group. Its run goroutine fetches
// and dispatches, a worker for each delivery brings it to its end, its reader
// takes up parked records again, and the generation's committer writes commits.
// A hold is the cause for which the whole consumer waits. A wait is the cause for
// which one parked record waits. A [Why] is a hold, a wait, or another cause for
// which events wait.
//
// A line is the queue of the records of one event id, person or key, which are
// delivered one after another; a place is where a record stands in its lines, and
// its turn comes when the earlier records in them are done. A grant is the offset below which
// an acknowledged commit lets records be dispatched. A suspect is a record whose
// create somebody may have sent already, so that it is looked up first. An
// exploration looks records up where the group has no commit. A flood is a run of
// refusals that looks like a fault of the set-up rather than of the events.
package consumer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"
	"github.com/segmentio/kafka-go"

	"github.com/leadbridge/leadbridge/crmclient"
	"github.com/leadbridge/leadbridge/internal/cluster"
	"github.com/leadbridge/leadbridge/internal/phrase"
	"github.com/leadbridge/leadbridge/internal/tracing"
	"github.com/leadbridge/leadbridge/internal/wait"
	"github.com/leadbridge/leadbridge/transform"
)

// Config holds what a Consumer needs. Most fields are settings, which
// docs/settings.md describes with their defaults. A zero value has no special
// meaning unless the field's comment gives one.
type Config struct {
	Brokers         cluster.Brokers // KAFKA_BROKERS, with their login and TLS; needed
	Topic           string          // KAFKA_TOPIC; needed
	DeadLetterTopic string          // KAFKA_DLT_TOPIC; needed
	ResultTopic     string          // KAFKA_RESULT_TOPIC; "": no results are written
	StateTopic      string          // KAFKA_STATE_TOPIC, which only Preflight looks at; "": there is none
	GroupID         string          // KAFKA_GROUP_ID; needed
	// SessionTimeout is KAFKA_SESSION_TIMEOUT, after which the group gives the partitions of a silent member to
	// others. It is the rebalance timeout too.
	SessionTimeout time.Duration
	// DrainTimeout is DRAIN_TIMEOUT: how long deliveries under way may take to end when the process stops.
	DrainTimeout time.Duration
	// Window is WINDOW: how many records of a partition may be dispatched, and neither done nor parked. It is
	// clipped to at least 1 and at most 500.
	Window int
	// MaxInFlight is how many records of the process may be dispatched, and neither done nor parked, not counting
	// those that were parked before; at least 16 for each partition. 0 means that only Window bounds them. After a crash
	// each of them is a suspect, so that it should be no more than the CRM client can send soon.
	MaxInFlight int
	// FreshFirst is FRESH_FIRST: the part of the CRM's budget, above 0 and below 1, that goes to the newest records while
	// older ones wait in a backlog. 0: all are delivered in the log's order.
	FreshFirst   float64
	MaxBuffer    int64   // MAX_BUFFER: bytes of records in memory, for the process
	DedupeWindow int     // DEDUPE_WINDOW: remembered event ids of each partition
	OrderBy      OrderBy // ORDER_BY; "": OrderByPerson

	Version string // of this program, for the header dlt-version
	Log     zerolog.Logger
	Metrics prometheus.Registerer // nil: no metrics
	Tracer  *tracing.Tracer       // nil: nothing is traced
}

// Transformer turns records into contacts. Its errors are *transform.Rejection; any other error is a dead letter with
// the reason PROCESSING_FAILED.
type Transformer interface {
	Decode(transform.Record) (transform.Event, error)
	Contact(transform.Event) (crmclient.Contact, error)
}

// Planner is a [Transformer] that also decides whether an event becomes a contact, a lead or a deal. Without it,
// CRM_TARGET decides for all events.
type Planner interface {
	Plan(transform.Event) (transform.Plan, error)
}

// Creator creates contacts, leads and deals in the CRM; see [crmclient.Creator].
type Creator interface {
	Create(ctx context.Context, r crmclient.Request) (crmclient.Result, error)
	Forget(p *crmclient.Pending)
	SetShare(part float64)
	SetPaused(paused bool)
	ContactURL(id int64) string
	Status() crmclient.Status
}

// Consumer delivers the records of one topic.
type Consumer struct{ deps dependencies }

// dependencies are what a Consumer, its generations and their partitions share.
type dependencies struct {
	cfg         Config
	transformer Transformer
	creator     Creator
	broker      *broker
	board       *statusBoard
	metrics     *metrics
	warnings    *warnings
	floodPace   *pace // of letters written during a flood, see floodPause
	pauses      *pauses
	room        *metadataRoom
}

// New returns a Consumer, which connects to nothing before Run. A Window that is too large is clipped, with a warning.
// It fails when a needed field of cfg is empty, or when its metrics are registered already.
func New(cfg Config, t Transformer, c Creator) (*Consumer, error) {
	if len(cfg.Brokers.Addresses) == 0 || cfg.Topic == "" || cfg.DeadLetterTopic == "" || cfg.GroupID == "" {
		return nil, errors.New("consumer: brokers, topic, dead-letter topic and group are needed")
	}
	cfg = cfg.adjusted()
	m, err := newMetrics(cfg.Metrics)
	if err != nil {
		return nil, fmt.Errorf("consumer: %w", err)
	}
	consumer := &Consumer{deps: dependencies{
		cfg:         cfg,
		transformer: t,
		creator:     c,
		broker:      newBroker(cfg),
		board:       newStatusBoard(cfg.Log),
		metrics:     m,
		warnings:    newWarnings(),
		floodPace:   &pace{},
		pauses:      &pauses{inForce: map[PauseSource]string{}},
		room:        &metadataRoom{bytes: maxMetadata},
	}}
	consumer.watchSchemas()
	if cfg.Metrics != nil {
		if err := cfg.Metrics.Register(newGauges(consumer)); err != nil {
			return nil, fmt.Errorf("consumer: %w", err)
		}
	}
	return consumer, nil
}

// adjusted returns the configuration with defaults and within bounds.
func (c Config) adjusted() Config {
	if limit := maxSpans; c.Window > limit {
		c.Log.Warn().Int("window", c.Window).Int("clipped", limit).
			Msg("WINDOW is larger than what a commit's metadata holds: clipped")
		c.Window = limit
	}
	c.Window = max(c.Window, 1)
	c.OrderBy = cmp.Or(c.OrderBy, OrderByPerson)
	if limit := c.SessionTimeout - leaseMargin(c.SessionTimeout); c.DrainTimeout > limit {
		c.Log.Warn().Dur("drain_ms", c.DrainTimeout).Dur("clipped_ms", limit).
			Msg("DRAIN_TIMEOUT does not fit into KAFKA_SESSION_TIMEOUT: a rebalance cuts the drain short")
	}
	return c
}

// errTopicGone makes the process leave the group, and wait for the topic without being a member.
var errTopicGone = errors.New("the topic is gone")

// Run delivers until ctx ends, then drains and returns nil. While brokers or the topic are away, it waits for them and
// says so in Status.
func (c *Consumer) Run(ctx context.Context) error {
	defer c.deps.broker.reset()
	backOff := newBackOff()
	former := ""
	var left error // why the group was left; nil when it was not left because of an error
	for membership := 0; ctx.Err() == nil; membership++ {
		waited, err := c.awaitTopic(ctx)
		if err != nil {
			continue // ctx has ended
		}
		_, held := c.deps.board.heldFor(HoldGroup)
		loggedByHold := waited || held
		if left != nil && !loggedByHold {
			c.deps.cfg.Log.Warn().Str("cause", causesOf(left)).Msg("left the group; joining again")
		}
		former, left = c.runMembership(ctx, membership, former, backOff.Reset)
		if left == nil || ctx.Err() != nil {
			continue
		}
		c.deps.broker.reset()
		_ = wait.For(ctx, backOff.NextBackOff())
	}
	return nil
}

// awaitTopic waits until the topic exists, as joining the group before would fail again and again. waited reports whether it
// had to wait, for the topic or for the brokers; then there was a hold. The error is ctx's.
func (c *Consumer) awaitTopic(ctx context.Context) (waited bool, err error) {
	backOff := newReconnectBackOff()
	for ; ; waited = true {
		_, err := c.deps.broker.partitions(ctx)
		switch {
		case err == nil:
			c.deps.board.clear(HoldBrokers, HoldTopic)
			return waited, nil
		case ctx.Err() != nil:
			return waited, ctx.Err()
		case errors.Is(err, errNoTopic):
			c.deps.board.clear(HoldBrokers)
			c.deps.board.hold(HoldTopic, phrase.New("no_topic", "the topic {topic} does not exist: create it (leadbridge check --fix does), or correct KAFKA_TOPIC", "topic", strconv.Quote(c.deps.cfg.Topic)))
		case errors.Is(err, kafka.TopicAuthorizationFailed):
			c.deps.board.clear(HoldBrokers)
			c.deps.board.hold(HoldTopic, topicRight(c.deps.cfg))
		default:
			c.deps.broker.reset()
			c.deps.board.hold(HoldBrokers, brokersAdvice(err, phrase.New("no_broker", "no broker answers: look at KAFKA_BROKERS, the TLS and SASL settings, and the cluster")))
			c.deps.cfg.Log.Debug().Err(err).Msg("brokers do not answer")
		}
		_ = wait.For(ctx, backOff.NextBackOff())
	}
}

// runMembership joins the group, and works in it until ctx ends (then the error is nil) or the process should leave the group
// and join again. resetBackOff is called whenever a generation has begun, or has only been replaced by another rebalance.
// membership counts the calls, so that each asks another broker first. former is the member id that this process had in the
// group before, "" for none. runMembership returns the member id that it had this time.
func (c *Consumer) runMembership(ctx context.Context, membership int, former string, resetBackOff func()) (string, error) {
	former = removeFormerMember(ctx, c.deps.broker, former) // leaving may have failed, as brokers were away
	c.awaitLivingMembers(ctx)
	if ctx.Err() != nil {
		return former, nil
	}
	group, err := newGroup(c, membership)
	if err != nil {
		return former, err
	}
	defer group.leave()
	err = c.runGenerations(ctx, group, resetBackOff)
	return group.member, err
}

// runGenerations runs one generation after another. Its error is that of runMembership.
func (c *Consumer) runGenerations(ctx context.Context, group *group, resetBackOff func()) error {
	backOff := newBackOff()
	// next is called again after every error, as kafka-go joins the next generation by itself. Until next returns it, nobody
	// works on the partitions of that generation.
	for {
		before, err := c.deps.broker.partitions(ctx)
		if errors.Is(err, errNoTopic) {
			return fmt.Errorf("%w: %w", errTopicGone, err)
		}
		gen, err := group.next(ctx)
		if ctx.Err() != nil {
			return nil //nolint:nilerr // nobody waits for a generation any more
		}
		if errors.Is(err, kafka.RebalanceInProgress) { // another rebalance has begun: join it soon, as all wait
			_ = wait.For(ctx, rebalancePause)
			continue
		}
		if err != nil {
			group.member = removeFormerMember(ctx, c.deps.broker, group.member) // kafka-go joins with a new id
			if leave := c.joinFailed(ctx, err); leave != nil {
				return leave
			}
			_ = wait.For(ctx, backOff.NextBackOff())
			continue
		}
		failed := true
		if err := c.runGeneration(ctx, group, gen, len(before), func() { failed = false; resetBackOff() }); err != nil {
			return err
		}
		if !failed {
			backOff.Reset()
			continue
		}
		_ = wait.For(ctx, backOff.NextBackOff()) // joining again at once would begin another rebalance of the whole group
	}
}

// runGeneration runs one generation to its end. It runs as a function of kafka-go's generation, so that kafka-go joins the
// next one only after it has returned. partitions is how many partitions the topic had before this generation was joined; 0
// if that is not known.
func (c *Consumer) runGeneration(ctx context.Context, group *group, gen *kafka.Generation, partitions int, resetBackOff func()) error {
	g := newGeneration(c, gen, partitions)
	result := make(chan error, 1)
	gen.Start(func(ended context.Context) {
		err := g.run(ctx, ended.Done(), resetBackOff)
		if err != nil || ctx.Err() != nil {
			group.close()
		}
		result <- err
	})
	return <-result
}
