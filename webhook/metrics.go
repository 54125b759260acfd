package webhook

import (
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics are the gate's; sources are those of the file, outcomes a closed set.
type metrics struct {
	requests *prometheus.CounterVec   // source, outcome
	duration *prometheus.HistogramVec // outcome
	unmapped *prometheus.CounterVec   // source
	batch    prometheus.Histogram
	failures prometheus.Counter
}

// Outcomes of a request beside the status of its problem.
const (
	outcomeTaken    = "taken"
	outcomeHoneypot = "honeypot"
	outcomeIgnored  = "ignored"
	outcomeUnknown  = "404"
	outcomeMethod   = "405"
)

func outcomeOf(err error, d delivery) string {
	switch {
	case err != nil:
		if _, ok := errors.AsType[unverified](err); ok {
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
	all := []string{outcomeTaken, outcomeHoneypot, outcomeIgnored, outcomeMethod}
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
		requests: counters("requests_total", "Webhooks, by source and outcome: taken, honeypot, ignored, or the status of the error.", "source", "outcome"),
		unmapped: counters("unmapped_total", "Events that the source's mapping failed on; they went to Kafka as they came.", "source"),
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
	for _, c := range []prometheus.Collector{m.requests, m.unmapped, m.duration, m.batch, m.failures} {
		errs = append(errs, reg.Register(c))
	}
	return m, errors.Join(errs...)
}

// begin shows every series at 0: rates see no increase in one that begins at 1.
func (m *metrics) begin(sources []string) {
	for _, source := range sources {
		m.unmapped.WithLabelValues(source)
		for _, outcome := range outcomes() {
			m.requests.WithLabelValues(source, outcome)
		}
	}
	m.requests.WithLabelValues("", outcomeUnknown)
}

func (m *metrics) seen(source, outcome string, began time.Time) {
	m.requests.WithLabelValues(source, outcome).Inc()
	m.duration.WithLabelValues(outcome).Observe(time.Since(began).Seconds())
}
