package webhook

import (
	"slices"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

// A rate over a series that begins at 1 sees no increase: those of each source begin at 0.
func TestSeriesBeginAtZero(t *testing.T) {
	registry := prometheus.NewRegistry()
	if _, err := newMetrics(registry, []string{"a", "b"}); err != nil {
		t.Fatal(err)
	}
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]int{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if m.GetCounter().GetValue() == 0 {
				found[f.GetName()]++
			}
		}
	}
	for name, want := range map[string]int{
		"leadbridge_ingest_requests_total":       2*len(outcomes()) + 1, // and what is for no source
		"leadbridge_ingest_unmapped_total":       2,
		"leadbridge_ingest_write_failures_total": 1,

		"leadbridge_ingest_connections_closed_total": 2,
	} {
		if found[name] != want {
			t.Errorf("%s has %d series at 0, want %d", name, found[name], want)
		}
	}
}

// counted is the sum of a counter's series that have a label of that value.
func (r *rig) counted(name, value string) (sum float64) {
	r.t.Helper()
	families, err := r.registry.Gather()
	if err != nil {
		r.t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() == name && slices.ContainsFunc(m.GetLabel(), func(l *dto.LabelPair) bool { return l.GetValue() == value }) {
				sum += m.GetCounter().GetValue()
			}
		}
	}
	return sum
}

// Every status that a sender may be answered is among the outcomes that begin at 0.
func TestOutcomesAreAll(t *testing.T) {
	known := map[string]bool{}
	for _, outcome := range outcomes() {
		known[outcome] = true
	}
	for _, err := range []error{
		errEmptyBody, unverified{errEmptyBody, false}, tooMany{}, errManyUnderWay, errMediaType, errEncoding, errTooSlow, errTooLarge, errEventTooLarge,
		errRecordTooLarge, errOurs, errOverloaded, errNotAcknowledged, nil,
	} {
		if outcome := outcomeOf(err, delivery{}); !known[outcome] {
			t.Errorf("outcome %s of %v does not begin at 0", outcome, err)
		}
	}
	for _, dropped := range []string{outcomeHoneypot, outcomeIgnored, outcomeSkipped} {
		if outcome := outcomeOf(nil, delivery{dropped: dropped}); outcome != dropped || !known[outcome] {
			t.Errorf("outcome %s of %s does not begin at 0", outcome, dropped)
		}
	}
}
