// Package lab is everything that the page has behind it: the built leadbridge as a process
// of its own, an embedded broker, and the simulated CRM.
package lab

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/leadbridge/leadbridge/crmclient/crmtest"
)

// The topics, and how many partitions each has.
const (
	Leads      = "leads"
	Letters    = "leads.dlt"
	Results    = "leads.results"
	Partitions = 3
)

// Token lets somebody sign in.
const Token = "a token for tests only"

// Lab is owned by one goroutine.
type Lab struct {
	CRM     *crmtest.Simulator
	Page    string // address of the page
	binary  string
	env     []string
	brokers *kfake.Cluster
	portal  *httptest.Server
	client  *kafka.Client
	service *process
	gate    *process
}

// Start starts it all, with settings such as "ADMIN_TOKEN=…" besides those that it takes.
// The service begins to deliver once [Lab.Serve] is called.
func Start(binary string, env ...string) (*Lab, error) {
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(Partitions, Leads, Letters, Results), kfake.GroupMinSessionTimeout(time.Second))
	if err != nil {
		return nil, fmt.Errorf("embedded broker: %w", err)
	}
	l := &Lab{binary: binary, brokers: cluster}
	l.CRM = crmtest.New(crmtest.Options{
		PerMinute: 300, PerSecond: 50, Slots: 2, QueueLimit: time.Second, ServiceTime: 20 * time.Millisecond, ItemTime: time.Millisecond,
		ExistingUserField: true, Portal: "shop.bitrix24.ru",
	})
	l.portal = httptest.NewServer(l.CRM)
	l.client = &kafka.Client{Addr: kafka.TCP(cluster.ListenAddrs()...), Transport: &kafka.Transport{}, Timeout: 30 * time.Second}
	l.env = append([]string{
		"KAFKA_BROKERS=" + strings.Join(cluster.ListenAddrs(), ","), "KAFKA_TOPIC=" + Leads, "KAFKA_DLT_TOPIC=" + Letters,
		"CRM_BASE_URL=" + l.portal.URL, "CRM_API_KEY=vibe_api_any", "CRM_REQUESTS_PER_SECOND=50", "CRM_SETTLE=200ms", "CRM_TIMEOUT=3s", "CRM_QUEUE_LIMIT=1s",
		"CRM_BACKOFF_INITIAL=100ms", "CRM_BACKOFF_MAX=2s", "HTTP_ADDR=127.0.0.1:0", "ADMIN_ADDR=127.0.0.1:0",
	}, env...)
	return l, nil
}

// Serve starts the service. After a [Lab.Stop] it listens where it listened before.
func (l *Lab) Serve(ctx context.Context) error {
	service, line, err := start(ctx, l.binary, "run", l.env)
	if err != nil {
		return err
	}
	l.service, l.Page = service, "http://"+line.Admin
	l.env = append(l.env, "ADMIN_ADDR="+line.Admin)
	return nil
}

// Gate starts a gate, to which SOURCES_FILE must be given, and returns its address.
func (l *Lab) Gate(ctx context.Context) (string, error) {
	gate, line, err := start(ctx, l.binary, "ingest", l.env)
	if err != nil {
		return "", err
	}
	l.gate = gate
	return "http://" + line.HTTP, nil
}

// Stop ends the service by SIGTERM, and waits for that.
func (l *Lab) Stop() error { return l.service.stop() }

// Freeze lets the service do nothing at all until [Lab.Thaw]: its connections stay, silent.
func (l *Lab) Freeze() error { return l.service.freeze() }

// Thaw ends a [Lab.Freeze].
func (l *Lab) Thaw() error { return l.service.thaw() }

// Log is what the service has logged.
func (l *Lab) Log() string { return l.service.said() }

// Close ends everything.
func (l *Lab) Close() error {
	var err error
	for _, p := range []*process{l.gate, l.service} {
		if p != nil {
			err = errors.Join(err, p.stop())
		}
	}
	l.portal.CloseClientConnections()
	l.portal.Close()
	l.CRM.Close()
	l.client.Transport.(*kafka.Transport).CloseIdleConnections() //nolint:forcetypeassert // made above
	l.brokers.Close()
	return err
}

// Record is one of a topic.
type Record struct {
	Partition int
	At        time.Time // zero: now
	Key       string
	Value     string
	Headers   []kafka.Header
}

// Produce writes records, in their order within a partition.
func (l *Lab) Produce(ctx context.Context, topic string, records ...Record) error {
	for partition := range Partitions {
		of := make([]kafka.Record, 0, len(records))
		for _, r := range records {
			if r.Partition != partition {
				continue
			}
			if r.At.IsZero() {
				r.At = time.Now()
			}
			of = append(of, kafka.Record{Time: r.At, Key: kafka.NewBytes([]byte(r.Key)), Value: kafka.NewBytes([]byte(r.Value)), Headers: r.Headers})
		}
		for chunk := range slices.Chunk(of, 500) {
			res, err := l.client.Produce(ctx, &kafka.ProduceRequest{Topic: topic, Partition: partition, RequiredAcks: kafka.RequireAll, Records: kafka.NewRecordReader(chunk...)})
			if err == nil {
				err = res.Error
			}
			if err != nil {
				return fmt.Errorf("produce to %s: %w", topic, err)
			}
		}
	}
	return nil
}

// errStatus says that the service answered otherwise than with 200.
var errStatus = errors.New("unexpected status")

// Header asks for the page itself and gives a header of the answer.
func (l *Lab) Header(ctx context.Context, path, name string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, l.Page+path, nil)
	if err != nil {
		return "", err
	}
	res, err := l.portal.Client().Do(req)
	if err != nil {
		return "", err
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		return "", fmt.Errorf("%s: %w %s", path, errStatus, res.Status)
	}
	return res.Header.Get(name), nil
}
