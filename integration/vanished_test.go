//go:build integration

package integration

import (
	"net/http"
	"slices"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/leadbridge/leadbridge/crmclient/crmtest"
)

// The log may lose a record that was read once: while it is parked, to be read again, or while the process that read it is away.

// parkInDoubt has the answers to the creates of some leads get lost, of every other one after the contact was made, and every look-up
// for them fail until the function that it gives is called.
func (l *lab) parkInDoubt(m *member, leads []lead) (relent func()) {
	l.t.Helper()
	numbers := numbersOf(leads)
	l.crm.script(func(s sighting) crmtest.Action {
		i := slices.Index(numbers, s.leads[0])
		switch {
		case !slices.ContainsFunc(s.leads, func(n int) bool { return slices.Contains(numbers, n) }):
			return crmtest.Action{}
		case !s.create:
			return crmtest.Action{Status: http.StatusServiceUnavailable, Apply: crmtest.Never}
		case i%2 == 0:
			return crmtest.Action{Apply: crmtest.Now, End: crmtest.Close}
		}
		return crmtest.Action{Apply: crmtest.Never, End: crmtest.Close}
	})
	l.produce(leads)
	eventually(l.t, "they are parked", func() bool { return m.metric("leadbridge_parked_records", `why="doubt"`) == float64(len(leads)) })
	return func() { l.crm.script(nil) }
}

// TestParkedRecordsThatCompactionTakes compacts events away that wait for look-ups: they are counted as lost and told, those
// that come after them are delivered, and nothing is made twice.
func TestParkedRecordsThatCompactionTakes(t *testing.T) {
	t.Parallel()
	l := newLab(t, sharedCluster(t), labOptions{topicConfig: map[string]string{
		"cleanup.policy": "compact", "min.cleanable.dirty.ratio": "0.01", "segment.ms": "500", "max.compaction.lag.ms": "500", "delete.retention.ms": "100",
	}})
	m := l.join("member", with(singly(), map[string]string{"KAFKA_SESSION_TIMEOUT": "45s"})) // what a new generation does not find is not counted
	l.awaitShared(m)
	l.produce(keyed(l.mixed(2, 0, 1, 2)))
	parked := keyed(l.into(1, 4))
	relent := l.parkInDoubt(m, parked)
	var later []*kgo.Record // two tombstones, and two newer events of the same keys
	for _, one := range parked[:2] {
		later = append(later, &kgo.Record{Topic: l.topic, Partition: 1, Key: []byte(one.key)})
	}
	must(t, "delete", l.kafka.ProduceSync(l.ctx(), later...).FirstErr())
	newer := l.into(1, 2)
	for i := range newer {
		newer[i].key = parked[2+i].key
	}
	l.produce(newer)
	polls := 0
	eventually(t, "the topic is compacted", func() bool {
		if polls++; polls%10 == 1 { // segments are closed when something comes after them
			l.produce(keyed(l.into(1, 1)))
		}
		return !slices.ContainsFunc(l.readAll(l.topic), func(r *kgo.Record) bool {
			return slices.ContainsFunc(parked, func(one lead) bool { return string(r.Value) == one.value() })
		})
	})
	l.forgive(parked)
	relent()
	l.settle()
	if n := m.metric("leadbridge_records_lost_total"); n != float64(len(parked)) || len(m.logged(`"level":"error"`, "the log no longer holds a record that waited")) != len(parked) {
		t.Errorf("%v records are counted as lost, want the %d that waited", n, len(parked))
	}
	if made := l.deliveredOf(parked); made != 2 {
		t.Errorf("%d of those that waited are contacts, want the two that the CRM had made", made)
	}
	m.stop()
}

// TestRetentionOfSmallSegments deletes segments of a few events each, with events in them that wait for look-ups, and others that
// a killed process had sent.
func TestRetentionOfSmallSegments(t *testing.T) {
	t.Parallel()
	const small = 1 << 20 // bytes, the least that current releases take
	l := newLab(t, sharedCluster(t), labOptions{topicConfig: map[string]string{"segment.bytes": "1048576"}})
	m := l.join("member", with(singly(), map[string]string{"KAFKA_SESSION_TIMEOUT": "45s"}))
	l.awaitShared(m)
	l.produce(l.mixed(2, 0, 1, 2))
	parked := l.into(1, 2)
	relent := l.parkInDoubt(m, parked)
	fill := func() {
		leads := l.into(1, 40)
		for i := range leads {
			leads[i].padding = small / 10
		}
		l.writeBy(kgo.NoCompression(), leads)
		l.awaitDelivered(leads)
	}
	pass := func(offset int64) {
		l.set(l.topic, map[string]string{"retention.bytes": "1"})
		eventually(t, "retention has deleted segments", func() bool {
			starts, err := l.admin.ListStartOffsets(l.ctx(), l.topic)
			must(t, "list the starts", err)
			start, ok := starts.Lookup(l.topic, 1)
			return ok && start.Offset > offset
		})
		l.set(l.topic, map[string]string{"retention.bytes": ""})
	}
	fill()
	pass(3)
	l.forgive(parked)
	relent()
	l.settle()
	if n := m.metric("leadbridge_records_lost_total"); n != float64(len(parked)) {
		t.Errorf("%v records are counted as lost, want the %d that waited", n, len(parked))
	}
	m.stop()

	victim := l.join("victim", doomed())
	l.awaitShared(victim)
	doubtful := l.into(1, 4)
	hanging := l.hangFor("victim", doubtful)
	end := l.ends()[1]
	l.produce(doubtful)
	eventually(t, "some hang", func() bool { return hanging() == len(doubtful) })
	fill()
	l.awaitCommitted(victim, 1, len(doubtful))
	victim.kill()
	pass(end + 3)
	l.forgive(doubtful)
	heir := l.join("heir", nil)
	l.produce(l.mixed(2, 0, 1, 2))
	l.settle()
	if n := heir.metric("leadbridge_records_lost_total"); n != float64(len(doubtful)) {
		t.Errorf("%v records are counted as lost, want the %d that the killed process had sent", n, len(doubtful))
	}
	heir.stop()
}
