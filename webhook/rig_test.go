package webhook

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"
	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kfake"
	"go.uber.org/goleak"

	"github.com/leadbridge/leadbridge/internal/logbuffer"
	"github.com/leadbridge/leadbridge/transform"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const testTopic = "leads"

// rig is a gate on a TCP port before an embedded broker.
type rig struct {
	t       *testing.T
	cluster *kfake.Cluster
	client  *kafka.Client
	http    *http.Client
	gate    *Gate

	registry *prometheus.Registry
	url      string
	address  string
	logs     *logbuffer.Buffer
	end      func()
	stopped  chan error
}

// environment gives secrets by name: S_NAME has the value of the map.
func environment(secrets map[string]string) Environment {
	return Environment{
		LookupEnv:   func(name string) (string, bool) { text, ok := secrets[name]; return text, ok },
		ReadFile:    func(name string) ([]byte, error) { text, ok := secrets[name]; return []byte(text), missing(ok) },
		PhoneRegion: "RU",
	}
}

func missing(ok bool) error {
	if ok {
		return nil
	}
	return errors.New("no such file")
}

var testSecrets = map[string]string{
	"STANDARD": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
	"PLAIN":    "It's a Secret to Everybody",
	"/filed":   "filed secret\n",
	"/short":   "short",
}

func parseSources(t testing.TB, text string) *Sources {
	t.Helper()
	s, err := ParseSources([]byte(text), environment(testSecrets))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func newRig(t *testing.T, sources string, adjust ...func(*Config)) *rig {
	t.Helper()
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(3, testTopic))
	if err != nil {
		t.Fatal(err)
	}
	transport := &kafka.Transport{}
	r := &rig{
		t: t, registry: prometheus.NewRegistry(), cluster: cluster, logs: new(logbuffer.Buffer), stopped: make(chan error, 1),
		client: &kafka.Client{Addr: kafka.TCP(cluster.ListenAddrs()...), Transport: transport, Timeout: 10 * time.Second},
		http: &http.Client{
			Transport:     &http.Transport{},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
	cfg := Config{
		Topic: testTopic, Sources: parseSources(t, sources),
		AckTimeout: 20 * time.Second, HeaderTimeout: 20 * time.Second, BodyTimeout: 20 * time.Second, DrainTimeout: 20 * time.Second,
		Connections: 1000, MaxBuffer: 8 << 20, Log: zerolog.New(r.logs), Metrics: r.registry,
	}
	cfg.Brokers.Addresses = cluster.ListenAddrs()
	for _, a := range adjust {
		a(&cfg)
	}
	if r.gate, err = New(cfg); err != nil {
		t.Fatal(err)
	}
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r.address = listener.Addr().String()
	r.url = "http://" + r.address
	ctx, cancel := context.WithCancel(context.Background())
	go func() { r.stopped <- r.gate.Run(ctx, listener, r.gate) }()
	r.end = sync.OnceFunc(func() {
		cancel()
		if err := <-r.stopped; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	t.Cleanup(func() {
		r.http.CloseIdleConnections()
		r.end()
		transport.CloseIdleConnections()
		cluster.Close()
	})
	return r
}

// answer is what a sender gets.
type answer struct {
	status int
	header http.Header
	body   string
}

// id is the event's, of a 202.
func (a answer) id(t *testing.T) string {
	t.Helper()
	var got taken
	if err := json.Unmarshal([]byte(a.body), &got); err != nil || a.status != http.StatusAccepted || got.ID == "" {
		t.Fatalf("%d %q: want 202 and an id", a.status, a.body)
	}
	return got.ID
}

// send makes a request; headers are names and values in turn, a name may come twice.
func (r *rig) send(method, path, body string, headers ...string) answer {
	r.t.Helper()
	req, err := http.NewRequestWithContext(r.t.Context(), method, r.url+path, strings.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Add(headers[i], headers[i+1])
	}
	resp, err := r.http.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Header, string(text)}
}

func (r *rig) post(path, contentType, body string, headers ...string) answer {
	r.t.Helper()
	return r.send(http.MethodPost, path, body, append([]string{"Content-Type", contentType}, headers...)...)
}

// records are all of the topic, partition by partition.
func (r *rig) records() []transform.Record {
	r.t.Helper()
	var all []transform.Record
	for _, p := range r.cluster.PartitionInfos(testTopic) {
		for next := int64(0); next < p.HighWatermark; {
			res, err := r.client.Fetch(r.t.Context(), &kafka.FetchRequest{
				Topic: testTopic, Partition: int(p.Partition), Offset: next, MinBytes: 1, MaxBytes: 8 << 20, MaxWait: time.Second,
			})
			if err != nil || res.Error != nil {
				r.t.Fatal(err, res)
			}
			for {
				rec, err := res.Records.ReadRecord()
				if errors.Is(err, io.EOF) {
					break
				}
				if err != nil {
					r.t.Fatal(err)
				}
				if rec.Offset >= next {
					all = append(all, r.copied(int(p.Partition), rec))
					next = rec.Offset + 1
				}
			}
		}
	}
	return all
}

func (r *rig) copied(partition int, rec *kafka.Record) transform.Record {
	r.t.Helper()
	key, err := kafka.ReadAll(rec.Key)
	if err != nil {
		r.t.Fatal(err)
	}
	value, err := kafka.ReadAll(rec.Value)
	if err != nil {
		r.t.Fatal(err)
	}
	out := transform.Record{Topic: testTopic, Partition: partition, Offset: rec.Offset, Time: rec.Time, Key: key, Value: value}
	for _, h := range rec.Headers {
		out.Headers = append(out.Headers, transform.Header{Key: h.Key, Value: h.Value})
	}
	return out
}

// only is the one record that there is.
func (r *rig) only() transform.Record {
	r.t.Helper()
	all := r.records()
	if len(all) != 1 {
		r.t.Fatalf("%d records, want 1", len(all))
	}
	return all[0]
}

// isProblem looks at the form of an error.
func isProblem(t *testing.T, a answer, status int) {
	t.Helper()
	var p problem
	err := json.Unmarshal([]byte(a.body), &p)
	if a.status != status || a.header.Get("Content-Type") != "application/problem+json" || err != nil ||
		p.Status != status || p.Title != http.StatusText(status) || p.Detail == "" || p.Type != "about:blank" {
		t.Errorf("%d %v %s: want the problem %d", a.status, a.header, a.body, status)
	}
}
