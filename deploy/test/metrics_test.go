package deploytest

import (
	"encoding/json"
	"path/filepath"
	"reflect"
	"testing"

	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"
)

// TestFilesArriveWhole: alerts and dashboard reach the cluster as their files say, with the labels by
// which they are found.
func TestFilesArriveWhole(t *testing.T) {
	t.Parallel()
	r := render(t, `metrics: {prometheusRule: {enabled: true, labels: {release: prometheus}}, dashboard: {enabled: true}}`)
	var want monitoringv1.PrometheusRuleSpec
	if err := yaml.UnmarshalStrict([]byte(read(t, filepath.Join(chartDir, "files", "alerts.yaml"))), &want); err != nil {
		t.Fatal(err)
	}
	rule := one[*monitoringv1.PrometheusRule](t, r, "leadbridge")
	if len(want.Groups) == 0 || !reflect.DeepEqual(rule.Spec, want) || rule.Labels["release"] != "prometheus" {
		t.Errorf("the PrometheusRule is not files/alerts.yaml: labels %v", rule.Labels)
	}
	dashboard := one[*corev1.ConfigMap](t, r, "leadbridge-dashboard")
	var got, file map[string]any
	if err := json.Unmarshal([]byte(dashboard.Data["leadbridge.json"]), &got); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(read(t, filepath.Join(chartDir, "files", "dashboard.json"))), &file); err != nil {
		t.Fatal(err)
	}
	if len(file) == 0 || !reflect.DeepEqual(got, file) || dashboard.Labels["grafana_dashboard"] != "1" {
		t.Errorf("the ConfigMap is not files/dashboard.json: labels %v", dashboard.Labels)
	}
}
