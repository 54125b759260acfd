package admin

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"
	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kfake"
	"go.uber.org/goleak"

	"github.com/leadbridge/leadbridge/consumer"
	"github.com/leadbridge/leadbridge/consumer/header"
	"github.com/leadbridge/leadbridge/crmclient"
	"github.com/leadbridge/leadbridge/internal/cluster"
	"github.com/leadbridge/leadbridge/internal/logbuffer"
	"github.com/leadbridge/leadbridge/transform"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	testTopic   = "leads"
	testLetters = "leads.dlt"
	testGroup   = "bridge"
	testToken   = "the-token-of-these-tests"
)

// rig is a page before an embedded broker, in a bubble of virtual time.
type rig struct {
	t       *testing.T
	cluster *kfake.Cluster
	client  *kafka.Client
	server  *Server
	handler http.Handler
	log     *logbuffer.Buffer
	created prometheus.Counter
	matched prometheus.Counter
	letters prometheus.Counter
	uses    *prometheus.CounterVec
	crm     *fakeCRM

	mu sync.Mutex
	is Situation
}

// fakeCRM finds what it is told to.
type fakeCRM struct {
	mu    sync.Mutex
	id    int64
	hangs bool
	asked []crmclient.Request
}

func (f *fakeCRM) Find(ctx context.Context, r crmclient.Request) (int64, error) {
	f.mu.Lock()
	f.asked = append(f.asked, r)
	id, hangs := f.id, f.hangs
	f.mu.Unlock()
	if hangs {
		<-ctx.Done()
		return 0, ctx.Err()
	}
	return id, nil
}

func (f *fakeCRM) ContactURL(id int64) string { return fmt.Sprintf("https://acme.example/%d/", id) }

// bubble runs a test with a page that needs the token, unless change says otherwise.
func bubble(t *testing.T, test func(t *testing.T, r *rig), change ...func(*Config)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		network := new(kfake.VirtualNetwork)
		fake, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.Ports(9092), kfake.ListenFn(network.Listen), kfake.SeedTopics(2, testTopic, testLetters))
		if err != nil {
			t.Fatal(err)
		}
		r := &rig{t: t, cluster: fake, log: &logbuffer.Buffer{}, crm: &fakeCRM{}}
		r.is = Situation{State: "delivering", Ready: true, Healthy: true, LagKnown: true, CRM: crmclient.Status{Portal: "acme.example", PerMinute: 300, Share: 1}}
		by, err := transform.New(transform.Options{SourceID: "WEB"})
		if err != nil {
			t.Fatal(err)
		}
		cfg := Config{
			Token: crmclient.Secret{Value: testToken}, Version: "v1", Started: time.Now(),
			Brokers: cluster.Brokers{Addresses: []string{"localhost:9092"}, Dial: network.DialContext},
			Topic:   testTopic, DeadLetterTopic: testLetters, GroupID: testGroup,
			Situation: r.situation, Metrics: r.metrics(), CRM: r.crm, Transformer: by, Log: zerolog.New(r.log).Level(zerolog.WarnLevel), // audit lines are there all the same
		}
		for _, c := range change {
			c(&cfg)
		}
		if r.server, err = New(cfg); err != nil {
			t.Fatal(err)
		}
		r.handler = r.server.Handler()
		client, transport := cfg.Brokers.Client(testTopic, testLetters)
		r.client = client
		defer func() {
			r.server.Drain()
			r.server.peers.close()
			r.server.letters.topic.Close()
			transport.CloseIdleConnections()
			fake.Close()
		}()
		test(t, r)
	})
}

func (r *rig) metrics() *prometheus.Registry {
	contacts := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "leadbridge_contacts_total"}, []string{"how"})
	r.uses = prometheus.NewCounterVec(prometheus.CounterOpts{Name: "leadbridge_crm_budget_total"}, []string{"use"})
	r.matched = contacts.WithLabelValues("matched")
	r.created, r.letters = contacts.WithLabelValues("created"), prometheus.NewCounter(prometheus.CounterOpts{Name: "leadbridge_dead_letters_total"})
	registry := prometheus.NewRegistry()
	registry.MustRegister(contacts, r.letters, r.uses)
	return registry
}

func (r *rig) situation() Situation {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.is
}

func (r *rig) stands(change func(*Situation)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	change(&r.is)
}

// run starts what is live; the returned function ends it.
func (r *rig) run() (end func()) {
	ctx, cancel := context.WithCancel(r.t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		r.server.Run(ctx)
	}()
	synctest.Wait()
	return func() {
		cancel()
		<-done
	}
}

// request is one to the page, from the page itself and with the token, unless change says otherwise.
func (r *rig) request(method, path, body string, change ...func(*http.Request)) *http.Request {
	req := httptest.NewRequest(method, "http://bridge.example"+path, strings.NewReader(body))
	req.Header.Set("Authorization", "Bearer "+testToken)
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for _, c := range change {
		c(req)
	}
	return req
}

