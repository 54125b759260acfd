// Package monitor shows people and machines the state of the service: metrics,
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
	"github.com/leadbridge/leadbridge/internal/phrase"
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

// Draining notes that the service is stopping; the state says so from then on.
func (m *Monitor) Draining() { m.draining.Store(true) }

// Status is the answer of /statusz.
type Status struct {
	State      State                      `json:"state"`
	Ready      bool                       `json:"ready"`
	Healthy    bool                       `json:"healthy"`
	Reason     phrase.Text                `json:"reason,omitempty"` // why it is not healthy
	Version    string                     `json:"version"`
	Started    time.Time                  `json:"started"`
	Now        time.Time                  `json:"now"`
	Holds      []crmclient.Hold           `json:"holds"`
	CRM        CRM                        `json:"crm"`
	Group      Group                      `json:"group"`
	Lag        *int64                     `json:"lag"`        // records, all partitions of this process; null: not known
	LagSeconds *float64                   `json:"lagSeconds"` // age of the oldest unfinished record; null: not known
	Waiting    []consumer.Waiting         `json:"waiting"`    // what makes events wait for longer than five seconds, the oldest first
	Partitions []consumer.PartitionStatus `json:"partitions"`

	stopped []consumer.PartitionStatus // the last state of its partitions, after the consumer has stopped
}

// CRM is the state of the portal, and of the requests to it.
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
	Starting    State = "starting"    // no assignment yet
	Rebalancing State = "rebalancing" // had partitions, and has none now
	Delivering  State = "delivering"  // nothing holds it back
	Held        State = "held"        // deliberately waiting; holds says for what
	Draining    State = "draining"    // stopping
)

// Status returns the present state.
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
		Waiting:    append([]consumer.Waiting{}, cons.Waiting...),
		Partitions: append([]consumer.PartitionStatus{}, cons.Partitions...),
		stopped:    cons.Stopped,
	}
	s.Ready = cons.Ready && !slices.ContainsFunc(s.Holds, func(h crmclient.Hold) bool { return keyFails(h, s.Now) })
	if cons.LagKnown {
		s.Lag, s.LagSeconds = lagOf(slices.Concat(cons.Partitions, cons.Stopped))
	}
	s.State = m.state(cons, s.Holds)
	return s
}

// lagOf returns the lag of partitions together, and the age in seconds of their oldest unfinished record.
func lagOf(partitions []consumer.PartitionStatus) (*int64, *float64) {
	lag, seconds := int64(0), 0.0
	for _, p := range partitions {
		lag += p.Lag
		seconds = max(seconds, p.LagSeconds)
	}
	return &lag, &seconds
}

// keyFails reports whether a hold means that the key does not work: the CRM says so, or it has
// refused every create for a minute. Before that, creates may be refused because of a user that the key may not
// see; and a hold of deals alone means that the key may make none. Neither makes the service unready.
func keyFails(h crmclient.Hold, now time.Time) bool {
	return h.Cause == crmclient.HoldCredentials && h.Of == "" && (h.Proven || now.Sub(h.Since) >= time.Minute)
}

// state returns the service in one word.
func (m *Monitor) state(cons consumer.Status, holds []crmclient.Hold) State {
	rebalances := slices.ContainsFunc(cons.Waiting, func(w consumer.Waiting) bool { return w.Why == consumer.WhyRebalance })
	deliberate := slices.ContainsFunc(holds, func(h crmclient.Hold) bool { return h.Cause != crmclient.HoldPreparing })
	switch {
	case m.draining.Load():
		return Draining
	case deliberate:
		return Held
	case !cons.Ready && rebalances:
		return Rebalancing
	case !cons.Ready:
		return Starting
	}
	return Delivering
}

// Handler serves /metrics, /healthz, /readyz and /statusz.
func (m *Monitor) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(m.Metrics, promhttp.HandlerOpts{EnableOpenMetrics: true}))
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
	// Waiting is what makes events wait for longer than five seconds, ready or not.
	Waiting []consumer.Waiting `json:"waiting"`
}

// healthz answers 503 when a restart may help: there is lag and no progress, though nothing is held.
func (m *Monitor) healthz(w http.ResponseWriter, _ *http.Request) {
	s := m.Status()
	answer(w, probe{OK: s.Healthy, State: s.State, Reason: s.Reason.String(), Holds: s.Holds, Waiting: s.Waiting}, s.Healthy)
}

// readyz answers 503 without partitions, without brokers, and when the CRM refuses our key.
func (m *Monitor) readyz(w http.ResponseWriter, _ *http.Request) {
	s := m.Status()
	answer(w, probe{OK: s.Ready, State: s.State, Reason: s.unready(), Holds: s.Holds, Waiting: s.Waiting}, s.Ready)
}

// unready returns why the service is not ready, unless a hold says it.
func (s Status) unready() string {
	switch {
	case s.Ready || len(s.Holds) > 0:
		return ""
	case s.State == Rebalancing:
		return "the group assigns its partitions anew; this process has none now"
	}
	return "no partitions were assigned yet"
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
	_ = enc.Encode(body) // fails only when the client has gone
}

func index(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = w.Write([]byte("leadbridge\n\n/statusz  state (JSON)\n/readyz   is it delivering\n/healthz  does it make progress\n/metrics  Prometheus\n"))
}
