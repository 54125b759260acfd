//go:build integration

package integration

import "testing"

// TestCheckMakesTopics has check find that the topics are missing, make them, and be
// content; a process then delivers.
func TestCheckMakesTopics(t *testing.T) {
	t.Parallel()
	l := newLab(t, sharedCluster(t), labOptions{withoutTopic: true, withoutLetters: true})
	env := l.env("check", nil)
	if code := program(t, "check", "check", env).awaitExit(); code != 1 {
		t.Errorf("without topics check ends with %d, want 1", code)
	}
	if l.exists(l.topic) || l.exists(l.letters) {
		t.Fatal("check made a topic without --fix")
	}
	fix := program(t, "fix", "check", env, "--fix")
	if code := fix.awaitExit(); code != 0 {
		t.Fatalf("check --fix ends with %d", code)
	}
	again := program(t, "again", "check", env)
	if code := again.awaitExit(); code != 0 || len(again.logged("dead-letter size")) > 0 {
		t.Errorf("the second check ends with %d", code)
	}
	ends, err := l.admin.ListEndOffsets(l.ctx(), l.topic, l.letters)
	must(t, "list the topics", err)
	if len(ends[l.topic]) == 0 || len(ends[l.letters]) != len(ends[l.topic]) {
		t.Errorf("%d and %d partitions were made", len(ends[l.topic]), len(ends[l.letters]))
	}
	l.partitions = int32(len(ends[l.topic]))
	m := l.join("member", nil)
	l.awaitShared(m)
	l.produce(l.spread(10))
	l.settle()
	m.stop()
}

// TestSessionTimeoutThatBrokersRefuse is told by check, and by a process that is held.
func TestSessionTimeoutThatBrokersRefuse(t *testing.T) {
	t.Parallel()
	l := newLab(t, sharedCluster(t), labOptions{})
	short := map[string]string{"KAFKA_SESSION_TIMEOUT": "2s", "DRAIN_TIMEOUT": "1s"}
	check := program(t, "check", "check", l.env("check", short))
	m := l.join("member", short)
	if code := check.awaitExit(); code != 1 || len(check.logged("session timeout", "6000ms")) == 0 {
		t.Errorf("check ends with %d", code)
	}
	eventually(t, "it is held", func() bool { return m.status().held("group") && !m.status().Ready })
	m.stop()
}
