package webhook

import (
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/leadbridge/leadbridge/internal/tracing"
)

// metrics are the gate's. The values of their labels are bounded: sources are those of the file, outcomes those of
// [outcomes].
type metrics struct {
	requests *prometheus.CounterVec   // source, outcome
	duration *prometheus.HistogramVec // outcome
	unmapped *prometheus.CounterVec   // source
	ended    *prometheus.CounterVec   // cause
	batch    prometheus.Histogram
	failures prometheus.Counter
}

// Outcomes of a request that no problem's status names. 404 and 405 are answered before anything of a request is read.
const (
	outcomeTaken     = "taken"
	outcomeHoneypot  = "honeypot"
	outcomeIgnored   = "ignored"
	outcomeSkipped   = "skipped"
	outcomeChallenge = "challenge"
	outcomeUnknown   = "404"
	outcomeMethod    = "405"
)

func outcomeOf(err error, d delivery) string {
	switch {
	case err != nil:
		if _, ok := errors.AsType[unverified](err); ok { // its problem would need the source
			return strconv.Itoa(http.StatusUnauthorized)
		}
		return strconv.Itoa(problemOf(err, nil).Status)
	case d.dropped != "":
		return d.dropped
	}
	return outcomeTaken
}

// outcomes are all that a request to a source may come to.
func outcomes() []string {
	all := []string{outcomeTaken, outcomeHoneypot, outcomeIgnored, outcomeSkipped, outcomeChallenge, outcomeMethod}
	for _, status := range [...]int{
		http.StatusBadRequest, http.StatusUnauthorized, http.StatusRequestTimeout, http.StatusRequestEntityTooLarge,
		http.StatusUnsupportedMediaType, http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusServiceUnavailable,
	} {
		all = append(all, strconv.Itoa(status))
	}
	return all
}

func newMetrics(reg prometheus.Registerer, sources []string) (*metrics, error) {
	counters := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: "leadbridge_ingest_" + name, Help: help}, labels)
	}
	m := &metrics{
		requests: counters("requests_total", "Webhooks, by source and outcome: taken, honeypot, ignored, skipped (by the mapping), challenge, or the status of the error.", "source", "outcome"),
		unmapped: counters("unmapped_total", "Events that the source's mapping failed on; they became dead letters, or went on as they came (on_mapping_failure).", "source"),
		ended:    counters("connections_closed_total", "Connections that were closed: idle ones for the sake of new ones (idle), and those of a peer that has too many (peer).", "cause"),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "leadbridge_ingest_duration_seconds", Help: "From a request's header to its answer.", Buckets: prometheus.ExponentialBuckets(0.0005, 2.5, 13),
		}, []string{"outcome"}),
		batch: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "leadbridge_ingest_batch_records", Help: "Records in a request to Kafka.", Buckets: prometheus.ExponentialBuckets(1, 2, 12),
		}),
		failures: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "leadbridge_ingest_write_failures_total", Help: "Requests to Kafka that were not acknowledged.",
		}),
	}
	m.begin(sources)
	if reg == nil {
		return m, nil
	}
	var errs []error
	for _, c := range []prometheus.Collector{m.requests, m.unmapped, m.ended, m.duration, m.batch, m.failures} {
		errs = append(errs, reg.Register(c))
	}
	return m, errors.Join(errs...)
}

// begin makes every series with the value 0: Prometheus' rate() sees no increase in a series that begins at 1.
func (m *metrics) begin(sources []string) {
	for _, source := range sources {
		m.unmapped.WithLabelValues(source)
		for _, outcome := range outcomes() {
			m.requests.WithLabelValues(source, outcome)
		}
	}
	m.requests.WithLabelValues("", outcomeUnknown)
	for _, cause := range []string{closedIdle, closedPeer} {
		m.ended.WithLabelValues(cause)
	}
}

func (m *metrics) closed(cause string) { m.ended.WithLabelValues(cause).Inc() }

// answered counts a request that was answered, and how long it took.
func (m *metrics) answered(source, outcome string, began time.Time, span *tracing.Span) {
	m.requests.WithLabelValues(source, outcome).Inc()
	span.Outcome(outcome)
	span.Observe(m.duration.WithLabelValues(outcome), time.Since(began).Seconds())
}
