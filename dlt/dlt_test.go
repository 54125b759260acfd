package dlt

import (
	"context"
	"fmt"
	"maps"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kfake"
	"go.uber.org/goleak"

	"github.com/leadbridge/leadbridge/consumer"
	"github.com/leadbridge/leadbridge/consumer/header"
	"github.com/leadbridge/leadbridge/internal/cluster"
	"github.com/leadbridge/leadbridge/transform"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	testTopic   = "leads"
	testLetters = "leads.dlt"
)

// rig is an embedded broker in a bubble of virtual time.
type rig struct {
	t       *testing.T
	network *kfake.VirtualNetwork
	cluster *kfake.Cluster
	client  *kafka.Client
	topic   *Topic
}

func bubble(t *testing.T, partitions int32, test func(t *testing.T, r *rig), more ...kfake.Opt) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r := &rig{t: t, network: new(kfake.VirtualNetwork)}
		options := append([]kfake.Opt{kfake.NumBrokers(1), kfake.Ports(9092), kfake.ListenFn(r.network.Listen)}, more...)
		if partitions > 0 {
			options = append(options, kfake.SeedTopics(partitions, testTopic, testLetters))
		}
		cluster, err := kfake.NewCluster(options...)
		if err != nil {
			t.Fatal(err)
		}
		r.cluster = cluster
		client, transport := r.config().Brokers.Client(testTopic, testLetters)
		r.client = client
		r.topic = Open(r.config())
		defer func() {
			r.topic.Close()
			transport.CloseIdleConnections()
			cluster.Close()
		}()
		test(t, r)
	})
}

func (r *rig) config() Config {
	return Config{
		Brokers: cluster.Brokers{Addresses: []string{"localhost:9092"}, Dial: r.network.DialContext}, Topic: testTopic, DeadLetterTopic: testLetters,
	}
}

// aLetter is a dead letter to be written by a test.
type aLetter struct {
	id        string
	reason    string
	code      string
	partition int
	offset    int64 // of the original
	replays   int
	failedAt  time.Time
	key       []byte
	value     string
	more      map[string]string // headers
}

func (l aLetter) record() kafka.Record {
	headers := map[string]string{
		header.EventID: l.id, header.Reason: l.reason, header.Code: l.code, header.Message: "its words", header.Status: "400", header.Attempts: "1",
		header.Topic: testTopic, header.Partition: strconv.Itoa(l.partition), header.Offset: strconv.FormatInt(l.offset, 10),
		header.Timestamp: "2026-03-04T05:06:07.008Z", header.FailedAt: l.failedAt.Format(time.RFC3339Nano), header.FirstFailure: "2026-03-04T05:06:08Z",
		header.Replays: strconv.Itoa(l.replays), header.OriginField: "originId", header.Version: "test", "trace": "1",
	}
	maps.Copy(headers, l.more)
	r := kafka.Record{Value: kafka.NewBytes([]byte(l.value)), Time: l.failedAt}
	if l.key != nil {
		r.Key = kafka.NewBytes(l.key)
	}
	for key, text := range headers {
		r.Headers = append(r.Headers, kafka.Header{Key: key, Value: []byte(text)})
	}
	return r
}

// letters makes n letters of different events.
func letters(n, partitions int) []aLetter {
	var all []aLetter
	for i := range n {
		all = append(all, aLetter{
			id: fmt.Sprintf("ce:/site %d", i), reason: "CRM_REFUSED", code: "VALIDATION_ERROR", partition: i % partitions, offset: int64(i),
			key: fmt.Appendf(nil, "key %d", i), value: fmt.Sprintf(`{"name":"Nobody","email":"nobody.%d@example.com"}`, i),
		})
	}
	return all
}

// seed writes letters, each into the partition that it came from, a second apart.
func (r *rig) seed(all ...aLetter) {
	r.t.Helper()
	for _, l := range all {
		time.Sleep(time.Second) // virtual
		if l.failedAt.IsZero() {
			l.failedAt = time.Now()
		}
		r.produce(testLetters, l.partition, l.record())
	}
}

func (r *rig) produce(topic string, partition int, records ...kafka.Record) {
	r.t.Helper()
	res, err := r.client.Produce(r.t.Context(), &kafka.ProduceRequest{
		Topic: topic, Partition: partition, RequiredAcks: kafka.RequireAll, Records: kafka.NewRecordReader(records...),
	})
	if err == nil {
		err = res.Error
	}
	if err != nil {
		r.t.Fatal(err)
	}
}

// committed reads a topic as a consumer does.
func (r *rig) committed(topic string) []transform.Record {
	r.t.Helper()
	log := consumer.NewLog(r.config().Brokers, topic)
	defer log.Close()
	bounds, err := log.Bounds(r.t.Context())
	if err != nil {
		r.t.Fatal(err)
	}
	var all []transform.Record
	for id := range len(bounds) {
		err := EachRecord(r.t.Context(), log, id, bounds[id].First, bounds[id].End, func(rec transform.Record) { all = append(all, rec) })
		if err != nil {
			r.t.Fatal(err)
		}
	}
	return all
}

// events counts the records of the topic by their event.
func (r *rig) events() map[string]int {
	counts := map[string]int{}
	for _, rec := range r.committed(testTopic) {
		counts[header.Text(rec.Headers, header.EventID)]++
	}
	return counts
}

func (r *rig) list(f Filter) []Letter {
	r.t.Helper()
	var all []Letter
	if err := r.topic.Each(r.t.Context(), f, func(l Letter) error { all = append(all, l); return nil }); err != nil {
		r.t.Fatal(err)
	}
	return all
}

func ids(all []Letter) []string {
	out := make([]string, 0, len(all))
	for _, l := range all {
		out = append(out, l.EventID)
	}
	return out
}

// options replay everything without waiting.
func options() ReplayOptions { return ReplayOptions{MaxReplays: 3} }

func (r *rig) replay(o ReplayOptions) Report {
	r.t.Helper()
	report, err := r.topic.Replay(r.t.Context(), o)
	if err != nil {
		r.t.Fatal(err)
	}
	return report
}

// killed runs a replay that ends, with nothing tidied up, at the n-th step of its
// transactions; it tells whether it came so far.
func (r *rig) killed(o ReplayOptions, n int) bool {
	r.t.Helper()
	died := true
	done := make(chan struct{})
	go func() {
		defer close(done)
		w := newWriter(r.config())
		w.afterStep = func(string) {
			if n--; n < 0 {
				w.close()
				goexit()
			}
		}
		if _, err := r.topic.replayWith(context.WithoutCancel(r.t.Context()), o, w); err != nil {
			r.t.Error(err)
		}
		died = false
	}()
	<-done
	return died
}
