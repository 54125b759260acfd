package monitor

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"
	"go.uber.org/goleak"

	"github.com/leadbridge/leadbridge/consumer"
	"github.com/leadbridge/leadbridge/crmclient"
	"github.com/leadbridge/leadbridge/internal/phrase"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fixed is a monitor of a service that stands as told.
func fixed(cons consumer.Status, crm crmclient.Status) *Monitor {
	return &Monitor{
		Version:  "v1",
		Metrics:  prometheus.NewRegistry(),
		Consumer: func() consumer.Status { return cons },
		CRM:      func() crmclient.Status { return crm },
	}
}

func held(causes ...crmclient.Cause) []crmclient.Hold {
	var holds []crmclient.Hold
	for _, c := range causes {
		holds = append(holds, crmclient.Hold{Cause: c, Advice: phrase.Verbatim("do something")})
	}
	return holds
}

func get(m *Monitor, path string) (code int, body string) {
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	return w.Code, w.Body.String()
}

func TestProbes(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		ready, healthy bool
		consumer, crm  []crmclient.Hold
		draining       bool

		readyz, healthz int
		state           State
	}{
		"just started":       {false, true, nil, held(crmclient.HoldPreparing), false, 503, 200, Starting},
		"delivering":         {true, true, nil, nil, false, 200, 200, Delivering},
		"preparing":          {true, true, nil, held(crmclient.HoldPreparing), false, 200, 200, Delivering},
		"brokers are gone":   {false, true, held(consumer.HoldBrokers), nil, false, 503, 200, Held},
		"bad key":            {true, true, nil, held(crmclient.HoldCredentials), false, 503, 200, Held},
		"bad key and more":   {true, true, nil, held(crmclient.HoldThrottle, crmclient.HoldCredentials), false, 503, 200, Held},
		"throttled":          {true, true, nil, held(crmclient.HoldThrottle), false, 200, 200, Held},
		"outage":             {true, true, nil, held(crmclient.HoldOutage), false, 200, 200, Held},
		"flood":              {true, true, nil, held(crmclient.HoldFlood), false, 200, 200, Held},
		"no dead letters":    {true, true, held(consumer.HoldDeadLetters), nil, false, 200, 200, Held},
		"stuck":              {true, false, nil, nil, false, 200, 503, Delivering},
		"stopping":           {true, true, nil, nil, true, 200, 200, Draining},
		"stopping in outage": {true, true, nil, held(crmclient.HoldOutage), true, 200, 200, Draining},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := fixed(consumer.Status{Ready: c.ready, Healthy: c.healthy, Holds: c.consumer}, crmclient.Status{Holds: c.crm})
			if c.draining {
				m.Draining()
			}
			ready, body := get(m, "/readyz")
			healthy, _ := get(m, "/healthz")
			if ready != c.readyz || healthy != c.healthz || m.Status().State != c.state {
				t.Errorf("/readyz %d, /healthz %d, %s; want %d, %d, %s", ready, healthy, m.Status().State, c.readyz, c.healthz, c.state)
			}
			for _, h := range append(c.consumer, c.crm...) {
				if !strings.Contains(body, `"cause": "`+string(h.Cause)+`"`) {
					t.Errorf("/readyz does not name the hold %s:\n%s", h.Cause, body)
				}
			}
		})
	}
}

func TestStatusz(t *testing.T) {
	t.Parallel()
	m := fixed(consumer.Status{Ready: true, Healthy: true, LagKnown: true, Generation: 3, Member: "me", Partitions: []consumer.PartitionStatus{
		{Partition: 0, Lag: 2, LagSeconds: 1.5}, {Partition: 1, Lag: 5, LagSeconds: 0.5},
	}}, crmclient.Status{Portal: "acme", OriginField: "originId", InFlight: 2, Waiting: 4})
	code, body := get(m, "/statusz")
	var got Status
	if err := json.Unmarshal([]byte(body), &got); err != nil || code != http.StatusOK {
		t.Fatalf("%d %v", code, err)
	}
	want := Status{
		State: Delivering, Ready: true, Healthy: true, Version: "v1", Holds: []crmclient.Hold{},
		CRM: CRM{"acme", "originId", 2, 4}, Group: Group{3, "me"}, Lag: new(int64(7)), LagSeconds: new(1.5), Waiting: []consumer.Waiting{},
		Partitions: []consumer.PartitionStatus{{Partition: 0, Lag: 2, LagSeconds: 1.5}, {Partition: 1, Lag: 5, LagSeconds: 0.5}},
	}
	got.Now = time.Time{}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(Status{})); diff != "" {
		t.Errorf("status (-want +got):\n%s", diff)
	}
}

func TestUnknownPathsAndMethods(t *testing.T) {
	t.Parallel()
	m := fixed(consumer.Status{}, crmclient.Status{})
	if code, _ := get(m, "/nothing"); code != http.StatusNotFound {
		t.Errorf("/nothing: %d", code)
	}
	if code, body := get(m, "/"); code != http.StatusOK || !strings.Contains(body, "/statusz") {
		t.Errorf("/: %d %s", code, body)
	}
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/statusz", nil))
	if w.Code != http.StatusMethodNotAllowed {
		t.Errorf("POST /statusz: %d", w.Code)
	}
}

// TestSummaries lets two intervals pass: each line tells what its own brought.
func TestSummaries(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		registry := prometheus.NewRegistry()
		consumed := prometheus.NewCounter(prometheus.CounterOpts{Name: "leadbridge_records_consumed_total"})
		contacts := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "leadbridge_contacts_total"}, []string{"how"})
		registry.MustRegister(consumed, contacts)
		m := fixed(consumer.Status{Ready: true}, crmclient.Status{Holds: held(crmclient.HoldThrottle)})
		m.Metrics = registry
		var log bytes.Buffer
		ctx := t.Context()
		done := make(chan struct{})
		go func() {
			defer close(done)
			m.LogSummaries(ctx, zerolog.New(&log), 30*time.Second)
		}()
		consumed.Add(5)
		contacts.WithLabelValues("created").Add(3)
		contacts.WithLabelValues("found").Add(1)
		time.Sleep(31 * time.Second)
		consumed.Add(2)
		time.Sleep(30 * time.Second)
		synctest.Wait()
		var lines []map[string]any
		for line := range bytes.Lines(log.Bytes()) {
			var fields map[string]any
			if err := json.Unmarshal(line, &fields); err != nil {
				t.Fatal(err)
			}
			lines = append(lines, fields)
		}
		if len(lines) != 2 {
			t.Fatalf("%d lines in 61 s, want 2", len(lines))
		}
		for i, want := range []map[string]any{
			{"level": "info", "consumed": 5.0, "created": 3.0, "already_there": 1.0, "dead_lettered": 0.0, "holds": []any{"throttle"}},
			{"level": "info", "consumed": 2.0, "created": 0.0, "already_there": 0.0},
		} {
			for field, value := range want {
				if diff := cmp.Diff(value, lines[i][field]); diff != "" {
					t.Errorf("line %d, %s (-want +got):\n%s", i+1, field, diff)
				}
			}
		}
	})
}
