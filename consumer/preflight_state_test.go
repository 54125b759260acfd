package consumer

import (
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

const testState = "leads.state"

func TestPreflightLooksAtTheStateTopic(t *testing.T) {
	bubble(t, 2, func(t *testing.T, r *rig) {
		cfg := r.config()
		if got := levels(Preflight(t.Context(), cfg, false)); strings.Contains(got, "state") {
			t.Errorf("without the setting it is looked at:\n%s", got)
		}
		cfg.StateTopic = testState
		findings := Preflight(t.Context(), cfg, false)
		if got := levels(findings); !strings.Contains(got, "fail topic leads.state: does not exist") {
			t.Errorf("got\n%s", got)
		}
		for _, f := range findings {
			if f.Level == "fail" && !strings.Contains(f.Remedy, "KAFKA_STATE_TOPIC") {
				t.Errorf("remedy %q", f.Remedy)
			}
		}
		got := levels(Preflight(t.Context(), cfg, true))
		for _, line := range []string{
			"ok topic leads.state: 1 partition, just made", "ok writing leads.state: allowed", "ok reading leads.state: allowed",
			"ok state cleanup: cleanup.policy is compact",
		} {
			if !strings.Contains(got, line) {
				t.Errorf("missing %q in\n%s", line, got)
			}
		}
	})
}

// The preflight reports wrong settings of the state topic, and missing rights to it.
func TestPreflightFindsFaultsOfTheStateTopic(t *testing.T) {
	for name, c := range map[string]struct {
		policy string
		refuse kmsg.Key
		want   string
	}{
		"not compacted":    {"delete", 0, "warn state cleanup: cleanup.policy is delete"},
		"compacted":        {"compact,delete", 0, "ok state cleanup: cleanup.policy is compact,delete"},
		"no right to read": {"compact", kmsg.Fetch, "fail reading leads.state"},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, 1, func(t *testing.T, r *rig) {
				if err := r.cluster.CreateTopic(testState, 1, map[string]string{"cleanup.policy": c.policy}); err != nil {
					t.Fatal(err)
				}
				if c.refuse == kmsg.Fetch {
					r.cluster.ControlKey(int16(kmsg.Fetch), func(req kmsg.Request) (kmsg.Response, error, bool) {
						r.cluster.KeepControl()
						fetch := req.(*kmsg.FetchRequest)
						if fetch.Topics[0].Topic != testState {
							return nil, nil, false
						}
						res := fetch.ResponseKind().(*kmsg.FetchResponse)
						topic, partition := kmsg.NewFetchResponseTopic(), kmsg.NewFetchResponseTopicPartition()
						topic.Topic, partition.ErrorCode = testState, kerr.TopicAuthorizationFailed.Code
						topic.Partitions = append(topic.Partitions, partition)
						res.Topics = append(res.Topics, topic)
						return res, nil, true
					})
				}
				cfg := r.config()
				cfg.StateTopic = testState
				if got := levels(Preflight(t.Context(), cfg, false)); !strings.Contains(got, c.want) {
					t.Errorf("missing %q in\n%s", c.want, got)
				}
			})
		})
	}
}
