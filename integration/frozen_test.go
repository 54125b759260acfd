//go:build integration

package integration

import (
	"testing"
	"time"

	"github.com/leadbridge/leadbridge/crmclient/crmtest"
)

// TestFrozenProcessSendsNothing stops a process in the middle of its work until
// others have its partitions and have done its work, and lets it go on: it must neither
// send nor commit anything of what it had in its hands.
func TestFrozenProcessSendsNothing(t *testing.T) {
	t.Parallel()
	for name, heirWaits := range map[string]bool{
		"its heir is a member already": true,
		"its heir joins afterwards":    false, // at the rebalance timeout, whatever the session
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLab(t, sharedCluster(t), labOptions{portal: crmtest.Options{Slots: 2, ServiceTime: 50 * time.Millisecond}})
			one := map[string]string{"CRM_BATCH_SIZE": "1"}
			frozen := l.join("frozen", one)
			l.awaitShared(frozen)
			var heir *member
			if heirWaits {
				heir = l.join("heir", nil)
				l.awaitShared(frozen, heir)
			}
			l.produce(l.spread(300))
			eventually(t, "it is in the middle of its work", func() bool { return len(l.crm.sightings(by("frozen"))) > 20 })
			frozen.freeze()
			if heir == nil {
				heir = l.join("heir", nil)
			}
			l.settle()
			commits := l.commits()

			thawed := time.Now()
			frozen.thaw()
			// Once it is a member again it has got over everything that it held.
			l.awaitShared(frozen, heir)
			for _, s := range l.crm.sightings(by("frozen")) {
				if s.at.After(thawed) {
					t.Errorf("thawed, it asked the CRM for leads %v (create: %v)", s.leads, s.create)
				}
			}
			for partition, c := range l.commits() {
				if c.At != commits[partition].At {
					t.Errorf("the commit of partition %d moved from %d to %d", partition, commits[partition].At, c.At)
				}
			}
			frozen.stop()
			heir.stop()
			l.audit()
		})
	}
}

// by keeps what one process asked.
func by(name string) func(sighting) bool {
	return func(s sighting) bool { return s.who == name }
}
