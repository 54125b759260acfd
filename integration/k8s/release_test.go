//go:build k8s

package k8s

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// values of the release. Times are short, the rest is as people have it.
const values = `
image: {repository: %s, tag: %s}
replicaCount: 3
kafka: {brokers: "kafka.` + others + `:9092", sessionTimeout: 6s}
crm:
  baseUrl: http://crm.` + others + `:8080
  existingSecret: crm-key
  timeout: 3s
  queueLimit: 1s
  settle: 300ms
  requestsPerMinute: 0
  requestsPerSecond: 0
  backoffInitial: 100ms
  backoffMax: 2s
  maxAttempts: 8
delivery: {drainTimeout: 10s}
admin: {enabled: true, existingSecret: page}
mapping: {program: .}
gate:
  enabled: true
  secrets: [{existingSecret: site}]
  service: {type: NodePort}
  sources:
    - name: site
      verify: {type: token, secrets_files: [/etc/leadbridge/hooks/site/token]}
      id: {header: Webhook-Id}
`

// Keys of the CRM, one after the other.
const (
	firstKey  = "vibe_api_first"
	secondKey = "vibe_api_second"
)

const (
	consumers = "deployment/leadbridge"
	gates     = "deployment/leadbridge-gate"
	replicas  = 3
)

// release installs or upgrades the chart by the verb, with further arguments.
func (s *stage) release(verb string, args ...string) {
	s.t.Helper()
	i := strings.LastIndex(s.image, ":")
	text := fmt.Sprintf(values, s.image[:i], s.image[i+1:])
	line := []string{verb, "leadbridge", "../../deploy/chart", "-n", ours, "--wait", "--timeout", "4m", "-f", "-"}
	_, err := s.helm.try(text, append(line, args...)...)
	must(s.t, err)
}

// secret makes or changes a Secret with one key.
func (s *stage) secret(name, key, value string) {
	s.t.Helper()
	s.apply(fmt.Sprintf("apiVersion: v1\nkind: Secret\nmetadata: {name: %s, namespace: %s}\nstringData: {%s: %s}\n", name, ours, key, value))
}

// rolledOut waits until a deployment is what it is to be.
func (s *stage) rolledOut(deployment string) {
	s.t.Helper()
	s.run("-n", ours, "rollout", "status", deployment, "--timeout=4m")
}

// pod is one consumer or gate.
type pod struct {
	name     string
	ready    bool
	restarts int
}

// pods of a component that are not about to end, by name.
func (s *stage) pods(component string) []pod {
	s.t.Helper()
	var list struct {
		Items []struct {
			Metadata struct {
				Name    string     `json:"name"`
				Deleted *time.Time `json:"deletionTimestamp"`
			} `json:"metadata"`
			Status struct {
				Conditions []struct{ Type, Status string } `json:"conditions"`
				Containers []struct {
					RestartCount int `json:"restartCount"`
				} `json:"containerStatuses"`
			} `json:"status"`
		} `json:"items"`
	}
	must(s.t, json.Unmarshal([]byte(s.run("-n", ours, "get", "pods", "-o", "json", "-l", "app.kubernetes.io/component="+component)), &list))
	var found []pod
	for _, item := range list.Items {
		if item.Metadata.Deleted != nil {
			continue
		}
		p := pod{name: item.Metadata.Name}
		for _, c := range item.Status.Conditions {
			p.ready = p.ready || c.Type == "Ready" && c.Status == "True"
		}
		for _, c := range item.Status.Containers {
			p.restarts += c.RestartCount
		}
		found = append(found, p)
	}
	return found
}

// proxied is what a pod answers, by way of the API server.
func (s *stage) proxied(name string, port int, path string) (string, error) {
	return s.kubectl.try("", "get", "--raw", fmt.Sprintf("/api/v1/namespaces/%s/pods/%s:%d/proxy/%s", ours, name, port, path))
}

// status is a consumer's own account, /statusz.
type status struct {
	Holds []struct {
		Cause string `json:"cause"`
	} `json:"holds"`
}

func (s *stage) status(name string) status {
	s.t.Helper()
	var told status
	text, err := s.proxied(name, 8080, "statusz")
	must(s.t, err)
	must(s.t, json.Unmarshal([]byte(text), &told))
	return told
}

// shared waits until the group has so many members and stands.
func (s *stage) shared(members int) {
	s.t.Helper()
	eventually(s.t, fmt.Sprintf("the group has %d members", members), func() bool {
		n, err := s.kafka.Members(context.Background(), group)
		return err == nil && n == members
	})
}

// caughtUp waits until all that is in the topic now is committed.
func (s *stage) caughtUp() {
	s.t.Helper()
	ends, err := s.kafka.Ends(context.Background(), topic)
	must(s.t, err)
	var at map[int32]int64
	eventually(s.t, "what was in the topic is committed", func() bool {
		at, err = s.kafka.Commits(context.Background(), group, topic)
		return err == nil && !slices.ContainsFunc(slices.Collect(maps.Keys(ends)), func(p int32) bool { return at[p] < ends[p] })
	})
}
