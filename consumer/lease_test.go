package consumer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// The coordinator removes a silent member after the session timeout or the rebalance timeout: the lease must be shorter than
// both.
func TestLeaseIsShorterThanBothTimeouts(t *testing.T) {
	for _, session := range []time.Duration{time.Millisecond, time.Second, 6 * time.Second, 30 * time.Second, 30 * time.Minute} {
		c := &Consumer{deps: dependencies{cfg: Config{SessionTimeout: session}}}
		group := c.groupConfig()
		if group.RebalanceTimeout != session || group.SessionTimeout != session {
			t.Errorf("session %s: the group's timeouts are %s and %s", session, group.SessionTimeout, group.RebalanceTimeout)
		}
		if length := newLease(session).length; length <= 0 || length >= session {
			t.Errorf("session %s: the lease is %s", session, length)
		}
		if group.HeartbeatInterval*2 >= newLease(session).length {
			t.Errorf("session %s: a lost heartbeat ends the lease", session)
		}
	}
}

func TestLeaseBeginsUnheld(t *testing.T) {
	if err := newLease(30 * time.Second).err(); !errors.Is(err, errLeaseLapsed) {
		t.Errorf("a lease that nothing renewed: %v", err)
	}
}

func TestLeaseRunsFromTheSendTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLease(30 * time.Second)
		sent := time.Now()
		time.Sleep(20 * time.Second) // the answer took its time
		l.renew(sent)
		if left := l.remaining(); left != l.length-20*time.Second {
			t.Errorf("%s left, want %s", left, l.length-20*time.Second)
		}
		time.Sleep(l.remaining() - 1)
		if err := l.err(); err != nil {
			t.Errorf("lapsed before its end: %v", err)
		}
		time.Sleep(time.Nanosecond)
		if err := l.err(); !errors.Is(err, errLeaseLapsed) {
			t.Errorf("held at its end: %v", err)
		}
	})
}

func TestLeaseIsNeverShortenedByALateAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLease(30 * time.Second)
		first := time.Now()
		time.Sleep(3 * time.Second)
		l.renew(time.Now())
		l.renew(first)
		if l.remaining() != l.length {
			t.Errorf("%s left of %s", l.remaining(), l.length)
		}
	})
}

func TestLateHeartbeatDoesNotReviveAnEndedLease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLease(30 * time.Second)
		l.renew(time.Now())
		l.end()
		l.renew(time.Now())
		if l.err() == nil || l.remaining() != 0 {
			t.Error("a lease that was ended is held again")
		}
	})
}

// The monotonic clock of a suspended machine stands still; its wall clock goes on.
func TestLeaseEndsByTheWallClockToo(t *testing.T) {
	l := newLease(30 * time.Second)
	l.renew(time.Now())
	l.wallUntil = time.Now().Round(0).Add(-time.Second)
	if !errors.Is(l.err(), errLeaseLapsed) {
		t.Error("held although the wall clock is past its end")
	}
	l.wallUntil = time.Now().Round(0).Add(time.Hour)
	if l.remaining() > l.length {
		t.Error("a wall clock that was set back prolongs the lease")
	}
}

// joined joins the group, and returns the new member.
func (r *rig) joined() (*broker, membership, *kafka.ConsumerGroup) {
	r.t.Helper()
	c, err := New(r.config(), fakeTransformer{}, r.crm)
	if err != nil {
		r.t.Fatal(err)
	}
	group, err := kafka.NewConsumerGroup(c.groupConfig())
	if err != nil {
		r.t.Fatal(err)
	}
	gen, err := group.Next(r.t.Context())
	if err != nil {
		r.t.Fatal(err)
	}
	return c.deps.broker, membership{int(gen.ID), gen.MemberID}, group
}

// kafka-go reads the error code of an answer as a throttle time, and reports no error. The end of this test fails when a
// newer version of kafka-go behaves in another way.
func TestHeartbeatUnderADeadGenerationIsRefused(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		b, m, group := r.joined()
		defer group.Close()
		defer b.reset()
		if err := b.heartbeat(t.Context(), m, callTimeout); err != nil {
			t.Fatalf("a live generation: %v", err)
		}
		for name, tt := range map[string]struct {
			m    membership
			want error
		}{
			"an older generation": {membership{m.generation - 1, m.member}, kafka.IllegalGeneration},
			"a later generation":  {membership{m.generation + 1, m.member}, kafka.IllegalGeneration},
			"an unknown member":   {membership{m.generation, "somebody"}, kafka.UnknownMemberId},
		} {
			var refused *refusedHeartbeat
			err := b.heartbeat(t.Context(), tt.m, callTimeout)
			if !errors.As(err, &refused) || !errors.Is(err, tt.want) {
				t.Errorf("%s: %v", name, err)
			}
		}
		res, err := b.client.Heartbeat(t.Context(), &kafka.HeartbeatRequest{
			GroupID: testGroup, GenerationID: int32(m.generation + 1), MemberID: m.member,
		})
		if err != nil || res.Error == nil && res.Throttle != 22*time.Millisecond {
			t.Errorf("kafka-go answers otherwise than it did: %+v, %v", res, err)
		}
	})
}

