//go:build integration

package integration

import (
	"fmt"
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
