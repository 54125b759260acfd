package crmclient

import (
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/leadbridge/leadbridge/crmclient/internal/vibe"
	"github.com/leadbridge/leadbridge/internal/tracing"
)

// meter holds the metrics. The values of labels are bounded: they never come from events.
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
	comments *prometheus.CounterVec
	fills    *prometheus.CounterVec
}

// newMeter makes the metrics and registers them with r; nil: they are not registered.
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
			Help: "Look-ups of events by what was looked for and by outcome: found, absent, or failed (whole requests, or absences that do not count)."}, []string{"of", "outcome"}),
		holds: prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: space, Subsystem: sub, Name: "held",
			Help: "1 while creates are held back for the cause."}, []string{"cause"}),
		heldFor: prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: space, Subsystem: sub, Name: "hold_seconds_total",
			Help: "Seconds for which creates were held back, by cause."}, []string{"cause"}),
		budget: prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: space, Subsystem: sub, Name: "budget_total",
			Help: "Requests that the budget was spent on: create, lookup, replay (all that replayed events take), setup. One that serves several is split by events."},
			[]string{"use"}),
		comments: prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: space, Subsystem: sub, Name: "comments_total",
			Help: "Comments on the timelines of cards by outcome: written, or not_written (the event is done without it)."}, []string{"outcome"}),
	}
	m.fills = prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: space, Subsystem: sub, Name: "fills_total",
		Help: "Cards of contacts that were there before by what became of filling them: done, nothing (they lacked nothing), or failed (the event is done without it)."}, []string{"outcome"})
	// Every series is made here with the value 0: if a series began at 1, Prometheus' rate() would see no increase.
	for _, outcome := range [...]FillState{FillDone, FillNothing, FillFailed} {
		m.fill(outcome, 0)
	}
	for _, outcome := range [...]CommentState{CommentWritten, CommentNotWritten} {
		m.comment(outcome, 0)
	}
	for _, cause := range causesOfHolds() {
		m.holds.WithLabelValues(string(cause))
		m.heldFor.WithLabelValues(string(cause))
	}
	for _, outcome := range [...]string{lookUpFound, lookUpAbsent, lookUpFailed} {
		for _, entity := range [...]vibe.Entity{vibe.Contacts, vibe.Leads, vibe.Deals} {
			m.lookUps.WithLabelValues(string(entity), outcome)
		}
	}
	for _, use := range [...]string{useCreate, useLookUp, useReplay, useSetup} {
		m.budget.WithLabelValues(use)
	}
	if r != nil {
		r.MustRegister(m.requests, m.duration, m.retries, m.doubts, m.inDoubt, m.suspects, m.lookUps, m.holds, m.heldFor, m.budget, m.comments, m.fills)
	}
	return m
}

// request counts a request to the CRM, and how long it took.
func (m *meter) request(op string, status int, took time.Duration, span *tracing.Span) {
	m.requests.WithLabelValues(op, strconv.Itoa(status)).Inc()
	span.Observe(m.duration.WithLabelValues(op), took.Seconds())
}

// Outcomes of look-ups.
const (
	lookUpFound  = "found"
	lookUpAbsent = "absent"
	lookUpFailed = "failed" // of whole requests
)

// lookUp counts a look-up of an object, or a failed request for look-ups.
func (m *meter) lookUp(of vibe.Entity, outcome string) {
	m.lookUps.WithLabelValues(string(of), outcome).Inc()
}

// comment counts what became of comments.
func (m *meter) comment(outcome CommentState, n float64) {
	m.comments.WithLabelValues(strings.ReplaceAll(string(outcome), " ", "_")).Add(n)
}

// fill counts what became of filling cards.
func (m *meter) fill(outcome FillState, n float64) { m.fills.WithLabelValues(string(outcome)).Add(n) }

// What the budget is spent on.
const (
	useCreate = "create"
	useLookUp = "lookup"
	useReplay = "replay" // creates and look-ups of replayed events
	useSetup  = "setup"  // asking the portal for its description, and whether it answers
)

// spent counts what a request was used for. replayed is the part of its events that are replayed, 0 to 1.
func (m *meter) spent(op vibe.Operation, replayed float64) {
	use := useSetup
	switch op {
	case vibe.OpCreate, vibe.OpBatch, vibe.OpUpdate:
		use = useCreate
	case vibe.OpLookUp:
		use = useLookUp
	}
	m.budget.WithLabelValues(useReplay).Add(replayed)
	m.budget.WithLabelValues(use).Add(1 - replayed)
}

// held shows whether there is a hold for a cause.
func (m *meter) held(cause Cause, yes bool) {
	value := 0.0
	if yes {
		value = 1
	}
	m.holds.WithLabelValues(string(cause)).Set(value)
}
