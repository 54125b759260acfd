package consumer

import (
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// levels returns a line for each finding: level, check and detail.
func levels(findings []Finding) string {
	var b strings.Builder
	for _, f := range findings {
		b.WriteString(f.Level + " " + f.Check + ": " + f.Detail + "\n")
		if f.Level != "ok" && f.Remedy == "" {
			b.WriteString("NO REMEDY\n")
		}
	}
	return b.String()
}

func TestPreflightOfWhatIsThere(t *testing.T) {
	bubble(t, 3, func(t *testing.T, r *rig) {
		got := levels(Preflight(t.Context(), r.config(), false))
		want := `ok kafka brokers: localhost:9092
ok topic leads: 3 partitions
ok topic leads.dlt: 3 partitions
ok broker limits: the session timeout and commits fit
ok reading leads: allowed
ok group leadbridge: allowed
ok commit metadata: 4096 bytes were committed and read back in the group leadbridge-check
ok writing leads.dlt: allowed
ok transactions: the brokers give them
warn dead-letter size: takes 1048588 bytes, leads takes 1048588, and a letter has headers besides
warn topic retention: records are kept for 7 days
warn dead-letter retention: records are kept for 7 days
warn topic replicas: one replica: leads, leads.dlt
`
		if got != want {
			t.Errorf("got\n%swant\n%s", got, want)
		}
		if letters := r.deadLetters(); len(letters) != 0 {
			t.Errorf("the preflight wrote %d records", len(letters))
		}
	})
}

func TestPreflightMakesMissingTopics(t *testing.T) {
	bubble(t, 0, func(t *testing.T, r *rig) {
		got := levels(Preflight(t.Context(), r.config(), false))
		for _, line := range []string{"fail topic leads: does not exist", "fail topic leads.dlt: does not exist"} {
			if !strings.Contains(got, line) {
				t.Errorf("missing %q in\n%s", line, got)
			}
		}
		got = levels(Preflight(t.Context(), r.config(), true))
		if strings.Contains(got, "fail") || strings.Count(got, "just made") != 2 {
			t.Errorf("with fix:\n%s", got)
		}
	})
}

// The preflight waits for the coordinator of a new group and the leaders of a new topic, which are not there at once.
func TestPreflightWaitsForWhatIsNew(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		r.cluster.Fault(
			kfake.Fault{Keys: []kmsg.Key{kmsg.OffsetFetch}, Err: kerr.NotCoordinator, Count: 3},
			kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.NotLeaderForPartition, Count: 2},
			kfake.Fault{Keys: []kmsg.Key{kmsg.Fetch}, Err: kerr.NotLeaderForPartition, Count: 2},
		)
		if got := levels(Preflight(t.Context(), r.config(), false)); strings.Contains(got, "fail") {
			t.Errorf("got\n%s", got)
		}
	})
}

// The preflight waits for the coordinator of a new cluster even if it loads its groups for longer than a call may take.
func TestPreflightWaitsForANewCluster(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		loading := r.cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.OffsetFetch}, Err: kerr.CoordinatorLoadInProgress, Count: -1})
		time.AfterFunc(2*callTimeout, loading.Remove)
		if got := levels(Preflight(t.Context(), r.config(), false)); strings.Contains(got, "fail") {
			t.Errorf("got\n%s", got)
		}
	})
}

// A session timeout that the brokers do not accept is reported by the preflight, and is a hold with a remedy in a run.
func TestSessionTimeoutOutsideTheBrokersLimits(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		cfg := r.config()
		cfg.SessionTimeout = time.Second
		if got := levels(Preflight(t.Context(), cfg, false)); !strings.Contains(got, "fail session timeout: 1s") {
			t.Errorf("got\n%s", got)
		}
		p := r.start(func(c *Config) { c.SessionTimeout = time.Second })
		r.await("the hold", func() bool { return hasHold(p.Status(), HoldGroup) })
		if advice := p.Status().Holds[0].Advice.String(); !strings.Contains(advice, "KAFKA_SESSION_TIMEOUT") {
			t.Errorf("advice %q", advice)
		}
		p.shutdown(t)
	}, kfake.GroupMinSessionTimeout(6*time.Second), kfake.BrokerConfigs(map[string]string{"group.min.session.timeout.ms": "6000"}))
}
