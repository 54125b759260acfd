package monitor

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"
)

// summaryCounts are the counts of the summary line and the metrics they are sums of.
var summaryCounts = []struct{ field, metric string }{
	{"consumed", "leadbridge_records_consumed_total"},
	{"created", "leadbridge_contacts_created_total"},
	{"already_there", "leadbridge_contacts_already_there_total"},
	{"skipped", "leadbridge_records_skipped_total"},
	{"dead_lettered", "leadbridge_dead_letters_total"},
	{"crm_requests", "leadbridge_crm_requests_total"},
	{"retries", "leadbridge_crm_retries_total"},
	{"in_doubt", "leadbridge_crm_in_doubt_total"},
	{"lost_to_retention", "leadbridge_records_lost_total"},
}

// LogSummaries logs a summary line every so often until ctx ends: what
// happened since the line before, and how things stand.
func (m *Monitor) LogSummaries(ctx context.Context, log zerolog.Logger, every time.Duration) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	last := map[string]float64{}
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			last = m.logCounts(log, "summary", last)
		}
	}
}

// LogTotals logs what happened since the start.
func (m *Monitor) LogTotals(log zerolog.Logger, msg string) { m.logCounts(log, msg, nil) }

// logCounts logs the counts less those of before, and gives the present ones.
func (m *Monitor) logCounts(log zerolog.Logger, msg string, before map[string]float64) map[string]float64 {
	now := Totals(m.Metrics)
	s := m.Status()
	e := log.Info().Str("state", string(s.State))
	for _, c := range summaryCounts {
		e = e.Int64(c.field, int64(now[c.metric]-before[c.metric]))
	}
	holds := []string{}
	for _, h := range s.Holds {
		holds = append(holds, string(h.Cause))
	}
	e.Int("partitions", len(s.Partitions)).Int64("lag", s.Lag).Strs("holds", holds).Msg(msg)
	return now
}

// Totals sums each counter over its labels, by name.
func Totals(g prometheus.Gatherer) map[string]float64 {
	totals := map[string]float64{}
	families, _ := g.Gather() // what could be gathered is there in any case
	for _, family := range families {
		for _, metric := range family.GetMetric() {
			if c := metric.GetCounter(); c != nil {
				totals[family.GetName()] += c.GetValue()
			}
		}
	}
	return totals
}

// ByLabel sums a counter by the values of one of its labels.
func ByLabel(g prometheus.Gatherer, name, label string) map[string]float64 {
	sums := map[string]float64{}
	families, _ := g.Gather() // what could be gathered is there in any case
	for _, family := range families {
		if family.GetName() != name {
			continue
		}
		for _, metric := range family.GetMetric() {
			for _, pair := range metric.GetLabel() {
				if pair.GetName() == label {
					sums[pair.GetValue()] += metric.GetCounter().GetValue()
				}
			}
		}
	}
	return sums
}
