package deploytest

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
)

// pods gives the pods that the release's workloads make, by the workload's name.
func (r release) pods() map[string]corev1.PodTemplateSpec {
	found := map[string]corev1.PodTemplateSpec{}
	for name, d := range all[*appsv1.Deployment](r) {
		found["Deployment "+name] = d.Spec.Template
	}
	for name, j := range all[*batchv1.Job](r) {
		found["Job "+name] = j.Spec.Template
	}
	for name, p := range all[*corev1.Pod](r) {
		found["Pod "+name] = corev1.PodTemplateSpec{ObjectMeta: p.ObjectMeta, Spec: p.Spec}
	}
	return found
}

// podsAreRestricted asks the pod security admission of Kubernetes for the level "restricted".
func podsAreRestricted(t *testing.T, r release) {
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	if err != nil {
		t.Fatal(err)
	}
	level := api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}
	for name, pod := range r.pods() {
		for _, result := range evaluator.EvaluatePod(level, &pod.ObjectMeta, &pod.Spec) {
			if !result.Allowed {
				t.Errorf("%s: %s (%s)", name, result.ForbiddenReason, result.ForbiddenDetail)
			}
		}
		// What that level leaves open: a number, as the kubelet cannot tell a name from root, and no writable path.
		if c := pod.Spec.SecurityContext; c == nil || c.RunAsUser == nil || *c.RunAsUser == 0 || c.FSGroup == nil {
			t.Errorf("%s runs as no user of its own, by number", name)
		}
		for _, c := range pod.Spec.Containers {
			if s := c.SecurityContext; s == nil || s.ReadOnlyRootFilesystem == nil || !*s.ReadOnlyRootFilesystem {
				t.Errorf("%s, container %s: its file system can be written", name, c.Name)
			}
			if c.Resources.Limits.Memory().IsZero() || c.Resources.Requests.Cpu().IsZero() {
				t.Errorf("%s, container %s: no limit of memory, or no request of CPU", name, c.Name)
			}
		}
	}
}

// podsKnowNothingOfTheCluster: no token, and no variables of Services, which may look like settings.
func podsKnowNothingOfTheCluster(t *testing.T, r release) {
	for name, pod := range r.pods() {
		if pod.Spec.AutomountServiceAccountToken == nil || *pod.Spec.AutomountServiceAccountToken {
			t.Errorf("%s gets a token of the cluster", name)
		}
		if pod.Spec.EnableServiceLinks == nil || *pod.Spec.EnableServiceLinks {
			t.Errorf("%s gets variables of Services", name)
		}
	}
	for name, account := range all[*corev1.ServiceAccount](r) {
		if account.AutomountServiceAccountToken == nil || *account.AutomountServiceAccountToken {
			t.Errorf("ServiceAccount %s gives its token away", name)
		}
	}
}

// secretsAreFiles: every secret comes as a file in a directory that is mounted whole, since the
// kubelet renews nothing else, and each setting that names a file names one that is there.
func secretsAreFiles(t *testing.T, r release) {
	for name, pod := range r.pods() {
		files := map[string]bool{}
		volumes := map[string]corev1.Volume{}
		for _, v := range pod.Spec.Volumes {
			volumes[v.Name] = v
			if p := v.Projected; p != nil && (p.DefaultMode == nil || *p.DefaultMode&0o007 != 0) {
				t.Errorf("%s: everybody may read the volume %s", name, v.Name)
			}
			if v.Secret != nil && (v.Secret.DefaultMode == nil || *v.Secret.DefaultMode&0o007 != 0) {
				t.Errorf("%s: everybody may read the volume %s", name, v.Name)
			}
		}
		mounted := map[string]bool{}
		for _, c := range pod.Spec.Containers {
			for _, m := range c.VolumeMounts {
				v, there := volumes[m.Name]
				switch {
				case !there:
					t.Errorf("%s mounts %s, which is no volume of it", name, m.Name)
				case m.SubPath != "" || m.SubPathExpr != "":
					t.Errorf("%s mounts a part of %s, which is never renewed", name, m.Name)
				}
				mounted[m.Name] = true
				for _, item := range items(v) {
					files[m.MountPath+"/"+item.Path] = true
				}
			}
			for _, e := range c.Env {
				if strings.HasPrefix(e.Value, "/") && !files[e.Value] {
					t.Errorf("%s: %s=%s is mounted by nothing", name, e.Name, e.Value)
				}
			}
		}
		for v := range volumes {
			if !mounted[v] {
				t.Errorf("%s: the volume %s is mounted nowhere", name, v)
			}
		}
	}
}

