package statetopic

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics count records that are written, and those that cannot be read.
type metrics struct {
	records *prometheus.CounterVec // by outcome
	skipped prometheus.Counter
}

// The outcomes of a record.
const (
	written = "written"
	failed  = "failed"  // the write failed and is tried again
	dropped = "dropped" // the topic could not be written for too long, or refuses the record
)

func newMetrics(reg prometheus.Registerer) (metrics, error) {
	m := metrics{
		records: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "leadbridge_state_records_total", Help: "Records for the state topic.",
		}, []string{"outcome"}),
		skipped: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "leadbridge_state_records_skipped_total", Help: "Records of the state topic that this version cannot read.",
		}),
	}
	for _, outcome := range [...]string{written, failed, dropped} {
		m.records.WithLabelValues(outcome)
	}
	if reg == nil {
		return m, nil
	}
	return m, errors.Join(reg.Register(m.records), reg.Register(m.skipped))
}
