package observe

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
)

// alertWithoutHold names the alerts of holds that have none of their own: preparing is the one hold that does not keep
// LeadbridgeNoProgress silent, as it lasts for moments.
var alertWithoutHold = map[string]string{"preparing": "LeadbridgeNoProgress"}

// everyHoldHasAnAlert compares the causes of holds that the running binary tells with the alerts, and with the runbook's
// sections of these, which name the cause.
func (r *rig) everyHoldHasAnAlert() {
	r.Helper()
	sections := runbookSections(r.T)
	causes := r.valuesOf("cause", "leadbridge_crm_held", "leadbridge_consumer_held")
	if len(causes) < 10 {
		r.Fatalf("the causes of holds are read wrongly: %v", causes)
	}
	for _, cause := range causes {
		if alertWithoutHold[cause] != "" {
			continue
		}
		alerts := r.alertsOf(cause)
		if len(alerts) == 0 {
			r.Errorf("no alert fires for the hold %s", cause)
		} else if !slices.ContainsFunc(alerts, func(name string) bool { return strings.Contains(sections[name], "`"+cause+"`") }) {
			r.Errorf("no section of docs/runbook.md of the alerts %v names the hold `%s`", alerts, cause)
		}
	}
}

// everyWaitIsInTheRunbook compares what events may wait for, as the running binary tells, with the runbook's table.
func (r *rig) everyWaitIsInTheRunbook() {
	r.Helper()
	_, table, _ := strings.Cut(runbookSections(r.T)[firstLook], "| `why` |")
	table, _, _ = strings.Cut(table, "\n\n")
	told := map[string]bool{}
	for _, row := range regexp.MustCompile("(?m)^\\| (`.*?) \\|").FindAllStringSubmatch(table, -1) {
		for why := range strings.SplitSeq(row[1], ", ") {
			told[strings.Trim(why, "`")] = true
		}
	}
	known := map[string]bool{}
	for _, why := range r.valuesOf("why", "leadbridge_waiting_events") {
		known[why] = true
	}
	if !maps.Equal(told, known) {
		r.Errorf("docs/runbook.md says that events wait for %v, and the metric has %v", slices.Sorted(maps.Keys(told)), slices.Sorted(maps.Keys(known)))
	}
}

// valuesOf returns the values of a label in the last scrape's series of some metrics.
func (r *rig) valuesOf(label string, metrics ...string) []string {
	r.Helper()
	found := map[string]bool{}
	for series := range r.scraped.latest {
		tree, err := newParser().ParseMetric(series)
		if err != nil {
			r.Fatalf("%s: %v", series, err)
		}
		if slices.Contains(metrics, tree.Get("__name__")) {
			found[tree.Get(label)] = true
		}
	}
	return slices.Sorted(maps.Keys(found))
}

// alertsOf returns the alerts that choose series of a hold by its cause.
func (r *rig) alertsOf(cause string) (names []string) {
	r.Helper()
	for _, group := range ruleGroups(r.T).Groups {
		for _, rule := range group.Rules {
			tree, err := newParser().ParseExpr(rule.Expr)
			if err != nil {
				r.Fatal(err)
			}
			parser.Inspect(tree, func(n parser.Node, _ []parser.Node) error {
				if s, ok := n.(*parser.VectorSelector); ok && slices.ContainsFunc(s.LabelMatchers, func(m *labels.Matcher) bool {
					return m.Name == "cause" && (m.Type == labels.MatchEqual || m.Type == labels.MatchRegexp) && m.Matches(cause)
				}) {
					names = append(names, rule.Alert)
				}
				return nil
			})
		}
	}
	return names
}

// firstLook is the runbook's section that is for no alert.
const firstLook = "First look"

// runbookSections returns the texts of the runbook's sections by their titles.
func runbookSections(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(docs, "runbook.md"))
	if err != nil {
		t.Fatal(err)
	}
	sections := map[string]string{}
	for part := range strings.SplitSeq(string(text), "\n## ") {
		title, body, _ := strings.Cut(part, "\n")
		sections[strings.TrimSpace(title)] = body
	}
	return sections
}
