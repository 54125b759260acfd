package consumer

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/leadbridge/leadbridge/crmclient"
	"github.com/leadbridge/leadbridge/internal/cluster"
	"github.com/leadbridge/leadbridge/transform"
)

// instantCreator makes contacts at once, and closes done when it has made all.
type instantCreator struct {
	left  atomic.Int64              // how many contacts are to be made yet
	first atomic.Pointer[time.Time] // when the first was made
	done  chan struct{}
}

func (c *instantCreator) Create(context.Context, crmclient.Request) (crmclient.Result, error) {
	n := c.left.Add(-1)
	if c.first.Load() == nil {
		now := time.Now()
		c.first.CompareAndSwap(nil, &now)
	}
	if n == 0 {
		close(c.done)
	}
	return crmclient.Result{ContactID: n, Attempts: 1}, nil
}

func (*instantCreator) Forget(*crmclient.Pending) {}

func (*instantCreator) SetShare(float64)         {}
func (*instantCreator) SetPaused(bool)           {}
func (*instantCreator) ContactURL(int64) string  { return "" }
func (*instantCreator) Status() crmclient.Status { return crmclient.Status{OriginField: "originId"} }

// BenchmarkDeliver delivers a backlog to a CRM that answers at once. An operation is the whole backlog; µs/record is the time
// of one record. The broker runs in the same process.
func BenchmarkDeliver(b *testing.B) {
	const partitions, backlog = 4, 50_000
	fake, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(partitions, testTopic, testLetters))
	if err != nil {
		b.Fatal(err)
	}
	defer fake.Close()
	producer, err := kgo.NewClient(kgo.SeedBrokers(fake.ListenAddrs()...), kgo.DefaultProduceTopic(testTopic))
	if err != nil {
		b.Fatal(err)
	}
	defer producer.Close()
	for n := range backlog {
		value := fmt.Sprintf(`{"name":"Иван Петренко","phone":"8 (903) %03d-%02d-%02d","email":"Lead.%d@example.com","message":"Перезвоните мне","utm_source":"yandex","utm_medium":"cpc","city":"Омск","tranid":"1:%d"}`,
			n/10000, n/100%100, n%100, n, n)
		producer.Produce(b.Context(), &kgo.Record{Key: fmt.Appendf(nil, "lead.%d@example.com", n), Value: []byte(value)}, nil)
	}
	if err := producer.Flush(b.Context()); err != nil {
		b.Fatal(err)
	}
	t, err := transform.New(transform.Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	group, took := 0, time.Duration(0)
	for b.Loop() {
		group++
		creator := &instantCreator{done: make(chan struct{})}
		creator.left.Store(backlog)
		cfg := Config{
			Brokers: cluster.Brokers{Addresses: fake.ListenAddrs()}, Topic: testTopic, DeadLetterTopic: testLetters, GroupID: fmt.Sprint("bench", group),
			SessionTimeout: 30e9, DrainTimeout: 20e9, Window: 256, MaxBuffer: 64 << 20, DedupeWindow: 10000, Log: zerolog.Nop(),
		}
		c, err := New(cfg, t, creator)
		if err != nil {
			b.Fatal(err)
		}
		ctx, stop := context.WithCancel(b.Context())
		ended := make(chan error, 1)
		go func() { ended <- c.Run(ctx) }()
		<-creator.done
		took += time.Since(*creator.first.Load())
		stop()
		if err := <-ended; err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(took.Microseconds())/float64(b.N*backlog), "µs/record")
}
