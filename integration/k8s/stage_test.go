//go:build k8s

package k8s

import (
	"context"
	"errors"
	"fmt"
	"os"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/leadbridge/leadbridge/integration/internal/leads"
	"github.com/leadbridge/leadbridge/integration/internal/topics"
)

// Namespaces: one for the release, which enforces the restricted level, and one for
// what belongs to others.
const (
	ours   = "leadbridge-test"
	others = "leadbridge-test-others"
)

// Topics and group are the program's defaults.
const (
	topic   = "leads"
	letters = "leads.dlt"
	group   = "leadbridge"
)

// stage is a cluster with Kafka and the simulated CRM on it.
type stage struct {
	t       *testing.T
	kubectl tool
	helm    tool
	image   string // of leadbridge
	node    string // address under which node ports are reached
	kafka   *topics.Client
	brokers string // for this machine
	crm     portal
}

// newStage makes the namespaces, and starts Kafka and the simulator.
func newStage(t *testing.T) *stage {
	t.Helper()
	s := &stage{t: t, kubectl: toolOf("KUBECTL", "kubectl"), helm: toolOf("HELM", "helm"), image: os.Getenv("LEADBRIDGE_IMAGE")}
	if s.image == "" {
		t.Fatal("LEADBRIDGE_IMAGE names no image: run make test-k8s")
	}
	s.clear()
	t.Cleanup(func() {
		if t.Failed() {
			s.tell()
		}
		s.clear()
	})
	s.apply(namespaces)
	if s.node = os.Getenv("K8S_NODE_ADDRESS"); s.node == "" {
		s.node = s.get("nodes", "", "{.items[0].status.addresses[?(@.type=='InternalIP')].address}")
	}
	s.apply(services)
	s.brokers = s.node + ":" + s.nodePort(others, "kafka", "outside")
	s.apply(fmt.Sprintf(kafkaPod, kafkaImage(), s.brokers))
	s.apply(fmt.Sprintf(simPod, s.image))
	s.run("-n", others, "wait", "--for=condition=Ready", "pod", "--all", "--timeout=3m")
	s.crm = portal{url: "http://" + s.node + ":" + s.nodePort(others, "crm", "http")}
	must(t, s.crm.trouble("", nil))
	s.makeTopics()
	return s
}

func kafkaImage() string {
	if image := os.Getenv("KAFKA_IMAGE"); image != "" {
		return image
	}
	return "apache/kafka:4.3.1"
}

func (s *stage) makeTopics() {
	s.t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(s.brokers))
	must(s.t, err)
	s.t.Cleanup(client.Close)
	admin := kadm.NewClient(client)
	s.kafka = topics.New(admin, []string{s.brokers})
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	made, err := admin.CreateTopics(ctx, leads.Partitions, 1, nil, topic, letters)
	must(s.t, errors.Join(err, made.Error()))
}

// run is kubectl, which must succeed.
func (s *stage) run(args ...string) string {
	s.t.Helper()
	out, err := s.kubectl.try("", args...)
	must(s.t, err)
	return out
}

func (s *stage) apply(manifest string) {
	s.t.Helper()
	_, err := s.kubectl.try(manifest, "apply", "-f", "-")
	must(s.t, err)
}

// get is a part of an object.
func (s *stage) get(what, namespace, jsonpath string) string {
	s.t.Helper()
	args := []string{"get", what, "-o", "jsonpath=" + jsonpath}
	if namespace != "" {
		args = append(args, "-n", namespace)
	}
	return s.run(args...)
}

func (s *stage) nodePort(namespace, service, port string) string {
	s.t.Helper()
	return s.get("service/"+service, namespace, fmt.Sprintf("{.spec.ports[?(@.name=='%s')].nodePort}", port))
}

// clear deletes everything, also of an earlier run.
func (s *stage) clear() {
	if _, err := s.kubectl.try("", "delete", "namespace", ours, others, "--ignore-not-found", "--timeout=3m"); err != nil {
		s.t.Error(err)
	}
}

// tell shows what the cluster knows of a failure.
func (s *stage) tell() {
	for _, args := range [][]string{
		{"get", "pods,deployments,replicasets,poddisruptionbudgets,services", "-o", "wide", "-n", ours},
		{"get", "pods", "-o", "wide", "-n", others},
		{"get", "events", "--sort-by=.lastTimestamp", "-n", ours},
		{"logs", "--prefix", "--tail=150", "--max-log-requests=20", "-l", "app.kubernetes.io/name=leadbridge", "-n", ours},
		{"logs", "--prefix", "--tail=60", "--max-log-requests=20", "-l", "part=other", "-n", others},
	} {
		out, err := s.kubectl.try("", args...)
		s.t.Logf("kubectl %v (%v)\n%s", args, err, out)
	}
}
