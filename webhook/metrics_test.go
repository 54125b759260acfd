package webhook

import (
	"testing"

	"github.com/prometheus/client_golang/prometheus"
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
	} {
		if found[name] != want {
			t.Errorf("%s has %d series at 0, want %d", name, found[name], want)
		}
	}
}

// Every status that a sender may be answered is among the outcomes that begin at 0.
func TestOutcomesAreAll(t *testing.T) {
	known := map[string]bool{}
	for _, outcome := range outcomes() {
		known[outcome] = true
	}
	for _, err := range []error{
		errEmptyBody, unverified{errEmptyBody}, tooMany{}, errMediaType, errCharset, errEncoding, errTooSlow, errTooLarge, errEventTooLarge,
		errRecordTooLarge, errOurs, errNoRoom, errNotAcknowledged, nil,
	} {
		if outcome := outcomeOf(err, delivery{}); !known[outcome] {
			t.Errorf("outcome %s of %v does not begin at 0", outcome, err)
		}
	}
	for _, dropped := range []string{outcomeHoneypot, outcomeIgnored} {
		if outcome := outcomeOf(nil, delivery{dropped: dropped}); outcome != dropped || !known[outcome] {
			t.Errorf("outcome %s of %s does not begin at 0", outcome, dropped)
		}
	}
}
