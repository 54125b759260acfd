package consumer

import (
	"errors"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics are the consumer's; labels come from closed sets.
type metrics struct {
	consumed    prometheus.Counter
	contacts    *prometheus.CounterVec // how
	made, found prometheus.Counter     // of contacts
	skipped     *prometheus.CounterVec // why
	deadLetters *prometheus.CounterVec // reason
	results     prometheus.Counter
	lost        prometheus.Counter
	latency     prometheus.Histogram
	commits     *prometheus.CounterVec // outcome
	commitTime  prometheus.Histogram
}

func newMetrics(reg prometheus.Registerer) (*metrics, error) {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: "leadbridge_" + name, Help: help})
	}
	counters := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: "leadbridge_" + name, Help: help}, labels)
	}
	histogram := func(name, help string, buckets []float64) prometheus.Histogram {
		return prometheus.NewHistogram(prometheus.HistogramOpts{Name: "leadbridge_" + name, Help: help, Buckets: buckets})
	}
	m := &metrics{
		consumed:    counter("records_consumed_total", "Records taken from the topic."),
		contacts:    counters("contacts_total", "Events that are a contact: created, or found already there.", "how"),
		skipped:     counters("records_skipped_total", "Records that need no delivery: tombstones, and those an earlier owner finished.", "why"),
		deadLetters: counters("dead_letters_total", "Events written to the dead-letter topic.", "reason"),
		results:     counter("results_total", "Results written to the result topic."),
		lost:        counter("records_lost_total", "Offsets that retention deleted before they were delivered."),
		latency:     histogram("event_latency_seconds", "From the time of the event to its contact.", prometheus.ExponentialBuckets(0.01, 2.5, 14)),
		commits:     counters("commits_total", "Offset commits.", "outcome"),
		commitTime:  histogram("commit_duration_seconds", "Time of an offset commit.", prometheus.DefBuckets),
	}
	m.made, m.found = m.contacts.WithLabelValues("created"), m.contacts.WithLabelValues("found")
	m.begin()
	if reg == nil {
		return m, nil
	}
	var errs []error
	for _, c := range []prometheus.Collector{
		m.consumed, m.contacts, m.skipped, m.deadLetters, m.results, m.lost, m.latency, m.commits, m.commitTime,
	} {
		errs = append(errs, reg.Register(c))
	}
	return m, errors.Join(errs...)
}

// begin shows every series at 0: rates see no increase in one that begins at 1.
func (m *metrics) begin() {
	for _, reason := range Reasons() {
		m.deadLetters.WithLabelValues(reason)
	}
	for _, why := range [...]string{skippedTombstone, skippedDone} {
		m.skipped.WithLabelValues(why)
	}
	for _, outcome := range [...]string{commitOK, commitFailed} {
		m.commits.WithLabelValues(outcome)
	}
}

// Labels of skipped records and of commits.
const (
	skippedTombstone = "tombstone"
	skippedDone      = "done"
	commitOK         = "ok"
	commitFailed     = "failed"
)

func (m *metrics) created(found bool, latency time.Duration) {
	if found {
		m.found.Inc()
	} else {
		m.made.Inc()
	}
	m.latency.Observe(max(latency.Seconds(), 0))
}

func (m *metrics) commit(took time.Duration, err error) {
	outcome := commitOK
	if err != nil {
		outcome = commitFailed
	}
	m.commits.WithLabelValues(outcome).Inc()
	m.commitTime.Observe(took.Seconds())
}

// gauges reads the state of a consumer at each scrape.
type gauges struct {
	board  *board
	buffer *buffer

	lag, lagSeconds, unfinished, window, used, limit, held, heldSeconds, retention *prometheus.Desc

	size int
}

func newGauges(c *Consumer) *gauges {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("leadbridge_"+name, help, labels, nil)
	}
	return &gauges{
		board:       c.board,
		buffer:      c.buffer,
		size:        c.cfg.Window,
		lag:         desc("lag_records", "Offsets between the first unfinished record and the log's end.", "partition"),
		lagSeconds:  desc("lag_seconds", "Age of the oldest unfinished record.", "partition"),
		unfinished:  desc("window_used_records", "Unfinished records.", "partition"),
		window:      desc("window_size_records", "Unfinished records that a partition may have."),
		used:        desc("buffer_used_bytes", "Bytes reserved for fetches and unfinished records."),
		held:        desc("consumer_held", "1 while the consumer is held for a cause.", "cause"),
		heldSeconds: desc("consumer_hold_seconds_total", "Seconds that the consumer was held.", "cause"),
		limit:       desc("buffer_size_bytes", "Bytes that may be reserved for fetches and unfinished records."),
		retention:   desc("topic_retention_seconds", "How long the topic keeps records; absent when that may not be read."),
	}
}

// Describe implements [prometheus.Collector].
func (g *gauges) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{g.lag, g.lagSeconds, g.unfinished, g.window, g.used, g.limit, g.held, g.heldSeconds, g.retention} {
		out <- d
	}
}

// Collect implements [prometheus.Collector].
func (g *gauges) Collect(out chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, value float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
	}
	for _, p := range g.board.status().Partitions {
		id := strconv.Itoa(p.Partition)
		gauge(g.lag, float64(p.Lag), id)
		gauge(g.lagSeconds, p.LagSeconds, id)
		gauge(g.unfinished, float64(p.Unfinished), id)
	}
	for _, cause := range holds() {
		lasted, now := g.board.heldFor(cause)
		value := 0.0
		if now {
			value = 1
		}
		gauge(g.held, value, string(cause))
		out <- prometheus.MustNewConstMetric(g.heldSeconds, prometheus.CounterValue, lasted.Seconds(), string(cause))
	}
	if kept := g.board.retained(); kept > 0 {
		gauge(g.retention, kept)
	}
	gauge(g.window, float64(g.size))
	gauge(g.used, float64(g.buffer.inUse()))
	gauge(g.limit, float64(g.buffer.limit))
}
