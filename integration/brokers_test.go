//go:build integration

package integration

import (
	"testing"
	"time"

	"github.com/leadbridge/leadbridge/crmclient/crmtest"
	"github.com/leadbridge/leadbridge/integration/internal/broker"
)

// TestBrokerRestartUnderLoad restarts the only broker in order, and kills it and
// starts it again, while three processes deliver from six partitions.
func TestBrokerRestartUnderLoad(t *testing.T) {
	t.Parallel()
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

// TestLeaderChange kills one of three brokers after another: leaders of partitions and
// the group's coordinator move, and events keep coming in.
func TestLeaderChange(t *testing.T) {
	t.Parallel()
	c := ownCluster(t, broker.Options{Nodes: 3})
	l := newLab(t, c, labOptions{
		partitions: 6, replication: 3, portal: crmtest.Options{ServiceTime: 20 * time.Millisecond},
		topicConfig: map[string]string{"min.insync.replicas": "2"}, lettersConfig: map[string]string{"min.insync.replicas": "2"},
	})
	members := []*member{l.join("a", nil), l.join("b", nil)}
	l.awaitShared(members...)
	stop := l.produceSteadily()
	for i, n := range c.Nodes {
		before := l.crm.sim.Stats().Contacts
		eventually(t, "the group is at work", func() bool { return l.crm.sim.Stats().Contacts > before+50 })
		if i%2 == 0 {
			must(t, "kill", n.Kill(t.Context()))
		} else {
			must(t, "stop", n.Stop(t.Context()))
		}
		eventually(t, "others lead its partitions", func() bool { return l.leaderless(int32(n.ID)) })
		before = l.crm.sim.Stats().Contacts
		eventually(t, "the group is at work without it", func() bool { return l.crm.sim.Stats().Contacts > before+50 })
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
