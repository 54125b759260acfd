package topics

import (
	"context"
	"fmt"
	"maps"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/leadbridge/leadbridge/integration/internal/leads"
)

// Sender writes leads. It does not ask the broker to spot repeats: when an
// acknowledgement is lost, the record comes twice.
type Sender struct {
	client *kgo.Client

	mu    sync.Mutex
	acked map[int]int
}

// NewSender makes a Sender to a topic.
func (c *Client) NewSender(topic string) (*Sender, error) {
	client, err := kgo.NewClient(kgo.SeedBrokers(c.addrs...), kgo.DefaultProduceTopic(topic),
		kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.RequiredAcks(kgo.AllISRAcks()), kgo.DisableIdempotentWrite(),
		kgo.MaxBufferedRecords(100_000), kgo.ProduceRequestTimeout(callLimit), kgo.RequestTimeoutOverhead(callLimit))
	if err != nil {
		return nil, fmt.Errorf("make a producer: %w", err)
	}
	return &Sender{client: client, acked: map[int]int{}}, nil
}

// Send writes a lead some time, also when the broker is dead now.
func (s *Sender) Send(l leads.Lead) {
	r := &kgo.Record{Partition: l.Partition, Value: l.Value, Headers: []kgo.RecordHeader{
		{Key: leads.HeaderLead, Value: fmt.Append(nil, l.Number)}, {Key: leads.HeaderFate, Value: []byte(l.Fate)},
	}}
	if l.Key != "" {
		r.Key = []byte(l.Key)
	}
	if l.Target != "" {
		r.Headers = append(r.Headers, kgo.RecordHeader{Key: leads.HeaderTarget, Value: []byte(l.Target)})
	}
	if l.Person > 0 {
		r.Headers = append(r.Headers, kgo.RecordHeader{Key: leads.HeaderPerson, Value: fmt.Append(nil, l.Person)})
	}
	if l.WebhookID != "" {
		r.Headers = append(r.Headers, kgo.RecordHeader{Key: "webhook-id", Value: []byte(l.WebhookID)})
	}
	s.client.Produce(context.Background(), r, func(_ *kgo.Record, err error) {
		if err != nil {
			return // not acknowledged: the broker may have it or not
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.acked[l.Number]++
	})
}

// Acked is how many leads were acknowledged so far.
func (s *Sender) Acked() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.acked)
}

// Flush waits until everything is written that was sent, and tells how many records of each lead were
// acknowledged.
func (s *Sender) Flush(ctx context.Context) (map[int]int, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	if err := s.client.Flush(ctx); err != nil {
		return nil, fmt.Errorf("write the last records: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.acked), nil
}

// Close ends the sender. Nothing can be sent afterwards.
func (s *Sender) Close() { s.client.Close() }
