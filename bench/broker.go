package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kfake"
)

// broker is a Kafka: an existing one, or one in this process.
type broker struct {
	addrs     []string
	cluster   *kfake.Cluster // nil: an existing one
	transport *kafka.Transport
	client    *kafka.Client
}

// openBroker takes the brokers of a comma list, or starts one when there are none.
func openBroker(list string) (*broker, error) {
	b := &broker{transport: &kafka.Transport{}}
	if list != "" {
		b.addrs = strings.Split(list, ",")
	} else {
		cluster, err := kfake.NewCluster(kfake.NumBrokers(1))
		if err != nil {
			return nil, fmt.Errorf("embedded broker: %w", err)
		}
		b.cluster, b.addrs = cluster, cluster.ListenAddrs()
	}
	b.client = &kafka.Client{Addr: kafka.TCP(b.addrs...), Transport: b.transport, Timeout: 30 * time.Second}
	return b, nil
}

func (b *broker) close() {
	b.transport.CloseIdleConnections()
	if b.cluster != nil {
		b.cluster.Close()
	}
}

// kind tells readers of a report what the broker was.
func (b *broker) kind() string { return brokerKind(b.cluster != nil) }

func brokerKind(embedded bool) string {
	if embedded {
		return "embedded in the benchmark's process"
	}
	return "Kafka in processes of its own"
}

// create makes topics of n partitions.
func (b *broker) create(ctx context.Context, n int, names ...string) error {
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

// remove deletes topics and the group that read them.
func (b *broker) remove(ctx context.Context, group string, names ...string) error {
	return errors.Join(b.removeTopics(ctx, names...), b.removeGroup(ctx, group))
}

func (b *broker) removeGroup(ctx context.Context, group string) error {
	groups, err := b.client.DeleteGroups(ctx, &kafka.DeleteGroupsRequest{GroupIDs: []string{group}})
	if err != nil {
		return fmt.Errorf("delete group: %w", err)
	}
	return groups.Errors[group]
}

func (b *broker) removeTopics(ctx context.Context, names ...string) error {
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

// fill writes the first n leads, spread over all partitions.
func (b *broker) fill(ctx context.Context, topic string, partitions, n int) error {
	const chunk = 1000
	for from := 0; from < n; from += chunk {
		leads := make([]lead, 0, chunk)
		for i := from; i < min(from+chunk, n); i++ {
			leads = append(leads, newLead(i))
		}
		for p := range partitions {
			if _, err := b.write(ctx, topic, p, leads[len(leads)*p/partitions:len(leads)*(p+1)/partitions]); err != nil {
				return err
			}
		}
	}
	return nil
}

// write writes leads to a partition and returns the offset of the first. A topic that
// was just made has no leaders for a moment.
func (b *broker) write(ctx context.Context, topic string, partition int, leads []lead) (int64, error) {
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

func (b *broker) writeOnce(ctx context.Context, topic string, partition int, leads []lead) (int64, error) {
	records := make([]kafka.Record, len(leads))
	for i, l := range leads {
		records[i] = kafka.Record{
			Key: kafka.NewBytes([]byte(l.key)), Value: kafka.NewBytes([]byte(l.value)),
			Headers: []kafka.Header{{Key: "webhook-id", Value: []byte(l.id)}},
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
