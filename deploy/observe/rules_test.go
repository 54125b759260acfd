package observe

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/promql/promqltest"
	"github.com/prometheus/prometheus/rules"
	"github.com/prometheus/prometheus/storage"
)

// rulesFile holds the alerts, seen from this directory.
const rulesFile = "../chart/files/alerts.yaml"

// TestRulesAreValid is promtool's check, and what every alert of ours has.
func TestRulesAreValid(t *testing.T) {
	seen := map[string]bool{}
	for _, group := range ruleGroups(t).Groups {
		for _, r := range group.Rules {
			id := r.Alert + "/" + r.Labels["severity"]
			if seen[id] {
				t.Errorf("%s is there twice", id)
			}
			seen[id] = true
			switch {
			case !strings.HasPrefix(r.Alert, "Leadbridge"):
				t.Errorf("%s does not begin with Leadbridge", r.Alert)
			case !slices.Contains([]string{"critical", "warning"}, r.Labels["severity"]):
				t.Errorf("%s has the severity %q", r.Alert, r.Labels["severity"])
			case r.KeepFiringFor == 0:
				t.Errorf("%s may flap: it has no keep_firing_for", r.Alert)
			case r.Annotations["summary"] == "" || r.Annotations["description"] == "":
				t.Errorf("%s lacks a summary or a description", r.Alert)
			}
		}
	}
}

func newParser() parser.Parser { return parser.NewParser(parser.Options{}) }

func ruleGroups(t *testing.T) *rulefmt.RuleGroups {
	t.Helper()
	groups, errs := rulefmt.ParseFile(rulesFile, false, model.LegacyValidation, newParser(), slog.New(slog.DiscardHandler))
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	return groups
}

// A span is when an alert fired, in minutes: at the first and the last of its evaluations.
type span struct{ from, to int }

// fired evaluates all rules over a scene, once a minute, and tells when each alert fired:
// by its name and severity, and the labels that it has beside those of its job.
func fired(t *testing.T, s scene) map[string]span {
	t.Helper()
	stored := promqltest.LoadedStorage(t, s.load())
	engine := promqltest.NewTestEngine(t, false, 0, promqltest.DefaultMaxSamplesPerQuery)
	manager := rules.NewManager(&rules.ManagerOptions{
		Logger: slog.New(slog.DiscardHandler),
		Parser: newParser(),
	})
	groups, errs := manager.LoadGroups(time.Minute, labels.EmptyLabels(), "", nil, false, rulesFile)
	for _, err := range errs {
		t.Fatal(err)
	}
	spans := map[string]span{}
	query := overScene(t, engine, stored)
	for minute := range length {
		at := time.Unix(0, 0).Add(time.Duration(minute) * time.Minute)
		for _, g := range groups {
			for _, r := range g.AlertingRules() {
				if _, err := r.Eval(t.Context(), 0, at, query, nil, 0); err != nil {
					t.Fatalf("%s at minute %d: %v", r.Name(), minute, err)
				}
				note(t, spans, r, minute)
			}
		}
	}
	return spans
}

// overScene answers instant queries of a scene's minutes: each expression is evaluated once,
// over all of them.
func overScene(t *testing.T, engine *promql.Engine, from storage.Queryable) rules.QueryFunc {
	t.Helper()
	known := map[string]map[int64]promql.Vector{}
	return func(ctx context.Context, expr string, at time.Time) (promql.Vector, error) {
		if _, ok := known[expr]; !ok {
			begin := time.Unix(0, 0)
			q, err := engine.NewRangeQuery(ctx, from, nil, expr, begin, begin.Add(length*time.Minute), time.Minute)
			if err != nil {
				return nil, err
			}
			defer q.Close()
			matrix, err := q.Exec(ctx).Matrix()
			if err != nil {
				return nil, err
			}
			known[expr] = map[int64]promql.Vector{}
			for _, series := range matrix {
				for _, p := range series.Floats {
					known[expr][p.T] = append(known[expr][p.T], promql.Sample{Metric: series.Metric, T: p.T, F: p.F})
				}
			}
		}
		return known[expr][at.UnixMilli()], nil
	}
}

func note(t *testing.T, spans map[string]span, r *rules.AlertingRule, minute int) {
	t.Helper()
	for _, a := range r.ActiveAlerts() {
		if a.State != rules.StateFiring {
			continue
		}
		for name, text := range a.Annotations.Map() {
			if strings.Contains(text, "<error") || strings.Contains(text, "<no value>") {
				t.Fatalf("%s of %s is %q", name, r.Name(), text)
			}
		}
		id := r.Name() + "/" + a.Labels.Get("severity")
		a.Labels.Range(func(l labels.Label) {
			switch l.Name {
			case "alertname", "severity", "namespace", "job":
			default:
				id += " " + l.Name + "=" + l.Value
			}
		})
		if s, known := spans[id]; known {
			spans[id] = span{s.from, minute}
		} else {
			spans[id] = span{minute, minute}
		}
	}
}
