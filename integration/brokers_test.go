//go:build integration

package integration

import (
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/leadbridge/leadbridge/crmclient/crmtest"
	"github.com/leadbridge/leadbridge/integration/internal/broker"
)

// The tests of this file are not parallel: brokers that start take all of a small machine,
// on which the others' processes would rightly give their leases up.

// TestBrokerRestartUnderLoad restarts the only broker in order, and kills it and
// starts it again, while three processes deliver from six partitions.
func TestBrokerRestartUnderLoad(t *testing.T) {
	c := ownCluster(t, broker.Options{})
	l := newLab(t, c, labOptions{partitions: 6, portal: crmtest.Options{ServiceTime: 20 * time.Millisecond}})
	members := []*member{l.join("a", nil), l.join("b", nil), l.join("c", nil)}
	l.awaitShared(members...)
	stop := l.produceSteadily()
	n := c.Nodes[0]
	for what, end := range map[string]func() error{
		"restart in order": func() error { return n.Stop(t.Context()) },
		"kill":             func() error { return n.Kill(t.Context()) },
	} {
		before := l.crm.sim.Stats().Contacts
		eventually(t, "the group is at work", func() bool { return l.crm.sim.Stats().Contacts > before+50 })
		must(t, what, end())
		for _, m := range members {
			eventually(t, m.name+" sees no broker", func() bool { return m.status().held("brokers") })
		}
		must(t, "start", n.Start(t.Context()))
		l.awaitShared(members...)
	}
	before := l.crm.sim.Stats().Contacts
	eventually(t, "the group is at work", func() bool { return l.crm.sim.Stats().Contacts > before+50 })
	stop()
	l.settle()
	for _, m := range members {
		m.stop()
	}
	l.audit()
}

// TestLeaderChange kills the group's coordinator, one of three brokers, and stops the
// leader of a partition in order: others take their places, and events keep coming in.
func TestLeaderChange(t *testing.T) {
	c := threeBrokers(t)
	l := newLab(t, c, labOptions{
		partitions: 6, replication: 3, portal: crmtest.Options{ServiceTime: 20 * time.Millisecond},
		topicConfig: map[string]string{"min.insync.replicas": "2"}, lettersConfig: map[string]string{"min.insync.replicas": "2"},
	})
	members := []*member{l.join("a", nil), l.join("b", nil)}
	l.awaitShared(members...)
	stop := l.produceSteadily()
	atWork := func(what string) {
		t.Helper()
		before := l.crm.sim.Stats().Contacts
		eventually(t, what, func() bool { return l.crm.sim.Stats().Contacts > before+50 })
	}
	for _, round := range []struct {
		chosen func() int32
		end    func(*broker.Node) error
	}{
		{l.coordinator, func(n *broker.Node) error { return n.Kill(t.Context()) }},
		{l.leader, func(n *broker.Node) error { return n.Stop(t.Context()) }},
	} {
		atWork("the group is at work")
		n := c.Nodes[round.chosen()-1]
		must(t, "end a broker", round.end(n))
		eventually(t, "others lead its partitions", func() bool { return l.leaderless(int32(n.ID)) })
		atWork("the group is at work without it")
		must(t, "start", n.Start(t.Context()))
		eventually(t, "it has caught up", l.inSync)
	}
	stop()
	l.settle()
	for _, m := range members {
		m.stop()
	}
	l.audit()
}

// coordinator is the broker that the group is led by.
func (l *lab) coordinator() int32 {
	l.t.Helper()
	found := answered(l, "the group's coordinator", func() (kadm.FindCoordinatorResponses, error) {
		found := l.admin.FindGroupCoordinators(l.ctx(), l.group)
		return found, found.Error()
	})
	return found[l.group].NodeID
}

// leader is the broker that leads partition 0.
func (l *lab) leader() int32 {
	l.t.Helper()
	topics := answered(l, "the topic's leaders", func() (kadm.TopicDetails, error) { return l.admin.ListTopics(l.ctx(), l.topic) })
	return topics[l.topic].Partitions[0].Leader
}

// leaderless tells whether a broker leads no partition, and every one has a leader.
func (l *lab) leaderless(id int32) bool {
	topics, err := l.admin.ListTopics(l.ctx(), l.topic)
	if err != nil {
		return false
	}
	for _, p := range topics[l.topic].Partitions {
		if p.Leader == id || p.Leader < 0 {
			return false
		}
	}
	return len(topics[l.topic].Partitions) > 0
}

// inSync tells whether every replica of the topic has caught up.
func (l *lab) inSync() bool {
	topics, err := l.admin.ListTopics(l.ctx(), l.topic)
	if err != nil {
		return false
	}
	for _, p := range topics[l.topic].Partitions {
		if len(p.ISR) < len(p.Replicas) || p.Leader < 0 {
			return false
		}
	}
	return len(topics[l.topic].Partitions) > 0
}
