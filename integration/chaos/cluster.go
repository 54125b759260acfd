package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/leadbridge/leadbridge/integration/internal/broker"
	"github.com/leadbridge/leadbridge/transform"
)

// Names on a broker that lives for one run.
const (
	topic   = "leads"
	letters = "leads.dlt"
	group   = "leadbridge"
)

// callLimit bounds a question to the broker, which may be dead at the moment.
const callLimit = 5 * time.Second

// cluster is one broker or more, with a path for each consumer. Producers and the audit have a
// way of their own, which is never cut.
type cluster struct {
	kafka *broker.Cluster
	admin *kadm.Client
	paths []*path
}

func openCluster(ctx context.Context, brokers, consumers int) (*cluster, error) {
	c := &cluster{}
	o := broker.Options{Nodes: brokers}
	for range consumers {
		p, err := newPath(brokers)
		if err != nil {
			return nil, errors.Join(err, c.close(ctx))
		}
		c.paths, o.Paths = append(c.paths, p), append(o.Paths, p.addrs())
	}
	if err := c.start(ctx, o); err != nil {
		return nil, errors.Join(err, c.close(ctx))
	}
	return c, nil
}

func (c *cluster) start(ctx context.Context, o broker.Options) error {
	var err error
	if c.kafka, err = broker.Start(ctx, o); err != nil {
		return err
	}
	for i, p := range c.paths {
		for b, node := range c.kafka.Nodes {
			p.serve(b, node.PathUpstream(i))
		}
	}
	if c.admin, err = c.kafka.Admin(); err != nil {
		return err
	}
	replicas, inSync := int16(min(o.Nodes, 3)), strconv.Itoa(max(min(o.Nodes, 3)-1, 1))
	made, err := c.admin.CreateTopics(ctx, partitions, replicas, map[string]*string{"min.insync.replicas": &inSync}, topic, letters)
	if err == nil {
		err = made.Error()
	}
	if err != nil {
		return fmt.Errorf("make the topics: %w", err)
	}
	return nil
}

func (c *cluster) close(ctx context.Context) error {
	for _, p := range c.paths {
		p.close()
	}
	if c.admin != nil {
		c.admin.Close()
	}
	if c.kafka == nil {
		return nil
	}
	return c.kafka.Close(ctx)
}

// commits are the group's offsets; -1 where there is none yet.
func (c *cluster) commits(ctx context.Context) ([partitions]int64, error) {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	var at [partitions]int64
	offsets, err := c.admin.FetchOffsets(ctx, group)
	if err == nil {
		err = offsets.Error()
	}
	if err != nil {
		return at, fmt.Errorf("read the group's commits: %w", err)
	}
	for i := range at {
		at[i] = -1
		if o, ok := offsets.Lookup(topic, int32(i)); ok {
			at[i] = o.At
		}
	}
	return at, nil
}

// ends are where the logs of a topic end.
func (c *cluster) ends(ctx context.Context, topic string) (map[int32]int64, error) {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	listed, err := c.admin.ListEndOffsets(ctx, topic)
	if err == nil {
		err = listed.Error()
	}
	if err != nil {
		return nil, fmt.Errorf("read the ends of %s: %w", topic, err)
	}
	ends := map[int32]int64{}
	listed.Each(func(o kadm.ListedOffset) { ends[o.Partition] = o.Offset })
	return ends, nil
}

// read gives all records of a topic.
func (c *cluster) read(ctx context.Context, topic string) ([]transform.Record, error) {
	ends, err := c.ends(ctx, topic)
	if err != nil {
		return nil, err
	}
	from := map[int32]kgo.Offset{}
	for p, end := range ends {
		if end > 0 {
			from[p] = kgo.NewOffset().AtStart()
		}
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(c.kafka.Addrs()...), kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: from}))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", topic, err)
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	var all []transform.Record
	for len(from) > 0 {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			return nil, fmt.Errorf("read %s: %w", topic, err)
		}
		for r := range fetches.RecordsAll() {
			all = append(all, recordOf(r))
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

// sender writes leads. It does not ask the broker to spot repeats: when an
// acknowledgement is lost, the record comes twice.
type sender struct {
	client *kgo.Client

	mu    sync.Mutex
	acked map[int]int
}

func (c *cluster) newSender() (*sender, error) {
	client, err := kgo.NewClient(kgo.SeedBrokers(c.kafka.Addrs()...), kgo.DefaultProduceTopic(topic),
		kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.RequiredAcks(kgo.AllISRAcks()), kgo.DisableIdempotentWrite(),
		kgo.MaxBufferedRecords(100_000), kgo.ProduceRequestTimeout(callLimit), kgo.RequestTimeoutOverhead(callLimit))
	if err != nil {
		return nil, fmt.Errorf("make a producer: %w", err)
	}
	return &sender{client: client, acked: map[int]int{}}, nil
}

// send writes a lead some time, also when the broker is dead now.
func (s *sender) send(l lead) {
	r := &kgo.Record{Partition: l.partition, Value: l.value, Headers: []kgo.RecordHeader{
		{Key: headerLead, Value: fmt.Append(nil, l.number)}, {Key: headerFate, Value: []byte(l.fate)},
	}}
	if l.key != "" {
		r.Key = []byte(l.key)
	}
	if l.webhookID != "" {
		r.Headers = append(r.Headers, kgo.RecordHeader{Key: "webhook-id", Value: []byte(l.webhookID)})
	}
	s.client.Produce(context.Background(), r, func(_ *kgo.Record, err error) {
		if err != nil {
			return // not acknowledged: the broker may have it or not
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.acked[l.number]++
	})
}

// flush waits until everything is written, and tells what was acknowledged.
func (s *sender) flush(ctx context.Context) (map[int]int, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	if err := s.client.Flush(ctx); err != nil {
		return nil, fmt.Errorf("write the last records: %w", err)
	}
	s.client.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.acked), nil
}
