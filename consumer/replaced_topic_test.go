package consumer

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/leadbridge/leadbridge/crmclient"
)

// The topic is found to be replaced by a shorter one while records are delivered. Records that end in the drain are not
// committed, neither at once nor by the last commit, as their offsets are those of the old topic.
func TestNoOffsetOfTheOldTopicIsCommitted(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		r.primed()
		var ended atomic.Int32 // creates that ended in a drain
		r.crm.setAnswer(func(_ context.Context, q crmclient.Request) (crmclient.Result, error, bool) {
			<-q.Stop
			if q.OriginID == "old4" { // so that the drain takes longer than the pause between commits
				time.Sleep(10 * commitPause)
			}
			ended.Add(1)
			result, err := r.crm.apply(q)
			return result, err, true
		})
		p := r.start()
		r.produce(events("old", 5)...)
		r.await("all are under way", func() bool { return len(r.crm.asked("old4")) == 1 })
		var short atomic.Bool
		short.Store(true)
		r.cluster.ControlKey(int16(kmsg.ListOffsets), func(req kmsg.Request) (kmsg.Response, error, bool) {
			asked := req.(*kmsg.ListOffsetsRequest)
			r.cluster.KeepControl()
			if !short.Load() || asked.Topics[0].Partitions[0].Timestamp != -1 {
				return nil, nil, false
			}
			return shortLog(asked), nil, true
		})
		committed := r.cluster.Fault(kfake.Fault{
			Keys: []kmsg.Key{kmsg.OffsetCommit}, Group: testGroup, Observe: true, Count: -1,
			When: func(req kmsg.Request) bool { return req.(*kmsg.OffsetCommitRequest).Topics[0].Partitions[0].Offset > 0 },
		})
		r.await("the drain", func() bool { return ended.Load() == 5 })
		time.Sleep(shortDrain + time.Second) // virtual: the drain is over
		if n := committed.Hits(); n != 0 {
			t.Errorf("%d commits name offsets of the old topic", n)
		}
		short.Store(false)
		r.crm.setAnswer(nil)
		p.shutdown(t)
	})
}

// shortLog returns an answer by which every log is empty.
func shortLog(asked *kmsg.ListOffsetsRequest) kmsg.Response {
	res := asked.ResponseKind().(*kmsg.ListOffsetsResponse)
	for _, t := range asked.Topics {
		topic := kmsg.NewListOffsetsResponseTopic()
		topic.Topic = t.Topic
		for _, p := range t.Partitions {
			partition := kmsg.NewListOffsetsResponseTopicPartition()
			partition.Partition, partition.Timestamp, partition.Offset = p.Partition, p.Timestamp, 0
			topic.Partitions = append(topic.Partitions, partition)
		}
		res.Topics = append(res.Topics, topic)
	}
	return res
}
