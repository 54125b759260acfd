//go:build integration

package integration

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/leadbridge/leadbridge/integration/internal/broker"
)

// The tests of this file are not parallel, as those of brokers_test.go.

// set changes settings of a topic; a value of "" takes the setting away.
func (l *lab) set(topic string, settings map[string]string) {
	l.t.Helper()
	var changes []kadm.AlterConfig
	for name, value := range settings {
		change := kadm.AlterConfig{Op: kadm.SetConfig, Name: name, Value: &value}
		if value == "" {
			change = kadm.AlterConfig{Op: kadm.DeleteConfig, Name: name}
		}
		changes = append(changes, change)
	}
	done := answered(l, "change settings of "+topic, func() (kadm.AlterConfigsResponses, error) {
		return l.admin.AlterTopicConfigs(l.ctx(), changes, topic)
	})
	for _, one := range done {
		must(l.t, "change settings of "+topic, one.Err)
	}
}

// inSyncWithout reports whether the replicas in sync of each partition of a topic are all but those of some brokers.
func (l *lab) inSyncWithout(topic string, away ...*broker.Node) bool {
	topics, err := l.admin.ListTopics(l.ctx(), topic)
	if err != nil {
		return false
	}
	for _, p := range topics[topic].Partitions {
		for _, n := range away {
			if slices.Contains(p.ISR, int32(n.ID)) {
				return false
			}
		}
		if p.Leader < 0 || len(p.ISR) != len(p.Replicas)-len(away) {
			return false
		}
	}
	return len(topics[topic].Partitions) > 0
}

// holdText is the advice of a hold; "" when it is not in force.
func (m *member) holdText(cause string) string {
	for _, h := range m.status().Holds {
		if h.Cause == cause {
			return h.Advice
		}
	}
	return ""
}

// awaitProbe waits until /readyz answers with a status.
func (m *member) awaitProbe(status int) {
	m.t.Helper()
	eventually(m.t, m.name+": /readyz answers "+http.StatusText(status), func() bool { code, _ := m.get("/readyz"); return code == status })
	if code, body := m.get("/healthz"); code != http.StatusOK {
		m.t.Errorf("%s: /healthz answers %d: a restart does not bring replicas back: %s", m.name, code, body)
	}
}

// awaitDelivered waits until leads are contacts.
func (l *lab) awaitDelivered(leads []lead) {
	l.t.Helper()
	eventually(l.t, "leads are delivered", func() bool { return l.deliveredOf(leads) == len(leads) })
}

// TestFewerReplicasInSyncThanWanted freezes one of three brokers, so that topics which want all three replicas take nothing,
// then two. What cannot be written waits, each for itself, and says so; when the brokers are back nothing is lost or made twice.
func TestFewerReplicasInSyncThanWanted(t *testing.T) {
	c := threeBrokers(t)
	l := newLab(t, c, labOptions{
		replication: 3, topicConfig: map[string]string{"min.insync.replicas": "2"}, lettersConfig: map[string]string{"min.insync.replicas": "3"},
	})
	members := []*member{l.join("a", nil), l.join("b", nil)}
	l.awaitShared(members...)
	l.produce(l.spread(6))
	l.settle()

	// The letters' topic wants three.
	away := c.Nodes[l.other()-1]
	must(t, "freeze", away.Freeze(t.Context()))
	for _, topic := range []string{l.topic, l.letters, offsetsTopic} {
		eventually(t, topic+" has lost a replica", func() bool { return l.inSyncWithout(topic, away) })
	}
	letters := l.mixed(1, 0, 1, 2)
	for i := range letters {
		letters[i].fate = "NO_CONTACT_POINT"
	}
	l.produce(letters)
	others := l.mixed(4, 0, 1, 2)
	l.produce(others)
	l.awaitDelivered(others)
	for _, m := range members {
		eventually(t, m.name+" says which topic lacks replicas", func() bool {
			text := m.holdText("dead_letter_topic")
			return strings.Contains(text, l.letters) && strings.Contains(text, "min.insync.replicas")
		})
		m.awaitProbe(http.StatusOK)
	}
	for partition, at := range l.commits() {
		if at.At > 2 {
			t.Errorf("partition %d is committed at %d, beyond a letter that is not written", partition, at.At)
		}
	}

	// The topic of commits does, too.
	l.set(offsetsTopic, map[string]string{"min.insync.replicas": "3"})
	for _, m := range members {
		eventually(t, m.name+" says that commits have no replicas", func() bool { return strings.Contains(m.holdText("group"), offsetsTopic) })
		m.awaitProbe(http.StatusServiceUnavailable)
	}
	l.produce(l.mixed(4, 0, 1, 2)) // which wants two
	must(t, "thaw", away.Thaw(t.Context()))
	l.settle()
	l.set(offsetsTopic, map[string]string{"min.insync.replicas": ""})

	// Two of three are away, and with them the controllers' majority.
	pair := slices.DeleteFunc(slices.Clone(c.Nodes), func(n *broker.Node) bool { return n == away })
	for _, n := range pair {
		must(t, "freeze", n.Freeze(t.Context()))
	}
	stop := l.produceSteadily()
	for _, m := range members {
		m.awaitProbe(http.StatusServiceUnavailable)
		eventually(t, m.name+" says what holds it", func() bool { return m.status().held("brokers") || m.status().held("group") })
	}
	for _, n := range pair {
		must(t, "thaw", n.Thaw(t.Context()))
	}
	l.awaitShared(members...)
	stop()
	l.settle()
	for _, m := range members {
		eventually(t, m.name+" has no hold left", func() bool { return len(m.status().Holds) == 0 })
		m.stop()
	}
	l.audit()
}

