// Package monitor shows people and machines how the service is: metrics,
// health, readiness, status, and a summary line in the log.
package monitor

import (
	"encoding/json"
	"net/http"
	"slices"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/leadbridge/leadbridge/consumer"
	"github.com/leadbridge/leadbridge/crmclient"
)

// Monitor answers for one service. It is safe for concurrent use.
type Monitor struct {
	Version  string
	Started  time.Time
	Metrics  prometheus.Gatherer
	Consumer func() consumer.Status
	CRM      func() crmclient.Status

	draining atomic.Bool
}

// Draining says that the service is stopping.
func (m *Monitor) Draining() { m.draining.Store(true) }

// Status is the answer of /statusz.
type Status struct {
	State      State                      `json:"state"`
	Ready      bool                       `json:"ready"`
	Healthy    bool                       `json:"healthy"`
	Reason     string                     `json:"reason,omitempty"` // why it is not healthy
	Version    string                     `json:"version"`
	Started    time.Time                  `json:"started"`
	Now        time.Time                  `json:"now"`
	Holds      []crmclient.Hold           `json:"holds"`
	CRM        CRM                        `json:"crm"`
	Group      Group                      `json:"group"`
	Lag        int64                      `json:"lag"`        // records, all partitions
	LagSeconds float64                    `json:"lagSeconds"` // age of the oldest unfinished record
	Partitions []consumer.PartitionStatus `json:"partitions"`
}

// CRM is what is known of the portal and what is under way there.
type CRM struct {
	Portal      string `json:"portal,omitempty"`
	OriginField string `json:"originField,omitempty"`
	InFlight    int    `json:"inFlight"`
	Waiting     int    `json:"waiting"`
}

// Group is our place in the consumer group.
type Group struct {
	Generation int    `json:"generation"`
	Member     string `json:"member,omitempty"`
}

// State is the service in one word.
type State string

// The states of a service.
const (
	Starting   State = "starting"   // no assignment yet
	Delivering State = "delivering" // nothing holds it back
	Held       State = "held"       // deliberately waiting; holds says for what
	Draining   State = "draining"   // stopping
)

// Status tells how everything stands.
func (m *Monitor) Status() Status {
	cons, crm := m.Consumer(), m.CRM()
	s := Status{
		Healthy:    cons.Healthy,
		Reason:     cons.Reason,
		Version:    m.Version,
		Started:    m.Started,
		Now:        time.Now(),
		Holds:      append(append([]crmclient.Hold{}, cons.Holds...), crm.Holds...),
		CRM:        CRM{crm.Portal, crm.OriginField, crm.InFlight, crm.Waiting},
		Group:      Group{cons.Generation, cons.Member},
		Partitions: append([]consumer.PartitionStatus{}, cons.Partitions...),
	}
	s.Ready = cons.Ready && !slices.ContainsFunc(s.Holds, func(h crmclient.Hold) bool { return h.Cause == crmclient.HoldCredentials })
	for _, p := range s.Partitions {
		s.Lag += p.Lag
		s.LagSeconds = max(s.LagSeconds, p.LagSeconds)
	}
	s.State = m.state(cons.Ready, s.Holds)
	return s
}

func (m *Monitor) state(assigned bool, holds []crmclient.Hold) State {
	deliberate := slices.ContainsFunc(holds, func(h crmclient.Hold) bool { return h.Cause != crmclient.HoldPreparing })
	switch {
	case m.draining.Load():
		return Draining
	case deliberate:
		return Held
	case !assigned:
		return Starting
	}
	return Delivering
}

// Handler serves /metrics, /healthz, /readyz and /statusz.
func (m *Monitor) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(m.Metrics, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /healthz", m.healthz)
	mux.HandleFunc("GET /readyz", m.readyz)
	mux.HandleFunc("GET /statusz", m.statusz)
	mux.HandleFunc("GET /{$}", index)
	return mux
}

// probe is the answer of /healthz and /readyz.
type probe struct {
	OK     bool             `json:"ok"`
	State  State            `json:"state"`
	Reason string           `json:"reason,omitempty"`
	Holds  []crmclient.Hold `json:"holds"`
}

// healthz fails when a restart may help: lag without progress though nothing is held.
func (m *Monitor) healthz(w http.ResponseWriter, _ *http.Request) {
	s := m.Status()
	answer(w, probe{OK: s.Healthy, State: s.State, Reason: s.Reason, Holds: s.Holds}, s.Healthy)
}

// readyz fails until the first assignment, without brokers, and when the CRM refuses our key.
func (m *Monitor) readyz(w http.ResponseWriter, _ *http.Request) {
	s := m.Status()
	p := probe{OK: s.Ready, State: s.State, Holds: s.Holds}
	if !s.Ready && len(s.Holds) == 0 {
		p.Reason = "no partitions were assigned yet"
	}
	answer(w, p, s.Ready)
}

func (m *Monitor) statusz(w http.ResponseWriter, _ *http.Request) { answer(w, m.Status(), true) }

func answer(w http.ResponseWriter, body any, ok bool) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	if !ok {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	_ = enc.Encode(body) // the client has gone: nobody is left to be told
}

func index(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = w.Write([]byte("leadbridge\n\n/statusz  how it stands (JSON)\n/readyz   is it delivering\n/healthz  does it make progress\n/metrics  Prometheus\n"))
}
