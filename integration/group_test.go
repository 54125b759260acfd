//go:build integration

package integration

import (
	"context"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/leadbridge/leadbridge/consumer"
	"github.com/leadbridge/leadbridge/crmclient"
	"github.com/leadbridge/leadbridge/internal/cluster"
	"github.com/leadbridge/leadbridge/internal/logbuffer"
)

// inside is a consumer in the test's own process, for what cannot be reached from
// outside: its connections to the brokers.
type inside struct {
	*consumer.Consumer
	log logbuffer.Buffer
}

// runInside starts a consumer whose connections to brokers are w's.
func (l *lab) runInside(w *wires) *inside {
	l.t.Helper()
	in := &inside{}
	creator, err := crmclient.New(crmclient.Config{
		BaseURL: l.crm.url, APIKey: crmclient.Secret{Value: keyPrefix + "inside"}, Timeout: crmTimeout, QueueLimit: crmQueueLimit, Settle: crmSettle,
		BackoffInitial: 50 * time.Millisecond, BackoffMax: time.Second, Log: zerolog.Nop(),
	})
	must(l.t, "make a creator", err)
	in.Consumer, err = consumer.New(consumer.Config{
		Brokers: cluster.Brokers{Addresses: l.cluster.Addrs(), Dial: w.dial}, Topic: l.topic, DeadLetterTopic: l.letters, GroupID: l.group,
		SessionTimeout: session, DrainTimeout: 4 * time.Second, Window: 256, MaxBuffer: 64 << 20, DedupeWindow: 10_000,
		Log: zerolog.New(&in.log).With().Timestamp().Logger(),
	}, l.names, creator)
	must(l.t, "make a consumer", err)
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- in.Run(ctx) }()
	l.t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			l.t.Errorf("the consumer ended: %v", err)
		}
		if l.t.Failed() {
			l.t.Logf("its log:\n%s", in.log.String())
		}
	})
	eventually(l.t, "it has all partitions", func() bool { return len(in.Status().Partitions) == int(l.partitions) })
	return in
}

// TestOwnHeartbeatsNoticeADeadGeneration throws a member out of the group while the
// group's own heartbeats do not get through. kafka-go's Heartbeat says nothing about it; ours
// ends the generation.
func TestOwnHeartbeatsNoticeADeadGeneration(t *testing.T) {
	t.Parallel()
	l := newLab(t, sharedCluster(t), labOptions{})
	var silent atomic.Bool
	in := l.runInside(&wires{hold: func(key, version int16) bool {
		return silent.Load() && key == keyHeartbeat && version == 0 // the group's; ours are of a later version
	}})
	l.produce(l.spread(30))
	l.settle()
	silent.Store(true)
	before := in.Status()

	leave := kmsg.NewPtrLeaveGroupRequest()
	leave.Group = l.group
	leave.Members = []kmsg.LeaveGroupRequestMember{{MemberID: before.Member}}
	answer, err := leave.RequestWith(l.ctx(), l.kafka)
	if err != nil || answer.ErrorCode != 0 || answer.Members[0].ErrorCode != 0 {
		t.Fatalf("throw the member out: %+v, %v", answer, err)
	}
	plain := kafka.Client{Addr: kafka.TCP(l.cluster.Addrs()...), Transport: &kafka.Transport{}}
	res, err := plain.Heartbeat(l.ctx(), &kafka.HeartbeatRequest{GroupID: l.group, GenerationID: int32(before.Generation), MemberID: before.Member})
	if err != nil || res.Error == nil && res.Throttle == 0 {
		t.Errorf("a dead member's heartbeat is answered %+v, %v", res, err)
	}
	eventually(t, "the generation has ended", func() bool { return in.Status().Generation != before.Generation })
	if !strings.Contains(in.log.String(), "heartbeat refused: [25] Unknown Member ID") {
		t.Error("it was not our own heartbeat that told")
	}
	silent.Store(false)
	eventually(t, "it is a member again", func() bool { return len(in.Status().Partitions) == int(l.partitions) })
	l.produce(l.spread(30))
	l.settle()
}

// TestCommitThatArrivesLateIsRefused holds a commit back until its sender has given it up
// and has gone on, and lets it arrive then: the broker must not take the group back.
func TestCommitThatArrivesLateIsRefused(t *testing.T) {
	t.Parallel()
	l := newLab(t, sharedCluster(t), labOptions{})
	var armed atomic.Bool
	w := &wires{hold: func(key, _ int16) bool { return key == keyOffsetCommit && armed.CompareAndSwap(true, false) }}
	in := l.runInside(w)
	l.produce(l.spread(30))
	l.settle()
	generation := in.Status().Generation

	armed.Store(true)
	l.produce(l.spread(60))
	eventually(t, "a commit is held back", func() bool { return w.count() == 1 })
	eventually(t, "its sender has begun again", func() bool {
		s := in.Status()
		return s.Generation > generation && len(s.Partitions) == int(l.partitions)
	})
	l.produce(l.spread(60))
	l.settle()
	ends := l.ends()
	codes, err := w.release(patience)
	if err != nil || !slices.Equal(codes, []int16{int16(kafka.UnknownMemberId)}) {
		t.Errorf("the late commit is answered %v, %v; want that the member is unknown", codes, err)
	}
	for partition, c := range l.commits() {
		if c.At != ends[partition] {
			t.Errorf("partition %d: the late commit took the group to %d, from %d", partition, c.At, ends[partition])
		}
	}
	l.produce(l.spread(30))
	l.settle()
}