// Only the group's coordinator knows the members, but kafka-go's own heartbeat goes to any broker that is configured.
func TestHeartbeatsGoToTheCoordinator(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		_, m, group := r.joined()
		defer group.Close()
		cfg := r.config()
		elsewhere := (r.cluster.CoordinatorFor(testGroup) + 1) % 3
		cfg.Brokers.Addresses = []string{fmt.Sprintf("localhost:%d", 9092+elsewhere)}
		b := newBroker(cfg)
		defer b.reset()
		if err := b.heartbeat(t.Context(), m, callTimeout); err != nil {
			t.Error(err)
		}
	}, kfake.NumBrokers(3), kfake.Ports(9092, 9093, 9094))
}

// heartbeatsOf starts the heartbeats of a generation with a new lease. The channel receives the error with which they end.
func (r *rig) heartbeatsOf(ctx context.Context, b *broker, m membership) (*lease, <-chan error) {
	c := dependencies{cfg: r.config(), broker: b}
	c.metrics = must(newMetrics(nil))
	c.board = newStatusBoard(c.cfg.Log)
	g := &generation{deps: c, member: m, lease: newLease(c.cfg.SessionTimeout), stopFetching: func(error) {}, rebalances: make(chan struct{})}
	g.lease.renew(time.Now())
	ended := make(chan error, 1)
	go func() { ended <- g.heartbeats(ctx) }()
	return g.lease, ended
}

// A broker may close a connection while a heartbeat is on its way: another connection is tried at once, and there is no hold.
// The hold comes with the second failure in a row.
func TestOneClosedConnectionHoldsNothing(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		r.primed()
		p := r.start()
		r.await("the assignment", func() bool { return p.Status().Ready })
		closing := func(times int32) *atomic.Int32 {
			var asked atomic.Int32
			r.cluster.ControlKey(int16(kmsg.Heartbeat), func(kmsg.Request) (kmsg.Response, error, bool) {
				r.cluster.KeepControl()
				if asked.Add(1) > times {
					return nil, nil, false
				}
				return nil, io.EOF, true // the connection is closed
			})
			return &asked
		}
		before := time.Now()
		asked := closing(1)
		r.await("the next heartbeat", func() bool { return asked.Load() > 1 })
		if took, pause := time.Since(before), r.config().SessionTimeout/heartbeatsPerSession; took > pause+pause/2 {
			t.Errorf("it was sent after %v; they are %v apart, and this one does not wait", took, pause)
		}
		if hasHold(p.Status(), HoldBrokers) || strings.Contains(r.logs.String(), `"held"`) {
			t.Errorf("one closed connection is a hold:\n%s", r.logs.String())
		}
		closing(2)
		r.await("the hold", func() bool { return strings.Contains(r.logs.String(), `"held"`) })
		r.await("its end", func() bool { return !hasHold(p.Status(), HoldBrokers) })
		p.shutdown(t)
	})
}

// Heartbeats also end with their context when that ends during the heartbeat that repeats a failed one.
func TestHeartbeatsEndBehindAClosedConnection(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		b, m, group := r.joined()
		defer group.Close()
		defer b.reset()
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		var asked atomic.Int32
		r.cluster.ControlKey(int16(kmsg.Heartbeat), func(kmsg.Request) (kmsg.Response, error, bool) {
			r.cluster.KeepControl()
			if asked.Add(1) == 2 {
				stop()
			}
			return nil, io.EOF, true // the connection is closed
		})
		if _, ended := r.heartbeatsOf(ctx, b, m); !errors.Is(<-ended, context.Canceled) {
			t.Error("ended with another error")
		}
	})
}

func TestHeartbeatsRenewTheLeaseUntilTheyAreRefused(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		b, m, group := r.joined()
		defer group.Close()
		defer b.reset()
		l, ended := r.heartbeatsOf(t.Context(), b, m)
		time.Sleep(5 * time.Minute)
		if len(ended) > 0 || l.err() != nil {
			t.Fatalf("ended on a sound group: %v", l.err())
		}
		refuse := r.cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Heartbeat}, Err: kerr.UnknownMemberID, Count: -1})
		defer refuse.Remove()
		if err := <-ended; !errors.Is(err, kafka.UnknownMemberId) || errors.Is(err, errLeaseLapsed) {
			t.Errorf("ended with %v", err)
		}
	})
}

// While the group prepares a rebalance heartbeats do not renew the lease, so that it lapses.
func TestRebalanceInProgressDoesNotRenewTheLease(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		b, m, group := r.joined()
		defer group.Close()
		defer b.reset()
		prepare := r.cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Heartbeat}, Err: kerr.RebalanceInProgress, Count: -1})
		defer prepare.Remove()
		began := time.Now()
		l, ended := r.heartbeatsOf(t.Context(), b, m)
		err := <-ended
		if !errors.Is(err, errLeaseLapsed) {
			t.Errorf("ended with %v", err)
		}
		if ran := time.Since(began); ran < l.length || ran > l.length+3*time.Second {
			t.Errorf("the lease ran %s, its length is %s", ran, l.length)
		}
	})
}

func TestHeartbeatsWithoutAnAnswerEndWithTheLease(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		b, m, group := r.joined()
		defer b.reset()
		_ = group.Close()
		r.cluster.Close()
		_, ended := r.heartbeatsOf(t.Context(), b, m)
		if err := <-ended; !errors.Is(err, errLeaseLapsed) {
			t.Errorf("ended with %v", err)
		}
	})
}