func items(v corev1.Volume) []corev1.KeyToPath {
	switch {
	case v.Secret != nil:
		return v.Secret.Items
	case v.ConfigMap != nil:
		return v.ConfigMap.Items
	case v.Projected != nil:
		var all []corev1.KeyToPath
		for _, source := range v.Projected.Sources {
			if source.ServiceAccountToken != nil { // of an audience: nothing of the cluster takes it
				all = append(all, corev1.KeyToPath{Path: source.ServiceAccountToken.Path})
			}
		}
		return all
	}
	return nil
}

// graceIsAboveTheDrain: the program is gone at the latest its exit margin after the drain.
func graceIsAboveTheDrain(t *testing.T, r release) {
	const exitMargin = 5 * time.Second
	for name, d := range all[*appsv1.Deployment](r) {
		pod := d.Spec.Template.Spec
		drain, err := time.ParseDuration(env(pod.Containers[0])["DRAIN_TIMEOUT"])
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		least := drain + exitMargin
		if grace := time.Duration(*pod.TerminationGracePeriodSeconds) * time.Second; grace <= least {
			t.Errorf("%s is killed after %v, and may need %v", name, grace, least)
		}
	}
}

func env(c corev1.Container) map[string]string {
	found := map[string]string{}
	for _, e := range c.Env {
		found[e.Name] = e.Value
	}
	return found
}

// budgetsDoNotBlockDrains: a lower bound, or no pod at a time, would stop the drain of a node
// for ever where there is one replica; so would pods that are all unready since the key is bad.
func budgetsDoNotBlockDrains(t *testing.T, r release) {
	for name, b := range all[*policyv1.PodDisruptionBudget](r) {
		d := one[*appsv1.Deployment](t, r, name)
		replicas := 1
		if d.Spec.Replicas != nil {
			replicas = int(*d.Spec.Replicas)
		}
		if b.Spec.MinAvailable != nil || b.Spec.MaxUnavailable == nil {
			t.Errorf("%s has a lower bound", name)
			continue
		}
		if n, err := intstr.GetScaledValueFromIntOrPercent(b.Spec.MaxUnavailable, replicas, true); err != nil || n < 1 {
			t.Errorf("%s lets no pod of %d go (%v)", name, replicas, err)
		}
		if p := b.Spec.UnhealthyPodEvictionPolicy; p == nil || *p != policyv1.AlwaysAllow {
			t.Errorf("%s keeps pods that are not ready", name)
		}
		if !equal(b.Spec.Selector.MatchLabels, d.Spec.Selector.MatchLabels) {
			t.Errorf("%s is about other pods", name)
		}
	}
}

func equal(a, b map[string]string) bool { return maps.Equal(a, b) && len(a) > 0 }

// rolloutsKeepWhatIsThere: no pod goes before its successor is ready.
func rolloutsKeepWhatIsThere(t *testing.T, r release) {
	for name, d := range all[*appsv1.Deployment](r) {
		u := d.Spec.Strategy.RollingUpdate
		if u == nil || u.MaxUnavailable.IntValue() != 0 || u.MaxSurge.IntValue() < 1 {
			t.Errorf("%s takes a pod away before another one is ready", name)
		}
	}
}

// networkIsClosed: where there are policies, each pod has one, which names the ports of every rule.
func networkIsClosed(t *testing.T, r release) {
	policies := all[*networkingv1.NetworkPolicy](r)
	if len(policies) == 0 {
		return
	}
	for name, pod := range r.pods() {
		var chosen []*networkingv1.NetworkPolicy
		for _, p := range policies {
			selector, err := metav1.LabelSelectorAsSelector(&p.Spec.PodSelector)
			if err != nil {
				t.Fatal(err)
			}
			if selector.Matches(labelSet(pod.Labels)) {
				chosen = append(chosen, p)
			}
		}
		if len(chosen) != 1 {
			t.Errorf("%s has %d policies", name, len(chosen))
			continue
		}
		p := chosen[0].Spec
		if !slices.Equal(p.PolicyTypes, []networkingv1.PolicyType{networkingv1.PolicyTypeIngress, networkingv1.PolicyTypeEgress}) {
			t.Errorf("%s is open to one side", name)
		}
		for _, rule := range p.Egress {
			if len(rule.Ports) == 0 {
				t.Errorf("%s may go anywhere", name)
			}
		}
		for _, rule := range p.Ingress {
			if len(rule.Ports) == 0 {
				t.Errorf("%s takes anything", name)
			}
			for _, port := range rule.Ports {
				if !slices.ContainsFunc(pod.Spec.Containers[0].Ports, func(c corev1.ContainerPort) bool { return c.Name == port.Port.StrVal }) && strings.HasPrefix(name, "Deployment") {
					t.Errorf("%s has no port %s", name, port.Port)
				}
			}
		}
	}
}
