package main

import (
	"bytes"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/leadbridge/leadbridge/bench/internal/sim"
)

// variable finds what a configuration reads from the environment.
var variable = regexp.MustCompile(`\$\{([A-Z_]+)\}`)

func TestConfigurationsOfPeers(t *testing.T) {
	t.Parallel()
	for name, config := range map[string][]byte{"bento.yaml": bentoConfig, "bento-batches.yaml": bentoBatchesConfig} {
		p, err := bentoProgram("bento", "/bin/bento", config)(world{brokers: []string{"a:1", "b:2"}, dir: t.TempDir(), requests: sim.Documented()})
		if err != nil {
			t.Fatal(err)
		}
		given := map[string]string{}
		for _, pair := range p.Env {
			key, value, _ := strings.Cut(pair, "=")
			given[key] = value
		}
		if given["KAFKA_BROKERS"] != "a:1,b:2" {
			t.Errorf("brokers are %q", given["KAFKA_BROKERS"])
		}
		filled := variable.ReplaceAllFunc(config, func(match []byte) []byte {
			value, ok := given[string(variable.FindSubmatch(match)[1])]
			if !ok {
				t.Errorf("%s reads %s, which is not given", name, match)
			}
			return []byte(value)
		})
		var parsed struct {
			HTTP       struct{ Enabled bool }
			Input      map[string]any
			Output     map[string]any
			RateLimits []struct {
				Label string
				Local struct {
					Count    int
					Interval time.Duration
				}
			} `yaml:"rate_limit_resources"`
		}
		if err := yaml.Unmarshal(filled, &parsed); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if parsed.HTTP.Enabled || parsed.Input["kafka_franz"] == nil || len(parsed.Output) != 1 || len(parsed.RateLimits) != 1 {
			t.Errorf("%s: %+v", name, parsed)
			continue
		}
		if l := parsed.RateLimits[0].Local; l.Count != 1 || l.Interval != time.Minute/300 {
			t.Errorf("%s: the documented limits make %d each %s", name, l.Count, l.Interval)
		}
		if !bytes.Contains(config, []byte("rate_limit: crm")) {
			t.Errorf("%s has a rate limit that nothing uses", name)
		}
	}
}

func TestLimitsOfPeers(t *testing.T) {
	t.Parallel()
	if got, want := bentoLimit(sim.Portal{}), []string{"CRM_LIMIT_COUNT=1000000", "CRM_LIMIT_INTERVAL=1s"}; !slices.Equal(got, want) {
		t.Errorf("no limits: %v, want %v", got, want)
	}
	if got, want := bentoLimit(sim.Portal{PerMinute: 6000, PerSecond: 10}), []string{"CRM_LIMIT_COUNT=1", "CRM_LIMIT_INTERVAL=100ms"}; !slices.Equal(got, want) {
		t.Errorf("ten a second: %v, want %v", got, want)
	}
}

func TestVersionsOfPeers(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"Version: v1.20.0\nDate: 2026-07-27T10:00:00Z\n": "v1.20.0",
		"something else 4.1\n":                           "something else 4.1",
		"":                                               "",
	} {
		if got := peerVersion(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

// TestContestantsAreToldTheSame keeps a setting of one from being forgotten for another.
func TestContestantsAreToldTheSame(t *testing.T) {
	t.Parallel()
	w := world{brokers: []string{"a:1"}, topic: "leads", dlt: "leads.dlt", group: "g", url: "http://crm", requests: sim.Documented(), dir: t.TempDir(), leadbridge: "/bin/leadbridge", itself: "/bin/peers"}
	all := ourselves("v1")
	all = append(all, contestant{Name: "bento", program: bentoProgram("bento", "/bin/bento", bentoConfig)})
	for _, who := range all {
		p, err := who.program(w)
		if err != nil {
			t.Fatal(err)
		}
		if p.File == "" || p.Ready == "" || p.Name == "" {
			t.Errorf("%s: %+v", who.Name, p)
		}
		for _, pair := range w.env() {
			if !slices.Contains(p.Env, pair) {
				t.Errorf("%s is not told %s", who.Name, pair)
			}
		}
	}
}
