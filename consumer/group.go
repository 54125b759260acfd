package consumer

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/leadbridge/leadbridge/internal/cluster"
	"github.com/leadbridge/leadbridge/internal/phrase"
	"github.com/leadbridge/leadbridge/internal/wait"
)

// Leaving the group takes a bounded time, as the process must end: closeTimeout for kafka-go, whose Close waits for the
// network without a bound, and then leaveTimeout for removing this member by a request of our own.
const (
	closeTimeout = 500 * time.Millisecond
	leaveTimeout = 3 * time.Second
)

// rebalancePause is the pause before the group is joined again when another rebalance began during the join.
const rebalancePause = 50 * time.Millisecond

// group is this process's membership in the consumer group, from the first join until it has left. One goroutine uses it;
// close may also be called by the function that a generation runs.
type group struct {
	kafka  *kafka.ConsumerGroup
	broker *broker
	// joinLimit is how long leaving may take while the first join waits for other members.
	joinLimit time.Duration
	member    string // its id in the newest generation; "" before the first one

	closing sync.Once
	left    chan struct{} // closed when kafka-go has left
}

// newGroup begins to join the group. first is the index of the broker to ask first.
func newGroup(c *Consumer, first int) (*group, error) {
	cfg := c.groupConfig()
	cfg.Brokers = rotated(cfg.Brokers, first)
	k, err := kafka.NewConsumerGroup(cfg)
	if err != nil {
		return nil, err
	}
	return &group{kafka: k, broker: c.deps.broker, joinLimit: c.deps.cfg.DrainTimeout, left: make(chan struct{})}, nil
}

// next waits for the next generation.
func (g *group) next(ctx context.Context) (*kafka.Generation, error) {
	gen, err := g.kafka.Next(ctx)
	if err == nil {
		g.member = gen.MemberID
	}
	return gen, err
}

// close begins to leave the group, and returns when kafka-go hands out no more generations. It must be called before the
// last generation ends: otherwise kafka-go joins the next one at once, and a process that ends while it joins stays a
// member, for which all others wait until its session has ended.
//
// After a rebalance has begun, kafka-go v0.4.51 may join once more although it is closed, and would get partitions that
// nobody works on. A member that was removed from the group cannot join, so it is removed here, before the generation ends.
func (g *group) close() {
	g.closing.Do(func() {
		go func() {
			defer close(g.left)
			_ = g.kafka.Close() // it always returns nil
		}()
		for {
			if _, err := g.kafka.Next(context.Background()); errors.Is(err, kafka.ErrGroupClosed) {
				break
			}
		}
		if g.member != "" {
			ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
			defer cancel()
			_ = g.broker.leave(ctx, g.member) // if this fails, kafka-go leaves, or the membership ends with its session
		}
	})
}

// leave leaves the group. It takes a bounded time, even when leaving fails.
func (g *group) leave() {
	g.close()
	if wait.Within(g.left, closeTimeout) {
		return
	}
	// kafka-go still waits for the other members in a join, which ends when the coordinator removes this member.
	ctx, cancel := context.WithTimeout(context.Background(), leaveTimeout)
	defer cancel()
	limit := leaveTimeout
	if g.member != "" {
		_ = g.broker.leave(ctx, g.member) // if this fails, the membership ends with its session
	} else if g.joining(ctx) {
		limit = max(limit, g.joinLimit) // this member's id is not known yet, so that it cannot be removed
	}
	wait.Within(g.left, limit)
}

// removeFormerTimeout bounds a try to remove the former member.
const removeFormerTimeout = time.Second

// removeFormerMember removes the member that this process was before it lost its place in the group: in a rebalance all
// others would wait for that member until its session has ended. It returns the member if this must be tried again, else "".
func removeFormerMember(ctx context.Context, b *broker, member string) string {
	if member == "" {
		return ""
	}
	ctx, cancel := context.WithTimeout(ctx, removeFormerTimeout)
	defer cancel()
	if err := b.leave(ctx, member); err == nil || errors.Is(err, kafka.UnknownMemberId) {
		return ""
	}
	return member
}

// joining reports whether a join may be waiting for the other members.
func (g *group) joining(ctx context.Context) bool {
	group, err := g.broker.describeGroup(ctx)
	return err == nil && (group.state == groupPreparing || group.state == groupCompleting)
}

// errNoAnswer says that a broker accepted the connection for joining, and answered nothing.
var errNoAnswer = errors.New("the broker that was asked to join the group does not answer")

