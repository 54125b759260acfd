//go:build integration

package integration

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestPausedByAFile pauses two processes by one file: nothing is created, a doubt of before is looked up, the group
// rebalances and a process stops and starts as ever; afterwards each lead is there once.
func TestPausedByAFile(t *testing.T) {
	t.Parallel()
	l := newLab(t, sharedCluster(t), labOptions{})
	file := filepath.Join(t.TempDir(), "paused")
	say := func(text string) { must(t, "write the file", os.WriteFile(file, []byte(text), 0o600)) }
	settings := map[string]string{"PAUSED_FILE": file}
	a, b := l.join("a", settings), l.join("b", settings)
	l.awaitShared(a, b)
	l.produce(l.spread(30))
	eventually(t, "all is delivered", l.drained)

	say("true: ops, the portal is moved\n")
	eventually(t, "both are held", func() bool { return a.status().held("operator") && b.status().held("operator") })
	before := created(a)
	l.produce(l.spread(30))
	eventually(t, "leads wait", func() bool { return a.status().Lag+b.status().Lag >= 30 })
	b.kill() // what it had in the air, if anything, is in doubt
	l.awaitShared(a)
	c := l.join("c", settings)
	l.awaitShared(a, c)
	c.stop()
	l.awaitShared(a)
	if s := a.status(); !s.Ready || !s.Healthy {
		t.Errorf("a paused process: ready %v, healthy %v", s.Ready, s.Healthy)
	}
	if n := created(a); n > before {
		t.Errorf("%v contacts were created while paused", n-before)
	}
	if len(a.logged(`"audit":"pause"`, "ops, the portal is moved")) != 1 {
		t.Error("the log does not tell of the pause once")
	}

	say("perhaps")
	eventually(t, "the log tells of a file that says nothing", func() bool { return len(a.logged("PAUSED_FILE cannot be used")) > 0 })
	if !a.status().held("operator") {
		t.Error("a file that says nothing ends the pause")
	}
	must(t, "remove the file", os.Remove(file))
	began := time.Now()
	l.settle()
	t.Logf("settled %v after the pause", time.Since(began))
	if a.status().held("operator") {
		t.Error("the hold is left")
	}
	a.stop()
}

// created is how many contacts a process has made.
func created(m *member) float64 { return m.metric("leadbridge_contacts_total", `how="created"`) }
