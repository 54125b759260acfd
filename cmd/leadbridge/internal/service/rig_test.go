package service

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"
	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/leadbridge/leadbridge/consumer"
	"github.com/leadbridge/leadbridge/crmclient"
	"github.com/leadbridge/leadbridge/crmclient/crmtest"
	"github.com/leadbridge/leadbridge/internal/cluster"
	"github.com/leadbridge/leadbridge/internal/logbuffer"
	"github.com/leadbridge/leadbridge/transform"
)

const (
	testTopic   = "leads"
	testLetters = "leads.dlt"
	testResults = "leads.results"
	testToken   = "the-token-of-these-tests"
)

// rig is a service between an embedded broker and a simulated CRM, in virtual time.
type rig struct {
	t       *testing.T
	network *kfake.VirtualNetwork
	cluster *kfake.Cluster // nil: no broker answers
	sim     *crmtest.Simulator
	crm     *crmtest.Server
	client  *kafka.Client
	logs    *logbuffer.Buffer
	ports   int
}

// bubble runs a test before a broker with some topics of one partition; without topics there is no broker.
func bubble(t *testing.T, topics []string, test func(r *rig)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r := &rig{t: t, network: new(kfake.VirtualNetwork), sim: crmtest.New(crmtest.Options{ExistingUserField: true}), ports: 8000}
		r.crm = crmtest.Serve(r.sim)
		defer r.crm.Close()
		ctx, end := context.WithCancel(t.Context())
		transport := &kafka.Transport{Dial: r.network.DialContext, Context: ctx, MetadataTTL: 100 * time.Millisecond}
		r.client = &kafka.Client{Addr: kafka.TCP("localhost:9092"), Transport: transport, Timeout: 10 * time.Second}
		if topics != nil {
			cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.Ports(9092), kfake.ListenFn(r.network.Listen), kfake.SeedTopics(1, topics...))
			if err != nil {
				t.Fatal(err)
			}
			r.cluster = cluster
			defer cluster.Close()
		}
		defer func() {
			end()
			transport.CloseIdleConnections()
		}()
		test(r)
	})
}

// running is a service that delivers.
type running struct {
	*Service
	stop func()
}

// start runs a service; its summary line comes every second.
func (r *rig) start(change ...func(*Config)) *running {
	r.t.Helper()
	by, err := transform.New(transform.Options{SourceID: "WEB"})
	if err != nil {
		r.t.Fatal(err)
	}
	r.logs = new(logbuffer.Buffer)
	cfg := Config{
		Consumer: consumer.Config{
			Brokers: cluster.Brokers{Addresses: []string{"localhost:9092"}, Dial: r.network.DialContext},
			Topic:   testTopic, DeadLetterTopic: testLetters, GroupID: "leadbridge",
			SessionTimeout: 30 * time.Second, DrainTimeout: 3 * time.Second, Window: 256, MaxBuffer: 64 << 20, DedupeWindow: 1000,
		},
		CRM: crmclient.Config{
			BaseURL: r.crm.URL, APIKey: crmclient.Secret{Value: "vibe_api_good"}, Dial: r.crm.Dial,
			Timeout: 35 * time.Second, QueueLimit: 30 * time.Second, Settle: 5 * time.Second, Slots: 2, BatchSize: 1,
			MaxAttempts: 6, BackoffInitial: 500 * time.Millisecond, BackoffMax: time.Minute, FloodLimit: 3,
		},
		Transformer: by, Version: "test", Log: zerolog.New(r.logs).Level(zerolog.InfoLevel), Summary: time.Second,
		Listener: r.listen(), Page: r.listen(), PageToken: crmclient.Secret{Value: testToken},
	}
	for _, c := range change {
		c(&cfg)
	}
	s, err := New(cfg)
	if err != nil {
		r.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(r.t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	stopped := false
	stop := func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-done; err != nil {
			r.t.Errorf("Run: %v", err)
		}
		s.crm.Close()
	}
	return &running{s, stop}
}

func (r *rig) listen() net.Listener {
	r.ports++
	l, err := r.network.Listen("tcp", fmt.Sprintf("localhost:%d", r.ports))
	if err != nil {
		r.t.Fatal(err)
	}
	return l
}

// produce writes values to the topic.
func (r *rig) produce(values ...string) {
	r.t.Helper()
	records := make([]kafka.Record, len(values))
	for i, v := range values {
		records[i] = kafka.Record{Value: kafka.NewBytes([]byte(v)), Time: time.Now()}
	}
	res, err := r.client.Produce(r.t.Context(), &kafka.ProduceRequest{Topic: testTopic, RequiredAcks: kafka.RequireAll, Records: kafka.NewRecordReader(records...)})
	if err != nil || res.Error != nil {
		r.t.Fatalf("producing: %v, %v", err, res)
	}
}

// leads are events of so many persons, from the first on.
func leads(first, n int) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = fmt.Sprintf(`{"name":"Lead%d","email":"lead%d@example.com"}`, first+i, first+i)
	}
	return all
}

