// Package broker is the Kafka of a benchmark: an existing one, or one in this process.
package broker

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/leadbridge/leadbridge/bench/internal/lead"
)

// Broker is a Kafka: an existing one, or one in this process.
type Broker struct {
	Addrs     []string       // host:port
	cluster   *kfake.Cluster // nil: an existing one
	door      *door          // of the cluster
	transport *kafka.Transport
	client    *kafka.Client
}

// Open takes the brokers of a comma list, or starts one when there are none.
func Open(list string) (*Broker, error) {
	b := &Broker{transport: &kafka.Transport{}}
	if list != "" {
		b.Addrs = strings.Split(list, ",")
	} else {
		b.door = &door{}
		cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.ListenFn(b.door.listen))
		if err != nil {
			return nil, fmt.Errorf("embedded broker: %w", err)
		}
		b.cluster, b.Addrs = cluster, cluster.ListenAddrs()
	}
	b.client = &kafka.Client{Addr: kafka.TCP(b.Addrs...), Transport: b.transport, Timeout: 30 * time.Second}
	return b, nil
}

// Close ends connections, and a broker that is in this process.
func (b *Broker) Close() {
	b.transport.CloseIdleConnections()
	if b.cluster != nil {
		b.cluster.Close()
	}
}

// errForeign is the answer where only a broker of this process can be stopped.
var errForeign = errors.New("a Kafka in processes of its own is not stopped by the benchmark: play this case without --brokers")

// Stop has the broker refuse connections, and cuts those that it has, as if it were killed. Its topics and groups are
// there again after Start.
func (b *Broker) Stop() error {
	if b.door == nil {
		return errForeign
	}
	return b.door.shut()
}

// Start ends a Stop.
func (b *Broker) Start() error {
	if b.door == nil {
		return errForeign
	}
	b.transport.CloseIdleConnections() // they were cut
	return b.door.open()
}

// Kind tells readers of a report what the broker was.
func (b *Broker) Kind() string { return Kind(b.cluster != nil) }

// Embedded reports whether the broker is in this process: topics and groups end with it.
func (b *Broker) Embedded() bool { return b.cluster != nil }

// Kind tells the same before a broker is opened.
func Kind(embedded bool) string {
	if embedded {
		return "embedded in the benchmark's process"
	}
	return "Kafka in processes of its own"
}

// Create makes topics of n partitions.
func (b *Broker) Create(ctx context.Context, n int, names ...string) error {
	req := &kafka.CreateTopicsRequest{}
	for _, name := range names {
		req.Topics = append(req.Topics, kafka.TopicConfig{Topic: name, NumPartitions: n, ReplicationFactor: -1})
	}
	res, err := b.client.CreateTopics(ctx, req)
	if err != nil {
		return fmt.Errorf("create topics: %w", err)
	}
	for name, err := range res.Errors {
		if err != nil {
			return fmt.Errorf("create topic %s: %w", name, err)
		}
	}
	return nil
}

// Remove deletes topics and the group that read them.
func (b *Broker) Remove(ctx context.Context, group string, names ...string) error {
	return errors.Join(b.RemoveTopics(ctx, names...), b.RemoveGroup(ctx, group))
}

// RemoveGroup deletes a group. One that has members, or had until a moment ago, cannot be deleted.
func (b *Broker) RemoveGroup(ctx context.Context, group string) error {
	groups, err := b.client.DeleteGroups(ctx, &kafka.DeleteGroupsRequest{GroupIDs: []string{group}})
	if err != nil {
		return fmt.Errorf("delete group: %w", err)
	}
	return groups.Errors[group]
}

// RemoveTopics deletes topics.
func (b *Broker) RemoveTopics(ctx context.Context, names ...string) error {
	res, err := b.client.DeleteTopics(ctx, &kafka.DeleteTopicsRequest{Topics: names})
	if err != nil {
		return fmt.Errorf("delete topics: %w", err)
	}
	errs := make([]error, 0, len(names))
	for _, err := range res.Errors {
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// Fill writes the first n leads, spread over all partitions.
func (b *Broker) Fill(ctx context.Context, topic string, partitions, n int) error {
	const chunk = 1000
	for from := 0; from < n; from += chunk {
		leads := make([]lead.Lead, 0, chunk)
		for i := from; i < min(from+chunk, n); i++ {
			leads = append(leads, lead.New(i))
		}
		for p := range partitions {
			if _, err := b.Write(ctx, topic, p, leads[len(leads)*p/partitions:len(leads)*(p+1)/partitions]); err != nil {
				return err
			}
		}
	}
	return nil
}

// Write writes leads to a partition and returns the offset of the first. A topic that
// was just made has no leaders for a moment.
func (b *Broker) Write(ctx context.Context, topic string, partition int, leads []lead.Lead) (int64, error) {
	if len(leads) == 0 {
		return 0, nil
	}
	var offset int64
	err := patiently(ctx, func() (err error) {
		offset, err = b.writeOnce(ctx, topic, partition, leads)
		return err
	})
	return offset, err
}

// patiently tries again, for 20 seconds, what a Kafka cannot do yet.
func patiently(ctx context.Context, do func() error) error {
	deadline := time.Now().Add(20 * time.Second)
	for {
		err := do()
		code, ok := errors.AsType[kafka.Error](err)
		if err == nil || !ok || !code.Temporary() || time.Now().After(deadline) {
			return err
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (b *Broker) writeOnce(ctx context.Context, topic string, partition int, leads []lead.Lead) (int64, error) {
	records := make([]kafka.Record, len(leads))
	for i, l := range leads {
		records[i] = kafka.Record{
			Key: kafka.NewBytes([]byte(l.Key)), Value: kafka.NewBytes([]byte(l.Value)),
			Headers: []kafka.Header{{Key: "webhook-id", Value: []byte(l.ID)}},
		}
	}
	res, err := b.client.Produce(ctx, &kafka.ProduceRequest{
		Topic: topic, Partition: partition, RequiredAcks: kafka.RequireAll, Records: kafka.NewRecordReader(records...),
	})
	if err == nil {
		err = res.Error
	}
	if err != nil {
		return 0, fmt.Errorf("produce: %w", err)
	}
	return res.BaseOffset, nil
}
