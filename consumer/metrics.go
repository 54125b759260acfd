package consumer

import (
	"errors"
	"math"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/leadbridge/leadbridge/crmclient"
	"github.com/leadbridge/leadbridge/internal/tracing"
)

// metrics are the consumer's counters and histograms. All values of their labels are known beforehand. The help of each
// says what it counts.
type metrics struct {
	consumed    prometheus.Counter
	contacts    *prometheus.CounterVec // by how: created, found or matched
	made, found prometheus.Counter     // the series "created" and "found" of contacts
	matched     prometheus.Counter     // the series "matched" of contacts
	delivered   *prometheus.CounterVec // by what events became
	skipped     *prometheus.CounterVec // by why
	deadLetters *prometheus.CounterVec // by reason
	results     prometheus.Counter
	lost        prometheus.Counter
	latency     prometheus.Histogram
	commits     *prometheus.CounterVec // by outcome
	commitTime  prometheus.Histogram
	reused      prometheus.Counter
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
		contacts:    counters("contacts_total", "Events that are a contact: created, found already there, or given to a contact of the same person.", "how"),
		delivered:   counters("delivered_total", "Events that are in the CRM, by what they became: a contact, a lead, a deal, or a comment on a contact that was there before.", "as"),
		skipped:     counters("records_skipped_total", "Records that need no delivery: tombstones, those an earlier owner finished, and those for which the mapping gives nothing.", "why"),
		deadLetters: counters("dead_letters_total", "Events written to the dead-letter topic.", "reason"),
		results:     counter("results_total", "Results written to the result topic."),
		lost:        counter("records_lost_total", "Offsets that retention deleted before they were delivered."),
		latency:     histogram("event_latency_seconds", "From the time of the event to its contact.", prometheus.ExponentialBuckets(0.01, 2.5, 14)),
		commits:     counters("commits_total", "Offset commits.", "outcome"),
		reused:      counter("id_reused_total", "Events whose id was another event's before, with other contact points."),
		commitTime:  histogram("commit_duration_seconds", "Time of an offset commit.", prometheus.DefBuckets),
	}
	m.made, m.found, m.matched = m.contacts.WithLabelValues("created"), m.contacts.WithLabelValues("found"), m.contacts.WithLabelValues("matched")
	m.initSeries()
	if reg == nil {
		return m, nil
	}
	var errs []error
	for _, c := range []prometheus.Collector{
		m.consumed, m.contacts, m.delivered, m.skipped, m.deadLetters, m.results, m.lost, m.latency, m.commits, m.commitTime, m.reused,
	} {
		errs = append(errs, reg.Register(c))
	}
	return m, errors.Join(errs...)
}

// initSeries creates every series at 0: a rate over a series that begins at 1 would miss the first increase.
func (m *metrics) initSeries() {
	for _, reason := range Reasons() {
		m.deadLetters.WithLabelValues(reason)
	}
	for _, as := range [...]string{asContact, asLead, asDeal, asComment} {
		m.delivered.WithLabelValues(as)
	}
	for _, why := range [...]string{skippedTombstone, skippedDone, skippedMapping} {
		m.skipped.WithLabelValues(why)
	}
	for _, outcome := range [...]string{commitOK, commitFailed} {
		m.commits.WithLabelValues(outcome)
	}
}

// The values of the labels of skipped records and of commits.
const (
	skippedTombstone = "tombstone"
	skippedDone      = "done"
	skippedMapping   = "mapping" // the mapping gives nothing for it
	commitOK         = "ok"
	commitFailed     = "failed"
)

// What events become.
const (
	asContact = "contact"
	asLead    = "lead"
	asDeal    = "deal"
	asComment = "comment" // on a contact of the same person
)

// became returns what an event became: a deal, a lead or a contact, or a comment if the person had a contact already.
func became(r crmclient.Result) string {
	switch {
	case r.DealID > 0:
		return asDeal
	case r.LeadID > 0:
		return asLead
	case r.Matched:
		return asComment
	}
	return asContact
}

// created counts an event that exists in the CRM; latency is the time since the event.
func (m *metrics) created(r crmclient.Result, latency time.Duration, of *tracing.Record) {
	switch {
	case r.Found:
		m.found.Inc()
	case r.Matched:
		m.matched.Inc()
	default:
		m.made.Inc()
	}
	m.delivered.WithLabelValues(became(r)).Inc()
	of.Observe(m.latency, max(latency.Seconds(), 0))
}

