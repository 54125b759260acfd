//go:build integration

package integration

import (
	"testing"

	"github.com/leadbridge/leadbridge/integration/internal/broker"
)

// TestLessRoomForMetadata lowers the brokers' offset.metadata.max.bytes under what a commit may need, first under what any commit needs. check and run
// say which setting it is; where it is merely small, events are delivered, and a crash costs look-ups and no second contact.
func TestLessRoomForMetadata(t *testing.T) {
	const setting = "offset.metadata.max.bytes"
	c := ownCluster(t, broker.Options{Settings: map[string]string{"KAFKA_OFFSET_METADATA_MAX_BYTES": "32"}})
	l := newLab(t, c, labOptions{})
	check := func() {
		t.Helper()
		p := program(t, "check", "check", l.env("check", nil))
		if code := p.awaitExit(); code != 1 || len(p.logged("FAIL", "commit metadata", setting, "4096")) == 0 {
			t.Errorf("check ends with %d, and does not name the setting", code)
		}
	}
	check()
	m := l.join("member", doomed())
	l.produce(l.mixed(2, 0, 1, 2))
	eventually(t, "it says what holds it", func() bool { return m.status().held("group") && len(m.logged(`"held"`, setting, "4096")) > 0 })
	m.awaitProbe(503)

	must(t, "set", c.Nodes[0].Set(t.Context(), setting, "60"))
	must(t, "restart", c.Nodes[0].Restart(t.Context()))
	l.awaitShared(m)
	l.settle()
	check()
	doubtful := l.into(1, 14)
	hanging := l.hangFor("member", doubtful)
	for i := range doubtful { // what hangs and what is done alternate, so that a commit has much to tell
		l.produce(doubtful[i : i+1])
		done := l.into(1, 3)
		l.produce(done)
		l.awaitDelivered(done)
	}
	eventually(t, "they hang", func() bool { return hanging() == len(doubtful) })
	l.awaitCommitted(m, 1, len(doubtful))
	if len(m.logged(`"level":"warn"`, setting, "looked up after a crash")) == 0 {
		t.Error("the log does not tell that commits are shortened")
	}
	m.kill()
	for partition, at := range l.commits() {
		if len(at.Metadata) > 60 {
			t.Errorf("partition %d has %d bytes of metadata", partition, len(at.Metadata))
		}
	}
	heir := l.join("heir", nil)
	l.produce(l.mixed(2, 0, 1, 2))
	l.settle()
	heir.stop()
}
