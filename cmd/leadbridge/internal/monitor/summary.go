package monitor

import (
	"context"
	"slices"
	"time"

	"github.com/rs/zerolog"

	"github.com/leadbridge/leadbridge/consumer"
	"github.com/leadbridge/leadbridge/internal/sums"
)

// summaryCounts are the counts of the summary line. Each is the sum of a counter's series: of all of them, or of those
// whose label has the value.
var summaryCounts = []struct{ field, metric, label, value string }{
	{"consumed", "leadbridge_records_consumed_total", "", ""},
	{"created", "leadbridge_contacts_total", "how", "created"},
	{"already_there", "leadbridge_contacts_total", "how", "found"},
	{"matched", "leadbridge_contacts_total", "how", "matched"},
	{"skipped", "leadbridge_records_skipped_total", "", ""},
	{"dead_lettered", "leadbridge_dead_letters_total", "", ""},
	{"crm_requests", "leadbridge_crm_requests_total", "", ""},
	{"retries", "leadbridge_crm_retries_total", "", ""},
	{"in_doubt", "leadbridge_crm_in_doubt_total", "", ""},
	{"lost_to_retention", "leadbridge_records_lost_total", "", ""},
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

// LogTotals logs the counts since the start of the process, with this message.
func (m *Monitor) LogTotals(log zerolog.Logger, msg string) { m.logCounts(log, msg, nil) }

// logCounts logs how much the counts have grown since before, and returns the present ones.
func (m *Monitor) logCounts(log zerolog.Logger, msg string, before map[string]float64) map[string]float64 {
	counts := sums.Gather(m.Metrics)
	now := make(map[string]float64, len(summaryCounts))
	s := m.Status()
	e := log.Info().Str("state", string(s.State))
	for _, c := range summaryCounts {
		now[c.field] = counts.Of(c.metric)
		if c.label != "" {
			now[c.field] = counts.By(c.metric, c.label)[c.value]
		}
		e = e.Int64(c.field, int64(now[c.field]-before[c.field]))
	}
	holds := make([]string, 0, len(s.Holds))
	for _, h := range s.Holds {
		holds = append(holds, string(h.Cause))
	}
	e.Int("partitions", len(s.Partitions)).Any("lag", s.Lag).Int("parked", s.parked()).Strs("holds", holds).
		Array("waiting", waitingLog(s.Waiting)).Msg(msg)
	return now
}

// parked counts the events that wait for something of their own.
func (s Status) parked() int {
	n := 0
	for _, p := range slices.Concat(s.Partitions, s.stopped) {
		n += p.Parked
	}
	return n
}

// waitingLog writes what makes events wait: why, how many, for how many seconds, until when.
type waitingLog []consumer.Waiting

// MarshalZerologArray implements [zerolog.LogArrayMarshaler].
func (all waitingLog) MarshalZerologArray(a *zerolog.Array) {
	for _, w := range all {
		a.Object(waitLog(w))
	}
}

type waitLog consumer.Waiting

// MarshalZerologObject implements [zerolog.LogObjectMarshaler].
func (w waitLog) MarshalZerologObject(e *zerolog.Event) {
	e.Str("why", string(w.Why)).Any("events", w.Events).Time("since", w.Since)
	if !w.Until.IsZero() {
		e.Time("until", w.Until)
	}
}