// other is a broker that neither leads the group nor partition 0.
func (l *lab) other() int32 {
	for id := int32(1); ; id++ {
		if id != l.coordinator() && id != l.leader() {
			return id
		}
	}
}

// createOn makes a topic of one partition with replicas on given brokers.
func (l *lab) createOn(topic string, brokers []int32, settings map[string]string) {
	l.t.Helper()
	req := kmsg.NewPtrCreateTopicsRequest()
	one := kmsg.NewCreateTopicsRequestTopic()
	one.Topic, one.NumPartitions, one.ReplicationFactor = topic, -1, -1
	place := kmsg.NewCreateTopicsRequestTopicReplicaAssignment()
	place.Replicas = brokers
	one.ReplicaAssignment = append(one.ReplicaAssignment, place)
	for name, value := range settings {
		setting := kmsg.NewCreateTopicsRequestTopicConfig()
		setting.Name, setting.Value = name, &value
		one.Configs = append(one.Configs, setting)
	}
	req.Topics = append(req.Topics, one)
	res, err := req.RequestWith(l.ctx(), l.kafka)
	must(l.t, "make "+topic, err)
	must(l.t, "make "+topic, kerr.ErrorForCode(res.Topics[0].ErrorCode))
	l.partitions = 1
}

// TestUncleanElectionIsLookedUp has a broker that missed the newest records become the leader: the log is shorter than what was
// read and committed. Everything that is left is looked up, and what comes is delivered.
func TestUncleanElectionIsLookedUp(t *testing.T) {
	c := threeBrokers(t)
	l := newLab(t, c, labOptions{replication: 3, withoutTopic: true})
	kept, behind := c.Nodes[1], c.Nodes[2]
	l.createOn(l.topic, []int32{int32(kept.ID), int32(behind.ID)}, map[string]string{
		"unclean.leader.election.enable": "true", "min.insync.replicas": "1",
	})
	eventually(t, "the topic has a leader", l.inSync)
	m := l.join("member", nil)
	l.awaitShared(m)
	l.produce(l.into(0, 5))
	l.settle()

	must(t, "freeze", behind.Freeze(t.Context()))
	eventually(t, "one replica is left", func() bool { return l.inSyncWithout(l.topic, behind) })
	l.produce(l.into(0, 5))
	l.settle()
	must(t, "kill", kept.Kill(t.Context()))
	must(t, "thaw", behind.Thaw(t.Context()))
	eventually(t, "the one that missed records leads", func() bool { return l.leader() == int32(behind.ID) && l.ends()[0] == 5 })
	eventually(t, "it is noticed", func() bool { return len(m.logged("the commit lies beyond the log's end")) > 0 })
	l.produce(l.into(0, 3))
	eventually(t, "all are contacts", func() bool { return l.deliveredOf(l.all()) == len(l.all()) })
	eventually(t, "the commit has come back to the log", func() bool { return l.commits()[0].At == 8 })
	if got, first := l.lookedUp(), numbersOf(l.all()[:5]); len(got) < 5 || !slices.Equal(got[:5], first) {
		t.Errorf("looked up %v, want at least %v", got, first)
	}
	must(t, "start", kept.Start(t.Context()))
	eventually(t, "both are in sync", l.inSync)
	m.stop()
	l.audit()
}