// ask makes a request.
func (r *rig) ask(method, path, body string, change ...func(*http.Request)) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	r.handler.ServeHTTP(w, r.request(method, path, body, change...))
	return w
}

// read asks and decodes the answer, which has to be good.
func read[T any](r *rig, method, path, body string) T {
	r.t.Helper()
	w := r.ask(method, path, body)
	var out T
	if err := json.Unmarshal(w.Body.Bytes(), &out); err != nil || w.Code != http.StatusOK {
		r.t.Fatalf("%s %s: %d %v %s", method, path, w.Code, err, w.Body)
	}
	return out
}

// aLetter is a dead letter to be written.
type aLetter struct {
	id, reason, code, message, key, value string
	partition, replays                    int
	offset                                int64
}

func (l aLetter) record(at time.Time) kafka.Record {
	text := func(key, value string) kafka.Header { return kafka.Header{Key: key, Value: []byte(value)} }
	r := kafka.Record{Time: at, Value: kafka.NewBytes([]byte(l.value)), Headers: []kafka.Header{
		text(header.EventID, l.id), text(header.Reason, l.reason), text(header.Code, l.code), text(header.Message, l.message), text(header.Status, "400"),
		text(header.Attempts, "2"), text(header.Topic, testTopic), text(header.Partition, strconv.Itoa(l.partition)),
		text(header.Offset, strconv.FormatInt(l.offset, 10)), text(header.Timestamp, "2026-03-04T05:06:07.008Z"),
		text(header.FailedAt, at.Format(time.RFC3339Nano)), text(header.FirstFailure, at.Format(time.RFC3339Nano)),
		text(header.Replays, strconv.Itoa(l.replays)), text(header.OriginField, "originId"), text("secret-of-the-site", "own header"), text("traceparent", "00-1"),
	}}
	if l.key != "" {
		r.Key = kafka.NewBytes([]byte(l.key))
	}
	return r
}

// letterNo makes the n-th letter.
func letterNo(n int) aLetter {
	return aLetter{
		id: fmt.Sprintf("ce:/site %d", n), reason: "CRM_REFUSED", code: "VALIDATION_ERROR", message: "*** is wrong", key: fmt.Sprintf("key-%d@example.com", n),
		value: fmt.Sprintf(`{"name":"Anna Nobody","email":"nobody.%d@example.com","phone":"+7916123%04d"}`, n, n%10000), partition: n % 2, offset: int64(n),
	}
}

// seed writes letters, each a second later than the one before.
func (r *rig) seed(all ...aLetter) {
	r.t.Helper()
	at := time.Now().Add(-time.Duration(len(all)) * time.Second)
	byPartition := map[int][]kafka.Record{}
	for i, l := range all {
		byPartition[l.partition] = append(byPartition[l.partition], l.record(at.Add(time.Duration(i)*time.Second)))
	}
	for id, records := range byPartition {
		for len(records) > 0 {
			n := min(len(records), 1000)
			r.produce(testLetters, id, records[:n]...)
			records = records[n:]
		}
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

// events counts the records of the events' topic by their event.
func (r *rig) events() map[string]int {
	r.t.Helper()
	log := consumer.NewLog(r.server.cfg.Brokers, testTopic)
	defer log.Close()
	bounds, err := log.Bounds(r.t.Context())
	if err != nil {
		r.t.Fatal(err)
	}
	counts := map[string]int{}
	for id, b := range bounds {
		for at := b.First; at < b.End; {
			records, next, err := log.Read(r.t.Context(), id, at, 1<<20)
			if err != nil {
				r.t.Fatal(err)
			}
			for _, one := range records {
				counts[header.Text(one.Headers, header.EventID)]++
			}
			if next <= at {
				break
			}
			at = next
		}
	}
	return counts
}

// audits are the audit lines of the log.
func (r *rig) audits() []map[string]any {
	r.t.Helper()
	var all []map[string]any
	for line := range strings.Lines(r.log.String()) {
		var fields map[string]any
		if err := json.Unmarshal([]byte(line), &fields); err != nil {
			r.t.Fatal(err)
		}
		if fields["audit"] != nil {
			all = append(all, fields)
		}
	}
	return all
}

// streamed is an answer that is read while it is written.
type streamed struct {
	head  http.Header
	code  int
	parts *io.PipeReader
	w     *io.PipeWriter
}

func newStreamed() *streamed {
	pr, pw := io.Pipe()
	return &streamed{head: http.Header{}, parts: pr, w: pw}
}

func (s *streamed) Header() http.Header         { return s.head }
func (s *streamed) WriteHeader(code int)        { s.code = code }
func (s *streamed) Write(b []byte) (int, error) { return s.w.Write(b) }
func (s *streamed) Flush()                      {}
