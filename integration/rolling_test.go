//go:build integration

package integration

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/leadbridge/leadbridge/crmclient/crmtest"
)

// TestRollingRestartCostsNothing replaces three processes one after another while
// events come in. Every request gets its answer, so that nobody needs to ask the CRM
// whether an event is there, and nothing is there twice.
func TestRollingRestartCostsNothing(t *testing.T) {
	t.Parallel()
	l := newLab(t, sharedCluster(t), labOptions{partitions: 6, portal: crmtest.Options{ServiceTime: 20 * time.Millisecond}})
	// A commit that a busy machine answers late would have no answer.
	patient := map[string]string{"KAFKA_SESSION_TIMEOUT": "30s"}
	members := []*member{l.join("a0", patient), l.join("b0", patient), l.join("c0", patient)}
	l.awaitShared(members...)
	stop := l.produceSteadily()
	for i, old := range members {
		before := l.crm.sim.Stats().Contacts
		eventually(t, "the group is at work", func() bool { return l.crm.sim.Stats().Contacts > before+50 })
		old.stop()
		members[i] = l.join(fmt.Sprintf("%c1", 'a'+i), patient)
		l.awaitShared(members...)
	}
	stop()
	l.settle()
	if asked := l.crm.sightings(lookups); len(asked) > 0 {
		t.Errorf("%d look-ups, want none: the first by %s for leads %v", len(asked), asked[0].who, asked[0].leads)
	}
	t.Logf("%d events", len(l.all()))
}

// TestRestartedReplicaStopsNobodyElse starts a process again as soon as it was killed. The others work on
// until its session has ended; only then is the group joined.
func TestRestartedReplicaStopsNobodyElse(t *testing.T) {
	t.Parallel()
	l := newLab(t, sharedCluster(t), labOptions{partitions: 6})
	long := map[string]string{"KAFKA_SESSION_TIMEOUT": "15s"}
	a, b, c := l.join("a", long), l.join("b", long), l.join("c0", long)
	l.awaitShared(a, b, c)
	before, theirs := l.memberIDs(), a.status().owned()[0]
	c.kill()
	c = l.join("c1", long)
	eventually(t, "the newcomer has seen that a member is silent", func() bool { return len(c.logged("a member of the group is silent")) > 0 })
	leads := l.into(theirs, 10)
	l.produce(leads)
	eventually(t, "the leads of a replica that lives are contacts", func() bool { return l.crm.sim.Stats().Contacts == len(leads) })
	if members := l.memberIDs(); !slices.Equal(members, before) {
		t.Errorf("members are %v, want those two that live and the dead one still: %v", members, before)
	}
	l.awaitShared(a, b, c)
	l.settle()
}

// TestStopDuringARebalanceLeavesNobodyBehind stops a process while it waits for another one to join, which is frozen.
func TestStopDuringARebalanceLeavesNobodyBehind(t *testing.T) {
	t.Parallel()
	l := newLab(t, sharedCluster(t), labOptions{})
	long := map[string]string{"KAFKA_SESSION_TIMEOUT": "60s"} // longer than the test
	a, b, frozen := l.join("a", long), l.join("b", long), l.join("frozen", long)
	l.awaitShared(a, b, frozen)
	frozen.freeze()
	b.stop()
	eventually(t, "it waits to join", func() bool { return len(a.status().owned()) == 0 })
	a.stop()
	if members := l.memberIDs(); len(members) != 1 {
		t.Errorf("members are %v, want the frozen one only", members)
	}
	frozen.thaw()
	l.awaitShared(frozen)
}

// memberIDs are the group's members, sorted.
func (l *lab) memberIDs() []string {
	l.t.Helper()
	groups, err := l.admin.DescribeGroups(l.ctx(), l.group)
	must(l.t, "describe the group", err)
	var ids []string
	for _, m := range groups[l.group].Members {
		ids = append(ids, m.MemberID)
	}
	slices.Sort(ids)
	return ids
}
