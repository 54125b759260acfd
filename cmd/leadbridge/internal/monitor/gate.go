package monitor

import (
	"net/http"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Gate shows the state of the gate for webhooks: metrics, health and readiness.
type Gate struct {
	Metrics prometheus.Gatherer
	Ready   func() error // nil when webhooks can be taken

	draining atomic.Bool
}

// Draining notes that the gate is stopping; it is not ready from then on.
func (g *Gate) Draining() { g.draining.Store(true) }

// gateProbe is the answer of /healthz and /readyz.
type gateProbe struct {
	OK     bool   `json:"ok"`
	State  State  `json:"state"`
	Reason string `json:"reason,omitempty"`
}

// Taking is the state of a gate that takes webhooks.
const Taking State = "taking"

// Handler serves /metrics, /healthz and /readyz.
func (g *Gate) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(g.Metrics, promhttp.HandlerOpts{EnableOpenMetrics: true}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		p := g.probe()
		p.OK = true // a restart does not bring brokers back
		answer(w, p, true)
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		p := g.probe()
		answer(w, p, p.OK)
	})
	return mux
}

func (g *Gate) probe() gateProbe {
	if g.draining.Load() {
		return gateProbe{State: Draining}
	}
	if err := g.Ready(); err != nil {
		return gateProbe{State: Held, Reason: err.Error()}
	}
	return gateProbe{OK: true, State: Taking}
}
