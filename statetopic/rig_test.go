package statetopic

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"
	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kfake"
	"go.uber.org/goleak"

	"github.com/leadbridge/leadbridge/consumer"
	"github.com/leadbridge/leadbridge/internal/cluster"
	"github.com/leadbridge/leadbridge/internal/logbuffer"
	"github.com/leadbridge/leadbridge/internal/sums"
	"github.com/leadbridge/leadbridge/transform"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const testTopic = "leads.state"

// rig is an embedded broker in a bubble of virtual time.
type rig struct {
	t       *testing.T
	network *kfake.VirtualNetwork
	cluster *kfake.Cluster
	away    atomic.Bool // no connection can be opened
	refuses atomic.Bool // brokers let nobody write
	hangs   atomic.Bool // brokers get nothing that is written to them
	started []*replicaUnderTest
}

// bubble runs a test with a broker that has some topics.
func bubble(t *testing.T, topics []string, test func(t *testing.T, r *rig), options ...kfake.Opt) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r := &rig{t: t, network: new(kfake.VirtualNetwork)}
		fake, err := kfake.NewCluster(append(options, kfake.NumBrokers(1), kfake.Ports(9092), kfake.ListenFn(r.network.Listen), kfake.SeedTopics(1, topics...))...)
		if err != nil {
			t.Fatal(err)
		}
		r.cluster = fake
		defer fake.Close()
		defer func() {
			for _, p := range r.started {
				p.stop()
			}
		}()
		test(t, r)
	})
}

func (r *rig) brokers() cluster.Brokers {
	return cluster.Brokers{Addresses: []string{"localhost:9092"}, Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
		if r.away.Load() {
			return nil, errors.New("no broker answers")
		}
		conn, err := r.network.DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return &conditional{conn, &r.hangs}, nil
	}}
}

// conditional is a connection that drops everything written to it while loses is set.
type conditional struct {
	net.Conn
	loses *atomic.Bool
}

func (c *conditional) Write(b []byte) (int, error) {
	if c.loses.Load() {
		return len(b), nil
	}
	return c.Conn.Write(b)
}

// replicaUnderTest is a process that writes its records to the topic.
type replicaUnderTest struct {
	*Topic
	registry *prometheus.Registry
	log      *logbuffer.Buffer
	cancel   context.CancelFunc
	done     chan struct{}

	readings atomic.Int64

	mu sync.Mutex
	is Reading
}

// start starts a process of a host.
func (r *rig) start(host string) *replicaUnderTest {
	r.t.Helper()
	p := &replicaUnderTest{registry: prometheus.NewRegistry(), log: &logbuffer.Buffer{}, done: make(chan struct{})}
	p.is.State = "delivering"
	var err error
	p.Topic, err = New(Config{
		Brokers: r.brokers(), Topic: testTopic, Host: host, Version: "v1.2.3", Started: time.Now(), Read: p.reading,
		Log: zerolog.New(p.log), Metrics: p.registry,
	})
	if err != nil {
		r.t.Fatal(err)
	}
	var ctx context.Context
	ctx, p.cancel = context.WithCancel(r.t.Context())
	go func() {
		defer close(p.done)
		p.Run(ctx)
	}()
	r.started = append(r.started, p)
	return p
}

// stop stops the process in order.
func (p *replicaUnderTest) stop() {
	p.cancel()
	<-p.done
	p.Close()
}

// kill ends the process at once: nothing of it reaches the topic any more.
func (r *rig) kill(p *replicaUnderTest) {
	r.away.Store(true)
	p.writer.transport.CloseIdleConnections()
	p.stop()
	r.away.Store(false)
}

func (p *replicaUnderTest) reading() Reading {
	p.readings.Add(1)
	p.mu.Lock()
	defer p.mu.Unlock()
	is := p.is
	is.Counts = Counts{}
	is.add(p.is.Counts)
	return is
}

func (p *replicaUnderTest) change(f func(*Reading)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f(&p.is)
}

func (p *replicaUnderTest) counter(name, label, value string) float64 {
	return sums.Gather(p.registry).By(name, label)[value]
}

func (p *replicaUnderTest) skipped() float64 {
	return sums.Gather(p.registry).Of("leadbridge_state_records_skipped_total")
}

// refresh reads what the topic has.
func (p *replicaUnderTest) refresh(t *testing.T) {
	t.Helper()
	time.Sleep(refreshEvery)
	if err := p.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// rangeOf returns the range of a name.
func rangeOf(name string) Range {
	for _, r := range Ranges() {
		if r.Name == name {
			return r
		}
	}
	panic("no range " + name)
}

// totals are the counts of all points.
func totals(points []Point) (all Counts) {
	for _, p := range points {
		all.add(p.Counts)
	}
	return all
}

// write writes records as they are.
func (r *rig) write(records ...kafka.Record) {
	r.t.Helper()
	client, transport := r.brokers().Client(testTopic)
	defer transport.CloseIdleConnections()
	for len(records) > 0 {
		n := min(len(records), 1000)
		if _, err := produce(r.t.Context(), client, testTopic, records[:n]); err != nil {
			r.t.Fatal(err)
		}
		records = records[n:]
	}
}

func text(key, value string) kafka.Record {
	return kafka.Record{Time: time.Now(), Key: kafka.NewBytes([]byte(key)), Value: kafka.NewBytes([]byte(value))}
}

// all reads the topic, as compaction would leave it.
func (r *rig) all() map[string]string {
	r.t.Helper()
	log := consumer.NewLog(r.brokers(), testTopic)
	defer log.Close()
	bounds, err := log.Bounds(r.t.Context())
	if err != nil {
		r.t.Fatal(err)
	}
	found := map[string]string{}
	for at := bounds[0].First; at < bounds[0].End; {
		var records []transform.Record
		if records, at, err = log.Read(r.t.Context(), 0, at, 1<<20); err != nil {
			r.t.Fatal(err)
		}
		for _, one := range records {
			if one.Value == nil {
				delete(found, string(one.Key))
				continue
			}
			found[string(one.Key)] = string(one.Value)
		}
	}
	return found
}

// count counts the keys that begin so.
func count(all map[string]string, prefix string) (n int) {
	for key := range all {
		if strings.HasPrefix(key, prefix) {
			n++
		}
	}
	return n
}
