package consumer

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
	heartbeatapi "github.com/segmentio/kafka-go/protocol/heartbeat"
)

// callTimeout bounds each call to a broker; a long-polling fetch has its own.
const callTimeout = 10 * time.Second

// metadataTTL is how old the transport's picture of the cluster may be, and so
// how late a new or deleted topic is noticed.
const metadataTTL = 2 * time.Second

// errNoTopic says that the cluster does not have the topic.
var errNoTopic = errors.New("topic does not exist")

// broker is the cluster as the consumer uses it: plain calls, each bounded,
// none of which creates anything.
type broker struct {
	addr      net.Addr
	client    *kafka.Client
	transport *kafka.Transport
	topic     string
	group     string
}

func newBroker(cfg Config) *broker {
	transport := newTransport(cfg, cfg.dialer(), cfg.Topic)
	return &broker{
		addr:      kafka.TCP(cfg.Brokers...),
		client:    &kafka.Client{Addr: kafka.TCP(cfg.Brokers...), Transport: transport, Timeout: callTimeout},
		transport: transport,
		topic:     cfg.Topic,
		group:     cfg.GroupID,
	}
}

type dialFunc func(ctx context.Context, network, address string) (net.Conn, error)

// dialer opens connections to brokers as the configuration says.
func (c Config) dialer() dialFunc {
	if c.Dial != nil {
		return c.Dial
	}
	return (&net.Dialer{Timeout: callTimeout}).DialContext
}

func newTransport(cfg Config, dial dialFunc, topics ...string) *kafka.Transport {
	return &kafka.Transport{
		Dial:           dial,
		DialTimeout:    callTimeout,
		MetadataTTL:    metadataTTL,
		MetadataTopics: topics,
		ClientID:       clientID,
		SASL:           cfg.SASL,
	}
}

// clientID is what brokers log about our connections.
const clientID = "leadbridge"

// reset gives up every connection: a stuck one outlives most broker errors.
func (b *broker) reset() { b.transport.CloseIdleConnections() }

// partitions tells the partitions of the topic, or errNoTopic. It never
// creates the topic: kafka-go asks for metadata without that wish.
func (b *broker) partitions(ctx context.Context) ([]int, error) {
	return partitionsOf(ctx, b.client, b.topic)
}

func partitionsOf(ctx context.Context, client *kafka.Client, topic string) ([]int, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	meta, err := client.Metadata(ctx, &kafka.MetadataRequest{Topics: []string{topic}})
	if err != nil {
		return nil, fmt.Errorf("asking for the topic %q: %w", topic, err)
	}
	for _, t := range meta.Topics {
		if t.Name != topic {
			continue
		}
		if t.Error != nil && !errors.Is(t.Error, kafka.UnknownTopicOrPartition) {
			return nil, fmt.Errorf("topic %q: %w", topic, t.Error)
		}
		ids := make([]int, 0, len(t.Partitions))
		for _, p := range t.Partitions {
			ids = append(ids, p.ID)
		}
		if t.Error == nil && len(ids) > 0 {
			return ids, nil
		}
	}
	return nil, fmt.Errorf("%w: %q", errNoTopic, topic)
}

// bounds are the first offset of a partition's log and the one after its last
// record.
type bounds struct{ first, end int64 }

// listOffsets tells the bounds of partitions; for ReadCommitted a log ends
// where the first open transaction begins.
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

// allAnswered fails for a partition that an answer leaves out.
func allAnswered[T any](found map[int]T, partitions []int) error {
	for _, id := range partitions {
		if _, ok := found[id]; !ok {
			return fmt.Errorf("no answer for partition %d", id)
		}
	}
	return nil
}

// committed is the group's commit for a partition; offset is -1 when there is none.
type committed struct {
	offset   int64
	metadata string
}

// fetchCommits tells the group's commits.
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

// commit writes commits; an error means that their outcome is unknown or that
// they were refused.
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

// heartbeatRequest is kafka-go's. That of v0.4.51 has no Group method, so that it goes
// to any broker of the cluster, of which only the group's coordinator knows the member.
type heartbeatRequest heartbeatapi.Request

// ApiKey implements [protocol.Message].
func (*heartbeatRequest) ApiKey() protocol.ApiKey { return protocol.Heartbeat } //nolint:staticcheck // the name is of protocol.Message

// Group implements [protocol.GroupMessage]: it goes to the group's coordinator.
func (r *heartbeatRequest) Group() string { return r.GroupID }

// heartbeat says whether the group still knows this member.
//
// kafka-go v0.4.51 reads the error code of the answer into ThrottleTimeMs and leaves
// ErrorCode 0, whatever the broker said. So only an answer without either is
// good, which stays right once that is repaired.
func (b *broker) heartbeat(ctx context.Context, m membership, timeout time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	answer, err := b.transport.RoundTrip(ctx, b.addr, &heartbeatRequest{
		GroupID: b.group, GenerationID: int32(m.generation), MemberID: m.member,
	})
	if err != nil {
		return fmt.Errorf("heartbeat: %w", err)
	}
	res, ok := answer.(*heartbeatapi.Response)
	switch {
	case !ok:
		return fmt.Errorf("heartbeat: answered with a %T", answer)
	case res.ErrorCode != 0:
		return &refusedHeartbeat{kafka.Error(res.ErrorCode)}
	case res.ThrottleTimeMs != 0:
		return &refusedHeartbeat{kafka.Error(res.ThrottleTimeMs)}
	}
	return nil
}

// refusedHeartbeat is an answer of the coordinator that does not renew a lease.
type refusedHeartbeat struct{ err error }

func (r *refusedHeartbeat) Error() string { return "heartbeat refused: " + r.err.Error() }
func (r *refusedHeartbeat) Unwrap() error { return r.err }
