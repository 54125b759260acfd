package consumer

import (
	"maps"
	"math"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"github.com/leadbridge/leadbridge/crmclient"
)

// series returns the values of a metric's series, by the value of their only label.
func series(t *testing.T, g prometheus.Gatherer, name string) map[string]float64 {
	t.Helper()
	families, err := g.Gather()
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]float64{}
	for _, f := range families {
		if f.GetName() != name {
			continue
		}
		for _, m := range f.GetMetric() {
			label := ""
			if pairs := m.GetLabel(); len(pairs) == 1 {
				label = pairs[0].GetValue()
			}
			found[label] = valueOf(m)
		}
	}
	return found
}

func valueOf(m *dto.Metric) float64 { return m.GetCounter().GetValue() + m.GetGauge().GetValue() }

// Every series begins at 0: a rate over a series that begins at 1 would miss the first increase.
func TestSeriesBeginAtZero(t *testing.T) {
	registry := prometheus.NewRegistry()
	if _, err := newMetrics(registry); err != nil {
		t.Fatal(err)
	}
	for name, labels := range map[string][]string{
		"leadbridge_contacts_total":        {"created", "found", "matched"},
		"leadbridge_delivered_total":       {"comment", "contact", "deal", "lead"},
		"leadbridge_records_skipped_total": {"done", "mapping", "tombstone"},
		"leadbridge_commits_total":         {"failed", "ok"},
		"leadbridge_dead_letters_total":    Reasons(),
	} {
		found := series(t, registry, name)
		if len(found) != len(labels) {
			t.Errorf("%s has the series %v, want %v", name, found, labels)
		}
		for _, label := range labels {
			if value, ok := found[label]; !ok || value != 0 {
				t.Errorf("%s of %s is %v, want 0", name, label, value)
			}
		}
	}
}

func TestRetentionIsShown(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		registry := prometheus.NewRegistry()
		p := r.start(func(c *Config) { c.Metrics = registry })
		const name = "leadbridge_topic_retention_seconds"
		r.await("the retention", func() bool { return len(series(t, registry, name)) == 1 })
		if got := series(t, registry, name)[""]; got != 7*24*3600 {
			t.Errorf("retention %v s, want the broker's default of a week", got)
		}
		p.shutdown(t)
	})
}

func TestRetained(t *testing.T) {
	for text, want := range map[string]float64{"86400000": 86400, "0": 0, "-1": math.Inf(1), "": 0, "a week": 0} {
		var b statusBoard
		if b.noteRetention(text); b.retentionSeconds() != want {
			t.Errorf("retention.ms=%s is %v s, want %v", text, b.retentionSeconds(), want)
		}
	}
}

// Each event is counted once, by the kind of the object that it became.
func TestDeliveredByKind(t *testing.T) {
	registry := prometheus.NewRegistry()
	m, err := newMetrics(registry)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range []crmclient.Result{
		{ContactID: 1}, {ContactID: 1, Found: true}, {LeadID: 1}, {LeadID: 2, ContactID: 1, Matched: true}, {ContactID: 1, DealID: 1},
		{ContactID: 1, DealID: 2, Matched: true}, {ContactID: 1, DealID: 3, Found: true}, {ContactID: 1, Matched: true},
	} {
		m.created(r, time.Second, nil)
	}
	want := map[string]float64{"contact": 2, "lead": 2, "deal": 3, "comment": 1}
	if found := series(t, registry, "leadbridge_delivered_total"); !maps.Equal(found, want) {
		t.Errorf("%v, want %v", found, want)
	}
}
