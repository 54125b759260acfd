package consumer

import (
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// members starts n consumers, and waits until each has as many partitions as each says.
func (r *rig) members(n, each int, adjust ...func(*Config)) []*process {
	r.t.Helper()
	all := make([]*process, n)
	for i := range all {
		all[i] = r.start(adjust...)
	}
	r.awaitShared(each, all...)
	return all
}

// awaitShared waits until each consumer has the given number of partitions.
func (r *rig) awaitShared(each int, all ...*process) {
	r.t.Helper()
	r.await("all to work", func() bool {
		return !slices.ContainsFunc(all, func(p *process) bool { return len(p.Status().Partitions) != each })
	})
}

// All members of a group notice within a second that one comes or goes.
func TestRebalanceIsNoticedSoon(t *testing.T) {
	bubble(t, 4, func(t *testing.T, r *rig) {
		r.primed()
		all := r.members(4, 1)
		for i, old := range all {
			began := time.Now()
			old.shutdown(t)
			all[i] = r.start()
			r.awaitShared(1, all...)
			if took := time.Since(began); took > 2*time.Second {
				t.Errorf("to replace replica %d took %s", i, took)
			}
		}
		for _, p := range all {
			p.shutdown(t)
		}
	})
}

// When a rebalance begins during another one, the group is joined again at once.
func TestRebalanceInARebalanceIsJoinedAtOnce(t *testing.T) {
	for name, key := range map[string]kmsg.Key{"when the group is joined": kmsg.SyncGroup, "at the first heartbeat": kmsg.Heartbeat} {
		t.Run(name, func(t *testing.T) {
			bubble(t, 1, func(t *testing.T, r *rig) {
				r.primed()
				overtaken := r.cluster.Fault(kfake.Fault{Keys: []kmsg.Key{key}, Err: kerr.RebalanceInProgress, Count: 8})
				began := time.Now()
				p := r.start()
				r.await("the assignment", func() bool { return p.Status().Ready })
				if took := time.Since(began); took > time.Second || overtaken.Hits() != 8 {
					t.Errorf("it took %s over %d rebalances", took, overtaken.Hits())
				}
				p.shutdown(t)
			})
		})
	}
}

// A process that loses the brokers for a moment leaves a silent member behind. When it is back, it first removes that member
// from the group, whether it owned a partition or not: otherwise all would wait until the member's session has ended.
func TestLostConnectionLeavesNoMemberBehind(t *testing.T) {
	for name, owns := range map[string]bool{"with a partition": true, "without": false} {
		t.Run(name, func(t *testing.T) {
			bubble(t, 1, func(t *testing.T, r *rig) {
				r.primed()
				links := []*line{r.line(), r.line()}
				all := []*process{r.start(links[0].use)}
				r.awaitShared(1, all[0])
				all = append(all, r.start(links[1].use))
				r.await("both to be members", func() bool { return all[0].Status().Generation > 1 && all[1].Status().Generation > 1 })
				lost := slices.IndexFunc(all, func(p *process) bool { return (len(p.Status().Partitions) > 0) == owns })
				links[lost].sever()
				time.Sleep(5 * time.Second)
				links[lost].restore()
				if took := r.waited("lead", 0); took > 3*time.Second {
					t.Errorf("a lead waited %s for a member that had come back under another id", took)
				}
				time.Sleep(10 * time.Second)
				if took := r.waited("later", 0); took > time.Second {
					t.Errorf("a later lead waited %s", took)
				}
				for _, p := range all {
					p.shutdown(t)
				}
				r.crm.once(t)
			})
		})
	}
}
