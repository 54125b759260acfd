package consumer

import (
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// groupState asks the coordinator for the group's state.
func (r *rig) groupState() groupState {
	r.t.Helper()
	b := newBroker(r.config())
	defer b.reset()
	seen, err := b.describeGroup(r.t.Context())
	if err != nil {
		r.t.Fatal(err)
	}
	return seen
}

// A process that stops leaves the group and does not join it again, even if it is the group's leader.
func TestStopDoesNotJoinAgain(t *testing.T) {
	bubble(t, 2, func(t *testing.T, r *rig) {
		r.primed()
		for range 20 {
			p := r.start()
			r.await("the assignment", func() bool { return p.Status().Ready })
			joins := r.cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.JoinGroup}, Observe: true, Count: -1})
			p.shutdown(t)
			if joins.Remove(); joins.Hits() > 0 {
				t.Fatal("it joined the group when it stopped")
			}
			if seen := r.groupState(); seen.members != 0 {
				t.Fatalf("it left %d members behind", seen.members)
			}
		}
	})
}

// A process that stops while it waits for others to join leaves the group too. Otherwise the whole group would wait for this
// process until its session has ended.
func TestStopWhileOthersAreAwaitedLeavesTheGroup(t *testing.T) {
	bubble(t, 2, func(t *testing.T, r *rig) {
		r.primed()
		a, link := r.start(), r.line()
		silent := r.start(link.use)
		r.awaitShared(1, a, silent)
		link.freeze()
		third, err := kafka.NewConsumerGroup(a.groupConfig()) // joins at once, unlike a process of ours
		if err != nil {
			t.Fatal(err)
		}
		r.await("that it waits for the frozen one", func() bool { return len(a.Status().Partitions) == 0 })
		time.Sleep(time.Second)
		if seen := r.groupState(); seen != (groupState{groupPreparing, 3}) {
			t.Fatalf("the group is not as it should be for this test: %+v", seen)
		}
		began := time.Now()
		a.shutdown(t)
		if took := time.Since(began); took > closeTimeout+leaveTimeout {
			t.Errorf("it stopped after %s", took)
		}
		if seen := r.groupState(); seen.members != 2 {
			t.Errorf("the group has %d members, want those two that did not stop", seen.members)
		}
		link.thaw()
		silent.shutdown(t)
		_ = third.Close()
	})
}

// A process that stops while it joins for the first time has no member id yet, by which it could leave. It waits for the
// end of the join, and leaves then.
func TestStopInTheFirstJoinLeavesTheGroup(t *testing.T) {
	bubble(t, 2, func(t *testing.T, r *rig) {
		r.primed()
		a, link := r.start(), r.line()
		silent := r.start(link.use)
		r.awaitShared(1, a, silent)
		link.freeze()
		third, err := kafka.NewConsumerGroup(a.groupConfig())
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		newcomer := r.start() // the group rebalances, so that it joins at once
		time.Sleep(time.Second)
		if seen := r.groupState(); seen != (groupState{groupPreparing, 4}) {
			t.Fatalf("the group is not as it should be for this test: %+v", seen)
		}
		time.AfterFunc(8*time.Second, link.thaw)
		newcomer.shutdown(t)
		if seen := r.groupState(); seen.members != 3 {
			t.Errorf("the group has %d members, want those three that did not stop", seen.members)
		}
		a.shutdown(t)
		silent.shutdown(t)
		_ = third.Close()
	})
}
