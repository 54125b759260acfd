package main

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/leadbridge/leadbridge/cmd/leadbridge/internal/service"
	"github.com/leadbridge/leadbridge/consumer"
	"github.com/leadbridge/leadbridge/crmclient"
	"github.com/leadbridge/leadbridge/internal/cluster"
	"github.com/leadbridge/leadbridge/statetopic"
	"github.com/leadbridge/leadbridge/transform"
	"github.com/leadbridge/leadbridge/webhook"
)

// TestDocsTellAllMetrics compares the tables of docs/metrics.md with what is registered:
// names, types and labels.
func TestDocsTellAllMetrics(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join(repository, "docs", "metrics.md"))
	if err != nil {
		t.Fatal(err)
	}
	told := map[string]string{}
	row := regexp.MustCompile("(?m)^\\| `(leadbridge_\\w+)` \\| (\\w+) \\| ([^|]*)\\|")
	for _, cells := range row.FindAllStringSubmatch(string(text), -1) {
		labels := strings.FieldsFunc(cells[3], func(r rune) bool { return strings.ContainsRune("`, ", r) })
		told[cells[1]] = cells[2] + " by " + strings.Join(slices.Sorted(slices.Values(labels)), " ")
	}
	is := registered(t)
	for _, name := range slices.Sorted(maps.Keys(is)) {
		if told[name] != is[name] {
			t.Errorf("docs/metrics.md tells %s as %q, and it is %q", name, told[name], is[name])
		}
	}
	for _, name := range slices.Sorted(maps.Keys(told)) {
		if is[name] == "" {
			t.Errorf("docs/metrics.md tells %s, which does not exist", name)
		}
	}
}

// book is a registry that remembers what was registered.
type book struct {
	*prometheus.Registry
	collectors []prometheus.Collector
}

func (b *book) Register(c prometheus.Collector) error {
	b.collectors = append(b.collectors, c)
	return b.Registry.Register(c)
}

func (b *book) MustRegister(all ...prometheus.Collector) {
	b.collectors = append(b.collectors, all...)
	b.Registry.MustRegister(all...)
}

// registered tells every metric of ours: its type and its labels.
func registered(t *testing.T) map[string]string {
	t.Helper()
	b := &book{Registry: service.NewRegistry("test")}
	b.collectors = append(b.collectors, b.Registry)
	crm, err := crmclient.New(crmclient.Config{BaseURL: "http://crm.test", APIKey: crmclient.Secret{Value: "vibe_api_x"}, Metrics: b})
	if err != nil {
		t.Fatal(err)
	}
	brokers := cluster.Brokers{Addresses: []string{"kafka.test:9092"}}
	if _, err := consumer.New(consumer.Config{
		Brokers: brokers, Topic: "leads", DeadLetterTopic: "leads.dlt", GroupID: "leadbridge", Metrics: b,
	}, &transform.Transformer{}, crm); err != nil {
		t.Fatal(err)
	}
	if _, err := statetopic.New(statetopic.Config{Brokers: brokers, Topic: "leads.state", Metrics: b}); err != nil {
		t.Fatal(err)
	}
	sources, err := webhook.ParseSources([]byte("sources:\n  - name: a\n    verify: {type: none}\n"), webhook.Environment{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := webhook.New(webhook.Config{Brokers: brokers, Topic: "leads", Sources: sources, Metrics: b}); err != nil {
		t.Fatal(err)
	}
	types := typesIn(t, b.Registry)
	found := map[string]string{}
	desc := regexp.MustCompile(`fqName: "(leadbridge_\w+)".*variableLabels: \{([^}]*)\}`)
	for _, c := range b.collectors {
		for _, d := range described(c) {
			parts := desc.FindStringSubmatch(d.String())
			if parts == nil {
				continue // not ours
			}
			typ := types[parts[1]]
			switch c.(type) {
			case *prometheus.CounterVec:
				typ = "counter"
			case *prometheus.HistogramVec:
				typ = "histogram"
			}
			if typ == "" { // shown with the first partition
				typ = "gauge"
			}
			labels := slices.Sorted(strings.SplitSeq(parts[2], ","))
			found[parts[1]] = typ + " by " + strings.Join(labels, " ")
		}
	}
	return found
}

func described(c prometheus.Collector) []*prometheus.Desc {
	out := make(chan *prometheus.Desc)
	go func() {
		defer close(out)
		c.Describe(out)
	}()
	return slices.Collect(func(yield func(*prometheus.Desc) bool) {
		for d := range out {
			yield(d)
		}
	})
}

// typesIn tells the types of the metrics that have series.
func typesIn(t *testing.T, g prometheus.Gatherer) map[string]string {
	t.Helper()
	families, err := g.Gather()
	if err != nil {
		t.Fatal(err)
	}
	types := map[string]string{}
	for _, f := range families {
		types[f.GetName()] = strings.ToLower(f.GetType().String())
	}
	return types
}
