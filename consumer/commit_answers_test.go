package consumer

import (
	"context"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/leadbridge/leadbridge/crmclient"
)

// A commit of two partitions fails when the coordinator's answer has only one of them: its outcome is unknown.
func TestCommitAnsweredInPartHasFailed(t *testing.T) {
	bubble(t, 2, func(t *testing.T, r *rig) {
		b := newBroker(r.config())
		defer b.reset()
		partitions := 2 // how many the answer has
		r.cluster.ControlKey(int16(kmsg.OffsetCommit), func(req kmsg.Request) (kmsg.Response, error, bool) {
			r.cluster.KeepControl()
			res := req.ResponseKind().(*kmsg.OffsetCommitResponse)
			topic := kmsg.NewOffsetCommitResponseTopic()
			topic.Topic = testTopic
			for id := range partitions {
				partition := kmsg.NewOffsetCommitResponseTopicPartition()
				partition.Partition = int32(id)
				topic.Partitions = append(topic.Partitions, partition)
			}
			res.Topics = append(res.Topics, topic)
			return res, nil, true
		})
		commit := func() error {
			return b.commit(t.Context(), membership{1, "m"}, []kafka.OffsetCommit{{Partition: 0, Offset: 1}, {Partition: 1, Offset: 1}}, time.Second)
		}
		if err := commit(); err != nil {
			t.Errorf("both are answered: %v", err)
		}
		if partitions = 1; commit() == nil {
			t.Error("one is answered, and the commit counts as acknowledged")
		}
	})
}

// After a clean stop in the middle of a backlog, records that were granted and not dispatched are no suspects for the next
// owner.
func TestCleanStopInABacklogLeavesNoSuspects(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		r.primed()
		r.crm.setAnswer(func(_ context.Context, q crmclient.Request) (crmclient.Result, error, bool) {
			<-q.Stop // nothing is sent before
			return crmclient.Result{}, crmclient.ErrStopped, true
		})
		r.produce(events("e", 100)...)
		p := r.start(func(c *Config) { c.Window = 8 })
		r.await("a full window", func() bool { return len(r.crm.asked("e7")) == 1 })
		p.shutdown(t)
		r.crm.setAnswer(nil)
		next := r.start()
		r.await("all committed", func() bool { return r.commits()[0].offset == 100 })
		if n := r.crm.suspects(); n != 0 {
			t.Errorf("%d suspects after a clean stop", n)
		}
		r.crm.once(t)
		next.shutdown(t)
	})
}
