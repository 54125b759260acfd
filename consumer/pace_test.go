package consumer

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/leadbridge/leadbridge/crmclient"
)

// After a generation that cannot begin, the group is not joined again at once: each join stops the whole group.
func TestGenerationsThatCannotBeginArePaced(t *testing.T) {
	for name, fault := range map[string]kfake.Fault{
		"no offsets": {Keys: []kmsg.Key{kmsg.ListOffsets}, Topic: testTopic, Err: kerr.NotLeaderForPartition, Count: -1},
		"no commits": {Keys: []kmsg.Key{kmsg.OffsetFetch}, Group: testGroup, Err: kerr.CoordinatorLoadInProgress, Count: -1},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, 1, func(t *testing.T, r *rig) {
				broken := r.cluster.Fault(fault)
				joins := r.cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.JoinGroup}, Observe: true, Count: -1})
				p := r.start()
				time.Sleep(time.Minute)
				if n := joins.Hits(); n > 60 {
					t.Errorf("joined %d times in a minute", n)
				}
				broken.Remove()
				r.produce(event("a"))
				r.awaitCreated("a")
				p.shutdown(t)
			})
		})
	}
}

// No partition dispatches before the ids of all partitions are read back: the second record of an id may be in another
// partition than the first.
func TestNoPartitionDispatchesBeforeAllRemember(t *testing.T) {
	bubble(t, 2, func(t *testing.T, r *rig) {
		r.produce(append(events("e", 50), event("twice"))...)
		p := r.start()
		r.awaitCreated("twice")
		p.shutdown(t)
		r.produce(message{partition: 1, value: `{"id":"twice"}`})
		slow := true
		r.cluster.ControlKey(int16(kmsg.Fetch), func(req kmsg.Request) (kmsg.Response, error, bool) {
			r.cluster.KeepControl()
			if slow && req.(*kmsg.FetchRequest).Topics[0].Partitions[0].Partition == 0 {
				slow = false
				r.cluster.SleepControl(func() { time.Sleep(3 * time.Second) })
			}
			return nil, nil, false
		})
		p = r.start()
		r.await("the second one", func() bool { return len(r.crm.asked("twice")) == 2 })
		p.shutdown(t)
		if !r.crm.asked("twice")[1].Suspect {
			t.Error("the second record of the id is no suspect")
		}
		r.crm.once(t)
	})
}

func TestCoordinatorThatMovesDoesNotEndTheGeneration(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		b, m, group := r.joined()
		defer group.Close()
		defer b.reset()
		l, ended := r.heartbeatsOf(t.Context(), b, m)
		moved := r.cluster.Fault(kfake.Fault{
			Keys: []kmsg.Key{kmsg.Heartbeat}, Err: kerr.NotCoordinator, Count: -1,
			When: func(req kmsg.Request) bool { return req.GetVersion() > 0 }, // our heartbeats, not those of kafka-go's group
		})
		time.Sleep(l.length / 2)
		moved.Remove()
		if moved.Hits() == 0 {
			t.Fatal("no heartbeat was refused")
		}
		time.Sleep(5 * time.Minute)
		if len(ended) > 0 || l.err() != nil {
			t.Errorf("ended: %v", l.err())
		}
	})
}

// The last commit of a generation has an unknown outcome, and may still arrive: the member leaves the group, so that the
// broker refuses the commit then.
func TestUnknownLastCommitLeavesTheGroup(t *testing.T) {
	bubble(t, 2, func(t *testing.T, r *rig) {
		a := r.start()
		r.produce(event("a"), message{partition: 1, value: `{"id":"b"}`})
		r.awaitCreated("a", "b")
		last := r.cluster.Fault(kfake.Fault{
			Keys: []kmsg.Key{kmsg.OffsetCommit}, Group: testGroup, Err: kerr.RequestTimedOut, Count: 1,
			When: func(req kmsg.Request) bool {
				p := req.(*kmsg.OffsetCommitRequest).Topics[0].Partitions[0]
				l, err := decodeLedger(p.Offset, *p.Metadata)
				return err == nil && !l.horizon.After(time.Now())
			},
		})
		left := r.cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.LeaveGroup}, Observe: true, Count: -1})
		b := r.start()
		r.await("the end of the generation", func() bool { return last.Hits() == 1 })
		r.await("that it leaves", func() bool { return left.Hits() > 0 })
		r.produce(event("c"), message{partition: 1, value: `{"id":"d"}`})
		r.awaitCreated("c", "d")
		a.shutdown(t)
		b.shutdown(t)
		r.crm.once(t)
	})
}

