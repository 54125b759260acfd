//go:build integration

package integration

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
)

// transactor writes leads in transactions.
type transactor struct {
	*lab
	producer *kgo.Client
}

func newTransactor(l *lab) *transactor {
	l.t.Helper()
	producer, err := kgo.NewClient(kgo.SeedBrokers(l.cluster.Addrs()...), kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.TransactionalID(l.topic), kgo.UnknownTopicRetries(-1))
	must(l.t, "make a producer", err)
	l.t.Cleanup(producer.Close)
	return &transactor{l, producer}
}

// begin writes leads in a transaction that stays open.
func (x *transactor) begin(leads []lead) {
	x.t.Helper()
	must(x.t, "name the events", x.register(leads))
	must(x.t, "begin", x.producer.BeginTransaction())
	for _, one := range leads {
		must(x.t, "produce", x.producer.ProduceSync(x.ctx(), one.kafka(x.topic)).FirstErr())
	}
}

func (x *transactor) end(how kgo.TransactionEndTry) {
	x.t.Helper()
	must(x.t, "end the transaction", x.producer.EndTransaction(x.ctx(), how))
}

// TestAbortedRecordsAreNotEvents writes with a transactional producer. What it aborts
// is no event, its markers are none, and what it has not committed yet waits.
func TestAbortedRecordsAreNotEvents(t *testing.T) {
	t.Parallel()
	l := newLab(t, sharedCluster(t), labOptions{})
	x := newTransactor(l)
	for range 3 {
		aborted := l.mixed(4, 0, 1, 2)
		x.begin(aborted)
		l.produce(l.mixed(2, 0, 1, 2)) // others write in between
		x.end(kgo.TryAbort)
		l.forget(aborted)
		x.begin(l.mixed(3, 0, 1, 2))
		x.end(kgo.TryCommit)
	}
	m := l.join("member", nil)
	l.settle() // markers and aborted records are passed, up to the logs' ends

	x.begin(l.mixed(2, 0, 1, 2))
	l.produce(l.mixed(1, 0, 1, 2))
	taken, commits := m.metric("leadbridge_records_consumed_total"), m.metric("leadbridge_commits_total")
	eventually(t, "it has gone on for a while", func() bool { return m.metric("leadbridge_commits_total") >= commits+3 })
	if more := m.metric("leadbridge_records_consumed_total") - taken; more > 0 {
		t.Errorf("%v records were taken at and behind an open transaction", more)
	}
	x.end(kgo.TryCommit)
	l.settle()
	m.stop()
}

// TestCompactedTopicWithGapsIsDelivered compacts a topic until the gap in its offsets is many
// times the window, and delivers what is left.
func TestCompactedTopicWithGapsIsDelivered(t *testing.T) {
	t.Parallel()
	l := newLab(t, sharedCluster(t), labOptions{topicConfig: map[string]string{
		"cleanup.policy": "compact", "min.cleanable.dirty.ratio": "0.01", "segment.ms": "500", "max.compaction.lag.ms": "500",
	}})
	const gap = 400
	l.produce(keyed(l.mixed(3, 0, 1, 2)))
	rewritten := l.mixed(gap, 0, 1, 2)
	for i := range rewritten {
		rewritten[i].key = "the same person"
	}
	l.produce(rewritten)
	l.forget(rewritten[:len(rewritten)-3]) // the last of each partition stays
	polls := 0
	eventually(t, "the topic is compacted", func() bool {
		if polls++; polls%10 == 1 { // segments are closed when something comes after them
			l.produce(keyed(l.spread(3)))
		}
		left := 0
		for _, r := range l.readAll(l.topic) {
			if string(r.Key) == "the same person" {
				left++
			}
		}
		return left == 3
	})
	m := l.join("member", map[string]string{"WINDOW": "16"})
	l.settle()
	m.stop()
}

// keyed gives each lead a key of its own.
func keyed(leads []lead) []lead {
	for i := range leads {
		leads[i].key = leads[i].email()
	}
	return leads
}