// later lets whole seconds pass, so that the summary line is of the same moment.
func later(seconds int) {
	time.Sleep(time.Duration(seconds) * time.Second)
	synctest.Wait()
}

// refuse has the broker break the connection at each request of a kind, until the test ends.
func (r *rig) refuse(key kmsg.Key, when func(kmsg.Request) bool) {
	r.cluster.ControlKey(int16(key), func(req kmsg.Request) (kmsg.Response, error, bool) {
		r.cluster.KeepControl()
		if when != nil && !when(req) {
			return nil, nil, false
		}
		return nil, fmt.Errorf("refused by the test"), true
	})
}

// stall has the broker answer no request of a kind, until the test ends.
func (r *rig) stall(key kmsg.Key) {
	r.cluster.ControlKey(int16(key), func(kmsg.Request) (kmsg.Response, error, bool) {
		r.cluster.KeepControl()
		return nil, nil, true
	})
}

// writesTo picks the writes to a topic.
func writesTo(topic string) func(kmsg.Request) bool {
	return func(req kmsg.Request) bool {
		for _, t := range req.(*kmsg.ProduceRequest).Topics {
			if t.Topic == topic {
				return true
			}
		}
		return false
	}
}

// told is what one view says of what events wait for: by why, -1 when it is not known how many.
type told map[string]int64

type waitingText struct {
	Waiting []struct {
		Why    string
		Events *int64
		Text   string
	}
}

func (w waitingText) told() told {
	out := told{}
	for _, one := range w.Waiting {
		out[one.Why] = -1
		if one.Events != nil {
			out[one.Why] = *one.Events
		}
	}
	return out
}

func ask(t *testing.T, h http.Handler, path string) (int, told, map[string]any) {
	t.Helper()
	req := httptest.NewRequest(http.MethodGet, path, nil)
	req.Header.Set("Authorization", "Bearer "+testToken)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, req)
	var waits waitingText
	all := map[string]any{}
	if err := json.Unmarshal(w.Body.Bytes(), &waits); err != nil {
		t.Fatalf("%s: %v: %s", path, err, w.Body)
	}
	if err := json.Unmarshal(w.Body.Bytes(), &all); err != nil {
		t.Fatal(err)
	}
	return w.Code, waits.told(), all
}

// metric is what the metric says; what nobody waits for is left out.
func metric(t *testing.T, g prometheus.Gatherer) told {
	t.Helper()
	families, err := g.Gather()
	if err != nil {
		t.Fatal(err)
	}
	out := told{}
	for _, f := range families {
		if f.GetName() != "leadbridge_waiting_events" {
			continue
		}
		for _, m := range f.GetMetric() {
			switch v := m.GetGauge().GetValue(); {
			case v != v:
				out[m.GetLabel()[0].GetValue()] = -1
			case v != 0:
				out[m.GetLabel()[0].GetValue()] = int64(v)
			}
		}
	}
	return out
}

// logged is what the last line with a text says.
func logged(t *testing.T, logs *logbuffer.Buffer, msg string) (told, map[string]any) {
	t.Helper()
	var last []byte
	for line := range bytes.Lines([]byte(logs.String())) {
		if bytes.Contains(line, []byte(`"message":"`+msg+`"`)) {
			last = line
		}
	}
	var waits waitingText
	all := map[string]any{}
	if err := json.Unmarshal(last, &waits); err != nil {
		t.Fatalf("no line %q: %v\n%s", msg, err, strings.TrimSpace(logs.String()))
	}
	_ = json.Unmarshal(last, &all)
	return waits.told(), all
}