// A refusal says nothing about an earlier owner: it does not make the exploration of a new group longer, and no look-up waits
// because of it.
func TestRefusalsDoNotCountInAnExploration(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		r.produce(events("old", 400)...)
		r.crm.setAnswer(func(_ context.Context, q crmclient.Request) (crmclient.Result, error, bool) {
			if strings.HasSuffix(q.OriginID, "5") {
				return crmclient.Result{}, &crmclient.Rejection{Reason: crmclient.ReasonRefused}, true
			}
			if q.SentBefore != nil && !q.SentBefore().IsZero() {
				t.Errorf("%s waits for an earlier owner, of which there is no sign", q.OriginID)
			}
			return crmclient.Result{}, nil, false
		})
		p := r.start(func(c *Config) { c.Window = 8 })
		r.await("all", func() bool { return r.commits()[0].offset == 400 })
		p.shutdown(t)
		if n := r.crm.suspects(); n == 400 {
			t.Error("the exploration did not end")
		}
	})
}

// An exploration looks up few more records than it needs: each look-up takes two of the portal's few requests, and its event
// waits for a settle time.
func TestExplorationLooksUpLittleMoreThanAWindow(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		r.produce(events("old", 1000)...)
		r.crm.setAnswer(func(_ context.Context, q crmclient.Request) (crmclient.Result, error, bool) {
			if q.Suspect {
				time.Sleep(10 * time.Second) // two look-ups
			}
			return crmclient.Result{}, nil, false
		})
		p := r.start()
		r.await("all", func() bool { return r.commits()[0].offset == 1000 })
		p.shutdown(t)
		if n, most := r.crm.suspects(), leastExploration+explorationSpare; n < leastExploration || n > most {
			t.Errorf("%d events were looked up, want %d to %d", n, leastExploration, most)
		}
	})
}

// A few events that get no answer do not keep an exploration from ending.
func TestExplorationGoesAroundWhatIsStuck(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		r.produce(events("old", 1000)...)
		const few = 20
		release := make(chan struct{})
		stuck := 0
		var mu sync.Mutex
		r.crm.setAnswer(func(ctx context.Context, q crmclient.Request) (crmclient.Result, error, bool) {
			mu.Lock()
			wait := stuck < few
			if wait {
				stuck++
			}
			mu.Unlock()
			if wait {
				<-release
			}
			return crmclient.Result{}, nil, false
		})
		p := r.start(func(c *Config) { c.Window = 512 })
		r.await("what is not stuck", func() bool { return len(r.crm.createdIDs()) == 1000-few })
		close(release)
		r.await("all", func() bool { return r.commits()[0].offset == 1000 })
		p.shutdown(t)
	})
}

// Records that are not being looked up do not keep an exploration from ending: letters that cannot be written, refused
// records, and records that wait in line behind one of the same key.
func TestExplorationGoesAroundWhatIsNotLookedUp(t *testing.T) {
	const many, lookUp = explorationSpare + 16, time.Second
	for name, waits := range map[string]func(i int) message{
		"letters": func(int) message { return message{value: "no JSON"} },
		"refused": func(i int) message { return event(fmt.Sprint("refused", i)) },
		"line":    func(i int) message { return message{key: "one", value: fmt.Sprintf(`{"id":"line%d"}`, i)} },
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, 1, func(t *testing.T, r *rig) {
				var all []message
				for i := range many {
					all = append(all, waits(i))
				}
				r.produce(append(all, events("e", 1000)...)...)
				r.crm.setAnswer(func(_ context.Context, q crmclient.Request) (crmclient.Result, error, bool) {
					if q.Suspect {
						time.Sleep(lookUp)
					}
					if strings.HasPrefix(q.OriginID, "refused") {
						return crmclient.Result{}, &crmclient.Rejection{Reason: crmclient.ReasonRefused}, true
					}
					return crmclient.Result{}, nil, false
				})
				broken := r.cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: testLetters, Err: kerr.NotLeaderForPartition, Count: -1})
				p := r.start()
				time.Sleep(6 * lookUp)
				if n := len(r.crm.createdIDs()); n < 1000 {
					t.Errorf("%d of 1000 events that need not wait were delivered", n)
				}
				broken.Remove()
				r.await("all", func() bool { return r.commits()[0].offset == 1000+many })
				p.shutdown(t)
			})
		})
	}
}
