package consumer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol/describegroups"

	"github.com/leadbridge/leadbridge/internal/cluster"
	"github.com/leadbridge/leadbridge/internal/kafkaauth"
	"github.com/leadbridge/leadbridge/internal/phrase"
)

// callTimeout bounds each call to a broker. A fetch may take as much longer as the broker may wait for records.
const callTimeout = cluster.CallTimeout

// errNoTopic says that the cluster does not have the topic.
var errNoTopic = cluster.ErrNoTopic

// broker makes the consumer's requests to the cluster. Each is bounded in time, and none creates a topic.
type broker struct {
	addr      net.Addr
	client    *kafka.Client
	transport *kafka.Transport
	topic     string
	group     string
	unpacker  *unpacker
}

func newBroker(cfg Config) *broker {
	client, transport := cfg.Brokers.Client(cfg.Topic)
	return &broker{
		addr:      client.Addr,
		client:    client,
		transport: transport,
		topic:     cfg.Topic,
		group:     cfg.GroupID,
		unpacker:  newUnpacker(),
	}
}

// ofGroup returns a broker that asks about another group over the same connections.
func (b *broker) ofGroup(group string) *broker {
	other := *b
	other.group = group
	return &other
}

// brokersAdvice says what to do about brokers that cannot be used: the advice for a failed login if that is the cause, else
// fallback.
func brokersAdvice(err error, fallback phrase.Text) phrase.Text {
	if login := kafkaauth.Advice(err); login != "" {
		return phrase.Verbatim(login)
	}
	return fallback
}

// reset closes every connection, so that the next request opens a new one. A connection that is stuck would otherwise be
// used again after most errors.
func (b *broker) reset() { b.transport.CloseIdleConnections() }

// partitions returns the ids of the topic's partitions. The error is errNoTopic when there is no such topic.
func (b *broker) partitions(ctx context.Context) ([]int, error) {
	return partitionsOf(ctx, b.client, b.topic)
}

// partitionsOf returns the ids of a topic's partitions. The error is errNoTopic when there is no such topic.
func partitionsOf(ctx context.Context, client *kafka.Client, topic string) ([]int, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	return cluster.Partitions(ctx, client, topic)
}

// bounds are the first offset of a partition's log, and the offset after its last record.
type bounds struct{ first, end int64 }

// listOffsets returns the bounds of partitions. With ReadCommitted a log ends where the first open transaction begins.
func (b *broker) listOffsets(ctx context.Context, partitions []int, isolation kafka.IsolationLevel) (map[int]bounds, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	requests := make([]kafka.OffsetRequest, 0, 2*len(partitions))
	for _, id := range partitions {
		requests = append(requests, kafka.FirstOffsetOf(id), kafka.LastOffsetOf(id))
	}
	res, err := b.client.ListOffsets(ctx, &kafka.ListOffsetsRequest{
		Topics:         map[string][]kafka.OffsetRequest{b.topic: requests},
		IsolationLevel: isolation,
	})
	if err != nil {
		return nil, fmt.Errorf("listing offsets: %w", err)
	}
	found := make(map[int]bounds, len(partitions))
	for _, p := range res.Topics[b.topic] {
		if p.Error != nil {
			return nil, fmt.Errorf("listing offsets of partition %d: %w", p.Partition, p.Error)
		}
		found[p.Partition] = bounds{p.FirstOffset, p.LastOffset}
	}
	if err := allAnswered(found, partitions); err != nil {
		return nil, fmt.Errorf("listing offsets: %w", err)
	}
	return found, nil
}

// allAnswered returns an error when one of the partitions is not in found.
func allAnswered[T any](found map[int]T, partitions []int) error {
	for _, id := range partitions {
		if _, ok := found[id]; !ok {
			return fmt.Errorf("no answer for partition %d", id)
		}
	}
	return nil
}

// committed is the group's commit for a partition.
type committed struct {
	offset   int64 // -1 when there is no commit
	metadata string
}

// fetchCommits returns the group's commits for partitions.
func (b *broker) fetchCommits(ctx context.Context, partitions []int) (map[int]committed, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	res, err := b.client.OffsetFetch(ctx, &kafka.OffsetFetchRequest{
		GroupID: b.group, Topics: map[string][]int{b.topic: partitions},
	})
	if err == nil {
		err = res.Error
	}
	if err != nil {
		return nil, fmt.Errorf("fetching commits: %w", err)
	}
	found := make(map[int]committed, len(partitions))
	for _, p := range res.Topics[b.topic] {
		if p.Error != nil {
			return nil, fmt.Errorf("fetching the commit of partition %d: %w", p.Partition, p.Error)
		}
		found[p.Partition] = committed{p.CommittedOffset, p.Metadata}
	}
	if err := allAnswered(found, partitions); err != nil {
		return nil, fmt.Errorf("fetching commits: %w", err)
	}
	return found, nil
}

// membership names this process in one generation of the group.
type membership struct {
	generation int
	member     string
}

// commit writes commits. After an error they may have been refused, or written in whole or in part.
func (b *broker) commit(ctx context.Context, m membership, commits []kafka.OffsetCommit, timeout time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	res, err := b.client.OffsetCommit(ctx, &kafka.OffsetCommitRequest{
		GroupID:      b.group,
		GenerationID: m.generation,
		MemberID:     m.member,
		Topics:       map[string][]kafka.OffsetCommit{b.topic: commits},
	})
	if err != nil {
		return fmt.Errorf("committing: %w", err)
	}
	answered := 0
	for _, p := range res.Topics[b.topic] {
		if p.Error != nil {
			return fmt.Errorf("committing partition %d: %w", p.Partition, p.Error)
		}
		answered++
	}
	if answered < len(commits) {
		return errors.New("committing: not every partition was answered")
	}
	return nil
}

// leave takes a member out of the group.
func (b *broker) leave(ctx context.Context, member string) error {
	res, err := b.client.LeaveGroup(ctx, &kafka.LeaveGroupRequest{
		GroupID: b.group, Members: []kafka.LeaveGroupRequestMember{{ID: member}},
	})
	if err == nil {
		err = cmp.Or(res.Error, res.Members[0].Error)
	}
	if err != nil {
		return fmt.Errorf("leaving the group: %w", err)
	}
	return nil
}

// groupState is the group as its coordinator describes it.
type groupState struct {
	state   string
	members int
}

// The states of a group that has members. A group without members is in another state, such as Empty or Dead.
const (
	groupPreparing  = "PreparingRebalance"
	groupCompleting = "CompletingRebalance"
	groupStable     = "Stable"
)

// describeGroup asks for the group's state.
func (b *broker) describeGroup(ctx context.Context) (groupState, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	answer, err := b.transport.RoundTrip(ctx, b.addr, &describegroups.Request{Groups: []string{b.group}})
	if err != nil {
		return groupState{}, fmt.Errorf("describing the group: %w", err)
	}
	res, ok := answer.(*describegroups.Response)
	if !ok || len(res.Groups) != 1 {
		return groupState{}, fmt.Errorf("describing the group: answered with a %T", answer)
	}
	if code := res.Groups[0].ErrorCode; code != 0 {
		return groupState{}, fmt.Errorf("describing the group: %w", kafka.Error(code))
	}
	return groupState{res.Groups[0].GroupState, len(res.Groups[0].Members)}, nil
}
