package deploytest

import (
	"maps"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
)

// extrasOf returns the extra variables, sources of variables, volumes and mounts of a workload, each with its name.
func extrasOf(workload, indent string) string {
	text := `
extraEnv: [{name: EXTRA_` + strings.ToUpper(workload) + `, value: x}]
extraEnvFrom: [{configMapRef: {name: from-WORKLOAD}}]
extraVolumes: [{name: volume-WORKLOAD, emptyDir: {}}]
extraVolumeMounts: [{name: volume-WORKLOAD, mountPath: /extra/WORKLOAD}]
`
	text = strings.ReplaceAll(text, "WORKLOAD", workload)
	return strings.ReplaceAll(strings.TrimRight(text, "\n"), "\n", "\n"+indent) + "\n"
}

// TestExtrasReachTheirPods: extraEnv, extraEnvFrom, extraVolumes and extraVolumeMounts are in the pods that they are for, and
// in no others; those of the consumer are in the pod of helm test too, which is to find what the consumer finds.
func TestExtrasReachTheirPods(t *testing.T) {
	t.Parallel()
	r := render(t, extrasOf("consumer", "")+
		"gate:\n  enabled: true\n  existingConfigMap: sources"+extrasOf("gate", "  ")+
		"replay:\n  enabled: true"+extrasOf("replay", "  "))
	want := map[string]string{"check": "consumer", "consumer": "consumer", "gate": "gate", "replay": "replay"}
	pods := r.pods()
	if len(pods) != len(want) {
		t.Errorf("pods: %v", slices.Sorted(maps.Keys(pods)))
	}
	for name, pod := range pods {
		workload := want[pod.Spec.Containers[0].Name]
		if got := extrasIn(pod.Spec); !slices.Equal(got, []string{"EXTRA_" + strings.ToUpper(workload), "from-" + workload, "volume-" + workload, "/extra/" + workload}) {
			t.Errorf("%s has the extras %v, want those of %s", name, got, workload)
		}
	}
}

// extrasIn returns what a pod has of any workload's extras.
func extrasIn(spec corev1.PodSpec) (found []string) {
	container := spec.Containers[0]
	for _, e := range container.Env {
		if strings.HasPrefix(e.Name, "EXTRA_") {
			found = append(found, e.Name)
		}
	}
	for _, from := range container.EnvFrom {
		found = append(found, from.ConfigMapRef.Name)
	}
	for _, v := range spec.Volumes {
		if strings.HasPrefix(v.Name, "volume-") {
			found = append(found, v.Name)
		}
	}
	for _, m := range container.VolumeMounts {
		if strings.HasPrefix(m.MountPath, "/extra/") {
			found = append(found, m.MountPath)
		}
	}
	return found
}
