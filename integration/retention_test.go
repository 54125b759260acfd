//go:build integration

package integration

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/leadbridge/leadbridge/crmclient/crmtest"
	"github.com/leadbridge/leadbridge/integration/internal/broker"
)

// deleteBefore takes the beginning of partitions away, as retention does.
func (l *lab) deleteBefore(at map[int32]int64) {
	l.t.Helper()
	offsets := kadm.Offsets{}
	for partition, offset := range at {
		offsets.Add(kadm.Offset{Topic: l.topic, Partition: partition, At: offset})
	}
	done, err := l.admin.DeleteRecords(l.ctx(), offsets)
	if err == nil {
		err = done.Error()
	}
	must(l.t, "delete records", err)
}

// TestDeletedRecordsAreCounted deletes records that nobody delivered: they are
// counted, told, and what is left is delivered.
func TestDeletedRecordsAreCounted(t *testing.T) {
	t.Parallel()
	l := newLab(t, sharedCluster(t), labOptions{})
	first := l.join("first", nil)
	l.awaitShared(first)
	l.produce(l.mixed(10, 0, 1, 2))
	l.settle()
	first.stop()
	lost := l.mixed(7, 0, 1)
	l.produce(lost)
	l.produce(l.mixed(5, 0, 1, 2))
	l.deleteBefore(map[int32]int64{0: 17, 1: 17})
	l.forget(lost)

	second := l.join("second", nil)
	l.settle()
	if n := second.metric("leadbridge_records_lost_total"); n != float64(len(lost)) {
		t.Errorf("%v records are counted as lost, want %d", n, len(lost))
	}
	if len(second.logged(`"level":"error"`, `"records_lost":7`)) != 2 {
		t.Error("the log does not tell of the lost records of both partitions")
	}
	second.stop()
}

// TestRetentionOvertakesARunningProcess deletes what lies before a process that is
// held: it goes on at the log's new start and counts what it never saw.
func TestRetentionOvertakesARunningProcess(t *testing.T) {
	t.Parallel()
	l := newLab(t, sharedCluster(t), labOptions{})
	m := l.join("member", map[string]string{"WINDOW": "16"})
	l.awaitShared(m)
	l.produce(l.mixed(10, 0, 1, 2))
	l.settle()
	must(t, "shut the CRM", l.crm.sim.SetFaults(crmtest.Faults{Down: "503"}))
	lost := l.into(0, 2000)
	for i := range lost {
		lost[i].padding = 4 << 10 // more than one fetch holds
	}
	l.produce(lost)
	eventually(t, "the process is held", func() bool { return m.status().held("outage") })
	l.deleteBefore(map[int32]int64{0: 2010})
	rest := l.mixed(20, 0, 1, 2)
	l.produce(rest)
	must(t, "open the CRM", l.crm.sim.SetFaults(crmtest.Faults{}))

	eventually(t, "everything is committed", l.drained)
	delivered := l.deliveredOf(lost)
	l.forgive(lost)
	l.audit()
	if counted := m.metric("leadbridge_records_lost_total"); counted < float64(len(lost)-delivered) || counted > float64(len(lost)) {
		t.Errorf("%v records are counted as lost; %d of %d were delivered", counted, delivered, len(lost))
	}
	m.stop()
}

// TestRecordsDeletedByAgeAreCounted lets the broker itself delete what is too old.
func TestRecordsDeletedByAgeAreCounted(t *testing.T) {
	t.Parallel()
	if len(broker.Existing()) > 0 {
		t.Skip("other brokers look for what is too old every few minutes only")
	}
	l := newLab(t, sharedCluster(t), labOptions{topicConfig: map[string]string{"retention.ms": "2000", "segment.ms": "500"}})
	first := l.join("first", nil)
	l.awaitShared(first)
	l.produce(l.mixed(2, 0, 1, 2))
	eventually(t, "everything is committed", l.drained)
	first.stop()
	l.audit()
	lost := l.into(1, 9)
	l.produce(lost)
	l.forget(lost)
	end := l.ends()[1]
	eventually(t, "retention has deleted them", func() bool {
		starts, err := l.admin.ListStartOffsets(l.ctx(), l.topic)
		must(t, "list the starts", err)
		start, ok := starts.Lookup(l.topic, 1)
		return ok && start.Offset >= end
	})
	second := l.join("second", nil)
	l.awaitShared(second)
	l.produce(l.mixed(2, 0, 1, 2))
	l.settle()
	if n := second.metric("leadbridge_records_lost_total"); n != 9 {
		t.Errorf("%v records are counted as lost, want 9", n)
	}
	second.stop()
}

// deliveredOf counts the leads that are contacts.
func (l *lab) deliveredOf(leads []lead) int {
	emails := map[string]bool{}
	for _, c := range l.crm.sim.Contacts() {
		for _, e := range c.Emails() {
			emails[e.Value] = true
		}
	}
	n := 0
	for _, one := range leads {
		if emails[one.email()] {
			n++
		}
	}
	return n
}
