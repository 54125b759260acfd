package consumer

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// warnings returns the log's lines of level warn or error, from the byte at from on.
func (r *rig) warnings(from int) []string {
	lines := strings.Split(strings.TrimSpace(r.logs.String()[from:]), "\n")
	return slices.DeleteFunc(lines, func(line string) bool {
		return !strings.Contains(line, `"level":"warn"`) && !strings.Contains(line, `"level":"error"`)
	})
}

// A topic that is deleted under a running consumer is logged in one line, however long it is missing.
func TestTopicAwayIsLoggedOnce(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		r.primed()
		p := r.start()
		r.produce(event("one"))
		r.awaitCreated("one")
		before := len(r.logs.String())
		if err := r.cluster.DeleteTopic(testTopic); err != nil {
			t.Fatal(err)
		}
		r.await("the wait for the topic", func() bool { return hasHold(p.Status(), HoldTopic) })
		time.Sleep(10 * time.Minute) // virtual
		if lines := r.warnings(before); len(lines) != 1 || !strings.Contains(lines[0], "does not exist") {
			t.Errorf("%d lines:\n%s\nall:\n%s", len(lines), strings.Join(lines, "\n"), r.logs.String()[before:])
		}
		p.shutdown(t)
	})
}

// Brokers that do not answer are logged in one line, too.
func TestBrokersAwayAreLoggedOnce(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		r.primed()
		p := r.start()
		r.produce(event("one"))
		r.awaitCreated("one")
		before := len(r.logs.String())
		r.cluster.Close()
		r.await("the wait for brokers", func() bool { return hasHold(p.Status(), HoldBrokers) })
		time.Sleep(10 * time.Minute) // virtual
		if lines := r.warnings(before); len(lines) != 1 || !strings.Contains(lines[0], "no broker answers") {
			t.Errorf("%d lines:\n%s\nall:\n%s", len(lines), strings.Join(lines, "\n"), r.logs.String()[before:])
		}
		p.shutdown(t)
	})
}