// joinFailed notes for the status why no generation could be joined. It returns an error when the group should be left,
// either because the topic is gone, or to ask another broker first: kafka-go (v0.4.51) asks the first broker that accepts a
// connection, and a frozen broker accepts it and never answers.
func (c *Consumer) joinFailed(ctx context.Context, err error) error {
	c.deps.cfg.Log.Debug().Err(err).Msg("joining the group failed; trying again")
	if c.deps.holdForGroup(err) {
		return nil
	}
	c.deps.broker.reset() // its metadata may be of a cluster that no longer exists
	_, topicErr := c.deps.broker.partitions(ctx)
	switch {
	case errors.Is(topicErr, errNoTopic):
		return fmt.Errorf("%w: %w", errTopicGone, topicErr)
	case topicErr != nil:
		c.deps.board.hold(HoldBrokers, brokersAdvice(topicErr, phrase.New("no_broker_any_more", "no broker answers: look at KAFKA_BROKERS and the cluster")))
		c.deps.broker.reset()
	case c.deps.board.unassignedForLong(time.Now()):
		c.deps.board.hold(HoldGroup, noCoordinator())
	}
	netErr, ok := errors.AsType[net.Error](err)
	timedOut := ok && netErr.Timeout()
	if timedOut && len(c.deps.cfg.Brokers.Addresses) > 1 {
		return errNoAnswer
	}
	return nil
}

// noCoordinator is the advice when brokers answer, but none of them as the group's coordinator.
func noCoordinator() phrase.Text {
	return phrase.New("group_without_coordinator", "the group has no coordinator that answers: look at the brokers, and whether the topic __consumer_offsets has leaders and enough replicas in sync")
}

// holdForGroup notes the hold HoldGroup if err is an error of the group's coordinator that remains until somebody acts, and
// reports whether it is. As coordinators move, an unavailable one counts only after some time.
func (d dependencies) holdForGroup(err error) bool {
	advice := groupAdvice(d.cfg, err)
	if advice == nil && isTransient(err) && d.board.unassignedForLong(time.Now()) {
		advice = noCoordinator()
	}
	if advice != nil {
		d.board.hold(HoldGroup, advice)
	}
	return advice != nil
}

// groupAdvice says what to do about an error that remains until somebody acts; nil for any other error.
func groupAdvice(cfg Config, err error) phrase.Text {
	switch {
	case errors.Is(err, kafka.InvalidSessionTimeout):
		return phrase.New("session_timeout", "the brokers do not take KAFKA_SESSION_TIMEOUT {timeout}: give one between their group.min.session.timeout.ms and group.max.session.timeout.ms", "timeout", cfg.SessionTimeout.String())
	case errors.Is(err, kafka.GroupAuthorizationFailed):
		return phrase.New("no_right_to_group", "we may not join the group {group}: grant READ on it, or correct KAFKA_GROUP_ID", "group", strconv.Quote(cfg.GroupID))
	case errors.Is(err, kafka.TopicAuthorizationFailed):
		return topicRight(cfg)
	case errors.Is(err, kafka.OffsetMetadataTooLarge):
		return phrase.New("commit_too_large", "the brokers refuse the metadata of our commits as too large: set their offset.metadata.max.bytes to 4096, which is its default")
	case errors.Is(err, kafka.InconsistentGroupProtocol):
		return phrase.New("group_of_others", "the group {group} is used by another kind of consumer: give this one its own KAFKA_GROUP_ID", "group", strconv.Quote(cfg.GroupID))
	}
	return nil
}

// topicRight says which right on the topic is missing.
func topicRight(cfg Config) phrase.Text {
	return phrase.New("no_right_to_topic", "we may not read the topic {topic}: grant READ and DESCRIBE on it, or correct KAFKA_TOPIC", "topic", strconv.Quote(cfg.Topic))
}

// rotated returns the addresses in their order, beginning with the one at the index first and going on with the first
// address after the last. An index beyond the last counts from the first again.
func rotated(addresses []string, first int) []string {
	n := first % len(addresses)
	return slices.Concat(addresses[n:], addresses[:n])
}

func (c *Consumer) groupConfig() kafka.ConsumerGroupConfig {
	return kafka.ConsumerGroupConfig{
		ID:      c.deps.cfg.GroupID,
		Brokers: c.deps.cfg.Brokers.Addresses,
		Topics:  []string{c.deps.cfg.Topic},
		Dialer: &kafka.Dialer{
			ClientID: cluster.ClientID, Timeout: callTimeout,
			DialFunc: c.deps.cfg.Brokers.Through(func(conn net.Conn) net.Conn { return noCreateConn{conn} }).Login(),
		},
		HeartbeatInterval: c.deps.cfg.SessionTimeout / 10,
		SessionTimeout:    c.deps.cfg.SessionTimeout,
		// The coordinator gives a silent member's partitions away after the rebalance timeout if there is a rebalance, else
		// after the session timeout. The lease fits both, as they are equal.
		RebalanceTimeout: c.deps.cfg.SessionTimeout,
		JoinGroupBackoff: 200 * time.Millisecond,
		StartOffset:      kafka.FirstOffset,
	}
}