// commit counts a commit, with its outcome and duration.
func (m *metrics) commit(took time.Duration, err error) {
	outcome := commitOK
	if err != nil {
		outcome = commitFailed
	}
	m.commits.WithLabelValues(outcome).Inc()
	m.commitTime.Observe(took.Seconds())
}

// gauges is the collector of what is read from the state of the consumer at each scrape.
type gauges struct {
	consumer   *Consumer
	board      *statusBoard
	limitBytes int64

	lag, lagSeconds, backlog, freshLagSeconds, unfinished, parked, window, used, limit, held, heldSeconds, retention, waiting, waitingSeconds *prometheus.Desc

	windowSize int
}

func newGauges(c *Consumer) *gauges {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("leadbridge_"+name, help, labels, nil)
	}
	return &gauges{
		consumer:        c,
		board:           c.deps.board,
		limitBytes:      c.deps.cfg.MaxBuffer,
		windowSize:      c.deps.cfg.Window,
		lag:             desc("lag_records", "Records that are neither done nor parked.", "partition"),
		lagSeconds:      desc("lag_seconds", "Age of the oldest record that is neither done nor parked.", "partition"),
		backlog:         desc("backlog_records", "Records of a backlog that newer ones overtake (FRESH_FIRST) that are neither done nor parked.", "partition"),
		unfinished:      desc("window_used_records", "Records that are delivered, and neither done nor parked.", "partition"),
		freshLagSeconds: desc("fresh_lag_seconds", "Age of the oldest record that is neither done nor parked, nor in such a backlog.", "partition"),
		parked:          desc("parked_records", "Records that wait for something of their own.", "partition", "why"),
		window:          desc("window_size_records", "Records that a partition may have delivered, and neither done nor parked."),
		used:            desc("buffer_used_bytes", "Bytes reserved for fetches and unfinished records."),
		held:            desc("consumer_held", "1 while the consumer is held for a cause.", "cause"),
		heldSeconds:     desc("consumer_hold_seconds_total", "Seconds that the consumer was held.", "cause"),
		waiting:         desc("waiting_events", "Events that have waited for more than five seconds, by what they wait for; NaN: it is not known how many.", "why"),
		waitingSeconds:  desc("waiting_seconds", "How long the oldest of these has waited.", "why"),
		limit:           desc("buffer_size_bytes", "Bytes that may be reserved for fetches and unfinished records."),
		retention:       desc("topic_retention_seconds", "How long the topic keeps records; absent when that may not be read."),
	}
}

// Describe implements [prometheus.Collector].
func (g *gauges) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{g.lag, g.lagSeconds, g.backlog, g.freshLagSeconds, g.unfinished, g.parked, g.window, g.used, g.limit, g.held, g.heldSeconds, g.retention, g.waiting, g.waitingSeconds} {
		out <- d
	}
}

// Collect implements [prometheus.Collector].
func (g *gauges) Collect(out chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, value float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
	}
	g.collectWaiting(gauge)
	for _, p := range g.board.status(time.Now()).Partitions {
		id := strconv.Itoa(p.Partition)
		gauge(g.lag, float64(p.Lag), id)
		gauge(g.lagSeconds, p.LagSeconds, id)
		backlog, fresh := int64(0), p.LagSeconds
		if p.Backlog != nil {
			backlog, fresh = p.Backlog.Lag, p.Backlog.FreshLagSeconds
		}
		gauge(g.backlog, float64(backlog), id)
		gauge(g.freshLagSeconds, fresh, id)
		gauge(g.unfinished, float64(p.Unfinished), id)
		for _, why := range waits() {
			gauge(g.parked, float64(p.ParkedWhy[why]), id, string(why))
		}
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
	if kept := g.board.retentionSeconds(); kept > 0 {
		gauge(g.retention, kept)
	}
	gauge(g.window, float64(g.windowSize))
	gauge(g.used, float64(g.board.bytesInUse()))
	gauge(g.limit, float64(g.limitBytes))
}

// collectWaiting collects what makes events wait, as the status shows it.
func (g *gauges) collectWaiting(gauge func(d *prometheus.Desc, value float64, labels ...string)) {
	now := time.Now()
	found := map[Why]Waiting{}
	for _, w := range g.consumer.Status().Waiting {
		found[w.Why] = w
	}
	for why := range whys() {
		events, seconds := 0.0, 0.0
		if w, waits := found[why]; waits {
			events, seconds = math.NaN(), now.Sub(w.Since).Seconds()
			if w.Events != nil {
				events = float64(*w.Events)
			}
		}
		gauge(g.waiting, events, string(why))
		gauge(g.waitingSeconds, seconds, string(why))
	}
}
