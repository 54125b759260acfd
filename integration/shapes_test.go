//go:build integration

package integration

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/leadbridge/leadbridge/crmclient/crmtest"
)

// byKey are the settings of a process that keeps the order of each key, which the audit then looks at.
func (l *lab) byKey() map[string]string {
	l.ordered = true
	return map[string]string{"ORDER_BY": "key"}
}

// inLines gives leads the keys of a few lines, each of which lies in one partition.
func inLines(leads []lead, lines int) []lead {
	for i := range leads {
		leads[i].key = fmt.Sprintf("line %d of partition %d", i%lines, leads[i].partition)
	}
	return leads
}

// TestTopicOfOnePartition has a replica that stands by, and takes over when the only owner is killed.
func TestTopicOfOnePartition(t *testing.T) {
	t.Parallel()
	l := newLab(t, sharedCluster(t), labOptions{partitions: 1, portal: crmtest.Options{ServiceTime: 20 * time.Millisecond}})
	settings := l.byKey()
	owner := l.join("owner", settings)
	l.awaitShared(owner)
	l.produce(inLines(l.into(0, 50), 7))
	standby := l.join("standby", settings)
	eventually(t, "one of two owns the partition", func() bool {
		return len(owner.status().owned())+len(standby.status().owned()) == 1
	})
	if len(owner.status().owned()) == 0 {
		owner, standby = standby, owner
	}
	l.produce(inLines(l.into(0, 300), 7))
	before := l.crm.sim.Stats().Contacts
	eventually(t, "it is in the middle of them", func() bool { return l.crm.sim.Stats().Contacts > before })
	owner.kill()
	l.produce(inLines(l.into(0, 50), 7))
	l.awaitShared(standby)
	l.settle()
	standby.stop()
}

// TestTopicOfAHundredPartitions is shared by three processes, of which one is killed in the middle of the work. The letters'
// topic has fewer partitions.
func TestTopicOfAHundredPartitions(t *testing.T) {
	t.Parallel()
	l := newLab(t, sharedCluster(t), labOptions{partitions: 100, withoutLetters: true, portal: crmtest.Options{ServiceTime: 20 * time.Millisecond}})
	l.partitions = 3
	l.create(l.letters, 1, nil)
	l.partitions = 100
	settings := l.byKey()
	members := []*member{l.join("a", settings), l.join("b", settings), l.join("c", settings)}
	l.awaitShared(members...)
	leads := inLines(l.spread(1000), 1)
	for i := 0; i < len(leads); i += 97 {
		leads[i].fate = "NO_CONTACT_POINT"
	}
	l.produce(leads)
	eventually(t, "they are in the middle of them", func() bool { return l.crm.sim.Stats().Contacts > 100 })
	members[1].kill()
	l.produce(inLines(l.spread(500), 1))
	l.awaitShared(members[0], members[2])
	l.settle()
	members[0].stop()
	l.awaitShared(members[2])
	members[2].stop()
	l.audit()
}

// codecs are all kinds of compression that producers have.
func codecs() map[string]kgo.CompressionCodec {
	return map[string]kgo.CompressionCodec{
		"none": kgo.NoCompression(), "gzip": kgo.GzipCompression(), "snappy": kgo.SnappyCompression(),
		"lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression(),
	}
}

// writeBy writes leads by a producer that compresses.
func (l *lab) writeBy(codec kgo.CompressionCodec, leads []lead) {
	l.t.Helper()
	producer, err := kgo.NewClient(kgo.SeedBrokers(l.cluster.Addrs()...), kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.ProducerBatchCompression(codec), kgo.ProducerLinger(20*time.Millisecond))
	must(l.t, "make a producer", err)
	defer producer.Close()
	must(l.t, "name the events", l.register(leads))
	must(l.t, "produce", producer.ProduceSync(l.ctx(), recordsOf(l.topic, leads)...).FirstErr())
}

// TestEveryCompressionAndClock reads what producers and brokers compress in every way, from topics that keep the producers' times
// and from those that keep the brokers', whatever the producers' clocks say. A process is killed over creates without an
// answer: what it sent is looked up, and nothing is made twice.
func TestEveryCompressionAndClock(t *testing.T) {
	t.Parallel()
	for topic, settings := range map[string]map[string]string{
		"producer": {"compression.type": "producer", "message.timestamp.type": "CreateTime"},
		"brokers":  {"compression.type": "producer", "message.timestamp.type": "LogAppendTime"},
		"gzip":     {"compression.type": "gzip", "message.timestamp.type": "LogAppendTime"},
		"snappy":   {"compression.type": "snappy", "message.timestamp.type": "LogAppendTime"},
		"lz4":      {"compression.type": "lz4", "message.timestamp.type": "LogAppendTime"},
		"zstd":     {"compression.type": "zstd", "message.timestamp.type": "LogAppendTime"},
	} {
		t.Run(topic, func(t *testing.T) {
			t.Parallel()
			l := newLab(t, sharedCluster(t), labOptions{topicConfig: settings, lettersConfig: settings})
			clocks := []time.Time{time.Now(), time.Now().Add(-30 * time.Minute)}
			if settings["message.timestamp.type"] == "LogAppendTime" { // brokers take any
				clocks = append(clocks, time.UnixMilli(1), time.Now().AddDate(3, 0, 0), time.UnixMilli(-1))
			}
			at := 0
			told := func(leads []lead) []lead {
				for i := range leads {
					leads[i].record = &kgo.Record{Timestamp: clocks[at%len(clocks)]}
					leads[i].padding = 200 // something to compress
					at++
				}
				return leads
			}
			victim := l.join("victim", doomed())
			l.awaitShared(victim)
			for _, codec := range codecs() {
				l.writeBy(codec, told(l.spread(15)))
			}
			letters := told(l.spread(len(clocks)))
			for i := range letters {
				letters[i].fate = "NO_CONTACT_POINT"
			}
			l.produce(letters)
			l.settle()

			doubtful := told(l.into(1, 2*len(clocks)))
			hanging := l.hangFor("victim", doubtful)
			l.produce(doubtful)
			eventually(t, "some hang", func() bool { return hanging() == len(doubtful) })
			victim.kill()
			heir := l.join("heir", nil)
			l.settle()
			if got := l.lookedUp(); !slices.Equal(slices.DeleteFunc(got, func(n int) bool { return !slices.Contains(numbersOf(doubtful), n) }), numbersOf(doubtful)) {
				t.Errorf("looked up %v, want all of %v", got, numbersOf(doubtful))
			}
			heir.stop()
		})
	}
}
