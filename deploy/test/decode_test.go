package deploytest

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	"github.com/santhosh-tekuri/jsonschema/v6"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
	"sigs.k8s.io/yaml"
)

// types are the Go types of what the chart makes, by apiVersion and kind.
var types = map[string]func() any{
	"v1 ConfigMap":                            func() any { return new(corev1.ConfigMap) },
	"v1 Pod":                                  func() any { return new(corev1.Pod) },
	"v1 Service":                              func() any { return new(corev1.Service) },
	"v1 ServiceAccount":                       func() any { return new(corev1.ServiceAccount) },
	"apps/v1 Deployment":                      func() any { return new(appsv1.Deployment) },
	"batch/v1 Job":                            func() any { return new(batchv1.Job) },
	"policy/v1 PodDisruptionBudget":           func() any { return new(policyv1.PodDisruptionBudget) },
	"networking.k8s.io/v1 Ingress":            func() any { return new(networkingv1.Ingress) },
	"networking.k8s.io/v1 NetworkPolicy":      func() any { return new(networkingv1.NetworkPolicy) },
	"gateway.networking.k8s.io/v1 HTTPRoute":  func() any { return new(gatewayv1.HTTPRoute) },
	"monitoring.coreos.com/v1 ServiceMonitor": func() any { return new(monitoringv1.ServiceMonitor) },
	"monitoring.coreos.com/v1 PrometheusRule": func() any { return new(monitoringv1.PrometheusRule) },
	"keda.sh/v1alpha1 ScaledObject":           func() any { return new(scaledObject) },
	"keda.sh/v1alpha1 TriggerAuthentication":  func() any { return new(triggerAuthentication) },
	"kafka.strimzi.io/v1 KafkaTopic":          func() any { return new(kafkaTopic) },
	"kafka.strimzi.io/v1 KafkaUser":           func() any { return new(kafkaUser) },
	"kafka.strimzi.io/v1beta2 KafkaTopic":     func() any { return new(kafkaTopic) },
	"kafka.strimzi.io/v1beta2 KafkaUser":      func() any { return new(kafkaUser) },
}

// custom is an object whose type comes with no light Go module: its shape is a schema in testdata/crds.
type custom[Spec any] struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`
	Spec              Spec `json:"spec"`
}

func (*custom[Spec]) schema() {}

type (
	scaledObject = custom[struct {
		ScaleTargetRef struct {
			Name string `json:"name"`
			Env  string `json:"envSourceContainerName"`
		} `json:"scaleTargetRef"`
		PollingInterval int            `json:"pollingInterval"`
		Min             int            `json:"minReplicaCount"`
		Max             int            `json:"maxReplicaCount"`
		Advanced        map[string]any `json:"advanced"`
		Triggers        []struct {
			Type           string            `json:"type"`
			Metadata       map[string]string `json:"metadata"`
			Authentication struct {
				Name string `json:"name"`
			} `json:"authenticationRef"`
		} `json:"triggers"`
	}]
	triggerAuthentication = custom[struct {
		Secrets []struct {
			Parameter string `json:"parameter"`
			Name      string `json:"name"`
			Key       string `json:"key"`
		} `json:"secretTargetRef"`
		Env []struct {
			Parameter string `json:"parameter"`
			Name      string `json:"name"`
			Container string `json:"containerName"`
		} `json:"env"`
	}]
	kafkaTopic = custom[struct {
		TopicName  string         `json:"topicName"`
		Partitions int            `json:"partitions"`
		Replicas   int            `json:"replicas"`
		Config     map[string]any `json:"config"`
	}]
	kafkaUser = custom[struct {
		Authentication struct {
			Type string `json:"type"`
		} `json:"authentication"`
		Authorization struct {
			Type string `json:"type"`
			ACLs []acl  `json:"acls"`
		} `json:"authorization"`
	}]
	acl struct {
		Resource struct {
			Type    string `json:"type"`
			Name    string `json:"name"`
			Pattern string `json:"patternType"`
		} `json:"resource"`
		Operations []string `json:"operations"`
	}
)

// decode reads a manifest into its type. A field that the type does not know, or one that
// is there twice, is an error; so is what the schema of a custom resource does not allow.
func decode(o object) (any, error) {
	kind := o.APIVersion + " " + o.Kind
	fresh, known := types[kind]
	if !known {
		return nil, fmt.Errorf("%s has no type in decode_test.go", kind)
	}
	typed := fresh()
	if err := yaml.UnmarshalStrict([]byte(o.text), typed); err != nil {
		return nil, err
	}
	group, _, _ := strings.Cut(o.APIVersion, "/")
	file := filepath.Join("testdata", "crds", group+"."+o.Kind+".json")
	if _, custom := typed.(interface{ schema() }); !custom {
		return typed, nil
	}
	schema, err := jsonschema.NewCompiler().Compile(file)
	if err != nil {
		return nil, err
	}
	var plain any
	if err := yaml.Unmarshal([]byte(o.text), &plain); err != nil {
		return nil, err
	}
	return typed, schema.Validate(plain)
}

// TestStrictDecoding finds a misspelt field in every kind of object that the chart makes.
func TestStrictDecoding(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, values := range matrix {
		for _, o := range render(t, values).objects {
			kind := o.APIVersion + " " + o.Kind
			if seen[kind] {
				continue
			}
			seen[kind] = true
			o.text += "\nspecc: {}\n"
			if _, err := decode(o); err == nil {
				t.Errorf("%s: a field that its type does not know is not noticed", o)
			}
		}
	}
	for kind := range types {
		if !seen[kind] {
			t.Errorf("no case of the matrix makes a %s", kind)
		}
	}
}
