package deploytest

import (
	"path/filepath"
	"testing"

	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	appsv1 "k8s.io/api/apps/v1"
	"sigs.k8s.io/yaml"
)

// example renders the chart with the values of a file of examples/, by all rules of the matrix.
func example(t *testing.T, file string) release {
	t.Helper()
	r := render(t, read(t, filepath.Join(chartDir, "examples", file)))
	for rule, holds := range rules {
		t.Run(file+"/"+rule, func(t *testing.T) { holds(t, r) })
	}
	return r
}

// TestTwoPortals: what the gate writes for a portal is what that portal's release reads, each portal has topics, group and
// key of its own, and its metrics carry its name; alerts and dashboard come once.
func TestTwoPortals(t *testing.T) {
	t.Parallel()
	gateRelease := example(t, "portals/gate.yaml")
	if n := len(all[*appsv1.Deployment](gateRelease)); n != 1 {
		t.Errorf("the gate's release has %d Deployments", n)
	}
	if len(all[*monitoringv1.PrometheusRule](gateRelease)) != 1 {
		t.Error("the gate's release brings no alerts")
	}
	written := map[string]bool{}
	var sources struct {
		Gate struct {
			Sources []struct{ Topic string }
		}
	}
	if err := yaml.Unmarshal([]byte(read(t, filepath.Join(chartDir, "examples", "portals", "gate.yaml"))), &sources); err != nil {
		t.Fatal(err)
	}
	for _, s := range sources.Gate.Sources {
		written[s.Topic] = true
	}
	taken := map[string]string{} // what only one portal may have, by its portal
	for _, portal := range []string{"de", "fr"} {
		r := example(t, "portals/"+portal+".yaml")
		container := one[*appsv1.Deployment](t, r, "leadbridge").Spec.Template.Spec.Containers[0]
		variables := env(container)
		if topic := variables["KAFKA_TOPIC"]; !written[topic] {
			t.Errorf("%s reads %q, which the gate does not write", portal, topic)
		}
		secret := ""
		for _, v := range one[*appsv1.Deployment](t, r, "leadbridge").Spec.Template.Spec.Volumes {
			if v.Secret != nil {
				secret = v.Secret.SecretName
			}
		}
		for _, own := range []string{variables["KAFKA_TOPIC"], variables["KAFKA_DLT_TOPIC"], "group " + variables["KAFKA_GROUP_ID"], "secret " + secret} {
			if other := taken[own]; other != "" {
				t.Errorf("%q is of %s and of %s", own, other, portal)
			}
			taken[own] = portal
		}
		relabelings := one[*monitoringv1.ServiceMonitor](t, r, "leadbridge").Spec.Endpoints[0].RelabelConfigs
		if len(relabelings) != 1 || relabelings[0].TargetLabel != "portal" || *relabelings[0].Replacement != portal {
			t.Errorf("%s: relabelings %+v", portal, relabelings)
		}
		if len(all[*monitoringv1.PrometheusRule](r)) != 0 {
			t.Errorf("%s brings the alerts again", portal)
		}
	}
}

// TestPortalGoesBeforeOwnRelabelings, so that these may still change it.
func TestPortalGoesBeforeOwnRelabelings(t *testing.T) {
	t.Parallel()
	r := render(t, `metrics: {portal: de, serviceMonitor: {enabled: true, relabelings: [{action: labeldrop, regex: pod}]}}`)
	got := one[*monitoringv1.ServiceMonitor](t, r, "leadbridge").Spec.Endpoints[0].RelabelConfigs
	if len(got) != 2 || got[0].TargetLabel != "portal" || got[1].Action != "labeldrop" {
		t.Errorf("%+v", got)
	}
}
