package observe

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/promql/promqltest"
	"github.com/prometheus/prometheus/storage"
)

// maxSamples is what a query may load: as by default in Prometheus. How many there are depends on
// how often was scraped until everything had happened, and so on the machine.
const maxSamples = 50_000_000

// TestExpressionsFindSeries asks every expression of the dashboard and of the alerts of what the
// running binary tells: each part of one must find a series, with the labels that it sums by. What an expression compares with is
// left out, as a healthy process is to be silent.
func TestExpressionsFindSeries(t *testing.T) {
	r := newRig(t)
	r.live()
	a := asker{promqltest.NewTestEngine(t, false, 0, maxSamples), r.scraped.storage, r.scraped.minutes}
	for _, p := range readBoard(t).Panels {
		for _, target := range p.Targets {
			a.ask(t, fmt.Sprintf("panel %q, %s", p.Title, target.RefID), chosen(target.Expr))
		}
	}
	for _, annotation := range readBoard(t).Annotations.List {
		a.ask(t, "annotation "+annotation.Name, chosen(annotation.Expr))
	}
	for _, group := range ruleGroups(t).Groups {
		for _, rule := range group.Rules {
			a.ask(t, "alert "+rule.Alert, rule.Expr)
		}
	}
	r.comparedWithDocs()
	r.everyHoldHasAnAlert()
	r.everyWaitIsInTheRunbook()
}

// chosen puts in what Grafana puts in for its variables, with everything chosen.
func chosen(expr string) string {
	return strings.NewReplacer("$__rate_interval", "5m", "$namespace", ".*", "$job", "leadbridge|leadbridge-gate", "$portal", ".*").Replace(expr)
}

// asker asks expressions of a storage.
type asker struct {
	engine  *promql.Engine
	storage storage.Queryable
	minutes int
}

// ask fails when a part of an expression finds nothing at any time.
func (a asker) ask(t *testing.T, where, expr string) {
	t.Helper()
	tree, err := newParser().ParseExpr(expr)
	if err != nil {
		t.Errorf("%s: %v", where, err)
		return
	}
	parser.Inspect(tree, func(n parser.Node, _ []parser.Node) error {
		part, ok := n.(parser.Expr)
		if !ok || part.Type() != parser.ValueTypeVector || conditional(part) {
			return nil
		}
		found, err := a.finds(t, part.String())
		if err != nil || len(found) == 0 {
			t.Errorf("%s: no series for %s: %v", where, part, err)
			return nil
		}
		if sum, ok := part.(*parser.AggregateExpr); ok && !sum.Without {
			for _, label := range sum.Grouping {
				if !slices.ContainsFunc(found, func(s promql.Series) bool { return s.Metric.Has(label) }) {
					t.Errorf("%s: no series has the label %s of %s", where, label, part)
				}
			}
		}
		return nil
	})
}

func (a asker) finds(t *testing.T, expr string) (promql.Matrix, error) {
	t.Helper()
	begin := time.Unix(0, 0)
	q, err := a.engine.NewRangeQuery(t.Context(), a.storage, nil, expr, begin, begin.Add(time.Duration(a.minutes)*time.Minute), time.Minute)
	if err != nil {
		return nil, err
	}
	defer q.Close()
	return q.Exec(t.Context()).Matrix()
}

// conditional tells expressions that find nothing when all is well.
func conditional(e parser.Expr) bool {
	found := false
	parser.Inspect(e, func(n parser.Node, _ []parser.Node) error {
		switch n := n.(type) {
		case *parser.BinaryExpr:
			found = found || n.Op.IsComparisonOperator() || n.Op == parser.LUNLESS
		case *parser.Call:
			found = found || n.Func.Name == "absent"
		}
		return nil
	})
	return found
}

// comparedWithDocs compares the tables of docs/metrics.md with what was scraped.
func (r *rig) comparedWithDocs() {
	r.Helper()
	text, err := os.ReadFile(filepath.Join(docs, "metrics.md"))
	if err != nil {
		r.Fatal(err)
	}
	told := map[string]string{}
	for _, cells := range regexp.MustCompile("(?m)^\\| `(leadbridge_\\w+)` \\| (\\w+) \\|").FindAllStringSubmatch(string(text), -1) {
		told[cells[1]] = cells[2]
	}
	for name, typ := range r.scraped.types {
		if strings.HasPrefix(name, "leadbridge_") && told[name] != typ {
			r.Errorf("docs/metrics.md tells %s as %q, and it is a %s", name, told[name], typ)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(told)) {
		if r.scraped.types[name] == "" {
			r.Errorf("%s of docs/metrics.md was never scraped", name)
		}
	}
}
