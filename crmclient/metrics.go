package crmclient

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// meter counts for the operator. Labels come from closed sets.
type meter struct {
	requests *prometheus.CounterVec
	duration *prometheus.HistogramVec
	retries  prometheus.Counter
	doubts   prometheus.Counter
	inDoubt  prometheus.Gauge
	suspects prometheus.Counter
	lookUps  *prometheus.CounterVec
	holds    *prometheus.GaugeVec
	heldFor  *prometheus.CounterVec
	budget   *prometheus.CounterVec
}

func newMeter(r prometheus.Registerer) *meter {
	const space, sub = "leadbridge", "crm"
	m := &meter{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: space, Subsystem: sub, Name: "requests_total",
			Help: "Requests to the CRM by operation and HTTP status (0: no answer)."}, []string{"operation", "status"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{Namespace: space, Subsystem: sub, Name: "request_duration_seconds",
			Help:    "Time from sending a request to its answer or failure.",
			Buckets: []float64{.025, .05, .1, .25, .5, 1, 2.5, 5, 10, 20, 40}}, []string{"operation"}),
		retries: prometheus.NewCounter(prometheus.CounterOpts{Namespace: space, Subsystem: sub, Name: "retries_total",
			Help: "Creates that have to be tried again."}),
		doubts: prometheus.NewCounter(prometheus.CounterOpts{Namespace: space, Subsystem: sub, Name: "in_doubt_total",
			Help: "Creates of which it was unknown whether they worked."}),
		inDoubt: prometheus.NewGauge(prometheus.GaugeOpts{Namespace: space, Subsystem: sub, Name: "in_doubt",
			Help: "Events of which it is unknown now whether their contact exists."}),
		suspects: prometheus.NewCounter(prometheus.CounterOpts{Namespace: space, Subsystem: sub, Name: "suspects_total",
			Help: "Events that came as suspects: looked up before they are created."}),
		lookUps: prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: space, Subsystem: sub, Name: "lookups_total",
			Help: "Look-ups of events by outcome: found, absent, or failed (whole requests)."}, []string{"outcome"}),
		holds: prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: space, Subsystem: sub, Name: "held",
			Help: "1 while creates are held back for the cause."}, []string{"cause"}),
		heldFor: prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: space, Subsystem: sub, Name: "hold_seconds_total",
			Help: "Seconds for which creates were held back, by cause."}, []string{"cause"}),
		budget: prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: space, Subsystem: sub, Name: "budget_total",
			Help: "Requests that the budget was spent on: create, lookup, replay (all that replayed events take), setup. One that serves several is split by events."},
			[]string{"use"}),
	}
	for _, cause := range [...]Cause{HoldPreparing, HoldCredentials, HoldOutage, HoldThrottle, HoldFlood, HoldOriginField} {
		m.holds.WithLabelValues(string(cause))
		m.heldFor.WithLabelValues(string(cause))
	}
	// Rates see no increase in a series that begins at 1.
	for _, outcome := range [...]string{lookUpFound, lookUpAbsent, lookUpFailed} {
		m.lookUps.WithLabelValues(outcome)
	}
	for _, use := range [...]string{useCreate, useLookUp, useReplay, useSetup} {
		m.budget.WithLabelValues(use)
	}
	if r != nil {
		r.MustRegister(m.requests, m.duration, m.retries, m.doubts, m.inDoubt, m.suspects, m.lookUps, m.holds, m.heldFor, m.budget)
	}
	return m
}

func (m *meter) request(op string, status int, took time.Duration) {
	m.requests.WithLabelValues(op, strconv.Itoa(status)).Inc()
	m.duration.WithLabelValues(op).Observe(took.Seconds())
}

// Outcomes of look-ups.
const (
	lookUpFound  = "found"
	lookUpAbsent = "absent"
	lookUpFailed = "failed" // of whole requests
)

func (m *meter) lookUp(outcome string, n float64) { m.lookUps.WithLabelValues(outcome).Add(n) }

// What the budget is spent on.
const (
	useCreate = "create"
	useLookUp = "lookup"
	useReplay = "replay" // creates and look-ups of replayed events
	useSetup  = "setup"  // asking the portal what it is, and whether it answers
)

// spent counts a request that the budget has counted.
func (m *meter) spent(c call) {
	use := useSetup
	switch c.op {
	case opCreate, opBatch:
		use = useCreate
	case opLookUp:
		use = useLookUp
	}
	m.budget.WithLabelValues(useReplay).Add(c.replayed)
	m.budget.WithLabelValues(use).Add(1 - c.replayed)
}

// held shows that a hold begins or ends.
func (m *meter) held(cause Cause, yes bool) {
	if cause == "" {
		return
	}
	value := 0.0
	if yes {
		value = 1
	}
	m.holds.WithLabelValues(string(cause)).Set(value)
}
