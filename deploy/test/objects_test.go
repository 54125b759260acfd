package deploytest

import (
	"strings"
	"testing"

	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/validation"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

func labelSet(l map[string]string) labels.Set { return l }

// metadataIsWhole: names and labels that Kubernetes takes, the recommended labels, and the release's namespace.
func metadataIsWhole(t *testing.T, r release) {
	seen := map[string]bool{}
	for _, o := range r.objects {
		if seen[o.Kind+o.Namespace+o.Name] {
			t.Errorf("%s is there twice", o)
		}
		seen[o.Kind+o.Namespace+o.Name] = true
		if faults := validation.IsDNS1123Subdomain(o.Name); len(faults) > 0 || len(o.Name) > 63 {
			t.Errorf("%s: the name: %v", o, faults)
		}
		if o.Namespace != namespace && !strings.HasPrefix(o.APIVersion, "kafka.strimzi.io/") {
			t.Errorf("%s goes to the namespace %q", o, o.Namespace)
		}
		for _, key := range []string{"helm.sh/chart", "app.kubernetes.io/name", "app.kubernetes.io/instance", "app.kubernetes.io/component", "app.kubernetes.io/version", "app.kubernetes.io/managed-by"} {
			if o.Labels[key] == "" {
				t.Errorf("%s has no label %s", o, key)
			}
		}
		for key, value := range o.Labels {
			if faults := append(validation.IsQualifiedName(key), validation.IsValidLabelValue(value)...); len(faults) > 0 {
				t.Errorf("%s, label %s: %v", o, key, faults)
			}
		}
	}
}

// referencesExist: what an object says of another one of the release is so.
func referencesExist(t *testing.T, r release) {
	pods := r.pods()
	for name, d := range all[*appsv1.Deployment](r) {
		for key, value := range d.Spec.Selector.MatchLabels {
			if d.Spec.Template.Labels[key] != value {
				t.Errorf("Deployment %s does not choose its own pods: %s", name, key)
			}
		}
		for _, spread := range d.Spec.Template.Spec.TopologySpreadConstraints {
			if spread.LabelSelector == nil {
				t.Errorf("Deployment %s spreads no pods", name)
			}
		}
	}
	for name, s := range all[*corev1.Service](r) {
		ports := map[string]bool{}
		for owner, pod := range pods {
			if strings.HasPrefix(owner, "Deployment ") && labels.SelectorFromSet(s.Spec.Selector).Matches(labelSet(pod.Labels)) {
				for _, p := range pod.Spec.Containers[0].Ports {
					ports[p.Name] = true
				}
			}
		}
		for _, p := range s.Spec.Ports {
			if !ports[p.TargetPort.StrVal] {
				t.Errorf("Service %s: no pod of it has a port %s", name, p.TargetPort.String())
			}
		}
	}
	configMaps := all[*corev1.ConfigMap](r)
	for name, pod := range pods {
		for _, v := range pod.Spec.Volumes {
			if v.ConfigMap == nil || !strings.HasPrefix(v.ConfigMap.Name, releaseName+"-") {
				continue // one that somebody else makes
			}
			for _, item := range v.ConfigMap.Items {
				if m, ok := configMaps[v.ConfigMap.Name]; !ok || m.Data[item.Key] == "" {
					t.Errorf("%s: ConfigMap %s has no %s", name, v.ConfigMap.Name, item.Key)
				}
			}
		}
		if account := pod.Spec.ServiceAccountName; strings.HasPrefix(account, releaseName) {
			one[*corev1.ServiceAccount](t, r, account)
		}
	}
	scrapesFindPods(t, r)
	routesFindServices(t, r)
	scalersFindDeployments(t, r)
}

func scrapesFindPods(t *testing.T, r release) {
	for name, m := range all[*monitoringv1.ServiceMonitor](r) {
		selector, err := metav1.LabelSelectorAsSelector(&m.Spec.Selector)
		if err != nil {
			t.Fatal(err)
		}
		found := 0
		for _, s := range all[*corev1.Service](r) {
			for _, p := range s.Spec.Ports {
				if selector.Matches(labelSet(s.Labels)) && p.Name == m.Spec.Endpoints[0].Port {
					found++
					if !s.Spec.PublishNotReadyAddresses {
						t.Errorf("pods of Service %s are not scraped while they are held", s.Name)
					}
				}
			}
		}
		if want := len(all[*appsv1.Deployment](r)); found != want {
			t.Errorf("ServiceMonitor %s finds %d Services, not %d", name, found, want)
		}
	}
}

// routesFindServices: ways from outside lead to the gate, and to nothing but webhooks.
func routesFindServices(t *testing.T, r release) {
	for _, i := range all[*networkingv1.Ingress](r) {
		for _, rule := range i.Spec.Rules {
			for _, path := range rule.HTTP.Paths {
				s := one[*corev1.Service](t, r, path.Backend.Service.Name)
				if path.Path != "/hooks/" || *path.PathType != networkingv1.PathTypePrefix || path.Backend.Service.Port.Name != s.Spec.Ports[0].Name {
					t.Errorf("Ingress: %+v", path)
				}
			}
		}
	}
	for _, route := range all[*gatewayv1.HTTPRoute](r) {
		for _, rule := range route.Spec.Rules {
			for _, match := range rule.Matches {
				if *match.Path.Type != gatewayv1.PathMatchPathPrefix || *match.Path.Value != "/hooks/" {
					t.Errorf("HTTPRoute: %+v", match.Path)
				}
			}
			s := one[*corev1.Service](t, r, string(rule.BackendRefs[0].Name))
			if *rule.BackendRefs[0].Port != s.Spec.Ports[0].Port {
				t.Errorf("HTTPRoute: port %d", *rule.BackendRefs[0].Port)
			}
		}
	}
}

func scalersFindDeployments(t *testing.T, r release) {
	for name, s := range all[*scaledObject](r) {
		d := one[*appsv1.Deployment](t, r, s.Spec.ScaleTargetRef.Name)
		if d.Spec.Replicas != nil {
			t.Errorf("Deployment %s sets its replicas, which ScaledObject %s scales: each upgrade would reset them", d.Name, name)
		}
		if got := d.Spec.Template.Spec.Containers[0].Name; got != s.Spec.ScaleTargetRef.Env {
			t.Errorf("ScaledObject %s takes variables of a container %s, not %s", name, s.Spec.ScaleTargetRef.Env, got)
		}
		trigger := s.Spec.Triggers[0]
		if auth := trigger.Authentication.Name; auth != "" {
			a := one[*triggerAuthentication](t, r, auth)
			for _, e := range a.Spec.Env {
				if env(d.Spec.Template.Spec.Containers[0])[e.Name] == "" {
					t.Errorf("TriggerAuthentication %s: the consumer has no %s", auth, e.Name)
				}
			}
		} else if trigger.Metadata["sasl"] != "none" {
			t.Errorf("ScaledObject %s logs in without credentials", name)
		}
	}
}
