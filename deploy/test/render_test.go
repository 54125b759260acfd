package deploytest

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"helm.sh/helm/v4/pkg/chart/common"
	"helm.sh/helm/v4/pkg/chart/common/util"
	chart "helm.sh/helm/v4/pkg/chart/v2"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	"helm.sh/helm/v4/pkg/engine"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"
)

const chartDir = "../chart"

// The release that all tests install.
const (
	releaseName = "leadbridge"
	namespace   = "crm"
)

// object is a manifest of the chart, decoded into its type; see decode.
type object struct {
	metav1.TypeMeta
	metav1.ObjectMeta
	template string
	text     string
	typed    any
}

func (o object) String() string { return o.Kind + " " + o.Name + " of " + o.template }

// release is what helm install would send for some values.
type release struct {
	objects []object
	notes   string
}

// load reads the chart as it stands in the work tree.
func load(t *testing.T) *chart.Chart {
	t.Helper()
	c, err := loader.Load(chartDir)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// tryRender renders c with values (YAML), as helm install does.
func tryRender(c *chart.Chart, values string) (map[string]string, error) {
	v, err := loader.LoadValues(strings.NewReader(values))
	if err != nil {
		return nil, err
	}
	options := common.ReleaseOptions{Name: releaseName, Namespace: namespace, Revision: 1, IsInstall: true}
	top, err := util.ToRenderValues(c, v, options, nil)
	if err != nil {
		return nil, err
	}
	return engine.Render(c, top)
}

// render decodes everything that the chart makes of values.
func render(t *testing.T, values string) release {
	t.Helper()
	return renderChart(t, load(t), values)
}

func renderChart(t *testing.T, c *chart.Chart, values string) release {
	t.Helper()
	files, err := tryRender(c, values)
	if err != nil {
		t.Fatal(err)
	}
	var r release
	for name, text := range files {
		switch base := filepath.Base(name); {
		case base == "NOTES.txt":
			r.notes = text
		case strings.HasSuffix(base, ".yaml"):
			r.objects = append(r.objects, manifests(t, name, text)...)
		}
	}
	slices.SortFunc(r.objects, func(a, b object) int { return strings.Compare(a.Kind+a.Name, b.Kind+b.Name) })
	return r
}

// manifests decodes the documents of one template.
func manifests(t *testing.T, template, text string) []object {
	t.Helper()
	var found []object
	for document := range strings.SplitSeq(text, "\n---") {
		if strings.TrimSpace(stripComments(document)) == "" {
			continue
		}
		o := object{template: template, text: document}
		var head struct {
			metav1.TypeMeta `json:",inline"`
			Metadata        metav1.ObjectMeta `json:"metadata"`
		}
		if err := yaml.Unmarshal([]byte(document), &head); err != nil {
			t.Fatalf("%s: %v\n%s", template, err, document)
		}
		o.TypeMeta, o.ObjectMeta = head.TypeMeta, head.Metadata
		typed, err := decode(o)
		if err != nil {
			t.Errorf("%s: %v\n%s", o, err, document)
		}
		o.typed = typed
		found = append(found, o)
	}
	return found
}

func stripComments(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(strings.TrimSpace(line), "#") {
			b.WriteString(line)
		}
	}
	return b.String()
}

// all gives the objects of a type.
func all[T any](r release) map[string]T {
	found := map[string]T{}
	for _, o := range r.objects {
		if typed, ok := o.typed.(T); ok {
			found[o.Name] = typed
		}
	}
	return found
}

// one gives the object of a type and a name.
func one[T any](t *testing.T, r release, name string) T {
	t.Helper()
	found, ok := all[T](r)[name]
	if !ok {
		t.Fatalf("there is no %T named %s", found, name)
	}
	return found
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
