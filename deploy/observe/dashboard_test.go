package observe

import (
	"encoding/json"
	"errors"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/cog/plugins"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

const dashboardFile = "../chart/files/dashboard.json"

// board is what the tests read of the dashboard.
type board struct {
	Panels      []panel
	Annotations struct {
		List []struct {
			Name       string
			Expr       string
			Datasource source
		}
	}
	Templating struct {
		List []struct {
			Name, Type, Definition string
			Datasource             source
		}
	}
}

type source struct{ Type, UID string }

type panel struct {
	ID                       int
	Type, Title, Description string
	Datasource               source
	GridPos                  struct{ X, Y, W, H int }
	FieldConfig              struct{ Defaults struct{ Unit string } }
	Targets                  []struct {
		Expr, RefID, LegendFormat string
		Datasource                source
	}
}

// selectors finds the names of metrics and their labels.
var selectors = regexp.MustCompile(`(\w*)\{([^}]*)\}`)

func readBoard(t *testing.T) board {
	t.Helper()
	text, err := os.ReadFile(dashboardFile)
	if err != nil {
		t.Fatal(err)
	}
	var b board
	if err := json.Unmarshal(text, &b); err != nil {
		t.Fatal(err)
	}
	return b
}

// TestDashboardDecodes reads it into Grafana's own types, in which no field is unknown.
func TestDashboardDecodes(t *testing.T) {
	plugins.RegisterDefaultPlugins()
	text, err := os.ReadFile(dashboardFile)
	if err != nil {
		t.Fatal(err)
	}
	var d dashboard.Dashboard //nolint:staticcheck // the form that sidecars and provisioning read; the newer one is for the API alone
	err = d.UnmarshalJSONStrict(text)
	if faults, ok := errors.AsType[cog.BuildErrors](err); !ok || len(faults) > 0 { // an empty list says that all is well
		t.Error(err)
	}
	if err := d.Validate(); err != nil {
		t.Error(err)
	}
}

// TestPanels finds what Grafana takes and nobody can read: panels that lie upon each other, lack a
// unit, show other jobs' processes, or stick to one data source.
func TestPanels(t *testing.T) {
	const chosen = "${datasource}"
	b := readBoard(t)
	ids, taken := map[int]bool{}, map[[2]int]string{}
	for _, p := range b.Panels {
		if ids[p.ID] {
			t.Errorf("%q has the id of another panel", p.Title)
		}
		ids[p.ID] = true
		for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
			for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
				if other, ok := taken[[2]int{x, y}]; ok {
					t.Fatalf("%q lies upon %q", p.Title, other)
				}
				taken[[2]int{x, y}] = p.Title
			}
		}
		if p.GridPos.X+p.GridPos.W > 24 {
			t.Errorf("%q is too wide", p.Title)
		}
		if p.Type == "row" {
			continue
		}
		if p.Datasource.UID != chosen || len(p.Targets) == 0 {
			t.Errorf("%q does not ask the chosen data source", p.Title)
		}
		if p.FieldConfig.Defaults.Unit == "" && p.Type != "state-timeline" {
			t.Errorf("%q has no unit", p.Title)
		}
		for _, target := range p.Targets {
			if target.Datasource.UID != chosen {
				t.Errorf("%q asks another data source", p.Title)
			}
			for _, selector := range selectors.FindAllStringSubmatch(target.Expr, -1) {
				want := `namespace=~"$namespace",job=~"$job"`
				if !strings.HasPrefix(selector[1], "leadbridge_ingest_") { // a gate serves several portals
					want += `,portal=~"$portal"`
				}
				if !strings.HasPrefix(selector[2], want) {
					t.Errorf("%q does not keep to the chosen namespaces, jobs and portals: %s", p.Title, target.Expr)
				}
			}
		}
	}
	for _, v := range b.Templating.List {
		if v.Type == "query" && v.Datasource.UID != chosen {
			t.Errorf("variable %s asks another data source", v.Name)
		}
	}
}
