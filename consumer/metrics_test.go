package consumer

import (
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

// series tells the value of each series of a metric by its one label's value.
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

// A rate over a series that begins at 1 sees no increase: all of them begin at 0.
func TestSeriesBeginAtZero(t *testing.T) {
	registry := prometheus.NewRegistry()
	if _, err := newMetrics(registry); err != nil {
		t.Fatal(err)
	}
	for name, labels := range map[string][]string{
		"leadbridge_contacts_total":        {"created", "found"},
		"leadbridge_records_skipped_total": {"done", "tombstone"},
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

// The README's table of reasons is the set that dead letters may have.
func TestReasonsAreThoseOfTheReadme(t *testing.T) {
	text, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, found := strings.Cut(string(text), "| reason | what happened | what to do |")
	if !found {
		t.Fatal("the README has no table of reasons")
	}
	var told []string
	for line := range strings.SplitSeq(strings.TrimSpace(table), "\n") {
		if !strings.HasPrefix(line, "|") {
			break
		}
		if _, cell, ok := strings.Cut(line, "| `"); ok {
			reason, _, _ := strings.Cut(cell, "`")
			told = append(told, reason)
		}
	}
	want := slices.Sorted(slices.Values(Reasons()))
	if slices.Sort(told); !slices.Equal(told, want) {
		t.Errorf("the README tells the reasons %v, want %v", told, want)
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
		var b board
		if b.retain(text); b.retained() != want {
			t.Errorf("retention.ms=%s is %v s, want %v", text, b.retained(), want)
		}
	}
}
