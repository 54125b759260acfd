package deploytest

import (
	"maps"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"
)

// TestSelectorsNeverChange: a Deployment's selector cannot be changed, so an upgrade that brings
// another one fails. These are the selectors of every release there will be.
func TestSelectorsNeverChange(t *testing.T) {
	t.Parallel()
	later := load(t)
	later.Metadata.Version, later.Metadata.AppVersion = "9.9.9", "9.9.9"
	values := gate + "\ncommonLabels: {team: sales}\npodLabels: {a: b}\nimage: {tag: other}\nreplicaCount: 5"
	for name, r := range map[string]release{"this version": render(t, gate), "a later one with other values": renderChart(t, later, values)} {
		for workload, component := range map[string]string{"leadbridge": "consumer", "leadbridge-gate": "gate"} {
			want := map[string]string{"app.kubernetes.io/name": "leadbridge", "app.kubernetes.io/instance": "leadbridge", "app.kubernetes.io/component": component}
			d := one[*appsv1.Deployment](t, r, workload)
			if !maps.Equal(d.Spec.Selector.MatchLabels, want) || len(d.Spec.Selector.MatchExpressions) > 0 {
				t.Errorf("%s: %s is chosen by %v", name, workload, d.Spec.Selector)
			}
			if s := one[*corev1.Service](t, r, workload); !maps.Equal(s.Spec.Selector, want) {
				t.Errorf("%s: Service %s chooses %v", name, workload, s.Spec.Selector)
			}
		}
	}
}

// TestWhatReplacesPods tells for each change which pods are replaced by it: what is read at the start
// replaces those that read it, what is read again replaces none.
func TestWhatReplacesPods(t *testing.T) {
	t.Parallel()
	const base = "{mapping: {program: .}, gate: {enabled: true, sources: [{name: a, verify: {type: none}}]}}"
	before := templates(t, render(t, base))
	chartOnly := load(t)
	chartOnly.Metadata.Version = "9.9.9"
	if got := changed(before, templates(t, renderChart(t, chartOnly, base))); len(got) > 0 {
		t.Errorf("a new version of the chart alone replaces %v", got)
	}
	for name, c := range map[string]struct {
		values string
		want   []string
	}{
		"another mapping":     {"{mapping: {program: .data}, gate: {enabled: true, sources: [{name: a, verify: {type: none}}]}}", []string{"leadbridge"}},
		"another source":      {"{mapping: {program: .}, gate: {enabled: true, sources: [{name: b, verify: {type: none}}]}}", []string{"leadbridge-gate"}},
		"another setting":     {"{mapping: {program: .}, crm: {settle: 9s}, gate: {enabled: true, sources: [{name: a, verify: {type: none}}]}}", []string{"leadbridge"}},
		"another image":       {"{image: {tag: next}, mapping: {program: .}, gate: {enabled: true, sources: [{name: a, verify: {type: none}}]}}", []string{"leadbridge", "leadbridge-gate"}},
		"another number":      {"{replicaCount: 4, mapping: {program: .}, gate: {enabled: true, sources: [{name: a, verify: {type: none}}]}}", nil},
		"network and scrapes": {"{networkPolicy: {enabled: false}, metrics: {serviceMonitor: {enabled: true}}, mapping: {program: .}, gate: {enabled: true, sources: [{name: a, verify: {type: none}}]}}", nil},
	} {
		if got := changed(before, templates(t, render(t, c.values))); !slices.Equal(got, c.want) {
			t.Errorf("%s replaces %v, not %v", name, got, c.want)
		}
	}
}

// templates are the pod templates of the Deployments, as text.
func templates(t *testing.T, r release) map[string]string {
	t.Helper()
	found := map[string]string{}
	for name, d := range all[*appsv1.Deployment](r) {
		text, err := yaml.Marshal(d.Spec.Template)
		if err != nil {
			t.Fatal(err)
		}
		found[name] = string(text)
	}
	return found
}

func changed(before, after map[string]string) []string {
	var names []string
	for name, text := range before {
		if after[name] != text {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// TestReplayRunsAnew: a Job cannot be changed, so one that differs has another name; the same one
// keeps its name, and an upgrade does not run it again.
func TestReplayRunsAnew(t *testing.T) {
	t.Parallel()
	name := func(values string) string {
		return slices.Collect(maps.Keys(all[*batchv1.Job](render(t, values))))[0]
	}
	first := name(`replay: {enabled: true}`)
	if again := name(`{replay: {enabled: true}, replicaCount: 2, log: {level: debug}, commonLabels: {}}`); again != first {
		t.Errorf("the same replay has two names: %s and %s", first, again)
	}
	for _, values := range []string{`replay: {enabled: true, run: "2"}`, `replay: {enabled: true, args: ["--dry-run"]}`, `{replay: {enabled: true}, kafka: {topic: x}}`, `{replay: {enabled: true}, image: {tag: x}}`} {
		if other := name(values); other == first {
			t.Errorf("%s: the Job would be changed in place", values)
		}
	}
}

// TestEventsOutliveTheRelease: helm uninstall takes no topic with it.
func TestEventsOutliveTheRelease(t *testing.T) {
	t.Parallel()
	topics := all[*kafkaTopic](render(t, strimzi))
	if len(topics) != 4 {
		t.Fatalf("%d topics", len(topics))
	}
	partitions := map[string]int{"leads": 12, "leads.dlt": 12, "leads-results": 12, "leads.state": 1}
	for name, topic := range topics {
		if topic.Annotations["helm.sh/resource-policy"] != "keep" {
			t.Errorf("%s is deleted with the release", name)
		}
		if topic.Labels["strimzi.io/cluster"] != "main" || topic.Spec.Partitions != partitions[name] {
			t.Errorf("%s: %+v", name, topic)
		}
	}
}

// notesAreClean: what is shown after an install is rendered whole.
func notesAreClean(t *testing.T, r release) {
	if !strings.Contains(r.notes, "is installed as leadbridge in crm") || strings.Contains(r.notes, "<no value>") || strings.Contains(r.notes, "%!") {
		t.Errorf("the notes:\n%s", r.notes)
	}
}

// TestNotes looks for what somebody has to know.
func TestNotes(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		values    string
		want, not string
	}{
		"no key":            {``, "create secret generic leadbridge-crm --from-literal=api-key=", ""},
		"a key":             {`crm: {existingSecret: portal}`, "", "create secret"},
		"no brokers":        {``, "WARNING: kafka.brokers is not set", ""},
		"brokers":           {`kafka: {brokers: "a:9092"}`, "", "kafka.brokers is not set"},
		"an open source":    {gate, "WARNING: anybody may send to /hooks/contact.", "/hooks/site."},
		"secrets elsewhere": {matrix["strimzi, tls"], "WARNING: Strimzi makes the users' Secrets in kafka", ""},
		"scaled":            {matrix["keda"], "More consumers do not raise the CRM's quota", ""},
		"the page":          {matrix["admin"], "port-forward svc/leadbridge-admin 8081", ""},
		"a replay":          {matrix["replay"], "switch replay.enabled off", ""},
		"where it may go":   {matrix["tls"], "(ports 9093, 9092) and the CRM (port 443) only", ""},
		"a CRM elsewhere":   {matrix["crm"], "the CRM (port 8443)", ""},
	} {
		notes := render(t, c.values).notes
		if !strings.Contains(notes, c.want) {
			t.Errorf("%s: the notes do not say %q:\n%s", name, c.want, notes)
		}
		if c.not != "" && strings.Contains(notes, c.not) {
			t.Errorf("%s: the notes say %q:\n%s", name, c.not, notes)
		}
	}
}
