// Package topics asks Kafka about the topics and the group of a run, and writes leads to them.
package topics

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/leadbridge/leadbridge/transform"
)

// callLimit bounds a question to the broker, which may be dead at the moment.
const callLimit = 5 * time.Second

// readLimit bounds the reading of a whole topic.
const readLimit = 5 * time.Minute

// Client asks about topics.
type Client struct {
	admin *kadm.Client
	addrs []string
}

// New makes a Client that asks by admin, and reads and writes by addrs (host:port).
func New(admin *kadm.Client, addrs []string) *Client { return &Client{admin: admin, addrs: addrs} }

// Commits are a group's offsets by partition; those without a commit are missing.
func (c *Client) Commits(ctx context.Context, group, topic string) (map[int32]int64, error) {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	offsets, err := c.admin.FetchOffsets(ctx, group)
	if err == nil {
		err = offsets.Error()
	}
	if err != nil {
		return nil, fmt.Errorf("read the group's commits: %w", err)
	}
	at := map[int32]int64{}
	for partition, o := range offsets[topic] {
		at[partition] = o.At
	}
	return at, nil
}

// Lag is how much of each partition a group has not committed.
func (c *Client) Lag(ctx context.Context, group, topic string) (map[int32]int64, error) {
	at, err := c.Commits(ctx, group, topic)
	if err != nil {
		return nil, err
	}
	lag, err := c.Ends(ctx, topic)
	if err != nil {
		return nil, err
	}
	for partition := range lag {
		lag[partition] -= max(at[partition], 0)
	}
	return lag, nil
}

// Sum adds what [Client.Lag] tells.
func Sum(lag map[int32]int64) (sum int64) {
	for _, n := range lag {
		sum += n
	}
	return sum
}

// Ends are where the log of a topic ends.
func (c *Client) Ends(ctx context.Context, topic string) (map[int32]int64, error) {
	return ends(ctx, topic, c.admin.ListEndOffsets)
}

// stableEnds are where that part of the log of a topic ends in which no transaction is open.
func (c *Client) stableEnds(ctx context.Context, topic string) (map[int32]int64, error) {
	return ends(ctx, topic, c.admin.ListCommittedOffsets)
}

func ends(ctx context.Context, topic string, list func(context.Context, ...string) (kadm.ListedOffsets, error)) (map[int32]int64, error) {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	listed, err := list(ctx, topic)
	if err == nil {
		err = listed.Error()
	}
	if err != nil {
		return nil, fmt.Errorf("read the ends of %s: %w", topic, err)
	}
	at := map[int32]int64{}
	listed.Each(func(o kadm.ListedOffset) { at[o.Partition] = o.Offset })
	return at, nil
}

// Members counts the members of a group that stands; 0 while it rebalances.
func (c *Client) Members(ctx context.Context, group string) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	groups, err := c.admin.DescribeGroups(ctx, group)
	if err == nil {
		err = groups.Error()
	}
	if err != nil {
		return 0, fmt.Errorf("describe the group: %w", err)
	}
	if groups[group].State != "Stable" {
		return 0, nil
	}
	return len(groups[group].Members), nil
}

// Read gives all records of a topic that are committed.
func (c *Client) Read(ctx context.Context, topic string) ([]transform.Record, error) {
	ends, err := c.stableEnds(ctx, topic)
	if err != nil {
		return nil, err
	}
	from := map[int32]kgo.Offset{}
	for p, end := range ends {
		if end > 0 {
			from[p] = kgo.NewOffset().AtStart()
		}
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(c.addrs...), kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: from}),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords()) // a log may end in the marker of a transaction
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", topic, err)
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(ctx, readLimit)
	defer cancel()
	var all []transform.Record
	for len(from) > 0 {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			return nil, fmt.Errorf("read %s: %w", topic, err)
		}
		for r := range fetches.RecordsAll() {
			if !r.Attrs.IsControl() {
				all = append(all, recordOf(r))
			}
			if r.Offset+1 >= ends[r.Partition] {
				delete(from, r.Partition)
			}
		}
	}
	return all, nil
}

func recordOf(r *kgo.Record) transform.Record {
	out := transform.Record{Topic: r.Topic, Partition: int(r.Partition), Offset: r.Offset, Time: r.Timestamp, Key: r.Key, Value: r.Value}
	for _, h := range r.Headers {
		out.Headers = append(out.Headers, transform.Header{Key: h.Key, Value: h.Value})
	}
	return out
}
